#!/usr/bin/env python3
"""Fails on an include that points up or sideways between the layers of docs/architecture.md, and on a
third-party header outside the module that wraps it.

    scripts/lint/layers.py [TOP]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import includes as inc

BASICS = {"base", "sys", "json", "crypto"}

# What each module may include besides itself. hsm/ may use base and sys only of daemon/, and of hsm/ the
# other programs see proto only: a captured daemon has no code of the key custodian's.
ALLOWED = {
    "base": set(),
    "sys": {"base"},
    "json": {"base"},
    "crypto": {"base"},
    "sql": {"base"},
    "http": {"base", "sys"},
    "matrix": {"base", "json", "crypto"},
    "store": BASICS | {"sql", "matrix"},
    # http for the parts of a response: a reply of /sync is handed on as the stored bytes it consists of.
    "service": BASICS | {"sql", "http", "matrix", "store"},
    "api": BASICS | {"http", "matrix", "service"},
    "app": BASICS | {"sql", "http", "matrix", "store", "service", "api", "hsm/proto"},
    "tls": {"base", "sys", "hsm/proto"},
    # gimsd-testsite, never part of a release: the server and the TLS front in one process.
    "testsite": BASICS | {"http", "service", "store", "api", "app", "tls", "hsm/proto"},
    "ctl": BASICS,
    "hsm/proto": {"base", "sys"},
    "hsm/core": {"base", "sys", "hsm/proto"},
    "hsm/tpm2": {"base", "sys", "hsm/core", "hsm/proto"},
    "hsm/pkcs11": {"base", "sys", "hsm/core", "hsm/proto"},
    "hsm/main": {"base", "sys", "hsm/proto", "hsm/core", "hsm/tpm2", "hsm/pkcs11"},
    "hsm": {"base", "sys", "hsm/proto", "hsm/core", "hsm/tpm2", "hsm/pkcs11", "hsm/main"},
}

# Which modules wrap a third-party header; the tests may use any.
WRAPPERS = {
    "sodium": {"base", "crypto", "hsm/proto", "hsm/core", "hsm/tpm2"},
    "sqlite3": {"sql"},
    "microhttpd": {"http"},
    "yyjson": {"json"},
    "mbedtls/": {"tls", "hsm/core", "testsite"},
    "psa/": {"tls", "hsm/core"},
    "tss2/": {"hsm/tpm2"},
    "systemd/": {"base", "sys"},
    "seccomp": {"sys"},
    "linux/landlock": {"sys"},
    "curl/": {"ctl"},
    "CLI/": {"app", "ctl", "tls", "hsm", "testsite"},
    "toml++/": {"base"},
}


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


def main():
    top = inc.top_of(sys.argv)
    return inc.report("layers", f"{len(inc.sources(top))} files", check(top))


if __name__ == "__main__":
    sys.exit(main())
