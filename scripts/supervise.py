"""Starts and stops the processes of a site, each as a user of its own and ready when it says so.

The part of systemd that a site under make run and in the tests needs: User=, Type=notify,
WatchdogSec=, TimeoutStartSec=, LimitMEMLOCK=, and an order.
"""

import contextlib
import grp
import os
import pwd
import resource
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

LOCKED_MEMORY = 64 << 20  # bytes: LimitMEMLOCK= of the units


class Failed(Exception):
    """What went wrong, for the person who started it."""


def allow_locked_memory():
    """To this process, and so to those that it starts. Keys are in memory that no user but root may lock without a limit."""
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    if hard != resource.RLIM_INFINITY and hard < LOCKED_MEMORY:
        with contextlib.suppress(ValueError, OSError):  # in a container whose root may not: what it has must do
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (LOCKED_MEMORY, LOCKED_MEMORY))


class Process:
    """One process. Its standard output and error go to a log file.

    With notify, it is ready when it has sent READY=1 to its NOTIFY_SOCKET (sd_notify(3)), which lies in
    the folder run; without, as soon as it runs.

    With cgroup, a cgroup's folder, it enters that before it becomes its user: only root may move a process
    between cgroups.
    """

    def __init__(self, name, argv, *, user, log, run, notify=True, watchdog=None, environment=None):
        self.name = name
        self.argv = [str(part) for part in argv]
        self.user = user
        self.log = Path(log)
        self.notify_path = Path(run) / f"notify-{name}"
        self.notify = notify
        self.watchdog = watchdog
        self.environment = environment or {}
        self.cgroup = None
        self.child = None
        self.states = []  # the lines it has sent, in order; of WATCHDOG=1 only the first
        self.pings = 0  # how often it has sent WATCHDOG=1
        self._reader = None

    def start(self):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
        # What a sanitizer's runtime or a coverage run is told.
        environment |= {k: v for k, v in os.environ.items() if k.endswith("_OPTIONS") or k.startswith("LLVM_PROFILE")}
        environment |= self.environment
        self.states, self.pings = [], 0
        if self.notify:
            self.notify_path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            listener.bind(str(self.notify_path))
            self.notify_path.chmod(0o666)
            # Always read, as systemd does: a process would wait at a full socket.
            self._reader = threading.Thread(target=self._read, args=(listener,), daemon=True)
            self._reader.start()
            environment["NOTIFY_SOCKET"] = str(self.notify_path)
            if self.watchdog:
                environment["WATCHDOG_USEC"] = str(int(self.watchdog * 1e6))
        allow_locked_memory()
        entry = pwd.getpwnam(self.user)
        groups = [group.gr_gid for group in grp.getgrall() if self.user in group.gr_mem]
        argv, becoming = self.argv, {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
        if self.cgroup:
            kept = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
            argv = ["sh", "-c", 'echo $$ >"$0" && exec setpriv "$@"', f"{self.cgroup}/cgroup.procs",
                    f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", kept, "--", *argv]
            becoming = {}
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd="/", umask=0o077,
                # A Ctrl-C at the terminal is for the supervisor, which then stops all in order.
                start_new_session=True, **becoming)

    def running(self):
        return self.child is not None and self.child.poll() is None

    def _read(self, listener):
        with listener:
            while datagram := listener.recv(4096):
                for line in datagram.decode(errors="replace").splitlines():
                    self.pings += line == "WATCHDOG=1"
                    if line != "WATCHDOG=1" or self.pings == 1:
                        self.states.append(line)

    def wait_until_ready(self, seconds=60):
        """Returns when the process is ready; raises Failed when it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while self.notify:
            ended = not self.running()
            if ended:
                self._ended()  # then all that it sent is in self.states
            if "READY=1" in self.states:
                return
            if ended:
                raise Failed(f"{self.name} ended with {self.ending()}:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} was not ready after {seconds} s:\n{self.last_words()}")
            time.sleep(0.02)

    def ending(self):
        code = self.child.returncode
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"

    def last_words(self, lines=8):
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or f"    (nothing in {self.log})"

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL for a process that does not end. Returns its exit status."""
        if self.running():
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
        return self._ended()

    def kill(self):
        """As a power cut would: SIGKILL, no warning."""
        if self.running():
            self.child.kill()
        return self._ended()

    def _ended(self):
        if self.child is None:
            return None
        status = self.child.wait()
        if self._reader:
            # An empty datagram ends the reader, after all that the process sent.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", str(self.notify_path))
            self._reader.join()
            self._reader = None
        self.notify_path.unlink(missing_ok=True)
        return status
