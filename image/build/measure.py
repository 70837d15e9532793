#!/usr/bin/env python3
"""What a unified kernel image measures when it starts, by which a release is told from any other: writes the release's
policy (what a unit's TPM opens its keys to) and manifest (by which others judge a unit's quote), both signed with the
release key (docs/protocol-keyd.md, "The release's policy").

    measure.py UKI --name "GIMS 1.0.0" --release 1 --key release.pem --policy FILE --manifest FILE --program gims-release-policy
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

# Those that systemd-stub measures, in its order (systemd 257, src/fundamental/uki.h). The signature of PCR 11 cannot be
# among them.
SECTIONS = (".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey", ".profile",
            ".dtbauto", ".hwids")
# The phases of a start (systemd-pcrphase). gims-keyd is started after the last one.
PHASES = ("enter-initrd", "leave-initrd", "sysinit", "ready")


class Wrong(Exception):
    """The image is not what this program knows."""


def sections_of(uki):
    """The measured sections and their content, in the order of measurement."""
    import pefile  # which the root of the image's tools has, and the tests of what is below do not need
    image = pefile.PE(str(uki), fast_load=True)
    found = {}
    for section in image.sections:
        name = section.Name.rstrip(b"\0").decode()
        if name in found:
            raise Wrong(f"{uki}: two sections {name}; images of several profiles are not known here")
        found[name] = section.get_data()[:section.Misc_VirtualSize]
    missing = {".linux", ".osrel", ".cmdline", ".initrd", ".pcrsig", ".pcrpkey"} - set(found)
    if missing:
        raise Wrong(f"{uki}: no section {', '.join(sorted(missing))}")
    return [(name, found[name]) for name in SECTIONS if name in found]


def extended(pcr, data):
    return hashlib.sha256(pcr + hashlib.sha256(data).digest()).digest()


def values_of(sections):
    """PCR 11 after each phase, by the names of the phases so far."""
    pcr = bytes(32)
    for name, content in sections:
        pcr = extended(extended(pcr, name.encode() + b"\0"), content)
    values = {}
    for count, phase in enumerate(PHASES, 1):
        pcr = extended(pcr, phase.encode())
        values[":".join(PHASES[:count])] = pcr.hex()
    return values


def values_of_systemd(files):
    """The same as systemd-measure sees it: two that agree are no slip of one."""
    argv = ["/usr/lib/systemd/systemd-measure", "calculate", "--bank=sha256", "--json=short"]
    argv += [f"--{name[1:]}={file}" for name, file in files]
    out = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return {row["phase"]: row["hash"] for row in out["sha256"]}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("uki", type=Path)
    for name in ("name", "release", "key", "policy", "manifest", "program"):
        options.add_argument(f"--{name}", required=True)
    options = options.parse_args()
    try:
        sections = sections_of(options.uki)
    except Wrong as wrong:
        sys.exit(f"measure: {wrong}")
    values = values_of(sections)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, content in sections:
            files.append((name, Path(folder) / name[1:]))
            files[-1][1].write_bytes(content)
        theirs = values_of_systemd(files)
        if any(theirs.get(phase) != value for phase, value in values.items()):
            sys.exit(f"measure: systemd-measure expects {theirs} where this expects {values}")
        boots = [f"{options.name}, {phases}={value}" for phases, value in list(values.items())[-1:]]
        # What they tell goes beside the JSON, which has stdout.
        subprocess.run([options.program, "sign", "--key", options.key, "--release", options.release, "--out", options.policy,
                        *(part for boot in boots for part in ("--boot", boot))], check=True, stdout=sys.stderr)
        # Nothing may come beside the image: no other command line, credentials or add-ons (12), no extensions (13).
        subprocess.run([options.program, "manifest", "--key", options.key, "--release", options.release,
                        "--name", options.name, "--out", options.manifest,
                        *(part for name, file in files for part in ("--section", f"{name}={file}")),
                        *(part for phase in PHASES for part in ("--phase", phase)),
                        "--value", "12:command line, credentials and add-ons beside the image=none",
                        "--value", "13:extensions of the image=none"], check=True, stdout=sys.stderr)
    json.dump({"pcr11": values}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
