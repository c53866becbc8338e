"""Checks for `device_dtype_report` (part 1, notebook 00).

A report is worded freely, so it stays with the learner and is asked for its facts.
"""

import json
import os
import platform

import torch

from hookpoint.checks.author import Exercise, Mismatch

from ._manifest import FILES, MANIFEST, damaged, other_weights, promised_otherwise, shipped_is_whole, tiny
from ._report_slips import SLIPS, SLOW, report_on

KEYS = ("python", "torch", "device", "dtype", "threads", "weights_ok", "problems")


def sound(learner, report, facts):
    """Raises `Mismatch` unless the report has the seven keys, and agrees with itself."""
    if facts["kind"] != "dict":
        raise Mismatch(f"returned something of type {facts['kind'][:40]}, expected a dict.")
    for key in KEYS:
        if key not in facts["keys"]:
            raise Mismatch(f"returned a dict without the key {key!r}.", f"  The keys are {', '.join(KEYS)}.")
    for key in facts["keys"]:
        if key not in KEYS:
            raise Mismatch(f"returned a dict with a key {key!r:.40} that the contract does not name.")
    if not isinstance(facts["weights_ok"], bool):
        raise Mismatch(
            "has something else than True or False under 'weights_ok'.", worded(learner, report, "weights_ok")
        )
    if not isinstance(facts["problems"], bool):
        raise Mismatch(
            "has something else than a list of sentences under 'problems'.", worded(learner, report, "problems")
        )
    if not facts["weights_ok"] and not facts["problems"]:
        raise Mismatch("says that the weights are not good, but 'problems' does not say why.")


def worded(learner, report, key):
    return f"  Under {key!r}: {learner.given.report_value(report, key)}"[:200]


def finds_nothing(learner, function, paths, what):
    """Raises `Mismatch` unless the report finds nothing wrong."""
    report, facts = learner.given.reported(list(FILES), function, *paths)
    sound(learner, report, facts)
    if not facts["weights_ok"] or facts["problems"]:
        raise Mismatch(f"finds something wrong, although {what}.", worded(learner, report, "problems"))


def rejects(learner, function, paths, what, *names):
    """Raises `Mismatch` unless the report rejects the weights, and names these files and no others."""
    report, facts = learner.given.reported(list(FILES), function, *paths)
    sound(learner, report, facts)
    if facts["weights_ok"]:
        raise Mismatch(f"says that the weights are good, although {what}.")
    for name in FILES if names else ():
        if name in names and name not in facts["blames"]:
            raise Mismatch(f"has no problem that names {name}, although {what}.", worded(learner, report, "problems"))
        if name not in names and name in facts["blames"]:
            raise Mismatch(f"blames {name}, which is good; {what}.", worded(learner, report, "problems"))


def stored(learner, draw, names=FILES):
    """A small model's files, their folder, the path of their manifest, and the learner's function."""
    files = tiny(draw, names)
    folder = learner.given.folder(files)
    return files, folder, learner.given.inside(folder, MANIFEST), learner.device_dtype_report.value


def nothing_reached(learner, draw):
    """A report needs no network and does not import transformer_lens, which takes seconds."""
    _, _, path, function = stored(learner, draw, FILES[:1])
    for name in learner.given.tries_to_reach([SLOW], function, path):
        if name == "network":
            raise Mismatch("reaches for the network.", "  The course works offline, and so must its first check.")
        line = "  importlib.metadata.version tells whether it is installed, and imports nothing."
        raise Mismatch(f"imports {name}, which takes seconds.", line)


def good_weights(learner, draw):
    """Weights that are what their manifest promises are good, and there is no problem to report."""
    _, _, path, function = stored(learner, draw)
    finds_nothing(learner, function, [path], "every file has the sha256 that the manifest beside it promises")


