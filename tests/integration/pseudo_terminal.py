"""A command at a terminal of its own."""

import os
import pty
import select
import time


class Terminal:
    """Of what it shows, `seen` is all so far."""

    def __init__(self, argv):
        self.argv = [str(part) for part in argv]
        self.seen = b""
        self._at = 0

    def __enter__(self):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execv(self.argv[0], self.argv)
        self.status = None
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def read(self, seconds):
        """False: nothing more comes."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            raise AssertionError(f"nothing comes after {self.seen[-2000:]}")
        try:
            part = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.seen += part
        return bool(part)

    def wait_for(self, text):
        """Until the text came since the last time. The time is for a hang, not a measure."""
        while (found := self.seen.find(text.encode(), self._at)) < 0:
            if not self.read(60):
                raise AssertionError(f"{text!r} is not in {self.seen[self._at:]}")
        self._at = found + len(text.encode())

    def type(self, text):
        # The prompt is written once nothing is shown any more of what is typed.
        os.write(self.terminal, text.encode() + b"\n")

    def end(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.read(60):
            pass
        _, self.status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(self.status)
