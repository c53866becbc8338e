"""What a process does before others are forked from it leaves it as it was."""

import os
import random
import warnings

import torch

from hookpoint.checks.protocol.practice import practise


def test_practice_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dice = torch.get_rng_state(), random.getstate()
    switches = torch.is_grad_enabled(), torch.get_default_dtype(), torch._C._len_torch_function_stack()
    open_files = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        practise(2)

    assert torch.equal(torch.get_rng_state(), dice[0]) and random.getstate() == dice[1]
    assert (torch.is_grad_enabled(), torch.get_default_dtype(), torch._C._len_torch_function_stack()) == switches
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd") if open_files else []) == len(open_files)
