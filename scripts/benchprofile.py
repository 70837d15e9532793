"""make bench-profile: where the server's processor time goes, by layer, by thread and by system call.

perf samples what runs while a scenario is measured (and not while it is prepared), and each sample counts for the layer whose code
it was: the namespace of this program's own, the library, or the kernel. What the compiler put into its caller counts there.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import benchload
import benchrows
import supervise
from benchload import about, setting
from benchsite import TestSite

RATE = 997  # samples a second and processor; no divisor of what happens each millisecond
LAYERS = ("tls", "http", "api", "service", "store", "sql", "json", "matrix", "crypto", "sys", "app", "hsm", "testsite", "base")
LAYER = re.compile(rf"gims::({'|'.join(LAYERS)})::")
# Of the libraries by the beginnings of their files' names.
LIBRARIES = (("libmbed", "mbedTLS"), ("libsqlite3", "SQLite"), ("libsodium", "libsodium"), ("libyyjson", "yyjson"),
             ("libmicrohttpd", "libmicrohttpd"), ("libstdc++", "C++ library"), ("libgcc_s", "C++ library"), ("libc.so", "C library"),
             ("libm.so", "C library"), ("ld-linux", "C library"))
SYSTEM_CALL = re.compile(r"^__(?:x64|arm64|do|se)_sys_(\w+)")
FRAME = re.compile(r"^\t\s*[0-9a-f]+ (.*) \((.*)\)$")


def layer_of(symbol, file):
    name = Path(file).name
    if name.startswith(("[kernel", "[guest.kernel")) or name.endswith(".ko") or symbol.endswith("_[k]"):
        return "kernel"
    if file == "[vdso]":
        return "C library"
    for beginning, layer in LIBRARIES:
        if name.startswith(beginning):
            return layer
    if name.startswith("gims"):
        if found := LAYER.search(symbol):
            return f"gims::{found[1]}"
        return "C++ library" if symbol.startswith(("std::", "void std::", "bool std::", "operator", "__gnu_cxx")) else "other of gims"
    return "other"


def call_of(frames):
    """What the kernel was at, from the frames of a sample, the innermost first."""
    for symbol, _ in frames:
        if found := SYSTEM_CALL.match(symbol):
            return found[1]
        if "page_fault" in symbol:
            return "(page fault)"
        if symbol.startswith(("asm_sysvec", "asm_common_interrupt", "ret_from_fork")):
            return "(interrupt)"
    return "(other)"


def attributed(script):
    """From the output of perf script: (samples, by layer, by system call, by thread)."""
    layers, calls, threads = Counter(), Counter(), Counter()
    for block in script.split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip()]
        if not lines:
            continue
        frames = [(found[1], found[2]) for line in lines[1:] if (found := FRAME.match(line))]
        layer = layer_of(*frames[0]) if frames else "other"
        layers[layer] += 1
        if layer == "kernel":
            calls[call_of(frames)] += 1
        threads[re.sub(r"[-\d]+$", "", lines[0].rsplit(None, 1)[0])] += 1
    return sum(layers.values()), layers, calls, threads


def demangled(script):
    """perf leaves some names as the compiler wrote them."""
    return subprocess.run(["c++filt"], input=script, capture_output=True, text=True, check=True).stdout


class CannotLook(supervise.Failed):
    """perf is not there, or the kernel does not let it look."""


class Perf:
    """Records processes; only while bench_load says so."""

    def __init__(self, folder, processes):
        self.program = os.environ.get("PERF") or "perf"
        self.data, self.log = Path(folder) / "perf.data", Path(folder) / "perf.log"
        commands, answers = Path(folder) / "commands", Path(folder) / "answers"
        for pipe in (commands, answers):
            os.mkfifo(pipe)
        self.options = ["--perf-control", f"{commands},{answers}"]
        argv = [self.program, "record", "--event", "cpu-clock", "--freq", str(RATE), "-g", "--delay", "-1", "--control", f"fifo:{commands},{answers}",
                "--output", self.data, "--pid", ",".join(map(str, processes))]
        try:
            self.child = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        except FileNotFoundError:
            raise CannotLook(f"{self.program} is missing; the package linux-perf has it") from None
        # Opening for writing succeeds once perf, which reads, has opened its end.
        while True:
            try:
                os.close(os.open(commands, os.O_WRONLY | os.O_NONBLOCK))
                return
            except OSError:
                pass
            try:
                self.child.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise CannotLook(f"perf cannot record here (it needs CAP_PERFMON, or kernel.perf_event_paranoid at most 0): {self.said()}")

    def said(self):
        return self.log.read_text(errors="replace").strip()[-1000:]

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        self.child.wait(60)

    def script(self):
        ran = subprocess.run([self.program, "script", "--input", self.data, "--no-inline", "--fields", "comm,pid,ip,sym,dso"],
                             capture_output=True, text=True, errors="replace")
        if ran.returncode:
            raise supervise.Failed(f"perf script failed: {ran.stderr.strip()[-1000:]}")
        return demangled(ran.stdout)


def profile(bench, site, scenario, folder):
    bench.begin(site, scenario)
    try:
        if scenario == "first-sync-cold":
            bench.load(site, "first-sync")
            site.stop()
            site.start(keep=True)
        perf = Perf(folder, site.processes().values())
        try:
            report = bench.load(site, scenario, perf.options)
        finally:
            perf.stop()
        samples, layers, calls, threads = attributed(perf.script())
    finally:
        site.stop()
    if not samples:
        raise CannotLook(f"perf took no sample: {perf.said()}")
    figure = next((name for name in report["figures"] if name.startswith("cpu_us_per_")), None)
    if figure is None:
        raise supervise.Failed(f"SCENARIO={scenario} does not count processor time")
    cost = report["figures"][figure]
    parts = lambda counted: [{"name": name, "part": count / samples, "us": cost * count / samples} for name, count in counted.most_common()]
    return {"samples": samples, "us": cost, "figure": figure, "layers": parts(layers), "system_calls": parts(calls), "threads": parts(threads),
            "report": report}


def text(head, parts, least=0.005):
    """`least`: the part of all below which a line is left out."""
    return "\n".join([f"  {head}"] + [f"    {one['name']:32} {one['us']:8.1f} µs {one['part']:7.1%}" for one in parts if one["part"] >= least])


def run(bench, out, tell):
    """profile.json has one profile for each site and scenario: those of other scenarios that are there stay."""
    scenario = setting("SCENARIO", "sends")
    if scenario not in benchrows.CLIENTS:
        raise supervise.Failed(f"SCENARIO={scenario}: it is one of {', '.join(benchrows.CLIENTS)}")
    file = out / "profile.json"
    for kind in benchload.kinds(setting("SITE", "both"), True):
        if kind is not TestSite and scenario not in benchrows.REAL:
            tell(f"{kind.name}: its limits do not allow {scenario}")
            continue
        with tempfile.TemporaryDirectory(prefix="profile-", dir=out) as folder:
            tell(f"{kind.name}: {scenario}")
            accounts = 2 * bench.clients(scenario) + 32
            site = kind(folder, bench.build, True, accounts, 10, 200 if bench.smoke else 10_000)
            found = about() | {"smoke": bench.smoke, "site": kind.name, "scenario": scenario} | profile(bench, site, scenario, folder)
        kept = json.loads(file.read_text())["profiles"] if file.exists() else {}
        file.write_text(json.dumps({"profiles": kept | {f"{kind.name}, {scenario}": found}}, indent=1, ensure_ascii=False) + "\n")
        what = f"{kind.name}, {scenario}: {found['us']:.0f} µs of server CPU ({found['figure']}), {found['samples']:,} samples"
        print("\n" + "\n".join((f"  {what}", text("by layer", found["layers"]), text("the kernel, by system call", found["system_calls"]),
                                text("by thread", found["threads"]))) + "\n", flush=True)
    print(f"  {file}", flush=True)
