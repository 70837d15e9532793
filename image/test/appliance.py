"""What the tests of the image share: its files, and one machine that has had its first start."""

import os
import shutil
from pathlib import Path

import machine

TOP = Path(__file__).resolve().parents[2]
BUILT = TOP / "build/image/probe"
KEYS = Path(os.environ.get("GIMS_KEYS") or TOP / "build/image/keys")
FOLDER = TOP / "build/image/test"
CERTIFICATES = (KEYS / "secure-boot.crt", KEYS / "verity.crt")
# Of the started system; what comes after it waits for keys.
UP = r"Started gims-keyd\.service"
# The first words of a kernel, and those after the root was verified and mounted.
KERNEL = r"Linux version"
ROOT_IS_THERE = r"Switch Root"


def image():
    found = list(BUILT.glob("gims_*.raw"))
    disks = [path for path in found if ".root-" not in path.name]
    if len(disks) != 1:
        raise RuntimeError(f"one image is needed in {BUILT}, and there are {disks}; 'make image-test' makes it")
    return disks[0]


def new(name, **more):
    """A machine that was never switched on."""
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    return machine.Machine(FOLDER / name, image(), CERTIFICATES, **more)


_started = None


def started():
    """A machine, switched off, that has had its first start; copies of it are spoiled."""
    global _started
    if _started is None:
        first = new("first")
        first.start()
        first.wait_for(UP)
        first.done("sync")
        first.switch_off()
        _started = first
    return _started


def copy(name):
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    return started().copy(FOLDER / name)
