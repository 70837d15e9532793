#!/usr/bin/env python3
"""Runs clang-tidy over the sources of build/release's compile commands. A file whose text, includes,
command and checks are those of a run that passed is not checked again.

    scripts/lint/tidy.py [PATH-PREFIX...]
"""

import concurrent.futures
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import includes as inc

BUILD = inc.TOP / "build" / "release"
PASSED = inc.TOP / "build" / "tidy"
TIDY = "clang-tidy-19"


def main():
    prefixes = tuple(sys.argv[1:]) or ("daemon/", "hsm/")
    database = BUILD / "compile_commands.json"
    if not database.is_file():
        print(f"error: {database} is missing; 'cmake --preset release' makes it")
        return 1
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    rules = (inc.TOP / ".clang-tidy").read_text(encoding="utf-8")
    PASSED.mkdir(parents=True, exist_ok=True)

    work = []
    for entry in json.loads(database.read_text(encoding="utf-8")):
        path = Path(entry["file"])
        if path.is_relative_to(inc.TOP) and str(path.relative_to(inc.TOP)).startswith(prefixes):
            mark = PASSED / inc.fingerprint(path, version, rules, entry["command"])
            if not mark.exists():
                work.append((path, mark))

    def check(item):
        path, mark = item
        # The database is made for GCC; its warnings that clang does not know are no finding.
        run = subprocess.run([TIDY, "-p", str(BUILD), "--quiet", "--extra-arg=-Wno-unknown-warning-option", str(path)],
                             capture_output=True, text=True)
        if run.returncode == 0:
            mark.touch()
        return path, run.returncode, run.stdout

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (path, status, output) in enumerate(pool.map(check, work), 1):
            print(f"[{number}/{len(work)}] {path.relative_to(inc.TOP)}", flush=True)
            if status:
                failed += 1
                print(output.replace(f"{inc.TOP}/", ""), flush=True)
    print(f"tidy: {len(work)} files checked, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
