"""What lies in the memory of a process: every mapping that was written to, as a debugger of root's puts it into a core, with the
kernel's flags of it. And the moment of its end, at which main() has returned and the memory is still there."""

import ctypes
import os
import re
import signal
from dataclasses import dataclass, field

HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)")
PIECE = 1 << 20
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
PTRACE_CONT, PTRACE_SEIZE, PTRACE_O_TRACEEXIT, PTRACE_EVENT_EXIT, WALL = 7, 0x4206, 0x40, 6, 0x40000000
MEMFD_SECRET = 447


@dataclass
class Mapping:
    start: int
    end: int
    rights: str
    name: str
    flags: set = field(default_factory=set)  # VmFlags: lo is locked, dd left out of dumps (proc_pid_smaps(5))
    written: int = 0  # KiB that are not as a file has them, in memory or in the swap

    def closed(self):
        return {"lo", "dd"} <= self.flags

    def secret(self):
        return self.name.startswith("/secretmem")

    def __str__(self):
        return f"{self.start:x}-{self.end:x} {self.rights} {self.name or 'anonymous'} ({' '.join(sorted(self.flags))})"


def mappings(pid):
    found = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        for line in file:
            if head := HEAD.match(line):
                found.append(Mapping(int(head[1], 16), int(head[2], 16), head[3], head[4].strip()))
            elif line.startswith(("Anonymous:", "Shared_Dirty:", "Private_Dirty:", "Swap:")):
                found[-1].written += int(line.split()[1])
            elif line.startswith("VmFlags:"):
                found[-1].flags = set(line.split()[1:])
    return found


def memory(pid):
    """(mapping, bytes) of all that somebody has written to, but for pages of zeros; of secret memory there is nothing to read."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for mapping in mappings(pid):
            if not mapping.written:
                continue
            pieces = []
            for at in range(mapping.start, mapping.end, PIECE):
                try:
                    file.seek(at)
                    pieces.append(file.read(min(PIECE, mapping.end - at)))
                except (OSError, ValueError, OverflowError):  # the kernel's own pages
                    break
            for run in without_zeros(b"".join(pieces)):
                yield mapping, run


def without_zeros(data):
    """The runs of pages in which there is something, with a little of the empty ones around: most of what was written to is zeros."""
    page, around, start = 4096, 64, None
    zeros = bytes(page)
    for at in range(0, len(data), page):
        empty = data.startswith(zeros, at)
        if not empty and start is None:
            start = max(at - around, 0)
        if empty and start is not None:
            yield data[start:at + around]
            start = None
    if start is not None:
        yield data[start:]


def occurrences(data, needle):
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)


def has_secret_memory():
    """Whether this kernel gives any."""
    descriptor = LIBC.syscall(MEMFD_SECRET, 0)
    if descriptor < 0:
        return False
    os.close(descriptor)
    return True


def under_filter(*rules):
    """For `python -c`, before a program and its arguments: the program runs under rules of seccomp(2), each an
    instruction in numbers: code, jumps if true and if false, operand."""
    return f"""
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
code = b"".join(struct.pack("HBBI", *rule) for rule in {rules!r})
room = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", {len(rules)}, ctypes.addressof(room))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.create_string_buffer(program)):
    sys.exit("no seccomp filter")
os.execv(sys.argv[1], sys.argv[1:])
"""


LOAD, IS, GIVE = 0x20, 0x15, 0x06
ALLOWED, FAILS_BY, NUMBER, SECOND_ARGUMENT = 0x7FFF0000, 0x50000, 0, 24
PRLIMIT64, RLIMIT_CORE, ENOSYS = 302, 4, 38
# A kernel that has no memfd_secret(2).
WITHOUT_SECRET_MEMORY = under_filter((LOAD, 0, 0, NUMBER), (IS, 0, 1, MEMFD_SECRET), (GIVE, 0, 0, FAILS_BY | ENOSYS), (GIVE, 0, 0, ALLOWED))
# Its limit on cores stays as it was: to set another seems to succeed, and does nothing.
WITH_CORES = under_filter((LOAD, 0, 0, NUMBER), (IS, 0, 3, PRLIMIT64), (LOAD, 0, 0, SECOND_ARGUMENT), (IS, 0, 1, RLIMIT_CORE),
                          (GIVE, 0, 0, FAILS_BY), (GIVE, 0, 0, ALLOWED))


def ptrace(request, pid, data=0):
    if LIBC.ptrace(request, pid, None, data or None) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def stopped_at_end(pid):
    """Asks the process to stop by SIGTERM and returns at its end, where it waits for let_go()."""
    ptrace(PTRACE_SEIZE, pid, PTRACE_O_TRACEEXIT)
    os.kill(pid, signal.SIGTERM)
    while True:
        _, status = os.waitpid(pid, WALL)
        if not os.WIFSTOPPED(status):
            raise RuntimeError(f"it ended unseen, with {status:#x}")
        if status >> 8 == signal.SIGTRAP | PTRACE_EVENT_EXIT << 8:
            return
        ptrace(PTRACE_CONT, pid, 0 if status >> 16 else os.WSTOPSIG(status))


def let_go(pid):
    ptrace(PTRACE_CONT, pid)
