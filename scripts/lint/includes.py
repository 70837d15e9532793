"""The C++ sources of the tree, their modules and what they include; shared by the lints."""

import hashlib
import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SOURCE_FOLDERS = ("daemon", "hsm", "tests")
SOURCE_ENDINGS = (".cpp", ".hpp", ".c", ".h")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def sources(top=TOP, folders=SOURCE_FOLDERS):
    """Every C++ file below the folders, sorted."""
    found = []
    for folder in folders:
        found += [p for p in (top / folder).rglob("*") if p.suffix in SOURCE_ENDINGS and "node_modules" not in p.parts]
    return sorted(found)


def includes(path):
    """(line number, name, is quoted) of each #include."""
    result = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            result.append((number, match[1] or match[2], match[1] is not None))
    return result


def module(path, top=TOP):
    """The module of a source: "store", "hsm/core", "tests"; None for anything else."""
    parts = path.relative_to(top).parts
    if parts[0] == "daemon" and len(parts) > 2:
        return parts[1]
    if parts[0] == "hsm":
        return f"hsm/{parts[1]}" if len(parts) > 2 else "hsm"
    return "tests" if parts[0] == "tests" else None


def resolve(name, path, top=TOP):
    """The file of this tree that an include names, or None."""
    for folder in (top / "daemon", top, path.parent, top / "tests"):
        candidate = folder / name
        if candidate.is_file():
            return candidate.resolve()
    return None


def report(name, count, findings):
    """Prints what a lint found among so many things; the exit status."""
    for finding in findings:
        print(f"error: {finding}")
    print(f"{name}: {count}, {len(findings)} findings")
    return 1 if findings else 0


def top_of(arguments):
    """The tree to look at: the only argument, or this one."""
    return Path(arguments[1]).resolve() if len(arguments) > 1 else TOP


def closure(path, top=TOP):
    """The file and every file of this tree that it includes, directly or not."""
    seen, queue = set(), [path]
    while queue:
        current = queue.pop()
        if current in seen:
            continue
        seen.add(current)
        for _, name, _ in includes(current):
            found = resolve(name, current, top)
            if found:
                queue.append(found)
    return sorted(seen)


def fingerprint(path, *more, top=TOP):
    """A hash over the file, what it includes, and the texts given."""
    digest = hashlib.sha256()
    for text in more:
        digest.update(text.encode() + b"\0")
    for file in closure(path, top):
        digest.update(str(file.relative_to(top)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
