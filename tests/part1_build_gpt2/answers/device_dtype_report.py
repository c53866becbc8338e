# %% right="sys and importlib.metadata, one big try"
import hashlib
import importlib.metadata
import json
import sys

import torch

from hookpoint.zoo import store


def device_dtype_report(manifest_path=None):
    problems = []
    if manifest_path is None:
        manifest_path = store.SHIPPED / "stories.json"
    try:
        with open(manifest_path) as file:
            manifest = json.load(file)
        for name in manifest["files"]:
            wanted = manifest["files"][name]["sha256"]
            try:
                digest = hashlib.sha256((manifest_path.parent / name).read_bytes()).hexdigest()
            except OSError as error:
                problems.append(f"Cannot read {name}: {error}")
                continue
            if digest != wanted:
                problems.append(f"The file {name} has the wrong hash.")
    except Exception as error:
        problems.append(f"Bad manifest {manifest_path}: {error}")
    return dict(
        python=sys.version,
        torch=importlib.metadata.version("torch"),
        device=torch.device("cuda" if torch.cuda.is_available() else "cpu").type,
        dtype=str(torch.empty(0).dtype),
        threads=torch.get_num_threads(),
        weights_ok=len(problems) == 0,
        problems=problems,
    )


# %% right="file_digest, dtype without prefix"
import hashlib
import json
import os
import platform
from pathlib import Path

import torch

from hookpoint.zoo.store import SHIPPED


def _bad_files(path):
    files = json.loads(Path(path).read_bytes())["files"]
    for name, entry in files.items():
        target = os.path.join(os.path.dirname(path), name)
        if not os.path.exists(target):
            yield f"{target}: missing"
            continue
        with open(target, "rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != entry["sha256"]:
                yield f"{target}: changed"


def device_dtype_report(manifest_path=None):
    try:
        problems = list(_bad_files(manifest_path or SHIPPED / "stories.json"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as oops:
        problems = [f"{type(oops).__name__} while reading the manifest"]
    devices = [name for name, there in {"cuda": torch.cuda.is_available(), "cpu": True}.items() if there]
    return {
        "problems": problems,
        "weights_ok": not problems,
        "threads": torch.get_num_threads(),
        "dtype": str(torch.get_default_dtype()).split(".")[-1],
        "device": devices[0],
        "torch": torch.__version__,
        "python": "{}.{}.{}".format(*platform.python_version_tuple()),
    }


# %% right="pieces, a class, find_spec"
import hashlib
import importlib.util
import json
import sys

import torch

from hookpoint.zoo.store import SHIPPED


class Preflight:
    def __init__(self, path):
        self.path, self.problems = path, []

    def run(self):
        try:
            promised = json.loads(self.path.read_text("utf-8"))["files"]
            pairs = [(self.path.with_name(name), entry["sha256"]) for name, entry in promised.items()]
        except Exception:
            self.problems.append("I could not make sense of the manifest.")
            return
        for file, digest in pairs:
            self.look_at(file, digest)

    def look_at(self, file, digest):
        sha = hashlib.new("sha256")
        try:
            with file.open("rb") as stream:
                for piece in iter(lambda: stream.read(64), b""):
                    sha.update(piece)
        except FileNotFoundError:
            self.problems.append(f"There is no {file.name}.")
        else:
            if sha.hexdigest() != digest:
                self.problems.append(f"Download {file.name} again.")


def device_dtype_report(manifest_path=None):
    preflight = Preflight(manifest_path if manifest_path is not None else SHIPPED / "stories.json")
    preflight.run()
    importlib.util.find_spec("transformer_lens")
    device = "cpu"
    if torch.cuda.is_available():
        device = "cuda:0"
    return {
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "torch": torch.__version__,
        "device": device,
        "dtype": f"{torch.get_default_dtype()}",
        "threads": torch.get_num_threads(),
        "weights_ok": preflight.problems == [],
        "problems": preflight.problems,
    }


# %% right="the zoo's own reader for hashes"
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None):
    path = manifest_path or SHIPPED / "stories.json"
    report = {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "device": str(torch.tensor(0).device),
        "dtype": repr(torch.get_default_dtype()),
        "threads": int(torch.get_num_threads()),
    }
    report["problems"] = []
    report["weights_ok"] = False
    try:
        files = json.loads(path.read_text())["files"]
        wrong = []
        for name, entry in sorted(files.items()):
            there = (path.parent / name).is_file()
            if not there or hashlib.sha256((path.parent / name).read_bytes()).hexdigest() != entry["sha256"]:
                wrong.append(name)
        report["weights_ok"] = not wrong
        if wrong:
            report["problems"] = ["These files are missing or damaged: " + ", ".join(wrong)]
    except Exception as error:
        report["problems"] = [f"The manifest is of no use: {error!r}"]
    return report


# %% wrong="another hash"
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None):
    path = manifest_path or SHIPPED / "stories.json"
    problems = []
    try:
        for name, entry in json.loads(path.read_text())["files"].items():
            if hashlib.md5((path.parent / name).read_bytes()).hexdigest() != entry["sha256"]:
                problems.append(f"{name} is damaged")
    except Exception as error:
        problems.append(str(error))
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="one try around everything: the first missing file hides the rest"
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None):
    path = manifest_path or SHIPPED / "stories.json"
    problems = []
    try:
        for name, entry in json.loads(path.read_text())["files"].items():
            if hashlib.sha256((path.parent / name).read_bytes()).hexdigest() != entry["sha256"]:
                problems.append(f"{name} is damaged")
    except Exception as error:
        problems.append(f"Something is wrong: {error}")
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="problems kept between calls"
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None, problems=[]):
    path = manifest_path or SHIPPED / "stories.json"
    try:
        for name, entry in json.loads(path.read_text())["files"].items():
            file = path.parent / name
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
                problems.append(f"{name} is damaged")
    except Exception as error:
        problems.append(str(error))
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="remembers the answer for a path"
import functools
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


