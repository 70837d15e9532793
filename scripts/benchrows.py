"""The rows of `make bench`: what each shows, the figures to reach, and how a figure is judged."""

from dataclasses import dataclass

# A row is noisy when, of its calibration before and after (tests/bench/load/calibration.hpp),
SLOWER = 1.15  # the loop took more processor time than this times the least of the whole run, or
WAITED = 1.15  # more than this times its processor time went by; or when
OTHERS = 0.10  # processes that are not of the bench used more than this part of all processors.
RULE = (f"noisy: the calibration loop before or after the row took more than {SLOWER} times its least processor time in this run, "
        f"or waited for a processor ({WAITED} times), or others used more than {OTHERS:.0%} of the machine meanwhile")


@dataclass(frozen=True)
class Row:
    key: str
    title: str  # may name {clients}, {stored}
    scenario: str
    figure: str  # of the scenario's report
    unit: str
    reach: float
    beyond: float
    scale: float = 1  # from the report's unit to this row's
    higher_is_better: bool = False
    kind: str = "time"  # time, rate: depend on the processor's speed; memory does not
    digits: int = 2


def rate(key, title, scenario, figure, reach, beyond):
    return Row(key, title, scenario, figure, "/s", reach, beyond, higher_is_better=True, kind="rate", digits=0)


def memory(key, title, scenario, figure, unit, reach, beyond, scale):
    return Row(key, title, scenario, figure, unit, reach, beyond, scale, kind="memory", digits=1)


ROWS = (
    rate("sends", "durable sends/s, {clients} senders in {clients} rooms", "sends", "sends_per_second", 2500, 5000),
    Row("send-cpu", "server CPU a durable send, all processes", "sends", "cpu_us_per_send", "µs", 200, 130, digits=0),
    Row("sequential-p50", "sequential send, p50", "sequential", "sequential_p50_ms", "ms", 1.5, 0.8),
    Row("sequential-p99", "sequential send, p99", "sequential", "sequential_p99_ms", "ms", 10, 5),
    Row("delivery-p50", "send to receipt by a long poll at 100/s, p50", "delivery", "delivery_p50_ms", "ms", 3, 1.5),
    Row("delivery-p99", "send to receipt by a long poll at 100/s, p99", "delivery", "delivery_p99_ms", "ms", 15, 8),
    rate("fanout", "deliveries/s in a room of {clients} devices", "fanout", "deliveries_per_second", 10_000, 30_000),
    memory("waiting", "memory a waiting device, user space ({clients} wait)", "waiting", "bytes_per_device", "kB", 60, 12, 1e-3),
    memory("idle", "memory of all daemons, idle", "idle", "bytes", "MB", 40, 25, 1e-6),
    rate("handshakes", "full TLS handshakes/s, one server core", "handshakes", "handshakes_per_core_second", 600, 800),
    Row("start", "start to serving, {stored} messages stored", "start", "start_s", "s", 1, 0.3, digits=3),
    Row("first-sync", "first sync of an account with {clients} rooms", "first-sync", "first_sync_p50_ms", "ms", 100, 30, digits=1),
)

# How many clients a scenario has: in a bench and in a smoke run.
CLIENTS = {"sends": (256, 8), "sequential": (256, 32), "delivery": (20, 5), "incremental": (64, 5), "fanout": (1000, 10), "waiting": (1000, 10),
           "handshakes": (8, 2), "first-sync": (500, 3)}
# The scenarios that a whole site's own limits allow (docs/limits.md): ten sends a second and user, and memberships as fast as that.
REAL = ("sends", "sequential", "delivery", "waiting", "handshakes")
REAL_SENDS = 7.8  # a second and sender: 256 are asked for 2,000


def judged(row, value):
    """"beyond", "reach" or "no"."""
    better = (lambda limit: value >= limit) if row.higher_is_better else (lambda limit: value <= limit)
    return "beyond" if better(row.beyond) else "reach" if better(row.reach) else "no"


def noise(calibration, least_ns, others):
    """Why a row is noisy, or ''."""
    reasons = []
    slowest = max(one["processor_ns"] for one in calibration) / least_ns
    waited = max(one["waiting"] for one in calibration)
    if slowest > SLOWER:
        reasons.append(f"processor {slowest:.2f} times slower")
    if waited > WAITED:
        reasons.append(f"waited {waited:.2f} times")
    if others > OTHERS:
        reasons.append(f"others used {others:.0%}")
    return ", ".join(reasons)


def ratio_to_baseline(row, value, calibration_ns, old, old_calibration_ns):
    """The figure against the stored one, above 1 for better, both taken relative to the calibration loop where they
    depend on the processor's speed."""
    if not value or not old:
        return None
    speed = 1 if row.kind == "memory" else calibration_ns / old_calibration_ns  # above 1: slower than then
    return value * speed / old if row.higher_is_better else old * speed / value


def shown(row, value):
    return f"{value:,.{row.digits}f} {row.unit}" if row.unit != "/s" else f"{value:,.0f}/s"


def limit(row, value):
    return f"{value:,g} {row.unit}" if row.unit != "/s" else f"{value:,.0f}/s"


def table(measured):
    """`measured`: the rows of bench.json. As text."""
    head = f"  {'figure':66} {'measured':>12} {'reach':>10} {'beyond':>10}  {'':8} {'baseline':>8}"
    lines = [head, "  " + "-" * (len(head) - 2)]
    for one in measured:
        marks = {"beyond": "beyond", "reach": "reached", "no": "MISSED"}[one["judged"]]
        ratio = f"{one['baseline_ratio']:.2f}" if one.get("baseline_ratio") else ""
        noisy = f"  noisy: {one['noise']}" if one["noise"] else ""
        lines.append(f"  {one['title']:66} {one['shown']:>12} {one['reach']:>10} {one['beyond']:>10}  {marks:8} {ratio:>8}{noisy}")
    return "\n".join(lines)
