"""Pictures for the documents: a screen's points as PNG, a serial line's words as SVG. Both show what a machine showed, and nothing
that was drawn."""

import struct
import unicodedata
import zlib
from html import escape
from pathlib import Path

# Around what is not empty.
MARGIN = 16
# Spaces that nobody takes together.
NO_BREAK = "\N{NO-BREAK SPACE}"


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def save_png(file, width, height, points):
    """Of three bytes a point; without the empty edges at the right and below."""
    rows = [points[at:at + 3 * width] for at in range(0, 3 * width * height, 3 * width)]
    ground = rows[-1][-3:]
    used = [row for row in rows if row != ground * width]
    height = min(height, max(index for index, row in enumerate(rows) if row in used) + MARGIN)
    width = min(width, max(len(row.rstrip(ground)) // 3 + 1 for row in used) + MARGIN)
    rows = [[row[at:at + 3] for at in range(0, 3 * width, 3)] for row in rows[:height]]
    colours = sorted({point for row in rows for point in row})
    if len(colours) > 256:
        raise ValueError(f"{file}: {len(colours)} colours")
    number = {colour: index for index, colour in enumerate(colours)}
    lines = b"".join(b"\0" + bytes(number[point] for point in row) for row in rows)
    Path(file).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
                           + chunk(b"PLTE", b"".join(colours)) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def wrapped(line, columns):
    """As a terminal does: signs that belong to a letter take no place."""
    rows, used = [""], 0
    for letter in line:
        place = unicodedata.category(letter) not in ("Mn", "Me", "Cf")
        if used + place > columns:
            rows.append("")
            used = 0
        rows[-1] += letter
        used += place
    return rows


def save_svg(file, words, columns=100):
    """Of a serial line, as a terminal of so many columns shows it."""
    lines = [row for line in words.rstrip().splitlines() for row in wrapped(line, columns)]
    width, height = 8.4 * columns + 2 * MARGIN, 18 * len(lines) + 2 * MARGIN
    text = "".join(f'<text x="{MARGIN}" y="{MARGIN + 18 * number + 13}">{escape(line, quote=False).replace(" ", NO_BREAK)}</text>\n' for number, line in enumerate(lines))
    Path(file).write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">\n'
                          f'<rect width="100%" height="100%" fill="#101418"/>\n'
                          f'<g font-family="monospace" font-size="14" fill="#e4e8ec">\n{text}</g>\n</svg>\n')
