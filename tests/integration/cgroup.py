"""A memory limit of the kernel's for one process of a site: a cgroup, of version 1 or 2."""

import contextlib
import os
import re
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class Unavailable(Exception):
    """This machine lets nobody make one."""


class MemoryLimit:
    """For a supervise.Process, from its next start on."""

    def __init__(self, process, name):
        old = (ROOT / "memory" / "memory.limit_in_bytes").exists()
        self.folder = (ROOT / "memory" if old else ROOT) / f"gims-test-{os.getpid()}-{name}"
        self.limit_file, self.events = ("memory.limit_in_bytes", "memory.oom_control") if old else ("memory.max", "memory.events")
        try:
            if not old:
                (ROOT / "cgroup.subtree_control").write_text("+memory")
            self.folder.mkdir()
            self.lift()
            if not old:
                (self.folder / "memory.swap.max").write_text("0")
        except OSError as error:
            self.remove()
            raise Unavailable(str(error)) from error
        self.process = process
        process.cgroup = self.folder

    def set(self, size):
        (self.folder / self.limit_file).write_text(str(size))

    def lift(self):
        self.set(-1 if self.limit_file == "memory.limit_in_bytes" else "max")

    def kills(self):
        """How often the kernel killed a process in it."""
        return int(re.search(r"^oom_kill (\d+)$", (self.folder / self.events).read_text(), re.MULTILINE)[1])

    def most(self):
        """Bytes that were in use at once, files included that the kernel would have given up."""
        names = ("memory.max_usage_in_bytes", "memory.peak")
        return next(int((self.folder / name).read_text()) for name in names if (self.folder / name).exists())

    def remove(self):
        """When the process has ended."""
        for _ in range(100):
            with contextlib.suppress(FileNotFoundError):
                try:
                    return self.folder.rmdir()
                except OSError:  # the last of it is going
                    time.sleep(0.05)
