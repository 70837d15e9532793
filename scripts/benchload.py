"""How the bench measures: scenarios of bench_load against a site, with what others used of the machine meanwhile."""

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from pathlib import Path

import benchrows
import supervise
from benchsite import TestSite, WholeSite

# How often the first sync of a server that was just started is measured, and its start: each time the middle counts.
STARTS = 5


def setting(name, otherwise):
    return os.environ.get(name) or otherwise


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    kilobytes = int(Path("/proc/meminfo").read_text().split(None, 2)[1])
    return {"processor": model, "processors": os.cpu_count(), "memory_gb": round(kilobytes / 1e6, 1), "kernel": platform.release()}


def busy_seconds():
    """Processor time that all of the machine used so far (proc(5), stat)."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def used_by(processes):
    """Processor time of live processes, and of this one and its ended children."""
    seconds = sum(sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])) for pid in processes.values())
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return seconds / os.sysconf("SC_CLK_TCK") + sum(one.ru_utime + one.ru_stime for one in own)


def proportional_bytes(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def about():
    """What belongs to every figure: of what, when and where."""
    return {"commit": setting("GIMS_COMMIT", "unknown"), "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine()}


def kinds(which, tls):
    """The kinds of site that SITE=`which` names."""
    found = [kind for kind, names in ((TestSite, ("test", "both")), (WholeSite, ("real", "both") if tls else ("real",))) if which in names]
    if not found:
        raise supervise.Failed(f"SITE={which}: it is test, real or both")
    return found


class Bench:
    def __init__(self, build, smoke, seconds=10):
        """`seconds`: how long a scenario is measured unless the environment says otherwise."""
        self.build, self.smoke = Path(build), smoke
        self.seconds = 1 if smoke else int(setting("SECONDS_EACH", str(seconds)))

    def clients(self, scenario):
        return benchrows.CLIENTS[scenario][1 if self.smoke else 0]

    def load(self, site, scenario, options=(), clients=None, seconds=None):
        """One scenario; its report, with what others used of the machine meanwhile."""
        clients = clients or self.clients(scenario)
        argv = [self.build / "tests/bench/bench_load", "--url", site.url, "--scenario", scenario.removesuffix("-paced"),
                "--seconds", seconds or self.seconds, "--clients", clients, *site.options, *options, *benchrows.pace(scenario, clients),
                "--processes", ",".join(f"{name}={pid}" for name, pid in site.processes().items())]
        argv += ["--accounts", site.accounts] if site.accounts else []
        argv += ["--ca", site.ca] if site.ca else []
        return self.watched(site, lambda: self.json_of(argv))

    def json_of(self, argv):
        ran = subprocess.run([str(part) for part in argv], capture_output=True, text=True, timeout=600)
        if ran.returncode:
            raise supervise.Failed(ran.stderr.strip() or f"bench_load ended with {ran.returncode}")
        return json.loads(ran.stdout)

    def watched(self, site, work):
        began, busy, used = time.monotonic(), busy_seconds(), used_by(site.processes())
        report = work()
        others = (busy_seconds() - busy) - (used_by(site.processes()) - used)
        return report | {"others": max(0.0, others / (time.monotonic() - began) / os.cpu_count())}

    def calibrated(self, site, work):
        """For what is measured here: the figures with a calibration before and after."""
        calibrate = lambda: self.json_of([self.build / "tests/bench/bench_load", "--calibrate"])
        return self.watched(site, lambda: (lambda before, figures: {
            "figures": figures, "processor_us": {}, "calibration": [before, calibrate()]})(calibrate(), work()))

    def begin(self, site, scenario):
        site.limits_raised = scenario == "sends"
        site.start()

    def idle(self, site):
        def work():
            time.sleep(0 if self.smoke else 2)  # what the start still does
            each = {f"bytes_{name}": proportional_bytes(pid) for name, pid in site.processes().items()}
            return each | {"bytes": sum(each.values())}
        return self.calibrated(site, work)

    def starts(self, site):
        times = []
        for _ in range(1 if self.smoke else STARTS):
            site.stop()
            times.append(site.start(keep=True))
        return self.calibrated(site, lambda: {"start_s": statistics.median(times), "starts": len(times)})

    def cold(self, site):
        """The first sync of a server that was just started, over what "first-sync" left."""
        reports = []
        for _ in range(1 if self.smoke else STARTS):
            site.stop()
            site.start(keep=True)
            reports.append(self.load(site, "first-sync-cold"))
        return benchrows.middle(reports, "first_sync_cold_p50_ms", benchrows.least_calibration(reports))

    def run(self, site, scenario, options=(), clients=None):
        """The report of any row's scenario. It begins with processes that are just started: limits and caches are empty."""
        if scenario == "first-sync-cold":
            return self.cold(site)
        site.stop()
        self.begin(site, scenario)
        if scenario == "idle":
            return self.idle(site)
        if scenario == "start":
            return self.starts(site)
        return self.load(site, scenario, options, clients)
