#!/usr/bin/env python3
"""Searches files for texts and keys that must not be there in the clear, in the forms in which
software writes them down.

    scripts/search.py NEEDLES FOLDER...

NEEDLES is a JSON file: {"plaintexts": [text...], "secrets": [text...], "keys": {name: hex...}}.
Exits with 1 and names each place when something is found.
"""

import base64
import json
import sys
import urllib.parse
from pathlib import Path

PIECE = 24  # characters; a text that is cut up somewhere is found by its pieces
BLOCK = 1 << 24  # bytes that are looked through at once


def base64_cores(data):
    """What base64 makes of the bytes wherever they begin in a longer text: for each of the three
    alignments the characters that depend on these bytes alone."""
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + data).rstrip(b"=")
        first = (offset * 8 + 5) // 6
        last = (offset + len(data)) * 8 // 6
        yield whole[first:last]


def forms_of_bytes(data):
    yield "raw", data
    yield "hex", data.hex().encode()
    yield "HEX", data.hex().upper().encode()
    for core in base64_cores(data):
        yield "base64", core
        yield "base64url", core.replace(b"+", b"-").replace(b"/", b"_")


def forms_of_text(text):
    yield from forms_of_bytes(text.encode())
    yield "UTF-16LE", text.encode("utf-16-le")
    yield "UTF-16BE", text.encode("utf-16-be")
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "JSON, upper case", "".join(c if ord(c) < 128 else f"\\u{ord(c):04X}" for c in text).encode()
    yield "JSON, UTF-8", json.dumps(text, ensure_ascii=False)[1:-1].encode()
    yield "URL", urllib.parse.quote(text, safe="").encode()


def pieces(text):
    return {text} | {text[i:i + PIECE] for i in range(0, len(text) - PIECE + 1, PIECE)}


def needles(wanted):
    """(what, form, bytes) for everything that must not be found."""
    found = {}
    for text in wanted.get("plaintexts", []):
        for piece in pieces(text):
            for form, data in forms_of_text(piece):
                found.setdefault(data, (f"plaintext {piece!r}", form))
    for number, text in enumerate(wanted.get("secrets", []), 1):
        for form, data in forms_of_text(text):
            found.setdefault(data, (f"secret {number} ({text[:4]}...)", form))
    for name, key in wanted.get("keys", {}).items():
        key = bytes.fromhex(key)
        # A line's end, as PEM has it, can cut one half of a key only.
        for part in (key, key[:len(key) // 2], key[len(key) // 2:]):
            for form, data in forms_of_bytes(part):
                found.setdefault(data, (f"key {name}", form))
    return [(what, form, data) for data, (what, form) in found.items() if len(data) >= 8]


def files_below(folders):
    for folder in folders:
        folder = Path(folder)
        yield from (p for p in (sorted(folder.rglob("*")) if folder.is_dir() else [folder])
                    if p == folder or p.is_file() and not p.is_symlink())


def blocks(file, overlap):
    """(offset, bytes) of a file, whatever its size and however it changes meanwhile; each block begins with the end
    of the one before it."""
    offset, block = 0, b""
    while piece := file.read(BLOCK):
        kept = block[-overlap:] if overlap else b""
        block = kept + piece
        yield offset - len(kept), block
        offset += len(piece)


def search(wanted, folders):
    """(findings, number of files, number of bytes). A finding is (file, offset, what, form)."""
    looked_for = needles(wanted)
    overlap = max((len(needle) for _, _, needle in looked_for), default=1) - 1
    findings, count, total = [], 0, 0
    for path in files_below(folders):
        try:
            file = open(path, "rb", buffering=0)
        except FileNotFoundError:  # a site that runs removes files
            continue
        with file:
            count += 1
            met = {}
            for start, block in blocks(file, overlap):
                for what, form, needle in looked_for:
                    offset = block.find(needle)
                    if offset >= 0:
                        met.setdefault((what, form), start + offset)
            total += file.tell()
        findings += [(path, offset, what, form) for (what, form), offset in met.items()]
    return findings, count, total


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    wanted = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    findings, count, total = search(wanted, sys.argv[2:])
    for path, offset, what, form in findings:
        print(f"found: {what} as {form} in {path} at {offset}")
    print(f"searched {count} files, {total} bytes, for {len(needles(wanted))} forms: {len(findings)} found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
