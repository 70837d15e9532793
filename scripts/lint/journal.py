#!/usr/bin/env python3
"""Holds the journal's three parts together: the ids of daemon/base/log_ids.hpp, the calls that use them,
and what daemon/base/gims.catalog says about each. Also keeps the names of fields to a list, with what
each may hold, and secrets out of calls.

    scripts/lint/journal.py [TOP]
"""

import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import includes as inc

IDS = "daemon/base/log_ids.hpp"
CATALOG = "daemon/base/gims.catalog"
SCRIPTS = "image/root/usr/lib/gims"

# Every field there is, and what it may hold. A new one is a decision: journals are read by administrators,
# who may know who does what on the site, and nothing that officers write or prove themselves with.
FIELDS = {
    "ERRCODE": "an error code",
    "ERROR": "the text of an error, as its client got it",
    "DETAIL": "the private detail of an error: what failed, on which file or call",
    "PATH": "the path of a request, without its query",
    "HEADER": "the name of a header of a reply",
    "UID": "a user of the machine",
    "USER": "a Matrix user id",
    "DEVICE": "a device id",
    "SOCKET": "the path of a socket",
    "PORT": "a port that is listened on",
    "FILES": "how many files",
    "END": "the day on which something ends",
    "LIMIT": "how many there may be",
    "WANTED": "how many there should be",
    "MIGRATION": "the name of a migration",
    "STATE": "gims-keyd's state",
    "REASON": "why it is in it",
    "CUSTODY": "what holds the root key",
    "CEREMONY": "the kind of a ceremony",
    "SERIAL": "the serial number of a certificate",
    "SEQUENCE": "the number of an entry of the audit log",
    "POSITION": "how far the database is",
    "SERVER_NAME": "the site's name",
    "ACTION": "what two persons are to decide, or did: its name, its number, and what it does",
    "WHO": "the names of administrators",
    "PERSON": "the name of a person without whom the site's keys do not open",
    "RELEASE": "the number of a release of the image",
    "ACT": "the name of an act of the unit",
    "ALARM": "what was measured of the unit, and where",
    "AT": "the console where it was asked for",
}

ID = re.compile(r"^inline constexpr MessageId (\w+)\{\s*\"([^\"]*)\"\};$", re.MULTILINE)
CALL = re.compile(r"\blog::(?:write|error|warning|notice|info|failure)\(")
FIELD = re.compile(r"\{\s*\"(\w+)\",")
SECRET = re.compile(r"\breveal\(|\bSecretBytes\b|\bRedacted\b|\bpassword\b|\btoken\b")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def calls(text):
    """(line number, the call with its arguments) of each entry that is written."""
    bare = STRING.sub(lambda found: "_" * len(found[0]), text)
    for match in CALL.finditer(bare):
        depth, end = 1, match.end()
        while depth and end < len(bare):
            depth += {"(": 1, ")": -1}.get(bare[end], 0)
            end += 1
        yield text.count("\n", 0, match.start()) + 1, text[match.start():end]


def check_ids(text):
    """The findings in log_ids.hpp, and its ids: {name: digits}."""
    findings = []
    lines = text.splitlines()
    ids = ID.findall(text)
    for number, line in enumerate(lines, 1):
        # The class itself stands above the ids.
        if "MessageId" in line and "inline" in line:
            if not ID.match(line):
                findings.append(f"{IDS}:{number}: an id of another form")
            elif not lines[number - 2].startswith("// "):
                findings.append(f"{IDS}:{number}: no comment says what happened")
    for name, digits in ids:
        if not re.fullmatch(r"[0-9a-f]{32}", digits):
            findings.append(f"{IDS}: {name} is not 32 hex digits")
    for digits, count in Counter(digits for _, digits in ids).items():
        if count > 1:
            names = ", ".join(name for name, own in ids if own == digits)
            findings.append(f"{IDS}: one id for {names}")
    return findings, dict(ids)


def check_catalog(text, ids):
    """The findings in the catalog (https://systemd.io/CATALOG): a line "-- ID", a head, an empty line, a text."""
    findings, seen = [], Counter()
    comments, *entries = re.split(r"^-- ", text, flags=re.MULTILINE)
    if any(line and not line.startswith("#") for line in comments.splitlines()):
        findings.append(f"{CATALOG}: text before the first entry")
    names = {digits: name for name, digits in ids.items()}
    for entry in entries:
        digits, _, rest = entry.partition("\n")
        seen[digits] += 1
        name = names.get(digits, digits)
        head, _, body = rest.partition("\n\n")
        if digits not in names:
            findings.append(f"{CATALOG}: {digits} is no id of {IDS}")
        if not re.fullmatch(r"Subject: \S.*\nDefined-By: GIMS", head):
            findings.append(f"{CATALOG}: {name}: the head is not Subject and Defined-By")
        if not body.strip():
            findings.append(f"{CATALOG}: {name}: nothing says what to do")
        for field in re.findall(r"GIMS_(\w+)", body):
            if field not in FIELDS:
                findings.append(f"{CATALOG}: {name}: there is no field GIMS_{field}")
    for digits, name in names.items():
        if seen[digits] != 1:
            findings.append(f"{CATALOG}: {name} has {seen[digits]} entries")
    return findings


def check_scripts(top, ids):
    """The findings in the scripts of the image, and the names of the ids that they write entries with."""
    findings, used = [], set()
    names = {digits: name for name, digits in ids.items()}
    for path in sorted(path for path in (top / SCRIPTS).rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8")
        where = path.relative_to(top)
        for digits in re.findall(r"\b[0-9a-f]{32}\b", text):
            if digits not in names:
                findings.append(f"{where}: {digits} is no id of {IDS}")
            else:
                used.add(names[digits])
        findings += [f"{where}: GIMS_{field} is no field of scripts/lint/journal.py" for field in re.findall(r"^GIMS_(\w+)=", text, re.MULTILINE)
                     if field not in FIELDS]
    return findings, used


def check(top):
    """The findings, one line each."""
    findings, ids = check_ids((top / IDS).read_text(encoding="utf-8"))
    findings += check_catalog((top / CATALOG).read_text(encoding="utf-8"), ids)
    used = set()
    for path in inc.sources(top, ("daemon", "hsm")):
        where = path.relative_to(top)
        text = path.read_text(encoding="utf-8")
        if str(where) != IDS:
            used |= set(re.findall(r"\blog::id::(\w+)", text))
        for line, call in calls(text):
            for field in FIELD.findall(call):
                if field not in FIELDS:
                    findings.append(f"{where}:{line}: {field} is no field of scripts/lint/journal.py")
            for word in SECRET.findall(STRING.sub("", call)):
                findings.append(f"{where}:{line}: '{word}' in what is written to the journal")
    found, named = check_scripts(top, ids)
    findings += found
    findings += [f"{IDS}: nothing uses {name}" for name in ids if name not in used | named]
    return findings


def main():
    top = inc.top_of(sys.argv)
    count = len(ID.findall((top / IDS).read_text(encoding="utf-8")))
    return inc.report("journal", f"{count} ids", check(top))


if __name__ == "__main__":
    sys.exit(main())
