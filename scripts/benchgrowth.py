"""Growth: the same figures with more and more stored, and with more and more devices that wait (make bench-full)."""

import math
import tempfile
from dataclasses import dataclass
from xml.sax.saxutils import escape

import benchrows
from benchsite import TestSite, cut

STORED = (10_000, 250_000, 2_500_000)
DEVICES = (10, 1_000, 10_000)
ROOMS = 200
SMOKE_STORED, SMOKE_DEVICES = (200, 2_000), (5, 20)
# What is judged is measured so often, and the middle counts.
REPEATS = {"sends": 3, "incremental": 3}
# Connections beside the devices that wait: those of the scenario with the most of them.
OTHERS = 300


@dataclass(frozen=True)
class Row:
    title: str
    scenario: str
    figure: str  # of the scenario's report
    unit: str
    digits: int = 2
    scale: float = 1
    judged: bool = False  # whether it may grow


SAME = (
    Row("durable sends/s", "sends", "sends_per_second", "/s", 0),
    Row("server CPU a durable send", "sends", "cpu_us_per_send", "µs", 0, judged=True),
    Row("sequential send, p50", "sequential", "sequential_p50_ms", "ms"),
    Row("sequential send, p99", "sequential", "sequential_p99_ms", "ms"),
    Row("send to receipt, p50", "delivery", "delivery_p50_ms", "ms"),
    Row("send to receipt, p99", "delivery", "delivery_p99_ms", "ms"),
    Row("server CPU an incremental sync", "incremental", "cpu_us_per_sync", "µs", 0, judged=True),
    Row("incremental sync, p50", "incremental", "incremental_p50_ms", "ms"),
    Row("incremental sync, p99", "incremental", "incremental_p99_ms", "ms"),
    Row("first sync, p50", "first-sync", "first_sync_p50_ms", "ms", 1),
)
BY_STORED = (
    *SAME,
    Row("first sync, the first after a start", "first-sync-cold", "first_sync_cold_p50_ms", "ms", 1),
    Row("start to serving", "start", "start_s", "s", 3),
    Row("memory idle", "idle", "bytes", "MB", 1, 1e-6),
)
BY_DEVICES = (
    *SAME,
    Row("full handshakes/s, one server core", "handshakes", "handshakes_per_core_second", "/s", 0),
    Row("memory a waiting device", "waiting", "bytes_per_device", "kB", 1, 1e-3),
    Row("memory of all daemons, all wait", "waiting", "bytes", "MB", 1, 1e-6),
    Row("deliveries/s in one room", "fanout", "deliveries_per_second", "/s", 0),
    Row("server CPU a delivery", "fanout", "cpu_us_per_delivery", "µs", 0),
)
# Whose clients are the devices themselves; with the others they wait beside.
OF_DEVICES = ("waiting", "fanout")


def by_stored(bench, out, tell):
    """The reports of each scenario, by how much is stored: {size: {scenario: [report]}}."""
    reports = {}
    for stored in SMOKE_STORED if bench.smoke else STORED:
        with tempfile.TemporaryDirectory(prefix="growth-", dir=out) as folder:
            tell(f"growth: {stored:,} messages")
            site = TestSite(folder, bench.build, True, 600, 10 if bench.smoke else ROOMS, stored)
            reports[stored] = measured(bench, site, BY_STORED, lambda scenario: bench.run(site, scenario), tell)
    return reports


def by_devices(bench, out, tell):
    """The same by how many devices there are, and what was cut: (reports, [why])."""
    reports, notes = {}, []
    for wanted in SMOKE_DEVICES if bench.smoke else DEVICES:
        devices, note = cut(TestSite, wanted, OTHERS)
        notes += [note] if note else []
        with tempfile.TemporaryDirectory(prefix="growth-", dir=out) as folder:
            tell(f"growth: {note or f'{devices:,} devices'}")
            site = TestSite(folder, bench.build, True, devices + 600, 10 if bench.smoke else ROOMS, 200 if bench.smoke else STORED[0])
            reports[devices] = measured(bench, site, BY_DEVICES, lambda scenario: (
                bench.run(site, scenario, clients=devices) if scenario in OF_DEVICES else
                bench.run(site, scenario, ["--bystanders", devices])), tell)
    return reports, notes


