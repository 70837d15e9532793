"""Networks of their own, as a unit and its devices have them (network_namespaces(7)). Needs root."""

import contextlib
import os
import signal
import subprocess


def run(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **more).stdout


class Namespace:
    """A network of its own, held by a process; called, it runs a command in it."""

    def __init__(self):
        ours, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.unshare(os.CLONE_NEWNET)
            os.write(theirs, b".")
            while True:
                signal.pause()
        os.close(theirs)
        os.read(ours, 1)
        os.close(ours)
        self("ip", "link", "set", "lo", "up")

    def __call__(self, *command):
        return run("nsenter", f"--net=/proc/{self.pid}/ns/net", *command)

    @contextlib.contextmanager
    def inside(self):
        """This process is in it meanwhile: the sockets that it makes stay there."""
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            os.setns(there, os.CLONE_NEWNET)
            yield
        finally:
            os.setns(here, os.CLONE_NEWNET)
            os.close(here)
            os.close(there)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
