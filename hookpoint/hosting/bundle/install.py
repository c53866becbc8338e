"""Installs hookpoint from this folder: python install.py [FOLDER], into ~/hookpoint if no folder is named.

Needs Python 3.11 to 3.13 and nothing else; asks no network for anything.
"""

import hashlib
import os
import pathlib
import platform
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
NAMES = {("windows", "x86_64"): "windows-amd64", ("macos", "aarch64"): "macos-arm64"}


def target():
    """What this laptop and this Python are called here: linux-x86_64-py311."""
    system = SYSTEMS.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    machine = MACHINES.get(machine, machine)
    name = NAMES.get((system, machine), system + "-" + machine)
    return f"{name}-py{sys.version_info[0]}{sys.version_info[1]}"


def lock():
    return HERE / "locks" / (target() + ".txt")


def refuse(what):
    sys.stderr.write(what + "\n")
    sys.exit(1)


def demand_fit():
    if sys.implementation.name == "cpython" and lock().is_file():
        return
    there = ", ".join(sorted(path.stem for path in (HERE / "locks").glob("*.txt"))) or "no machine"
    refuse(
        f"This is {target()}, and the folder is for {there}. Install one of these, or ask the host for another folder."
    )


def demand_whole():
    """Compares the wheels that are needed with their hashes: sticks are pulled out while they are written."""
    wanted = {line.split("sha256:")[1].strip() for line in lock().read_text().splitlines() if "sha256:" in line}
    there = {}
    for path in (HERE / "wheels").glob("*.whl"):
        digest = hashlib.sha256()
        with open(str(path), "rb") as file:
            for part in iter(lambda: file.read(1 << 20), b""):
                digest.update(part)
        there[digest.hexdigest()] = path
    if wanted - set(there):
        refuse(f"{len(wanted - set(there))} files are damaged or missing. Copy the folder again.")
    return [there[one] for one in wanted]


def run(command):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    environment.update(PIP_CONFIG_FILE=os.devnull, PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    if subprocess.call([str(part) for part in command], env=environment):
        refuse("That did not work: the lines above say why. Run it again after mending it; nothing is lost.")


def main():
    demand_fit()
    if sys.argv[1:] == ["--fits"]:
        return
    folder = pathlib.Path(sys.argv[1] if sys.argv[1:] else "~/hookpoint").expanduser().resolve()
    print("Checking the files ...", flush=True)
    wheels = demand_whole()
    pip = next(path for path in wheels if path.name.startswith("pip-"))
    venv = folder / ".venv"
    programs = venv / ("Scripts" if os.name == "nt" else "bin")
    python = programs / ("python.exe" if os.name == "nt" else "python")
    print(f"Installing {len(wheels)} packages into {venv}: some minutes ...", flush=True)
    run([sys.executable, "-m", "venv", "--without-pip", venv])
    offline = ["--no-index", "--find-links", HERE / "wheels", "--require-hashes", "--quiet", "-r", lock()]
    run([python, pip / "pip", "install"] + offline)
    run([python, "-m", "pip", "check"])
    program = programs / "hookpoint"
    print("Done. Nothing of this needs a network. To begin:\n")
    print(f'    cd "{folder}"\n    "{program}" start')


if __name__ == "__main__":
    main()
