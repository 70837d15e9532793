#!/usr/bin/env python3
"""Checks of the tree's files: shell scripts parse; nothing names a package archive or a machine's own
paths; no source file is longer than 600 lines without a reason.

    scripts/lint/tree.py [TOP]
"""

import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import includes as inc

SKIPPED = {".git", "build", "node_modules", "__pycache__"}
LONGEST = 600

# Files that may be longer, each with its reason.
LONG = {
    "tests/clients/package-lock.json": "written by npm",
    "LICENSE": "the licence's own text",
    "docs/admin-api.yaml": "one contract; tools read it whole",
    "web/console/package-lock.json": "written by npm",
}
# Folders whose files are others' and stay as they came.
FOREIGN = ("tests/contract/spec/", "tests/image/cyclonedx/")

# Archives come from the machine's configuration, and paths from where the script stands. The words are
# in pieces, so that this file is not its own finding.
ARCHIVES = re.compile(
    r"(deb\.debian|security\.debian|archive\.ubuntu|snapshot\.debian|ftp\.[a-z]{2}\.debian)\." + "org"
    r"|registry\.(npmjs|yarnpkg)\." + "[a-z]+|registry" + r"\.npmmirror"
)
MACHINE_PATHS = re.compile(r"(?<![\w./])/(home|Users|work|root/src)/[A-Za-z0-9._-]+")


def files(top):
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        for name in sorted(set(names) - SKIPPED):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


def is_shell(path, text):
    return path.suffix == ".sh" or re.match(r"#!\s*/bin/(ba|da)?sh\b", text) is not None


def check(top):
    """The findings, one line each."""
    findings = []
    for path in files(top):
        where = str(path.relative_to(top))
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            if ARCHIVES.search(line):
                findings.append(f"{where}:{number}: names a package archive")
            if MACHINE_PATHS.search(line):
                findings.append(f"{where}:{number}: names a path of one machine")
        if len(lines) > LONGEST and where not in LONG and not where.startswith(FOREIGN):
            findings.append(f"{where}: {len(lines)} lines; split it, or state the reason in scripts/lint/tree.py")
        if is_shell(path, text):
            shell = "bash" if "bash" in lines[0] else "sh"
            parsed = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True)
            if parsed.returncode:
                findings.append(f"{where}: {parsed.stderr.strip()}")
    return findings


def main():
    top = inc.top_of(sys.argv)
    return inc.report("tree", f"{sum(1 for _ in files(top))} files", check(top))


if __name__ == "__main__":
    sys.exit(main())
