"""Whether the recipes that learners run in a notebook keep their promise: the phenomenon, inside the stated time.

    python benchmarks/live_recipes.py [NAME ...] [--seeds N]

Each recipe is trained anew for each seed, on one thread. A seed counts if every figure of the recipe's evidence holds
and the training took no more CPU-seconds than the recipe states.
"""

import statistics
import time

import click
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from hookpoint import zoo


@click.command()
@click.argument("names", nargs=-1)
@click.option("--seeds", default=3, show_default=True, help="How many seeds, from 0.")
def main(names: tuple[str, ...], seeds: int) -> None:
    """Train the live recipes, all or NAMES, on several seeds and print the share that shows what they promise."""
    table = Table("recipe", "stated s", "measured s, median (most)", "seeds that show it", "what a seed missed")
    for name in names or [name for name in zoo.names() if zoo.recipe(name).live]:
        stated = zoo.recipe(name).live
        runs = [attempt(name, seed) for seed in tqdm(range(seeds), desc=name, leave=False)]
        seconds = [run[0] for run in runs]
        good = sum(spent <= stated and not missed for spent, missed in runs)
        spread = f"{statistics.median(seconds):.1f} ({max(seconds):.1f})"
        missed = "; ".join(f"seed {seed}: {', '.join(run[1])}" for seed, run in enumerate(runs) if run[1])
        table.add_row(name, f"{stated:g}", spread, f"{good} of {seeds}", missed)
    Console(width=150).print(table)


def attempt(name: str, seed: int) -> tuple[float, list[str]]:
    """CPU-seconds of one training, and the figures whose claim does not hold of it."""
    started = time.process_time()
    trained = zoo.train(name, seed, progress=False)
    spent = time.process_time() - started
    return spent, [f"{each.name} {each.value:.3g}" for each in zoo.recipe(name).evidence(trained) if not each.holds]


if __name__ == "__main__":
    main()
