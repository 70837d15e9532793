#!/usr/bin/env python3
"""Tells whether two builds of an image are the same, but for signatures: the root, its hashes, and every section of the
kernel image and of the boot loader. Ends with 1 when they differ.

    same.py build/image/out build/image/again
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

# What an image's signers put into it.
SIGNATURES = {".pcrsig"}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def sections(program):
    import pefile
    for section in pefile.PE(str(program), fast_load=True).sections:
        name = section.Name.rstrip(b"\0").decode()
        if name not in SIGNATURES:
            yield f"{Path(program).name} {name}", digest(section.get_data()[:section.Misc_VirtualSize])


def parts(folder):
    """What is compared, by its name."""
    found = {}
    for path in sorted(folder.glob("gims_*.root-*.raw")):
        kind = path.name.rsplit(".", 2)[0]
        if not kind.endswith("-sig"):
            found[kind] = digest(path.read_bytes())
    uki, = folder.glob("gims_*.efi")
    found.update(sections(uki))
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))
    import disk
    raw, = (path for path in folder.glob("gims_*.raw") if ".root-" not in path.name)
    with tempfile.TemporaryDirectory() as into:
        found.update(sections(disk.BootPartition(raw).get("/EFI/BOOT/BOOTX64.EFI", Path(into) / "loader.efi")))
        listing = subprocess.run(["mdir", "-i", disk.BootPartition(raw).drive, "-/", "-b", "::/"], check=True, capture_output=True, text=True)
        found["files of the boot partition"] = digest("\n".join(sorted(listing.stdout.split())).encode())
    return found


def main():
    one, other = (parts(Path(folder)) for folder in sys.argv[1:3])
    different = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    for name in different:
        print(f"differs: {name}")
    print(f"reproducible:   {'no' if different else 'yes'}, of {len(one)} parts compared")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