def measured(bench, site, rows, run, tell):
    found = {}
    try:
        for scenario in dict.fromkeys(row.scenario for row in rows):
            tell(f"  {scenario}")
            found[scenario] = [run(scenario) for _ in range(1 if bench.smoke else REPEATS.get(scenario, 1))]
    finally:
        site.stop()
    return found


def table_of(rows, reports, least_ns):
    """Each row with its figure at each size, the last against the first, and a verdict where it is judged."""
    made = []
    for row in rows:
        points = []
        for size, found in reports.items():
            report = benchrows.middle(found[row.scenario], row.figure, least_ns)
            points.append({"size": size, "value": report["figures"][row.figure] * row.scale,
                           "noise": benchrows.noise(report["calibration"], least_ns, report["others"])})
        ratio, verdict = benchrows.growth([point["value"] for point in points], [point["noise"] for point in points])
        made.append({"title": row.title, "unit": row.unit, "digits": row.digits, "points": points, "ratio": ratio,
                     "verdict": verdict if row.judged else ""})
    return made


def shown(row, point):
    """A figure of a growth table; a star says that it is noisy."""
    return f"{point['value']:,.{row['digits']}f} {row['unit']}{'*' if point['noise'] else ''}"


def text(head, rows):
    lines = [f"  {head:40}" + "".join(f"{point['size']:>16,}" for point in rows[0]["points"]) + f"{'last/first':>12}"]
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        lines.append(f"  {row['title']:40}" + "".join(f"{shown(row, point):>16}" for point in row["points"])
                     + f"{ratio:>12}  {row['verdict']}".rstrip())
    return "\n".join(lines)


RULE = f"*: noisy. Judged: processor time, which does not grow when last/first is at most {benchrows.GROWS} and neither is noisy"


def chart(title, groups):
    """An SVG of small charts: each figure against the size, on logarithmic scales of the same height for a factor of ten."""
    width, height, left, top, columns = 300, 190, 58, 46, 3
    parts, count = [], 0
    for axis, found in groups:
        for row in found:
            name, unit, digits = row["title"], row["unit"], row["digits"]
            points = [(point["size"], point["value"]) for point in row["points"]]
            x0, y0 = (count % columns) * width, 30 + (count // columns) * height
            count += 1
            low, high = math.log10(points[0][0]), math.log10(points[-1][0])
            middle = sum(math.log10(max(value, 1e-9)) for _, value in points) / len(points)
            at = lambda size, value: (x0 + left + (math.log10(size) - low) / max(high - low, 1e-9) * (width - left - 40),
                                      y0 + top + 55 - (math.log10(max(value, 1e-9)) - middle) * 50)
            places = [at(*point) for point in points]
            parts.append(f'<text x="{x0 + 12}" y="{y0 + 18}" font-size="13">{escape(name)} ({escape(unit)})</text>')
            parts.append('<polyline fill="none" stroke="#2f6fbd" stroke-width="2" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in places) + '"/>')
            for (x, y), (size, value) in zip(places, points):
                parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#2f6fbd"/>'
                             f'<text x="{x:.1f}" y="{y - 8:.1f}" font-size="11" text-anchor="middle">{value:,.{digits}f}</text>'
                             f'<text x="{x:.1f}" y="{y0 + height - 22}" font-size="11" text-anchor="middle" fill="#59636e">{size:,}</text>')
            parts.append(f'<text x="{x0 + left}" y="{y0 + height - 8}" font-size="11" fill="#59636e">{escape(axis)}</text>')
    rows = -(-count // columns)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * columns}" height="{30 + rows * height}" font-family="sans-serif">'
            f'<rect width="100%" height="100%" fill="#ffffff"/><text x="12" y="20" font-size="15">{escape(title)}</text>' + "".join(parts) + "</svg>\n")
