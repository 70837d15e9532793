"""A disk with a write cache that a power cut empties: a plugin of nbdkit, which serves it to qemu at a Unix socket.

    nbdkit --unix SOCKET python forgetful_disk.py file=DISK keep=nothing|some seed=N cut=FILE report=FILE

What is written is read back at once, and is in the file only after a flush; a write that forces unit access (FUA) goes there
by itself. Once there is the file `cut`, the power goes right after one of the next writes: nothing is done and answered from
then on, and the file says so. Its removal and the end of nbdkit are the end of the cut. What was not flushed then is gone, or of each
sector of 512 bytes, which is what a drive writes as a whole, some state since the last flush stays: the newest, an older one, or
the one before. So writes are lost, torn and reordered. The report tells how much. Python, as the tools' root has no compiler, and
an emulated guest asks for less in a second than this serves in a hundredth of one."""

import errno
import json
import os
import random
import time
from pathlib import Path

import nbdkit

API_VERSION = 2
SECTOR = 512
# Like a drive's cache this one is finite: the oldest sectors go to the disk by themselves.
MOST_SECTORS = (256 << 20) // SECTOR
# With which of its next writes the power goes: a guest that commits flushes after a few.
MOST_WRITES = 8
settings = {"keep": "some", "seed": "0"}


class Disk:
    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR)
        self.size = os.fstat(self.file).st_size
        # Of each sector what was written since it was flushed, oldest first; sectors in the order of their first write.
        self.unflushed = {}
        self.chance = random.Random(int(settings["seed"]))
        self.writes_left = self.chance.randint(1, MOST_WRITES)
        self.gone = Path(settings["cut"])

    def one_write_less(self):
        if self.gone.exists():
            self.writes_left -= 1
            if not self.writes_left:
                self.gone.write_text("the power is gone")

    def without_power(self):
        """Nothing is answered as long as somebody is there; what is asked then is not done."""
        if self.writes_left > 0:
            return
        while self.gone.exists():
            time.sleep(0.02)
        raise OSError(errno.EIO, "there is no power")

    def read(self, buffer, offset):
        view = memoryview(buffer)
        view[:] = os.pread(self.file, len(view), offset)
        if not self.unflushed:
            return
        first, last = offset // SECTOR, (offset + len(view) - 1) // SECTOR
        for sector in range(first, last + 1):
            if states := self.unflushed.get(sector):
                at = sector * SECTOR - offset
                view[at:at + SECTOR] = states[-1]

    def write(self, buffer, offset):
        """Whole sectors: the server asks for no less of its client."""
        content = bytes(buffer)
        for at in range(0, len(content), SECTOR):
            self.unflushed.setdefault((offset + at) // SECTOR, []).append(content[at:at + SECTOR])
        while len(self.unflushed) > MOST_SECTORS:
            oldest = next(iter(self.unflushed))
            self.store(oldest, self.unflushed.pop(oldest)[-1])

    def write_through(self, buffer, offset):
        os.pwrite(self.file, buffer, offset)
        for sector in range(offset // SECTOR, (offset + len(buffer)) // SECTOR):
            self.unflushed.pop(sector, None)

    def store(self, sector, content):
        os.pwrite(self.file, content, sector * SECTOR)

    def flush(self):
        for sector, states in self.unflushed.items():
            self.store(sector, states[-1])
        self.unflushed.clear()

    def cut(self, keep):
        """Bytes that were not flushed, and of them those whose newest state is gone."""
        chance = self.chance
        kept = chance.random() if keep == "some" else 0
        lost = 0
        for sector, states in self.unflushed.items():
            before = os.pread(self.file, SECTOR, sector * SECTOR)
            if keep == "nothing":
                left = before
            elif chance.random() < kept:
                left = states[-1]
            else:
                left = chance.choice([before, *states[:-1]])
            lost += left != states[-1]
            self.store(sector, left)
        unflushed = len(self.unflushed)
        self.unflushed.clear()
        return {"keep": keep, "unflushed": unflushed * SECTOR, "lost": lost * SECTOR}


# ---- what nbdkit calls ---------------------------------------------------------------------------------------------------


def config(key, value):
    if key not in ("file", "keep", "seed", "cut", "report"):
        raise RuntimeError(f"no such setting: {key}")
    settings[key] = value


def config_complete():
    if missing := {"file", "cut", "report"} - set(settings):
        raise RuntimeError(f"not said: {', '.join(sorted(missing))}")
    if settings["keep"] not in ("nothing", "some"):
        raise RuntimeError("keep is 'nothing' or 'some'")


def get_ready():
    global disk
    disk = Disk(settings["file"])


def open(readonly):
    return disk


def get_size(handle):
    return handle.size


def block_size(handle):
    return SECTOR, 4096, 32 << 20


def can_flush(handle):
    return True


def can_fua(handle):
    return nbdkit.FUA_NATIVE


def pread(handle, buffer, offset, flags):
    handle.without_power()
    handle.read(buffer, offset)


def pwrite(handle, buffer, offset, flags):
    handle.without_power()
    (handle.write_through if flags & nbdkit.FLAG_FUA else handle.write)(buffer, offset)
    handle.one_write_less()


def flush(handle, flags):
    handle.without_power()
    handle.flush()


def cleanup():
    Path(settings["report"]).write_text(json.dumps(disk.cut(settings["keep"])))
