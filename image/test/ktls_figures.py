"""What connections cost whose TLS is the kernel's, and those that pass through the pump, in one guest by turns."""

import contextlib
import dataclasses
import statistics
import threading

from tls_line import answer, request

# Connections at work and the requests of each; connections that wait, and those before them for what is taken once and kept.
BUSY, REQUESTS, IDLE, FIRST = 16, 50, 100, 10
ASKED = request("GET", "/_matrix/client/versions")
# Of each daemon: its processor time in ticks, and its memory in KiB; then the kernel's memory, the ticks in which the guest's
# processor was not idle, and hundredths of a second of the guest's clock, which goes by what it has computed.
COSTS = """for unit in gims-tlsd gimsd; do
  pid=$(systemctl show --property MainPID --value $unit.service)
  set -- $(cut -d ')' -f 2 /proc/$pid/stat)
  echo $((${12} + ${13})) $(sed -n 's/^Pss: *\\([0-9]*\\) kB/\\1/p' /proc/$pid/smaps_rollup)
done
sed -n 's/^Slab: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo
awk '/^cpu / {print $2 + $3 + $4 + $7 + $8}' /proc/stat
cut -d ' ' -f 1 /proc/uptime | tr -d .
getconf CLK_TCK"""


@dataclasses.dataclass
class Costs:
    cpu_front: float  # seconds
    memory_front: int  # KiB
    cpu_gimsd: float
    memory_gimsd: int
    slab: int
    cpu_guest: float
    clock: float


def costs(machine):
    front, memory_front, gimsd, memory_gimsd, slab, guest, clock, ticks = map(int, machine.done(COSTS).split())
    return Costs(front / ticks, memory_front, gimsd / ticks, memory_gimsd, slab, guest / ticks, clock / 100)


def ask_repeatedly(connection, failures):
    try:
        for _ in range(REQUESTS):
            connection.sendall(ASKED)
            if answer(connection)[0] != 200:
                failures.append("refused")
    except OSError as error:
        failures.append(error)


def hold(line, stack, count):
    """Connections that wait, each with one request behind it."""
    for _ in range(count):
        connection = stack.enter_context(line.connect())
        connection.sendall(ASKED)
        if answer(connection)[0] != 200:
            raise AssertionError("refused")


def measure(line):
    """Requests a second; and by name, processor seconds of 1,000 requests and KiB of a connection that waits."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(line.connect()) for _ in range(BUSY)]
        failures = []
        threads = [threading.Thread(target=ask_repeatedly, args=(connection, failures)) for connection in connections]
        before = costs(line.machine)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = costs(line.machine)
    if failures:
        raise AssertionError(failures)
    with contextlib.ExitStack() as stack:
        hold(line, stack, FIRST)
        few = costs(line.machine)
        hold(line, stack, IDLE)
        many = costs(line.machine)
    thousands = BUSY * REQUESTS / 1000
    return {
        "requests/s, by the guest's clock": 1000 * thousands / (after.clock - before.clock),
        "CPU s of 1,000 requests, gims-tlsd": (after.cpu_front - before.cpu_front) / thousands,
        "CPU s of 1,000 requests, gimsd": (after.cpu_gimsd - before.cpu_gimsd) / thousands,
        "CPU s of 1,000 requests, the whole guest": (after.cpu_guest - before.cpu_guest) / thousands,
        "KiB a connection, gims-tlsd": (many.memory_front - few.memory_front) / IDLE,
        "KiB a connection, gimsd": (many.memory_gimsd - few.memory_gimsd) / IDLE,
        "KiB a connection, kernel slab": (many.slab - few.slab) / IDLE,
    }


def table(kernel, pump):
    """Medians of the runs, and how they compare."""
    rows = ["| under emulation | TLS in the kernel | by the pump | ratio |", "| --- | --- | --- | --- |"]
    for name in kernel[0]:
        one, other = (statistics.median(run[name] for run in runs) for runs in (kernel, pump))
        ratio = f"{one / other:.2f}" if other else "–"
        rows.append(f"| {name} | {one:.2f} | {other:.2f} | {ratio} |")
    return "\n".join(rows)
