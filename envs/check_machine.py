"""Say in one line why FD-01 cannot be set up with this Python on this machine; `make` asks before it installs anything.

It imports the standard library alone, and old Pythons can read it too: they show the line, not a syntax error.
"""
# ruff: noqa: UP032

import platform
import re
import sys
import sysconfig
from collections import namedtuple

PYTHONS = [(3, 11), (3, 12), (3, 13)]
GLIBC = (2, 28)
MACOS = 14
PROCESSORS = {"Linux": ["x86_64", "aarch64"], "Darwin": ["arm64"]}
WINDOWS = re.compile("Windows|CYGWIN|MSYS|MINGW")

# `libc` is a name and a version, `python` a tuple of numbers, `macos` a version; the versions are text.
Machine = namedtuple("Machine", "system processor libc macos implementation python has_ensurepip")


def this_machine():
    """The machine and the Python that run this."""
    free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
    try:
        import ensurepip
    except ImportError:  # on Debian it is a package of its own
        ensurepip = None
    return Machine(
        system=platform.system(),
        processor=platform.machine(),
        libc=platform.libc_ver(),
        macos=platform.mac_ver()[0],
        implementation=("free-threaded " if free_threaded else "") + platform.python_implementation(),
        python=tuple(sys.version_info[:3]),
        has_ensurepip=ensurepip is not None,
    )


def refusal(machine, executable):
    """One line: what `machine` lacks and what to do; None if FD-01 can be set up there by the Python `executable`."""
    if WINDOWS.match(machine.system):
        return "Windows alone is not enough: install WSL 2 (wsl --install), and call make inside it."
    if machine.system not in PROCESSORS:
        return "Linux or macOS is needed, and this is {}.".format(machine.system)
    if machine.system == "Darwin" and machine.processor == "x86_64":
        return (
            "PyTorch has no packages for Intel Macs: use Linux, or a Mac with Apple silicon. "
            "If this is one, {} is a Python for Intel: call make PYTHON=/path/to/an/arm64/python3.12".format(executable)
        )
    if machine.processor not in PROCESSORS[machine.system]:
        return "A processor of x86_64 or aarch64 is needed, and this is {}.".format(machine.processor)
    # Before the versions of the system, which old Pythons tell wrongly.
    if machine.implementation != "CPython" or machine.python[:2] not in PYTHONS:
        found = " ".join([machine.implementation, ".".join(map(str, machine.python))])
        return (
            "Python 3.11, 3.12 or 3.13 is needed, and {} is {}: "
            "install one of them, and call make PYTHON=/path/to/python3.12".format(executable, found)
        )
    if machine.system == "Darwin" and _numbers(machine.macos)[0] < MACOS:
        return "macOS {} or later is needed, and this is {}: update macOS.".format(MACOS, machine.macos)
    if machine.system == "Linux" and (machine.libc[0] != "glibc" or _numbers(machine.libc[1]) < GLIBC):
        found = " ".join(machine.libc).strip() or "another C library, perhaps musl"
        return (
            "A Linux with glibc {}.{} or later is needed (Debian 10, Ubuntu 20.04, RHEL 8 or later; not Alpine), "
            "and this has {}: use one, or its container.".format(GLIBC[0], GLIBC[1], found)
        )
    if not machine.has_ensurepip:
        return (
            "{} cannot make an environment, as it lacks ensurepip: "
            "on Debian and Ubuntu, apt-get install python{}.{}-venv".format(executable, *machine.python[:2])
        )
    return None


def _numbers(version):
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


if __name__ == "__main__":
    sys.exit(refusal(this_machine(), sys.executable))
