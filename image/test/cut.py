"""The disk of a machine, whose power is cut: image/test/forgetful_disk.py, served for one start of it."""

import json
import subprocess
import time
from pathlib import Path

PLUGIN = Path(__file__).with_name("forgetful_disk.py")


class ForgetfulDisk:
    def __init__(self, disk, keep, seed):
        folder = Path(disk).parent
        self.socket, self.gone, self.report = folder / "disk.socket", folder / "disk.cut", folder / "disk.report"
        for old in (self.socket, self.gone, self.report):
            old.unlink(missing_ok=True)
        self.words = folder / "disk.log"
        with self.words.open("w") as words:
            self.server = subprocess.Popen(["nbdkit", "--foreground", "--exit-with-parent", "--unix", self.socket, "python", PLUGIN, f"file={disk}",
                                            f"keep={keep}", f"seed={seed}", f"cut={self.gone}", f"report={self.report}"], stderr=words)
        while not self.socket.exists():
            if self.server.poll() is not None:
                raise RuntimeError(f"nbdkit ended: {self.server.returncode}: {self.words.read_text()}")
            time.sleep(0.05)

    def drive(self):
        """As qemu's -drive has it: flushes are the guest's own, and all of them come through."""
        return f"driver=nbd,server.type=unix,server.path={self.socket},cache.no-flush=off"

    def lose_power(self, patience=20):
        """With one of the next writes, or without, where there are none so long."""
        self.gone.touch()
        ends = time.monotonic() + patience
        while not self.gone.stat().st_size and time.monotonic() < ends:
            time.sleep(0.02)

    def cut(self):
        """What was not flushed is forgotten; once nobody is at the socket."""
        self.gone.unlink(missing_ok=True)
        self.server.terminate()
        if status := self.server.wait(60):
            raise RuntimeError(f"nbdkit ended: {status}: {self.words.read_text()}")
        return json.loads(self.report.read_text())
