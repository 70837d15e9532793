"""The rows of `make bench`: what each shows, the figures to reach, and how a figure is judged."""

import statistics
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
    judged_from: int = 0  # messages stored; with fewer it is shown and not judged
    judged: bool = True  # else it is only shown


def rate(key, title, scenario, figure, reach, beyond):
    return Row(key, title, scenario, figure, "/s", reach, beyond, higher_is_better=True, kind="rate", digits=0)


def memory(key, title, scenario, figure, unit, reach, beyond, scale):
    return Row(key, title, scenario, figure, unit, reach, beyond, scale, kind="memory", digits=1)


ROWS = (
    rate("sends", "durable sends/s, {clients} senders in {clients} rooms", "sends", "sends_per_second", 2500, 5000),
    Row("send-cpu", "server CPU a durable send, all processes", "sends", "cpu_us_per_send", "µs", 200, 130, digits=0),
    # As fast as a whole site's limits let them, which is less than it can: commits have fewer sends each.
    Row("paced-cpu", "the same within its limits, at {rate}/s", "sends-paced", "cpu_us_per_send", "µs", 200, 130, digits=0, judged=False),
    Row("sequential-p50", "sequential send, p50", "sequential", "sequential_p50_ms", "ms", 1.5, 0.8),
    Row("sequential-p99", "sequential send, p99", "sequential", "sequential_p99_ms", "ms", 10, 5),
    Row("delivery-p50", "send to receipt by a long poll at 100/s, p50", "delivery", "delivery_p50_ms", "ms", 3, 1.5),
    Row("delivery-p99", "send to receipt by a long poll at 100/s, p99", "delivery", "delivery_p99_ms", "ms", 15, 8),
    rate("fanout", "deliveries/s in a room of {clients} devices", "fanout", "deliveries_per_second", 10_000, 30_000),
    memory("waiting", "memory a waiting device, user space ({clients} wait)", "waiting", "bytes_per_device", "kB", 60, 12, 1e-3),
    memory("idle", "memory of all daemons, idle", "idle", "bytes", "MB", 40, 25, 1e-6),
    rate("handshakes", "full TLS handshakes/s, one server core", "handshakes", "handshakes_per_core_second", 600, 800),
    Row("start", "start to serving, {stored} messages stored", "start", "start_s", "s", 1, 0.3, digits=3, judged_from=2_500_000),
    Row("first-sync", "first sync of an account with {clients} rooms, p50", "first-sync", "first_sync_p50_ms", "ms", 100, 30, digits=1),
    Row("first-sync-cold", "the same, the first after a start", "first-sync-cold", "first_sync_cold_p50_ms", "ms", 100, 30, digits=1),
)

# How many clients a scenario has: in a bench and in a smoke run. Those who send in turn are so many that a whole site's limit
# for each (ten a second) allows more than one after the other can send.
CLIENTS = {"sends": (256, 8), "sends-paced": (256, 8), "sequential": (512, 192), "delivery": (20, 5), "incremental": (64, 5),
           "fanout": (1000, 10), "waiting": (1000, 10), "handshakes": (8, 2), "first-sync": (500, 3), "first-sync-cold": (500, 3)}
# The scenarios of a whole site: those that its own limits allow (docs/limits.md): ten sends a second and user, and memberships as
# fast as that; and "sends" with its limits raised as far as a site can (rates.users and rates.addresses).
REAL = ("sends", "sends-paced", "sequential", "delivery", "waiting", "handshakes")
PACED_SENDS = 7.8  # a second and sender: 256 are asked for 2,000


def pace(scenario, clients):
    """The options of bench_load for a scenario that is paced."""
    return ["--rate", int(PACED_SENDS * clients)] if scenario == "sends-paced" else []


def judged(row, value, stored=None):
    """"beyond", "reach", "no", or "unjudged" of a row that is only shown, or where too little was stored for it."""
    if not row.judged or (row.judged_from and (stored or 0) < row.judged_from):
        return "unjudged"
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


def quiet(report, least_ns):
    return not noise(report["calibration"], least_ns, report["others"])


def middle(reports, figure, least_ns):
    """Of several runs the one with the median of that figure, of the quiet ones if there are any: it was measured, and its
    noise is known."""
    best = [report for report in reports if quiet(report, least_ns)] or reports
    return sorted(best, key=lambda report: report["figures"][figure])[(len(best) - 1) // 2]


def least_calibration(reports):
    """The processor time of the calibration loop when the machine was fastest."""
    return min(one["processor_ns"] for report in reports for one in report["calibration"])


GROWS = 1.25  # times as much processor time as with the least stored, or with the fewest devices


def growth(values, noises):
    """The last figure against the first, and what to say of it: (ratio, verdict)."""
    ratio = values[-1] / values[0] if values[0] else None
    if noises[0] or noises[-1]:
        return ratio, "noisy"
    return ratio, "does not grow" if ratio is not None and ratio <= GROWS else "GROWS"


def compared(first, second):
    """Figures of two builds that were measured by turns: their medians' ratio; None where there is nothing to divide by."""
    one, other = statistics.median(first), statistics.median(second)
    return other / one if one else None


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


MARKS = {"beyond": "beyond", "reach": "reached", "no": "MISSED", "unjudged": "not judged"}


def row_of(row, value, noisy, named, stored=None):
    """One row of the files and tables. `value`: in the row's unit. `named`: what its title names."""
    return {"key": row.key, "title": row.title.format(**named), "value": value, "unit": row.unit, "shown": shown(row, value),
            "reach": limit(row, row.reach), "beyond": limit(row, row.beyond), "judged": judged(row, value, stored), "noise": noisy}


def table(measured):
    """`measured`: the rows of bench.json. As text."""
    head = f"  {'figure':66} {'measured':>12} {'reach':>10} {'beyond':>10}  {'':10} {'baseline':>8}"
    lines = [head, "  " + "-" * (len(head) - 2)]
    for one in measured:
        marks = MARKS[one["judged"]]
        ratio = f"{one['baseline_ratio']:.2f}" if one.get("baseline_ratio") else ""
        noisy = f"  noisy: {one['noise']}" if one["noise"] else ""
        lines.append(f"  {one['title']:66} {one['shown']:>12} {one['reach']:>10} {one['beyond']:>10}  {marks:10} {ratio:>8}{noisy}")
    return "\n".join(lines)