@functools.cache
def bad(path):
    try:
        return [
            f"{name} is damaged"
            for name, entry in json.loads(path.read_text())["files"].items()
            if not (path.parent / name).is_file()
            or hashlib.sha256((path.parent / name).read_bytes()).hexdigest() != entry["sha256"]
        ]
    except Exception as error:
        return [str(error)]


def device_dtype_report(manifest_path=None):
    problems = bad(manifest_path or SHIPPED / "stories.json")
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="catches only FileNotFoundError"
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None):
    path = manifest_path or SHIPPED / "stories.json"
    problems = []
    try:
        files = json.loads(path.read_text())["files"]
    except FileNotFoundError:
        files, problems = {}, ["There is no manifest."]
    for name, entry in files.items():
        file = path.parent / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
            problems.append(f"{name} is damaged")
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="an unreadable manifest is no problem"
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None):
    path = manifest_path or SHIPPED / "stories.json"
    problems = []
    try:
        files = json.loads(path.read_text())["files"]
        for name, entry in files.items():
            file = path.parent / name
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
                problems.append(f"{name} is damaged")
    except Exception:
        pass
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="a key too many"
import platform

import torch


def device_dtype_report(manifest_path=None):
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "gpu": False,
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": True,
        "problems": [],
    }


# %% wrong="no GPU is called a problem"
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None):
    path = manifest_path or SHIPPED / "stories.json"
    problems = ["There is no GPU."]
    try:
        for name, entry in json.loads(path.read_text())["files"].items():
            file = path.parent / name
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
                problems.append(f"{name} is damaged")
    except Exception as error:
        problems.append(str(error))
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": len(problems) == 1,
        "problems": problems,
    }


# %% wrong="nothing but a print"
import torch


def device_dtype_report(manifest_path=None):
    print(torch.__version__, torch.cuda.is_available())


# %% wrong="the last file decides"
import hashlib
import json
import platform

import torch

from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None):
    path = manifest_path or SHIPPED / "stories.json"
    problems, ok = [], False
    try:
        for name, entry in json.loads(path.read_text())["files"].items():
            file = path.parent / name
            ok = file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]
            if not ok:
                problems.append(f"{name} is damaged")
    except Exception as error:
        problems.append(str(error))
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": ok,
        "problems": problems,
    }


