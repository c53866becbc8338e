"""Fills a folder with all that the laptops of a room need, and verifies it.

The same command goes on where it was interrupted, and brings an older bundle up to date.
"""

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookpoint.errors import HookpointError, UsageError

from . import own, texts
from .check import Checked, check, listing
from .plan import Planned, brought, gigabytes_of, planned, sha256_of
from .targets import Target

__all__ = ["Order", "make"]

MARK = "bundle.json"  # that the folder is ours
BLOCK = 4096
CHOICE = (
    "For {target} pip chose the torch for graphics cards ({name}): gigabytes that no laptop here needs. Give the "
    "address of PyTorch's CPU wheels with --extra-index-url (its installation page shows it), or say --cuda."
)
NOT_OURS = "{folder} holds other things. Name a new folder: what a bundle does not need is deleted from it."
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Order:
    """What is to be brought: for which laptops, which extras of hookpoint, and where pip looks beside its settings.

    `requirements` come beside hookpoint itself: pip, with which the laptops install.
    """

    targets: tuple[Target, ...]
    extras: tuple[str, ...] = ("learn",)
    options: tuple[str, ...] = ()
    cuda: bool = False
    requirements: tuple[str, ...] = ("pip",)


def make(folder: Path, order: Order, told: Told, own_wheel: Callable[[Path], Path] = own.build) -> Checked:
    """Fills the folder, and gives what is in it once it has been verified.

    Args:
        told: is given what is going on, and how many wheels of how many are here, now and then.
        own_wheel: writes hookpoint's wheel into a folder.

    Raises:
        UsageError: the folder holds other things.
        HookpointError: something could not be brought; what is here stays, and the same command goes on.
    """
    wheels = _begun(folder)
    told("hookpoint's own wheel", 0, 0)
    mine = own_wheel(wheels)
    extras = f"[{','.join(order.extras)}]" if order.extras else ""
    wanted = [f"{mine.resolve()}{extras}", *order.requirements]
    plans: dict[Target, list[Planned]] = {}
    for target in order.targets:
        told(f"what {target} needs", 0, 0)
        plans[target] = planned(target, wanted, order.options)
        if (name := gigabytes_of(plans[target])) and not order.cuda:
            raise HookpointError(CHOICE.format(target=target, name=name))
    for target, plan in plans.items():
        _bring(target, plan, wheels, order, told)
    _finish(folder, plans, mine, order)
    told("verifying", 0, 0)
    return check(folder)


def _begun(folder: Path) -> Path:
    """The folder of the wheels, in a folder that is ours."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / MARK).is_file():
            raise UsageError(NOT_OURS.format(folder=folder))
        (folder / MARK).write_text('{"format": 1}\n', encoding="utf-8")
        (folder / "wheels").mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}. Name another folder.") from None
    return folder / "wheels"


def _bring(target: Target, plan: Sequence[Planned], wheels: Path, order: Order, told: Told) -> None:
    here = 0
    for done, coming in brought(target, plan, wheels, order.options):
        here += len(done)
        told(", ".join(one.name for one in coming) or str(target), here, len(plan))


def _finish(folder: Path, plans: dict[Target, list[Planned]], mine: Path, order: Order) -> None:
    """Writes what stands beside the wheels, and takes away those of an older bundle."""
    kept = {one.file for plan in plans.values() for one in plan}
    for path in (folder / "wheels").iterdir():
        if path.name not in kept:
            path.unlink()
    locks = folder / "locks"
    locks.mkdir(exist_ok=True)
    for path in locks.iterdir():
        path.unlink()
    for target, plan in plans.items():
        text = f"# What {target} needs, all of it.\n" + "".join(f"{one}\n" for one in plan)
        (locks / f"{target}.txt").write_text(text, encoding="utf-8", newline="\n")
    about = {"format": 1, "targets": [[one.platform, one.python] for one in plans], "extras": list(order.extras)}
    (folder / MARK).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8", newline="\n")
    (folder / "install.py").write_bytes(Path(__file__).with_name("install.py").read_bytes())
    (folder / "install.sh").write_text(texts.SH, encoding="utf-8", newline="\n")
    (folder / "install.bat").write_text(texts.BAT, encoding="utf-8", newline="")
    _describe(folder, plans, mine)


def _describe(folder: Path, plans: dict[Target, list[Planned]], mine: Path) -> None:
    files = [path for path in listing(folder) if path.name not in ("README.txt", "SHA256SUMS")]
    size = sum(path.stat().st_size for path in files)
    largest = max(_unpacked(folder / "wheels", plan) for plan in plans.values())
    text = texts.readme(mine.name.split("-")[1], size, len(files) + 2, [str(target) for target in plans], largest)
    (folder / "README.txt").write_text(text, encoding="utf-8", newline="\n")
    sums = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in listing(folder)]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8", newline="\n")


def _unpacked(wheels: Path, plan: Sequence[Planned]) -> int:
    """How many bytes a plan takes on a disk once it is installed: in whole blocks, and with what Python compiles."""
    total = 0
    for one in plan:
        with zipfile.ZipFile(wheels / one.file) as wheel:
            for entry in wheel.infolist():
                blocks = -(-entry.file_size // BLOCK)
                total += BLOCK * blocks * (2 if entry.filename.endswith(".py") else 1)
    return total
