"""How quickly our GPT-2 trains and generates, against the one in transformers with the same weights.

    python benchmarks/gpt2.py [--rounds 5] [--threads 1]

Both sides run in one process and take turns, so that whatever else the machine does meets both. Both have the same
numbers to train (no tied head), the same fused AdamW and no dropout, and their logits are compared before anything is
timed. Of transformers we take its default, with PyTorch's fused attention, and its quickest form, in which GELU is
fused too. A ratio above 1 says how many times as fast as transformers' default a side is: the median over the rounds,
with the lowest and the highest. With one thread the seconds are CPU-seconds, else those of a clock.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F

from hookpoint.model import GPT2, Config, fast_logits, generate, to_transformers

# Name, config, batch and length of a training step, length of the prompt and of what is generated.
SIZES = [
    ("3 x 96, vocabulary 402", Config(402, 64, 96, 3, 6, 16, 192), (32, 64), (8, 56)),
    ("4 x 256, vocabulary 2,048", Config(2048, 256, 256, 4, 8, 32, 1024), (8, 256), (16, 160)),
    ("12 x 768, vocabulary 50,257: GPT-2 small", Config.gpt2_small(), (1, 256), (16, 16)),
]
PEER, QUICKEST_PEER = "transformers", "transformers, fused GELU"
READ, FAST = "ours, to be read", "ours, fast"


def build(cfg: Config) -> tuple[GPT2, nn.Module]:
    """Our model and transformers' with the same weights, after a look at their logits."""
    model = GPT2(cfg)
    model.unembed.b_U.requires_grad_(False)  # transformers' head has no bias
    hf = to_transformers(model)
    hf.set_attn_implementation("sdpa")  # its default; our conversion asks for one that can return patterns
    tokens = torch.randint(cfg.d_vocab, (2, 16), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for logits in (model(tokens), fast_logits(model, tokens)):
            torch.testing.assert_close(logits, hf(tokens).logits, rtol=0, atol=1e-4)
    return model, hf


def training(model: GPT2, hf: nn.Module, shape: tuple[int, int]) -> dict[str, Callable[[], None]]:
    """One update by each side: forward, backward, AdamW. Sides of one model share it, to fit into memory."""
    tokens = torch.randint(model.cfg.d_vocab, shape, generator=torch.Generator().manual_seed(1))
    hf.train()
    composed, fused = hf.transformer.h[0].mlp.act, nn.GELU(approximate="tanh")
    ours, theirs = adamw(model), adamw(hf)

    def of_transformers(act: nn.Module) -> Tensor:
        for block in hf.transformer.h:
            block.mlp.act = act
        return hf(tokens, use_cache=False).logits

    return {
        PEER: lambda: update(lambda: of_transformers(composed), theirs, tokens),
        QUICKEST_PEER: lambda: update(lambda: of_transformers(fused), theirs, tokens),
        READ: lambda: update(lambda: model(tokens), ours, tokens),
        FAST: lambda: update(lambda: fast_logits(model, tokens), ours, tokens),
    }


def adamw(model: nn.Module) -> torch.optim.AdamW:
    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)


def update(logits: Callable[[], Tensor], optimizer: torch.optim.AdamW, tokens: Tensor) -> None:
    loss = F.cross_entropy(logits()[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def generation(model: GPT2, hf: nn.Module, prompt: int, n: int) -> dict[str, Callable[[], Tensor]]:
    """`n` greedy tokens after a prompt, one row, by each side with its cache of keys and values."""
    ids = torch.randint(model.cfg.d_vocab, (1, prompt), generator=torch.Generator().manual_seed(2))
    hf.eval()

    def by_transformers() -> Tensor:
        with torch.inference_mode():
            return hf.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=n, min_new_tokens=n, do_sample=False
            )

    return {PEER: by_transformers, FAST: lambda: generate(model, ids, n, temperature=0)}


def in_turns(sides: dict[str, Callable], rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of each side in each round, after one round that is not counted."""
    seconds = {name: [] for name in sides}
    for round_ in range(rounds + 1):
        for name, side in sides.items():
            started = clock()
            side()
            if round_:
                seconds[name].append(clock() - started)
    return seconds


def show(table: Table, what: str, seconds: dict[str, list[float]], tokens: int) -> None:
    """Adds a row for each side."""
    for name, each in seconds.items():
        ratios = [peer / own for peer, own in zip(seconds[PEER], each, strict=True)]
        median = statistics.median(each)
        spread = "" if name == PEER else f"{min(ratios):.2f} to {max(ratios):.2f}"
        ratio = f"{statistics.median(ratios):.2f}"
        table.add_row(what, name, f"{1e3 * median:,.1f}", f"{tokens / median:,.0f}", ratio, spread)
        what = ""
    table.add_section()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    clock = time.process_time if asked.threads == 1 else time.perf_counter
    for name, cfg, shape, (prompt, n) in SIZES:
        table = Table("", "side", "ms", "tokens/s", "times as fast", "lowest to highest", title=name)
        for column in table.columns[2:]:
            column.justify = "right"
        model, hf = build(cfg)
        seconds = in_turns(generation(model, hf, prompt, n), asked.rounds, clock)
        show(table, f"{n} tokens after {prompt}", seconds, n)
        seconds = in_turns(training(model, hf, shape), asked.rounds, clock)
        show(table, f"an update on {shape[0]} x {shape[1]}", seconds, shape[0] * shape[1])
        Console(width=120).print(table)


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    main()
