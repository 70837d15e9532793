"""The rows of `make bench` about custody: what gims-keyd's work costs with a software TPM. There are no limits to judge them by; a TPM in
hardware takes some hundred milliseconds for what a software one does in a few."""

from dataclasses import dataclass

import benchrows


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    figure: str  # of bench_custody
    unit: str = "ms"
    digits: int = 2


ROWS = (
    Row("custody.unseal", "unsealing the root key, p50", "unseal_p50_ms"),
    Row("custody.sign", "a signature of the issuing CA's key, p50", "sign_p50_ms"),
    Row("custody.quote", "a quote, p50", "quote_p50_ms"),
    Row("custody.leaf", "a leaf, from the request to the answer, p50", "leaf_p50_ms"),
    Row("custody.restore", "restoring from 3 shares of 5, p50", "restore_p50_ms"),
    Row("custody.frames", "frames/s of gims-keyd's protocol, one peer", "frames_per_second", "/s", 0),
)


class SoftwareTpm:
    """It runs below bench_custody and ends with it."""
    name = "custody"

    def processes(self):
        return {}


def measured(bench):
    """The report: the figures, with a calibration before and after."""
    seconds = 0.2 if bench.smoke else bench.seconds / 5
    return bench.calibrated(SoftwareTpm(), lambda: bench.json_of([bench.build / "tests/bench/bench_custody", seconds]))


def rows(report, least_ns):
    noise = benchrows.noise(report["calibration"], least_ns, report["others"])
    return [{"key": row.key, "title": row.title, "value": report["figures"][row.figure], "unit": row.unit,
             "shown": benchrows.shown(row, report["figures"][row.figure]), "noise": noise} for row in ROWS]


def table(found):
    head = f"  {'custody, with a software TPM':66} {'measured':>12}"
    lines = [head, "  " + "-" * (len(head) - 2)]
    for one in found:
        noisy = f"  noisy: {one['noise']}" if one["noise"] else ""
        lines.append(f"  {one['title']:66} {one['shown']:>12}{noisy}")
    return "\n".join(lines)