def bad_manifest(learner, draw):
    """A manifest that is missing or cannot be read is a problem, never an error."""
    files, _, path, function = stored(learner, draw, FILES[:1])
    contents = {
        "is not JSON": files[MANIFEST][:-20],
        "is no text": b"\xff\xfe\x00\x80" * 9,
        "is empty": b"",
        "is a list": b"[1, 2]",
        'has no "files"': b'{"name": "tiny"}',
        'has a list under "files"': json.dumps({"files": [FILES[0]]}).encode(),
        'has a file without "sha256"': json.dumps({"files": {FILES[0]: {"bytes": 7}}}).encode(),
        'has a text where "sha256" belongs': json.dumps({"files": {FILES[0]: "16e4c8"}}).encode(),
    }
    for what, content in contents.items():
        learner.given.write(path, content)
        rejects(learner, function, [path], f"the manifest {what}")
    learner.given.remove(path)
    rejects(learner, function, [path], "the manifest is missing")
    rejects(learner, function, [learner.given.folder({})], "the path is that of a folder")


def bad_weights(learner, draw):
    """A file that is not what the manifest promises, or is not there, is a problem with the file's name in it."""
    files, folder, path, function = stored(learner, draw)
    first, second, third = (learner.given.inside(folder, name) for name in FILES)
    learner.given.write(path, b"")
    rejects(learner, function, [path], "the manifest is empty")
    learner.given.write(path, files[MANIFEST])
    finds_nothing(learner, function, [path], "every file has the sha256 that the manifest promises")
    learner.given.remove(first)
    rejects(learner, function, [path], f"{FILES[0]} is missing", FILES[0])
    learner.given.write(first, files[FILES[0]])
    learner.given.remove(second)
    rejects(learner, function, [path], f"{FILES[1]} is missing", FILES[1])
    learner.given.remove(first)
    rejects(learner, function, [path], f"{FILES[0]} and {FILES[1]} are missing", *FILES[:2])
    learner.given.write(first, files[FILES[0]])
    learner.given.write(second, files[FILES[1]][:-4])
    rejects(learner, function, [path], f"{FILES[1]} is cut off", FILES[1])
    learner.given.write(second, other_weights(draw))
    rejects(learner, function, [path], f"{FILES[1]} holds other weights", FILES[1])
    learner.given.write(second, files[FILES[1]])
    finds_nothing(learner, function, [path], "every file is what the manifest promises again")
    for name, file in zip(FILES, (first, second, third), strict=True):
        learner.given.write(file, damaged(files[name]))
        rejects(learner, function, [path], f"one bit of {name} is wrong", name)
        learner.given.write(file, files[name])
    learner.given.write(path, promised_otherwise(files[MANIFEST], FILES[1]))
    rejects(learner, function, [path], f"the hash of {FILES[1]} ends in another digit than was promised", FILES[1])
    learner.given.write(path, files[MANIFEST])
    learner.given.write(second, damaged(files[FILES[1]]))
    learner.given.write(third, damaged(files[FILES[2]]))
    rejects(learner, function, [path], f"one bit of {FILES[1]} and one of {FILES[2]} are wrong", *FILES[1:])


def machine(learner, draw):
    """Versions, device, default dtype and number of threads are those of this Python, now."""
    _, _, path, function = stored(learner, draw, FILES[:1])
    found, facts = learner.given.reported(list(FILES), function, path)
    sound(learner, found, facts)
    versions = {"python": ".".join(platform.python_version_tuple()[:2]), "torch": torch.__version__.partition("+")[0]}
    for key, version in versions.items():
        if facts[key] != version:
            raise Mismatch(f"has no text that begins with {version} under {key!r}.", worded(learner, found, key))
    if not facts["device"]:
        raise Mismatch("names another device than the one that torch finds here.", worded(learner, found, "device"))
    threads = (os.cpu_count() or 1) + 3
    found, facts = learner.given.reported_under(torch.float64, threads, list(FILES), function, path)
    sound(learner, found, facts)
    for key, value in {"dtype": "float64", "threads": threads}.items():
        if facts[key] != value:
            raise Mismatch(f"does not have torch's own {value} under {key!r}.", worded(learner, found, key))


def shipped(learner, draw):
    """Without a path it is the weights of stories, which came with the course, that are checked."""
    function = learner.device_dtype_report.value
    if shipped_is_whole():
        finds_nothing(learner, function, [], "it was called without a path and the shipped weights are good")
    else:
        rejects(learner, function, [], "it was called without a path and the shipped weights are damaged")


EXERCISE = Exercise(
    "device_dtype_report",
    checks=(nothing_reached, good_weights, bad_manifest, bad_weights, machine, shipped),
    reference=report_on,
    forbids=("network",),
    slips=SLIPS,
)
