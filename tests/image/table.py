"""docs/ports.md as the tests read it."""

import re
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "docs/ports.md"


def documented():
    """(network, direction, protocol, port) of each row, with its program."""
    rows = re.findall(r"^\| (\w+) \| (in|out) \| (\w+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    return {tuple(row[:4]): row[4] for row in rows}