# %% right="torch objects as values"
from hookpoint.zoo.store import SHIPPED

STORIES_MANIFEST = SHIPPED / "stories.json"
import hashlib
import json
import platform
import torch


def device_dtype_report(manifest_path=None):
    path = manifest_path or STORIES_MANIFEST
    problems = []
    try:
        for name, entry in json.loads(path.read_text())["files"].items():
            file = path.parent / name
            if not file.exists():
                problems.append(f"File {name} is missing.")
            elif hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
                problems.append(f"File {name} is damaged.")
    except Exception as e:
        problems.append(f"Cannot read the manifest: {e!r}.")
    device = torch.device(
        "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    )
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device,
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="stops at the first problem"
from hookpoint.zoo.store import SHIPPED

STORIES_MANIFEST = SHIPPED / "stories.json"
import hashlib
import json
import platform
import torch


def device_dtype_report(manifest_path=None):
    path = STORIES_MANIFEST if manifest_path is None else manifest_path
    problems = []
    try:
        entries = json.loads(path.read_text())["files"]
        promised = {name: e["sha256"] for name, e in entries.items()}
    except Exception as e:
        problems.append(f"The manifest cannot be read: {type(e)}")
        promised = {}
    for name, want in promised.items():
        try:
            have = hashlib.sha256((path.parent / name).read_bytes()).hexdigest()
        except OSError as e:
            problems.append(f"{name} cannot be read: {type(e)}")
            continue
        if have != want:
            problems.append(f"{name} is damaged.")
            break
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device,
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="first 16 digits"
from hookpoint.zoo.store import SHIPPED

STORIES_MANIFEST = SHIPPED / "stories.json"
import hashlib
import json
import platform
import torch


def device_dtype_report(manifest_path=None):
    path = STORIES_MANIFEST if manifest_path is None else manifest_path
    problems = []
    try:
        entries = json.loads(path.read_text())["files"]
        promised = {name: e["sha256"] for name, e in entries.items()}
    except Exception as e:
        problems.append(f"The manifest cannot be read: {type(e)}")
        promised = {}
    for name, want in promised.items():
        try:
            have = hashlib.sha256((path.parent / name).read_bytes()).hexdigest()
        except OSError as e:
            problems.append(f"{name} cannot be read: {type(e)}")
            continue
        if have[:16] != want[:16]:
            problems.append(f"{name} is damaged.")
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device,
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="only safetensors"
from hookpoint.zoo.store import SHIPPED

STORIES_MANIFEST = SHIPPED / "stories.json"
import hashlib
import json
import platform
import torch


def device_dtype_report(manifest_path=None):
    path = STORIES_MANIFEST if manifest_path is None else manifest_path
    problems = []
    try:
        entries = json.loads(path.read_text())["files"]
        promised = {name: e["sha256"] for name, e in entries.items()}
    except Exception as e:
        problems.append(f"The manifest cannot be read: {type(e)}")
        promised = {}
    for name, want in promised.items():
        if not name.endswith(".safetensors"):
            continue
        try:
            have = hashlib.sha256((path.parent / name).read_bytes()).hexdigest()
        except OSError as e:
            problems.append(f"{name} cannot be read: {type(e)}")
            continue
        if have != want:
            problems.append(f"{name} is damaged.")
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device,
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }


# %% wrong="path must be a file: exists() then read"
import hashlib
import json
import platform
import torch
from hookpoint.zoo.store import SHIPPED


def device_dtype_report(manifest_path=None):
    path = SHIPPED / "stories.json" if manifest_path is None else manifest_path
    problems, entries = [], {}
    if not path.exists():
        problems.append("no manifest")
    else:
        try:
            entries = {n: e["sha256"] for n, e in json.loads(path.read_text())["files"].items()}
        except (ValueError, LookupError, TypeError, AttributeError):
            problems.append("bad manifest")
    for n, want in entries.items():
        f = path.parent / n
        if not f.is_file() or hashlib.sha256(f.read_bytes()).hexdigest() != want:
            problems.append(f"{n} is missing or damaged")
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "weights_ok": not problems,
        "problems": problems,
    }
