"""Trained models as files: safetensors beside a manifest that holds their hashes, their history and their evidence.

A model NAME is `NAME.json` (the manifest), `NAME.safetensors` (the final weights) and, where checkpoints were kept,
`NAME.steps.safetensors` (tensors named `STEP/PARAMETER`). What this machine trained or fetched lies in `home()` and
goes before what the package ships.
"""

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from hookpoint.errors import HookpointError

from .definition import Figure, State
from .run import Run

SHIPPED = Path(__file__).parent / "weights"


def home() -> Path:
    """The folder for models that this machine made: $HOOKPOINT_ZOO, or `hookpoint/zoo` in the user's cache."""
    if chosen := os.environ.get("HOOKPOINT_ZOO"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hookpoint" / "zoo"


@dataclass(frozen=True)
class Manifest:
    """What is known about a stored model.

    Attributes:
        name: The model's name.
        shows: What there is to find in it.
        seed: The seed of the run; None where no run of ours made it.
        updates: Steps of training.
        seconds: CPU-seconds of training, on one thread.
        parameters: How many numbers the model has.
        dtype: How they are stored.
        files: For each file its sha256 and its size in bytes.
        steps: The steps of the checkpoints.
        evidence: The measured figures, of the weights as they are stored.
        log: The training's numbers as columns: `{"step": [0, 100], "loss": [4.1, 3.2]}`.
        versions: Of Python, torch and hookpoint.
        config: What else is needed to build the model; empty where its recipe knows.
    """

    name: str
    shows: str
    seed: int | None
    updates: int
    seconds: float
    parameters: int
    dtype: str
    files: dict[str, dict]
    steps: list[int] = field(default_factory=list)
    evidence: list[dict] = field(default_factory=list)
    log: dict[str, list] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    config: dict = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(file["bytes"] for file in self.files.values())

    @property
    def figures(self) -> list[Figure]:
        return [Figure(**figure) for figure in self.evidence]

    @property
    def rows(self) -> list[dict]:
        """The log, a dict for each time that numbers were written down."""
        steps = self.log.get("step", [])
        rows = [{name: column[i] for name, column in self.log.items()} for i in range(len(steps))]
        return [{name: number for name, number in row.items() if number is not None} for row in rows]


def find(name: str) -> Path | None:
    """The folder that holds the model: `home()` before the package's; None if neither does."""
    return next((folder for folder in (home(), SHIPPED) if (folder / f"{name}.json").is_file()), None)


def fetched(recipes: list[str]) -> list[str]:
    """The names of the models in `home()` that no recipe makes."""
    return sorted(path.stem for path in home().glob("*.json") if path.stem not in recipes)


def read_manifest(name: str, folder: Path) -> Manifest:
    """The model's manifest.

    Raises:
        HookpointError: The file is damaged; the message says how to mend it.
    """
    path = folder / f"{name}.json"
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise HookpointError(_mend(name, f"{path} is missing")) from None
    except (OSError, ValueError, TypeError):
        raise HookpointError(_mend(name, f"{path} is damaged")) from None


def read_state(manifest: Manifest, folder: Path, step: int | None = None) -> State:
    """The weights as they were stored, of the final model or of the checkpoint at `step`.

    Raises:
        HookpointError: A file is missing or damaged; the message says how to mend it.
    """
    name = manifest.name
    path = folder / (f"{name}.safetensors" if step is None else f"{name}.steps.safetensors")
    if not path.is_file():
        raise HookpointError(_mend(name, f"{path} is missing"))
    stat = path.stat()
    if _sha256(path, stat.st_mtime_ns, stat.st_size) != manifest.files.get(path.name, {}).get("sha256"):
        raise HookpointError(_mend(name, f"{path} is damaged: its content is not what {name}.json promises"))
    prefix = "" if step is None else f"{step}/"
    with safe_open(path, "pt") as file:
        keys = [key for key in file.keys() if key.startswith(prefix)]  # noqa: SIM118 - a file is not iterable
        return {key.removeprefix(prefix): file.get_tensor(key) for key in keys}


def write(
    folder: Path, run: Run, state: State, *, shows: str, dtype: str, evidence: list[Figure], config: dict | None = None
) -> Manifest:
    """Stores a run's weights with their manifest, which comes last, so that an interruption cannot go unnoticed."""
    name = run.name
    files = {f"{name}.safetensors": save(_as(state, dtype))}
    if run.checkpoints:
        kept = {f"{step}/{key}": value for step, each in run.checkpoints.items() for key, value in each.items()}
        files[f"{name}.steps.safetensors"] = save(_as(kept, dtype))
    manifest = Manifest(
        name=name,
        shows=shows,
        seed=run.seed,
        updates=run.updates,
        seconds=round(run.seconds, 1),
        parameters=sum(tensor.numel() for tensor in state.values()),
        dtype=dtype,
        files={file: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for file, data in files.items()},
        steps=sorted(run.checkpoints),
        evidence=[_short_figure(figure) for figure in evidence],
        log=_columns(run.log),
        versions={"python": platform.python_version(), "torch": torch.__version__, "hookpoint": version("hookpoint")},
        config=config or {},
    )
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in files.items():
        _write(folder / file, data)
    write_manifest(folder, manifest)
    if not run.checkpoints:
        (folder / f"{name}.steps.safetensors").unlink(missing_ok=True)  # an earlier training's
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Stores the manifest alone, in a form that reads well in a diff: one line for a figure, a file or a column."""
    lines = []
    for key, value in asdict(manifest).items():
        parts = [json.dumps(each) for each in value] if key == "evidence" else []
        parts = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()] if key in ("files", "log") else parts
        brackets = "{}" if key in ("files", "log") else "[]"
        text = f"{brackets[0]}\n  " + ",\n  ".join(parts) + f"\n {brackets[1]}" if parts else json.dumps(value)
        lines.append(f' "{key}": {text}')
    _write(folder / f"{manifest.name}.json", ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def as_stored(state: State, dtype: str) -> State:
    """The weights as they come back from a file of that dtype."""
    return {name: tensor.float() for name, tensor in _as(state, dtype).items()}


def _as(state: State, dtype: str) -> State:
    return {name: tensor.detach().to(getattr(torch, dtype)).contiguous() for name, tensor in state.items()}


def _short_figure(figure: Figure) -> dict:
    """The figure's fields without those at their default: JSON has no infinity."""
    defaults = {each.name: each.default for each in fields(Figure)}
    return {key: value for key, value in asdict(figure).items() if value != defaults[key]}


def _columns(log: list[dict]) -> dict[str, list]:
    """The rows as columns, with four digits; None where a row lacks the number."""
    names = dict.fromkeys(name for row in log for name in row)
    return {name: [_short(row.get(name)) for row in log] for name in names}


def _short(number: float | None) -> float | None:
    return number if number is None or isinstance(number, int) else float(f"{number:.4g}")


def _write(path: Path, data: bytes) -> None:
    """The whole file or none of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    os.replace(fresh, path)


@lru_cache(maxsize=64)
def _sha256(path: Path, changed: int, size: int) -> str:
    """The hash of a file's content; `changed` and `size` tell a rewritten file from the one already hashed."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _mend(name: str, what: str) -> str:
    from .registry import is_recipe

    return f"{what}. To mend it: hookpoint zoo {'train' if is_recipe(name) else 'fetch'} {name}"
