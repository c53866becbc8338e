"""A bundle is enough to install from without a network; here of tiny packages, and once of the real ones."""

import base64
import contextlib
import ensurepip
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from hookpoint.cli import main
from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting.bundle import make as bundle_make
from hookpoint.hosting.bundle import own, plan
from hookpoint.hosting.bundle.check import check
from hookpoint.hosting.bundle.make import Order, make
from hookpoint.hosting.bundle.targets import PYTHONS, Target, here, target

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
pytestmark = pytest.mark.skipif(PYTHON not in PYTHONS, reason="no bundle is for this Python")


def a_wheel(folder: Path, name: str, version: str = "1.0", requires=(), tag="py3-none-any", extras=(), main="") -> Path:
    """A wheel of one module, that prints its name as a program."""
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras] + [f"Requires-Dist: {one}" for one in requires]
    files = {
        f"{name}.py": main or f"def main():\n    print('this is {name} {version}')\n",
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{path},sha256={digest(text)},{len(text.encode())}\n" for path, text in files.items())
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            wheel.writestr(zipfile.ZipInfo(file, (2000, 1, 1, 0, 0, 0)), text)
    return path


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def own_wheel(folder: Path) -> Path:
    requires = ['tiny>=1; extra == "learn"', 'lamp; extra == "learn" and sys_platform == "win32"']
    return a_wheel(folder, "hookpoint", "9.9", requires, extras=["learn"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A folder of wheels in the place of the network, pip's among them."""
    folder = tmp_path_factory.mktemp("shop")
    for pip in (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"):
        shutil.copy(pip, folder)
    if not list(folder.iterdir()):
        pytest.skip("this Python ships no wheel of pip")
    a_wheel(folder, "tiny", "0.9")
    a_wheel(folder, "tiny", "1.1", ["small"])
    a_wheel(folder, "lamp", tag="cp312-cp312-win_amd64")
    a_wheel(folder, "small")
    return folder


def an_order(shop: Path, *targets: Target, **other) -> Order:
    options = ("--no-index", f"--find-links={shop}")
    return Order(targets or (target(here(), PYTHON),), options=options, **other)


def made(folder: Path, order: Order, told=lambda *_: None):
    return make(folder, order, told, own_wheel)


@pytest.fixture(scope="module")
def whole(shop, tmp_path_factory) -> Path:
    """A bundle for this machine and for Windows. Not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "bundle"
    made(folder, an_order(shop, target(here(), PYTHON), target("windows-amd64", "3.12")))
    return folder


@pytest.fixture
def bundle(whole, tmp_path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(whole, tmp_path / "bundle")


def without_a_network() -> tuple[list[str], dict[str, str]]:
    """What to put before a command, and into its environment, so that no network can be reached."""
    for prefix in (["unshare", "-rn"], ["bwrap", "--dev-bind", "/", "/", "--unshare-net"]):
        with contextlib.suppress(OSError):
            if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
                return prefix, {}
    nowhere = "http://127.0.0.1:1"
    return [], {"http_proxy": nowhere, "https_proxy": nowhere, "PIP_INDEX_URL": nowhere}


def offline(*command: object, home: Path, code: int = 0) -> str:
    """What a command prints on a laptop that has this Python, an empty home and no network."""
    prefix, more = without_a_network()
    environment = {"HOME": str(home), "PATH": f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    done = subprocess.run(
        [*prefix, *map(str, command)], env=environment | more, cwd=home, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


# Making one


def test_a_laptop_installs_from_it_without_a_network(whole, tmp_path):
    said = offline("sh", whole / "install.sh", tmp_path / "mine", home=tmp_path)
    program = tmp_path / "mine" / ".venv" / "bin" / "hookpoint"

    assert "Nothing of this needs a network" in said and str(program) in said
    assert offline(program, home=tmp_path) == "this is hookpoint 9.9\n"
    assert "tiny" in offline(program.with_name("python"), "-m", "pip", "list", home=tmp_path)


def test_each_kind_of_laptop_gets_what_it_needs_and_no_more(whole):
    locks = {path.stem: path.read_text(encoding="utf-8") for path in (whole / "locks").iterdir()}
    mine = locks.pop(str(target(here(), PYTHON)))
    (windows,) = locks.values()
    for lock, names in ((mine, "hookpoint pip small tiny"), (windows, "hookpoint lamp pip small tiny")):
        assert " ".join(sorted(re.findall(r"^(\w+)==", lock, re.MULTILINE))) == names
    assert "tiny==1.1 --hash=sha256:" in mine and len(list((whole / "wheels").iterdir())) == 5


def test_it_says_what_it_has_and_sums_that_others_can_check(whole):
    readme = (whole / "README.txt").read_text(encoding="utf-8")
    assert "hookpoint 9.9" in readme and "windows-amd64-py312" in readme and re.search(r"\d MB in 13 files", readme)
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=whole).returncode == 0
    found = check(whole)
    assert (found.files, len(found.targets)) == (13, 2)


def test_the_same_order_again_brings_only_what_is_missing(shop, bundle):
    (bundle / "wheels" / "tiny-1.1-py3-none-any.whl").unlink()
    (bundle / "wheels" / "small-1.0-py3-none-any.whl").write_bytes(b"half")
    before = (bundle / "SHA256SUMS").read_bytes()
    told = []
    made(bundle, an_order(shop, *check_targets(bundle)), lambda *said: told.append(said))

    assert [said[1:] for said in told if said[2] == 4] == [(2, 4), (4, 4)]
    assert (bundle / "SHA256SUMS").read_bytes() == before


def check_targets(bundle: Path) -> list[Target]:
    return [Target(*one) for one in json.loads((bundle / "bundle.json").read_text())["targets"]]


def test_an_order_that_was_interrupted_keeps_what_it_had(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "AT_ONCE", 1)
    for name in ("one", "two"):
        a_wheel(tmp_path, name)
    options = ("--no-index", f"--find-links={tmp_path}")
    order = Order((target(here(), PYTHON),), (), options, requirements=("one", "two"))

    def stop(what, done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(folder := tmp_path / "bundle", order, stop)
    assert {path.name.partition("-")[0] for path in (folder / "wheels").iterdir()} == {"hookpoint", "one"}
    with pytest.raises(UsageError, match="holds no bundle, or an unfinished one"):
        check(folder)


def test_a_newer_order_takes_away_what_it_does_not_need(shop, bundle):
    (bundle / "wheels" / "old-1.0-py3-none-any.whl").write_bytes(b"old")
    made(bundle, an_order(shop))

    assert "lamp-1.0-cp312-cp312-win_amd64.whl" not in {path.name for path in (bundle / "wheels").iterdir()}
    assert len(list((bundle / "wheels").iterdir())) == 4 and len(list((bundle / "locks").iterdir())) == 1


def test_a_folder_with_other_things_is_refused_and_left_as_it_is(shop, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other things"):
        made(tmp_path, an_order(shop))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_torch_for_graphics_cards_is_refused_unless_it_is_wanted(tmp_path, monkeypatch):
    a_wheel(tmp_path, "torch", requires=["nvidia-cublas"])
    a_wheel(tmp_path, "nvidia_cublas")
    order = Order((target(here(), PYTHON),), (), ("--no-index", f"--find-links={tmp_path}"), requirements=("torch",))
    with pytest.raises(HookpointError, match="torch for graphics cards.*--extra-index-url") as error:
        made(tmp_path / "bundle", order)
    assert "\n" not in str(error.value)

    monkeypatch.setattr(bundle_make, "_bring", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "bundle", replace(order, cuda=True))


@pytest.mark.parametrize("where", ["--index-url=http://127.0.0.1:1/simple", "--find-links=/nowhere"])
def test_without_a_network_it_is_one_line_that_says_so(tmp_path, where):
    order = Order((target(here(), PYTHON),), options=("--no-index", where) if "find" in where else (where,))
    with pytest.raises(
        HookpointError, match="It needs the network this once; connect and run the same command"
    ) as error:
        made(tmp_path / "bundle", order)
    assert "\n" not in str(error.value)


def test_a_machine_that_no_bundle_is_for_is_refused():
    with pytest.raises(UsageError, match="A bundle is for linux-x86_64"):
        target("beos", "3.12")
    with pytest.raises(UsageError, match="for Python 3.11, 3.12, 3.13"):
        target("linux-x86_64", "2.7")


# One that is not whole


def spoil_wheel(bundle: Path) -> None:
    path = bundle / "wheels" / "tiny-1.1-py3-none-any.whl"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def forget_wheel(bundle: Path) -> None:
    """The files that are left are as they should be, and do not suffice."""
    (bundle / "wheels" / "tiny-1.1-py3-none-any.whl").unlink()
    sums = bundle / "SHA256SUMS"
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if "tiny" not in line))


SPOILT = {
    "a changed wheel": ("wheels/tiny-1.1-py3-none-any.whl is damaged", spoil_wheel),
    "a wheel too few": ("small-1.0-py3-none-any.whl is missing",
                        lambda bundle: (bundle / "wheels" / "small-1.0-py3-none-any.whl").unlink()),
    "a wheel too many": ("wheels/evil.whl is not listed", lambda bundle: (bundle / "wheels" / "evil.whl").touch()),
    "another program": ("install.py is damaged", lambda bundle: (bundle / "install.py").write_text("print(1)")),
    "what does not suffice": ("could not install from it: .*tiny", forget_wheel),
}  # fmt: skip


@pytest.mark.parametrize(("why", "spoil"), SPOILT.values(), ids=SPOILT)
def test_a_bundle_that_is_not_whole_is_refused_in_a_line(bundle, why, spoil):
    spoil(bundle)
    with pytest.raises(HookpointError, match=f"is not whole: .*{why}") as error:
        check(bundle)
    assert "\n" not in str(error.value)


def test_what_systems_put_on_a_stick_does_not_matter(bundle):
    (bundle / "wheels" / ".DS_Store").touch()
    (bundle / "System Volume Information").mkdir()
    assert check(bundle).files == 13


def test_a_laptop_does_not_install_from_a_damaged_bundle(bundle, tmp_path):
    spoil_wheel(bundle)
    said = offline("sh", bundle / "install.sh", tmp_path / "mine", home=tmp_path, code=1)
    assert "1 files are damaged or missing. Copy the folder again." in said and not (tmp_path / "mine").exists()


def test_a_laptop_that_it_is_not_for_is_told_so(bundle, tmp_path):
    (bundle / "locks" / f"{target(here(), PYTHON)}.txt").unlink()
    said = offline(sys.executable, bundle / "install.py", tmp_path / "mine", home=tmp_path, code=1)
    assert f"This is {target(here(), PYTHON)}, and the folder is for windows-amd64-py312" in said


# Our own wheel


def test_a_hookpoint_that_pip_installed_is_packed_into_the_same_wheel_again(tmp_path, monkeypatch):
    wheel = own_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
        names = set(archive.namelist())
        content = {name: archive.read(name) for name in names}
    info = tmp_path / "site" / "hookpoint-9.9.dist-info"
    (info / "INSTALLER").write_text("pip")
    (tmp_path / "site" / "hookpoint.pyc").touch()
    with (info / "RECORD").open("a") as record:
        record.write(f"{info.name}/INSTALLER,,\nhookpoint.pyc,,\n../../bin/hookpoint,,\n")
    installed = importlib.metadata.Distribution.at(info)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: installed)

    (tmp_path / "again").mkdir()
    with zipfile.ZipFile(own._packed_again(tmp_path / "again")) as archive:
        assert set(archive.namelist()) == names
        assert {name: archive.read(name) for name in names if not name.endswith("RECORD")} == {
            name: text for name, text in content.items() if not name.endswith("RECORD")
        }


# The command, and the real packages


def test_the_command_verifies_a_bundle(bundle):
    done = CliRunner().invoke(main, ["host", "bundle", str(bundle), "--check"])
    assert done.exit_code == 0 and "whole, " in done.output and "windows-amd64-py312" in done.output

    spoil_wheel(bundle)
    done = CliRunner().invoke(main, ["host", "bundle", str(bundle), "--check"])
    assert done.exit_code == 1 and "is not whole" in done.output


@pytest.mark.slow
@pytest.mark.skipif("HOOKPOINT_BUNDLE" not in os.environ, reason="downloads and installs gigabytes: HOOKPOINT_BUNDLE=1")
def test_hookpoint_itself_installs_and_checks_without_a_network(tmp_path):
    done = CliRunner().invoke(main, ["host", "bundle", str(tmp_path / "bundle")])
    if "It needs the network" in done.output:
        pytest.skip(done.output.splitlines()[-1])
    assert done.exit_code == 0, done.output

    home = tmp_path / "home"
    home.mkdir()
    offline("sh", tmp_path / "bundle" / "install.sh", home=home)
    program = home / "hookpoint" / ".venv" / "bin" / "hookpoint"
    offline(program, "start", "--files-only", home=home)
    assert "exercises passed" in offline(program, "status", home=home)
    (report,) = json.loads(offline(program, "check", "split_heads", "--json", home=home, code=1))
    assert "split_heads" in json.dumps(report)
    zoo = "from hookpoint import zoo; print(sum(p.numel() for p in zoo.load('stories').parameters()))"
    python = program.with_name("python")
    assert offline(python, "-c", zoo, home=home).strip().isdigit()

    again = "from pathlib import Path; from hookpoint.hosting.bundle import own; print(own.build(Path.cwd()))"
    offline(python, "-c", again, home=home)
    (was,), (now,) = (tmp_path / "bundle" / "wheels").glob("hookpoint-*.whl"), home.glob("hookpoint-*.whl")
    assert set(zipfile.ZipFile(was).namelist()) == set(zipfile.ZipFile(now).namelist())
