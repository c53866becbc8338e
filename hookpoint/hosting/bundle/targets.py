"""The machines that a bundle is for: what pip calls them, and how they answer the conditions of requirements."""

import platform
import sys
from dataclasses import dataclass

from hookpoint.errors import UsageError

__all__ = ["PLATFORMS", "PYTHONS", "Target", "here", "target"]

PYTHONS = ("3.11", "3.12", "3.13")


def _linux(machine: str) -> tuple[str, ...]:
    # glibc 2.28 is of 2018; a wheel for a newer one would not install on every laptop of the room.
    return (*(f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1)), f"manylinux2014_{machine}")


def _mac(machine: str) -> tuple[str, ...]:
    versions = ("14_0", "13_0", "12_0", "11_0", *(f"10_{minor}" for minor in range(15, 8, -1)))
    return tuple(f"macosx_{version}_{kind}" for version in versions for kind in (machine, "universal2"))


# Its tags, and what it says of itself: sys.platform, platform.system(), platform.machine(), os.name.
PLATFORMS: dict[str, tuple[tuple[str, ...], tuple[str, str, str, str]]] = {
    "linux-x86_64": (
        (*_linux("x86_64"), "manylinux2010_x86_64", "manylinux1_x86_64"), ("linux", "Linux", "x86_64", "posix")
    ),
    "linux-aarch64": (_linux("aarch64"), ("linux", "Linux", "aarch64", "posix")),
    "macos-arm64": (_mac("arm64"), ("darwin", "Darwin", "arm64", "posix")),
    "windows-amd64": (("win_amd64",), ("win32", "Windows", "AMD64", "nt")),
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One kind of laptop: a key of PLATFORMS, and a Python such as "3.12"."""

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform}-py{self.python.replace('.', '')}"

    @property
    def pip_options(self) -> list[str]:
        """What makes pip choose wheels for it; pip takes no sources then."""
        tags = [f"--platform={tag}" for tag in PLATFORMS[self.platform][0]]
        return [*tags, f"--python-version={self.python}", "--implementation=cp", "--only-binary=:all:"]

    @property
    def environment(self) -> dict[str, str]:
        """What the conditions of requirements are compared with there: `sys_platform == "win32"`."""
        sys_platform, system, machine, name = PLATFORMS[self.platform][1]
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": name,
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": system,
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": sys_platform,
        }


def target(platform_name: str, python: str) -> Target:
    """The target of these names.

    Raises:
        UsageError: there is none.
    """
    if platform_name not in PLATFORMS or python not in PYTHONS:
        raise UsageError(f"A bundle is for {', '.join(PLATFORMS)} and for Python {', '.join(PYTHONS)}. Name these.")
    return Target(platform_name, python)


def here() -> str:
    """The platform that this machine is, if a bundle can be for it.

    Raises:
        UsageError: it can not.
    """
    for name, (_, (sys_platform, _, machine, _)) in PLATFORMS.items():
        if sys.platform == sys_platform and platform.machine().lower() == machine.lower():
            return name
    raise UsageError(f"No bundle is for a machine like this one. Name one with --platform: {', '.join(PLATFORMS)}.")
