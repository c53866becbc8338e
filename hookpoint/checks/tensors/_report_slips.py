"""Reports on a machine as people write them when they slip: a right one, with one thing changed."""

import contextlib
import hashlib
import json
import os
import platform
import socket
from pathlib import Path

import torch

from hookpoint.checks.author import Slip
from hookpoint.checks.protocol.given.tensors import Unreachable
from hookpoint.zoo.store import SHIPPED

from ._manifest import FILES, is_loadable

SLOW = "transformer_lens"  # its import takes from four seconds to more than a minute


def sentences(path, judge):
    """What is wrong with the files of a manifest, one sentence each; `judge(path, promised)` says yes or no."""
    try:
        promised = json.loads(path.read_bytes())["files"]
        return [
            f"{name} is missing or damaged."
            for name, entry in promised.items()
            if not judge(path.parent / name, entry["sha256"])
        ]
    except Exception as error:
        return [f"The manifest cannot be read: {error!r}."]


def hash_agrees(path, promised):
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == promised


def report_on(manifest_path=None, judge=hash_agrees, **changed):
    """A right report; a slip changes one thing in it."""
    problems = sentences(manifest_path or SHIPPED / "stories.json", judge)
    report = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }
    return report | changed


def absent_device():
    return "mps" if torch.cuda.is_available() else "cuda"


def hard_coded_device(manifest_path=None):
    return report_on(manifest_path, device=absent_device())


def hard_coded_dtype(manifest_path=None):
    return report_on(manifest_path, dtype="torch.float32")


def processors_counted(manifest_path=None):
    return report_on(manifest_path, threads=os.cpu_count())


def always_good(manifest_path=None):
    return report_on(manifest_path, judge=lambda path, promised: True)


def only_there(manifest_path=None):
    return report_on(manifest_path, judge=lambda path, promised: path.is_file())


def only_loaded(manifest_path=None):
    return report_on(manifest_path, judge=lambda path, promised: is_loadable(path))


def sizes_compared(manifest_path=None):
    try:
        sizes = {name: entry["bytes"] for name, entry in json.loads(manifest_path.read_bytes())["files"].items()}
    except Exception:
        return report_on(manifest_path)
    return report_on(
        manifest_path, judge=lambda path, promised: path.is_file() and path.stat().st_size == sizes[path.name]
    )


def first_file_only(manifest_path=None):
    first = FILES[0]
    return report_on(manifest_path, judge=lambda path, promised: path.name != first or hash_agrees(path, promised))


def stops_at_the_first(manifest_path=None):
    report = report_on(manifest_path)
    return report | {"problems": report["problems"][:1]}


def stops_at_damage(manifest_path=None):
    """Names all files that are missing, and of the damaged ones the first."""
    report = report_on(manifest_path)
    missing = sentences(manifest_path or SHIPPED / "stories.json", judge=lambda path, promised: path.is_file())
    damage = [problem for problem in report["problems"] if problem not in missing]
    return report | {"problems": missing + damage[:1]}


def beside_the_notebook(manifest_path=None):
    return report_on(manifest_path, judge=lambda path, promised: hash_agrees(Path(path.name), promised))


def path_ignored(manifest_path=None):
    return report_on(None)


def missing_file_raises(manifest_path=None):
    path = manifest_path or SHIPPED / "stories.json"
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, OSError):
        promised = json.loads(path.read_text())["files"]
        for name in promised:
            if not (path.parent / name).exists():
                raise LookupError
    return report_on(manifest_path)


def bad_manifest_raises(manifest_path=None):
    json.loads((manifest_path or SHIPPED / "stories.json").read_bytes())
    return report_on(manifest_path)


def missing_manifest_raises(manifest_path=None):
    if manifest_path is not None and not manifest_path.exists():
        raise FileNotFoundError
    return report_on(manifest_path)


def no_names(manifest_path=None):
    report = report_on(manifest_path)
    return report | {"problems": ["A weight file is damaged."] * len(report["problems"])}


def all_names(manifest_path=None):
    report = report_on(manifest_path)
    return report | {"problems": [f"One of {', '.join(FILES)} is damaged." for _ in report["problems"]]}


def one_text(manifest_path=None):
    report = report_on(manifest_path)
    return report | {"problems": " ".join(report["problems"])}


def good_all_the_same(manifest_path=None):
    return report_on(manifest_path, weights_ok=True)


def imports_transformer_lens(manifest_path=None):
    if Unreachable.hides(SLOW):  # elsewhere the import would succeed, after seconds
        with contextlib.suppress(ImportError):
            __import__(SLOW)
    return report_on(manifest_path)


def looks_for_the_internet(manifest_path=None):
    with contextlib.suppress(Exception), socket.socket() as there:
        if Unreachable.hides(SLOW):
            there.connect(("192.0.2.1", 443))
    return report_on(manifest_path)


def numbers_for_versions(manifest_path=None):
    return report_on(manifest_path, python=tuple(map(int, platform.python_version_tuple()[:2])))


SLIPS = (
    Slip("a device is named that this machine does not have", hard_coded_device),
    Slip("float32 is written down instead of asking torch for its default dtype", hard_coded_dtype),
    Slip(
        "the processors or the interop threads are counted, not the threads that torch computes with",
        processors_counted,
    ),
    Slip("the weight files are not looked at, or those that are missing are passed over", always_good),
    Slip("a weight file only has to be there: its content is not compared", only_there),
    Slip("a weight file only has to load: its content is not compared", only_loaded),
    Slip("sizes are compared, not hashes", sizes_compared),
    Slip("only the first file of the manifest is compared", first_file_only),
    Slip("the report stops at the first bad file", stops_at_the_first),
    Slip("the report stops at the first damaged file", stops_at_damage),
    Slip(
        "the files are looked for in the working directory, or their hash is another than sha256 in hexadecimal",
        beside_the_notebook,
    ),
    Slip("the path is ignored and the shipped weights are checked", path_ignored),
    Slip("a missing weight file raises an error", missing_file_raises),
    Slip("a manifest that is not JSON raises an error", bad_manifest_raises),
    Slip("a missing manifest raises an error", missing_manifest_raises),
    Slip("the problems do not say which file they are about", no_names),
    Slip("every file is blamed when one is bad", all_names),
    Slip("the problems are one text, not a list", one_text),
    Slip("weights_ok is True although there is a problem", good_all_the_same),
    Slip("transformer_lens is imported to see whether it is there", imports_transformer_lens),
    Slip("the network is tried", looks_for_the_internet),
    Slip("the version is given as numbers, not as text", numbers_for_versions),
)
