"""What is on a disk of the appliance, and ways to spoil it."""

import json
import subprocess
from pathlib import Path

SECTOR = 512


def partitions(disk):
    """Label, start and size in bytes, in the order of the table."""
    table = json.loads(subprocess.run(["sfdisk", "--json", disk], check=True, capture_output=True, text=True).stdout)
    return [(part.get("name", ""), part["start"] * SECTOR, part["size"] * SECTOR) for part in table["partitiontable"]["partitions"]]


def place(disk, suffix):
    """Start and size of the first partition whose label ends so; the label is given without its version."""
    for label, start, size in partitions(disk):
        if label == suffix or label.startswith("gims_") and label.partition("_")[2].partition("_")[2] == suffix:
            return start, size
    raise LookupError(f"no partition {suffix!r} on {disk}")


def flip(file, offset):
    """One bit."""
    with open(file, "r+b") as handle:
        handle.seek(offset)
        byte, = handle.read(1)
        handle.seek(offset)
        handle.write(bytes([byte ^ 1]))


def overwrite(disk, suffix, content):
    start, size = place(disk, suffix)
    if len(content) > size:
        raise ValueError(f"{len(content)} bytes do not fit into {suffix!r}")
    with open(disk, "r+b") as handle:
        handle.seek(start)
        handle.write(content)


def empty(disk, suffix):
    """Its first 64 MiB: as if nothing had ever been written there."""
    overwrite(disk, suffix, bytes(64 << 20))


class BootPartition:
    """The files of a disk's ESP, by mtools."""

    def __init__(self, disk):
        self.drive = f"{disk}@@{place(disk, 'esp')[0]}"

    def call(self, *argv):
        subprocess.run([argv[0], "-i", self.drive, *map(str, argv[1:])], check=True, capture_output=True)

    def get(self, path, into):
        self.call("mcopy", "-n", f"::{path}", into)
        return Path(into)

    def put(self, file, path):
        self.call("mcopy", "-o", file, f"::{path}")

    def remove(self, path):
        self.call("mdel", f"::{path}")

    def make_folder(self, path):
        self.call("mmd", f"::{path}")


def section(program, name):
    """Where a section of a PE program lies in its file: offset and size."""
    import pefile
    for found in pefile.PE(str(program), fast_load=True).sections:
        if found.Name.rstrip(b"\0").decode() == name:
            return found.PointerToRawData, found.Misc_VirtualSize
    raise LookupError(f"{program} has no section {name}")
