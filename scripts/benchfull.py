"""make bench-full: what takes longer than make bench. The pilot's day replayed, with its morning; and growth: the same
figures with more and more stored, and with more and more devices. docs/performance.md says what each row means."""

import json
import math
import resource
import subprocess
import tempfile
from xml.sax.saxutils import escape

import benchrows
import supervise
from benchsite import TestSite

STORED = (10_000, 250_000, 2_500_000)
DEVICES = (10, 1_000, 10_000)
ROOMS = 200
SMOKE_STORED, SMOKE_DEVICES = (200, 2_000), (5, 20)
# The rows of a growth table: title, scenario, figure of its report, factor, unit, digits.
BY_STORED = (("server CPU a durable send", "sends", "cpu_us_per_send", 1, "µs", 0),
             ("sequential send, p50", "sequential", "sequential_p50_ms", 1, "ms", 2),
             ("send to receipt, p50", "delivery", "delivery_p50_ms", 1, "ms", 2),
             ("server CPU an incremental sync", "incremental", "cpu_us_per_sync", 1, "µs", 0),
             ("incremental sync, p50", "incremental", "incremental_p50_ms", 1, "ms", 2),
             ("start to serving", "start", "start_s", 1, "s", 3))
BY_DEVICES = (("memory a waiting device", "waiting", "bytes_per_device", 1e-3, "kB", 1),
              ("deliveries/s in one room", "fanout", "deliveries_per_second", 1, "/s", 0),
              ("server CPU a delivery", "fanout", "cpu_us_per_delivery", 1, "µs", 0))
REPLAY_ROWS = (("replay", "{messages:,} messages of {officers:,} officers replayed, durable, all delivered", "replay_s", 1 / 60, "min", 20, 9, 1),
               ("morning", "{devices:,} devices connect and look, p99", "morning_look_p99_ms", 1, "ms", 500, 500, 1),
               ("morning-others", "sends of others meanwhile, p99", "morning_others_send_p99_ms", 1, "ms", 500, 500, 1))


def replay(bench, out, tell):
    """bench_replay's report against a fresh test site, whose limits would otherwise be what is measured: the clients are all here."""
    options = ["--messages", 3_000, "--officers", 60, "--morning", 0.5, "--changed-devices", 3, "--watchers", 8] if bench.smoke else []
    with tempfile.TemporaryDirectory(prefix="replay-", dir=out) as folder:
        site = TestSite(folder, bench.build, True, 2, 1, 1)
        site.start()
        tell(f"{site.name}: replay")
        try:
            argv = [bench.build / "tests/bench/bench_replay", "--url", site.url, "--ca", site.ca, *options,
                    "--processes", ",".join(f"{name}={pid}" for name, pid in site.processes().items())]
            ran = subprocess.run([str(part) for part in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE if bench.smoke else None, text=True)
            if ran.returncode:
                raise supervise.Failed(f"the replay found faults: {ran.stderr or ''}")
            return json.loads(ran.stdout)
        finally:
            site.stop()


def by_stored(bench, out, tell):
    """The reports of each scenario, by how much is stored."""
    reports = {}
    for stored in SMOKE_STORED if bench.smoke else STORED:
        with tempfile.TemporaryDirectory(prefix="growth-", dir=out) as folder:
            tell(f"growth: {stored:,} messages")
            site = TestSite(folder, bench.build, True, 600, 10 if bench.smoke else ROOMS, stored)
            try:
                found = {}
                for scenario in dict.fromkeys(row[1] for row in BY_STORED):
                    site.start()
                    found[scenario] = bench.starts(site) if scenario == "start" else bench.load(site, scenario)
                    site.stop()
                reports[stored] = found
            finally:
                site.stop()
    return reports


def by_devices(bench, out, tell):
    reports = {}
    for devices in map(fits, SMOKE_DEVICES if bench.smoke else DEVICES):
        with tempfile.TemporaryDirectory(prefix="growth-", dir=out) as folder:
            tell(f"growth: {devices:,} devices")
            site = TestSite(folder, bench.build, True, devices + 2, 1, 1)
            try:
                found = {}
                for scenario in dict.fromkeys(row[1] for row in BY_DEVICES):
                    site.start()
                    found[scenario] = bench.load(site, scenario, clients=devices)
                    site.stop()
                reports[devices] = found
            finally:
                site.stop()
    return reports


def fits(devices):
    """How many devices the machine's descriptors allow: gimsd-testsite has three for each, the TCP socket and the pair to it."""
    most = (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 200) // 3
    return min(devices, most)


def series(rows, reports):
    """[(title, unit, digits, [(size, value)])]"""
    return [(title, unit, digits, [(size, found[scenario]["figures"][figure] * scale) for size, found in reports.items()])
            for title, scenario, figure, scale, unit, digits in rows]


def table(head, found):
    sizes = [size for size, _ in found[0][3]]
    lines = [f"  {head:40}" + "".join(f"{size:>14,}" for size in sizes)]
    for title, unit, digits, points in found:
        lines.append(f"  {title:40}" + "".join(f"{f'{value:,.{digits}f} {unit}':>14}" for _, value in points))
    return "\n".join(lines)


def chart(title, groups):
    """An SVG of small charts: each figure against the size, on logarithmic scales of the same height for a factor of ten."""
    width, height, left, top, columns = 300, 190, 58, 46, 3
    parts, count = [], 0
    for axis, found in groups:
        for name, unit, digits, points in found:
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


def replay_rows(report):
    rows = []
    for key, title, figure, scale, unit, reach, beyond, digits in REPLAY_ROWS:
        row = benchrows.Row(key, title, "replay", figure, unit, reach, beyond, scale, digits=digits)
        value = report["figures"][figure] * scale
        rows.append({"key": key, "title": title.format(**{name: int(number) for name, number in report["figures"].items()}), "value": value,
                     "shown": benchrows.shown(row, value), "reach": benchrows.limit(row, reach), "beyond": benchrows.limit(row, beyond),
                     "judged": benchrows.judged(row, value), "noise": ""})
    return rows


def run(bench, out, tell, about):
    """`about`: commit, date and machine, for the files."""
    report = replay(bench, out, tell)
    rows = replay_rows(report)
    print(f"\n{benchrows.table(rows)}\n", flush=True)
    stored, devices = by_stored(bench, out, tell), by_devices(bench, out, tell)
    stored_series, device_series = series(BY_STORED, stored), series(BY_DEVICES, devices)
    (out / "bench-full.json").write_text(json.dumps(
        about | {"rows": rows, "replay": report, "by_stored": stored, "by_devices": devices}, indent=1, ensure_ascii=False) + "\n")
    (out / "bench-full.svg").write_text(chart(f"GIMS {about['commit']}: growth",
                                              (("messages stored", stored_series), ("devices", device_series))))
    print(f"\n{table('messages stored', stored_series)}\n\n{table('devices', device_series)}\n\n"
          f"  {out}/bench-full.json, {out}/bench-full.svg", flush=True)
