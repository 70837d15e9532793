#!/usr/bin/env python3
"""Fails on an include that points up or sideways between the layers of docs/architecture.md, on a third-party
header outside the module that wraps it, and where the tables allow more than is used or the document differs.

    scripts/lint/layers.py [TOP]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import includes as inc

DOCUMENT = "docs/architecture.md"

# What each module may include besides itself. Of daemon/, what gims-keyd is made of may use base and sys only, and of
# hsm/ the daemons see proto and attest only. docs/architecture.md has the same table with the reasons.
ALLOWED = {
    "base": set(),
    "sys": {"base"},
    "json": {"base"},
    "crypto": {"base"},
    "sql": {"base"},
    "http": {"base", "sys"},
    "matrix": {"base", "json", "crypto"},
    "store": {"base", "json", "crypto", "sql", "matrix"},
    "service": {"base", "sys", "json", "crypto", "sql", "http", "matrix", "store", "hsm/proto", "hsm/approval"},
    "api": {"base", "sys", "json", "crypto", "http", "matrix", "service"},
    "app": {"base", "sys", "http", "store", "service", "api", "hsm/proto", "hsm/attest"},
    "tls": {"base", "sys", "hsm/proto"},
    "testsite": {"base", "sys", "json", "crypto", "http", "api", "app", "tls", "hsm/proto"},
    "ctl": {"base", "sys", "json", "crypto", "hsm/proto", "hsm/ca", "hsm/release", "hsm/attest", "hsm/consent"},
    "hsm/proto": {"base", "sys"},
    "hsm/slip39": {"base"},
    "hsm/ca": {"base", "hsm/proto"},
    "hsm/core": {"base", "sys", "hsm/proto", "hsm/ca", "hsm/slip39", "hsm/approval"},
    "hsm/approval": {"base", "hsm/proto", "hsm/ca"},
    "hsm/consent": {"base", "sys", "hsm/proto", "hsm/approval"},
    "hsm/release": {"base", "sys", "json", "crypto", "hsm/ca"},
    "hsm/attest": {"base", "json", "crypto", "hsm/proto", "hsm/ca", "hsm/release"},
    "hsm/tpm2": {"base", "sys", "hsm/ca", "hsm/core", "hsm/release"},
    "hsm/pkcs11": {"base", "sys", "hsm/proto", "hsm/ca", "hsm/core"},
    "hsm/factor": {"base", "hsm/proto"},
    "hsm/main": {"base", "sys", "hsm/proto", "hsm/ca", "hsm/core", "hsm/release", "hsm/tpm2",
                 "hsm/pkcs11", "hsm/factor", "hsm/approval", "hsm/consent"},
    "hsm": {"base", "hsm/main"},
}

# Which modules wrap a third-party header; the tests may use any.
WRAPPERS = {
    "sodium": {"base", "crypto", "tls", "hsm/ca", "hsm/core", "hsm/factor", "hsm/release", "hsm/slip39", "hsm/approval", "hsm/attest"},
    "sqlite3": {"sql"},
    "microhttpd": {"http"},
    "yyjson": {"json"},
    "mbedtls/": {"crypto", "tls", "hsm/ca", "hsm/slip39", "hsm/approval", "hsm/attest"},
    "psa/": {"tls"},
    "tss2/": {"hsm/tpm2"},
    "p11-kit/": {"hsm/pkcs11"},
    "fido": {"hsm/factor"},
    "systemd/": {"base", "sys"},
    "seccomp": {"sys"},
    "linux/landlock": {"sys"},
    "linux/tls": {"sys"},
    "curl/": {"ctl"},
    "CLI/": {"app", "ctl", "hsm", "hsm/pkcs11", "hsm/release", "testsite"},
    "toml++/": {"base"},
}

HEAD = "| folder | what it is | may include | wraps |\n| --- | --- | --- | --- |\n"


def check(top):
    """The findings, one line each."""
    findings = []
    for path in inc.sources(top):
        own = inc.module(path, top)
        where = path.relative_to(top)
        if own == "tests":
            continue
        if own not in ALLOWED:
            findings.append(f"{where}: no layer is stated for '{own}'; add it to scripts/lint/layers.py")
            continue
        for line, name, _ in inc.includes(path):
            target = inc.resolve(name, path, top)
            other = inc.module(target, top) if target else None
            if other and other != own and other not in ALLOWED[own]:
                findings.append(f"{where}:{line}: {own} may not include {other} ({name})")
            for prefix, owners in WRAPPERS.items():
                if not target and name.startswith(prefix) and own not in owners:
                    findings.append(f"{where}:{line}: <{name}> belongs to {', '.join(sorted(owners))} only")
    return findings


def uses(top):
    """What each module includes of others and of libraries: {module: set of modules}, {header: set of modules}."""
    modules, headers = {}, {}
    for path in inc.sources(top):
        own = inc.module(path, top)
        for _, name, _ in inc.includes(path):
            target = inc.resolve(name, path, top)
            if target:
                modules.setdefault(own, set()).add(inc.module(target, top))
            else:
                for prefix in [prefix for prefix in WRAPPERS if name.startswith(prefix)]:
                    headers.setdefault(prefix, set()).add(own)
    return modules, headers


def check_tables(top):
    """What the tables above allow and nobody does, and where the document says something else."""
    findings = []
    modules, headers = uses(top)
    for own, allowed in ALLOWED.items():
        for other in sorted(allowed - modules.get(own, set())):
            findings.append(f"scripts/lint/layers.py: {own} does not include {other}: take it from the table")
    for prefix, owners in WRAPPERS.items():
        for own in sorted(owners - headers.get(prefix, set())):
            findings.append(f"scripts/lint/layers.py: {own} does not include <{prefix}>: take it from the table")
    told = {}
    _, _, table = (top / DOCUMENT).read_text(encoding="utf-8").partition(HEAD)
    for row in table.partition("\n\n")[0].splitlines():
        folder, _, may, wraps = [cell.strip() for cell in row.strip("|").split("|")]
        told[folder.removeprefix("daemon/")] = (set(may.split()), set(wraps.split()))
    for own, allowed in ALLOWED.items():
        wraps = {prefix.rstrip("/") for prefix, owners in WRAPPERS.items() if own in owners}
        if told.get(own) != (allowed, wraps):
            findings.append(f"{DOCUMENT}: of {own} should be said: | {' '.join(sorted(allowed))} | {' '.join(sorted(wraps))} |")
    findings += [f"{DOCUMENT}: {folder} is no module of scripts/lint/layers.py" for folder in told if folder not in ALLOWED]
    return findings


def main():
    top = inc.top_of(sys.argv)
    return inc.report("layers", f"{len(inc.sources(top))} files", check(top) + check_tables(top))


if __name__ == "__main__":
    sys.exit(main())
