"""Promises of the way to the hub: it uses what is on the machine, and fails at once where there is no network."""

import socket
import sys
import time
import types

import pytest

from hookpoint.errors import HookpointError, UsageError
from hookpoint.zoo.pretrained import hub


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine with an empty cache and no settings."""
    for name in ("HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HOME", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "10")


@pytest.fixture
def listening():
    """The port of somebody who answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed():
    """A port where nobody is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def snapshots(monkeypatch, listening):
    """A hub that can be reached; what is asked of it, and what it does with that, is the test's."""
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{listening}")
    fake = types.ModuleType("huggingface_hub")
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    return fake


def fill_cache(folder, files=hub.FILES):
    """A copy of gpt2 in the layout of the hub's cache."""
    copy = folder / "models--openai-community--gpt2"
    (copy / "refs").mkdir(parents=True)
    (copy / "refs" / "main").write_text("abc123")
    (copy / "snapshots" / "abc123").mkdir(parents=True)
    for name in files:
        (copy / "snapshots" / "abc123" / name).write_text("")
    return copy / "snapshots" / "abc123"


def test_somebody_who_answers_is_reachable(listening):
    assert hub.reachable(f"http://127.0.0.1:{listening}")


def test_nobody_is_not(closed):
    assert not hub.reachable(f"http://127.0.0.1:{closed}")


def test_a_look_up_that_hangs_is_given_up_in_time(monkeypatch):
    def hang(*_):
        time.sleep(2)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    started = time.monotonic()

    assert not hub.reachable("https://huggingface.co", seconds=0.1)

    assert time.monotonic() - started < 1


def test_where_a_proxy_leads_out_it_is_the_proxy_that_is_asked(monkeypatch, listening):
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listening}")

    assert hub.reachable("https://hub.invalid")


def test_offline_it_fails_within_a_second_with_one_line_that_says_what_works(monkeypatch, closed):
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed}")
    started = time.monotonic()

    with pytest.raises(HookpointError) as caught:
        hub.download("gpt2")

    assert time.monotonic() - started < 1
    assert str(caught.value) == (
        "gpt2 is not on this machine, and 127.0.0.1 cannot be reached. Every shipped model works without it "
        "(hookpoint zoo list); from a folder that has it: hookpoint zoo fetch gpt2 --from FOLDER"
    )


def test_a_process_that_is_kept_offline_does_not_even_try(monkeypatch, snapshots):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "reachable", lambda url: pytest.fail("it knocked"))

    with pytest.raises(HookpointError, match="HF_HUB_OFFLINE keeps this process off the network"):
        hub.download("gpt2")


def test_a_copy_in_the_hubs_cache_is_used_without_network(monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "reachable", lambda url: pytest.fail("it knocked"))
    folder = fill_cache(tmp_path)

    assert hub.download("gpt2") == folder


def test_an_incomplete_copy_is_completed_by_a_download(tmp_path, snapshots):
    fill_cache(tmp_path, hub.FILES[:2])
    asked = []
    snapshots.snapshot_download = lambda repo, allow_patterns: asked.append((repo, allow_patterns)) or str(tmp_path)

    assert hub.download("gpt2") == tmp_path
    assert asked == [("openai-community/gpt2", ["config.json", "model.safetensors", "vocab.json", "merges.txt"])]


def test_a_download_that_breaks_off_is_one_line_with_the_command_that_goes_on(snapshots):
    def break_off(repo, allow_patterns):
        raise RuntimeError("Read timed out.\nRequest ID: 17")

    snapshots.snapshot_download = break_off

    with pytest.raises(HookpointError, match=r"broke off: Read timed out. To go on .*: hookpoint zoo fetch gpt2$"):
        hub.download("gpt2")


def test_a_name_that_was_never_published_is_refused_with_those_that_were():
    with pytest.raises(UsageError, match="'gtp2'; there are gpt2, .*distilgpt2. .*zoo fetch gtp2 --from FOLDER"):
        hub.download("gtp2")


def test_without_the_library_the_error_is_the_command_that_installs_it(monkeypatch, snapshots):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)

    with pytest.raises(HookpointError, match=r'pip install "hookpoint\[learn\]"$'):
        hub.download("gpt2")
