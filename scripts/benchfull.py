"""make bench-full: what takes longer than make bench. The pilot's day replayed, with its morning; a reconnect storm; and growth
by what is stored and by devices. Each part can be run alone (PART=). docs/performance.md says what each row means."""

import json
import subprocess
import tempfile

import benchgrowth
import benchload
import benchrows
import supervise
from benchload import about, setting
from benchsite import TestSite, cut

PARTS = ("replay", "storm", "growth")
SECONDS = 5  # that each row of growth is measured, unless SECONDS_EACH says otherwise
STORM = 6_500
STORM_SECONDS = 30  # in which all begin; they are done within 60
STORM_OTHERS = 60  # connections beside theirs
SMOKE_STORM = 60
REPLAY_ROWS = (
    benchrows.Row("replay", "{messages:,} messages of {officers:,} officers replayed, durable, all delivered", "replay", "replay_s", "min", 20, 9,
                  1 / 60, digits=1),
    benchrows.Row("morning", "{devices:,} devices connect and look, p99", "replay", "morning_look_p99_ms", "ms", 500, 500, digits=1),
    benchrows.Row("morning-others", "sends of others meanwhile, p99", "replay", "morning_others_send_p99_ms", "ms", 500, 500, digits=1))
STORM_ROWS = (
    benchrows.Row("storm", "{devices:,} devices reconnect and have the night's news", "storm", "storm_s", "s", 60, 60, digits=1),
    benchrows.Row("storm-slowest", "the slowest of them, from when it was due", "storm", "look_max_ms", "s", 30, 30, 1e-3),
    benchrows.Row("storm-send", "sends of others meanwhile, p99", "storm", "others_send_p99_ms", "ms", 500, 500, digits=1),
    benchrows.Row("storm-delivery", "send to receipt of others meanwhile, p99", "storm", "others_delivery_p99_ms", "ms", 500, 500, digits=1))


def speed():
    try:
        return float(setting("SPEED", "0"))
    except ValueError:
        raise supervise.Failed(f"SPEED={setting('SPEED', '0')}: it is a number, 0 for as fast as it goes") from None


def rows_of(rows, report, least_ns):
    noisy = benchrows.noise(report["calibration"], least_ns, report["others"])
    named = {name: int(number) for name, number in report["figures"].items()}
    return [benchrows.row_of(row, report["figures"][row.figure] * row.scale, noisy, named) for row in rows]


def replay(bench, out, tell):
    """bench_replay against a fresh test site, whose limits would otherwise be what is measured: the clients are all here."""
    options = ["--messages", 3_000, "--officers", 60, "--morning", 0.5, "--changed-devices", 3, "--watchers", 8] if bench.smoke else []
    with tempfile.TemporaryDirectory(prefix="replay-", dir=out) as folder:
        site = TestSite(folder, bench.build, True, 2, 1, 1)
        site.start()
        tell(f"{site.name}: replay" + (f", {speed():g} minutes in one" if speed() else ""))
        argv = [bench.build / "tests/bench/bench_replay", "--url", site.url, "--ca", site.ca, "--speed", speed(), *options,
                "--processes", ",".join(f"{name}={pid}" for name, pid in site.processes().items())]

        def play():
            ran = subprocess.run([str(part) for part in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE if bench.smoke else None, text=True)
            if ran.returncode:
                raise supervise.Failed(f"the replay found faults: {ran.stderr or ''}")
            return json.loads(ran.stdout)
        try:
            report = bench.watched(site, play)
        finally:
            site.stop()
    rows = rows_of(REPLAY_ROWS, report, benchrows.least_calibration([report]))
    if speed():  # then the speed is what is measured
        rows[0] |= {"title": f"{rows[0]['title']}, at {speed():g} minutes in one", "judged": "unjudged"}
    print(f"\n{benchrows.table(rows)}\n", flush=True)
    return {"rows": rows, "speed": speed(), "report": report}


def storm(bench, out, tell):
    """On both kinds of site. The first device that gets an error, or not all that it missed, ends the run with status 1."""
    reports, notes = {}, []
    for kind in benchload.kinds(setting("SITE", "both"), True):
        devices, note = cut(kind, SMOKE_STORM if bench.smoke else STORM, STORM_OTHERS)
        notes += [f"{kind.name}: {note}"] if note else []
        with tempfile.TemporaryDirectory(prefix="storm-", dir=out) as folder:
            tell(f"{kind.name}: storm, {note or f'{devices:,} devices'}")
            site = kind(folder, bench.build, True, devices + 40, 10, 200 if bench.smoke else 10_000)
            try:
                site.start()
                reports[kind.name] = bench.load(site, "storm", clients=devices, seconds=1 if bench.smoke else STORM_SECONDS)
            finally:
                site.stop()
    least = benchrows.least_calibration(reports.values())
    rows = [row | {"site": name, "title": f"{name}: {row['title']}"} for name, report in reports.items()
            for row in rows_of(STORM_ROWS, report, least)]
    print("\n" + "\n".join([benchrows.table(rows), *(f"  {note}" for note in notes)]) + "\n", flush=True)
    return {"rows": rows, "notes": notes, "reports": reports}


def growth(bench, out, tell):
    stored, (devices, notes) = benchgrowth.by_stored(bench, out, tell), benchgrowth.by_devices(bench, out, tell)
    all_of = [report for found in (stored, devices) for each in found.values() for reports in each.values() for report in reports]
    least = benchrows.least_calibration(all_of)
    tables = {"messages stored": benchgrowth.table_of(benchgrowth.BY_STORED, stored, least),
              "devices": benchgrowth.table_of(benchgrowth.BY_DEVICES, devices, least)}
    most = max(stored)
    start = next(row for row in benchrows.ROWS if row.key == "start")
    row = benchrows.middle(stored[most]["start"], start.figure, least)
    rows = [benchrows.row_of(start, row["figures"][start.figure], benchrows.noise(row["calibration"], least, row["others"]),
                             {"stored": f"{most:,}"}, most)]
    (out / "bench-full.svg").write_text(benchgrowth.chart(f"GIMS {about()['commit']}: growth", list(tables.items())))
    for head, found in tables.items():
        print(f"\n{benchgrowth.text(head, found)}")
    print("\n" + "\n".join([f"  {benchgrowth.RULE}", *(f"  {note}" for note in notes), "", benchrows.table(rows)]) + "\n", flush=True)
    return {"rows": rows, "notes": notes, "tables": tables, "seconds_each": bench.seconds, "reports": {"stored": stored, "devices": devices}}


def run(bench, out, tell):
    """Each part takes its place in bench-full.json when it is done; what an earlier run found of the others stays there."""
    part = setting("PART", "all")
    if part not in (*PARTS, "all"):
        raise supervise.Failed(f"PART={part}: it is {', '.join(PARTS)} or all")
    speed()  # wrong ones are not to be found after an hour
    file = out / "bench-full.json"
    for name in PARTS if part == "all" else (part,):
        found = about() | {"smoke": bench.smoke} | {"replay": replay, "storm": storm, "growth": growth}[name](bench, out, tell)
        kept = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({"parts": kept.get("parts", {}) | {name: found}}, indent=1, ensure_ascii=False) + "\n")
    print(f"  {benchrows.RULE}\n  {file}" + (f", {out}/bench-full.svg" if part in ("growth", "all") else ""), flush=True)
