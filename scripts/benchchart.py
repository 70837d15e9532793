"""The SVG chart of `make bench`: how far each figure is from what is to be reached."""

import math
from xml.sax.saxutils import escape

WIDTH, ROW, LEFT, RIGHT, TOP = 1080, 26, 420, 150, 64
LOW, HIGH = 0.1, 10  # of the scale: times better than "reach"
COLOURS = {"beyond": "#1a7f37", "reach": "#2f6fbd", "no": "#c2410c", "unjudged": "#8c959f"}


def place(ratio):
    """Where a ratio lies, on a logarithmic scale that it is cut to."""
    part = math.log(min(max(ratio, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def text(x, y, words, anchor="start", size=13, colour="#1f2328"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x, top, bottom, colour, dash=""):
    return f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}" stroke-dasharray="{dash}"/>'


def chart(title, measured):
    """`measured`: the rows of bench.json, each with 'times_reach' (above 1: better than "reach") and 'times_beyond'
    (what "beyond" is of "reach")."""
    height = TOP + ROW * len(measured) + 44
    bottom = TOP + ROW * len(measured)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif">',
             f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', text(12, 24, title, size=16)]
    for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10):
        parts += [line(place(tick), TOP - 8, bottom, "#1f2328" if tick == 1 else "#d0d7de"),
                  text(place(tick), TOP - 14, "reach" if tick == 1 else f"{tick:g}×", "middle", 11, "#57606a")]
    for number, row in enumerate(measured):
        y = TOP + ROW * number
        start, end = sorted((place(1), place(row["times_reach"])))
        parts += [text(LEFT - 12, y + 17, row["title"], "end"),
                  f'<rect x="{start:.1f}" y="{y + 5}" width="{max(end - start, 2):.1f}" height="{ROW - 10}" '
                  f'fill="{COLOURS[row["judged"]]}" fill-opacity="{0.45 if row["noise"] else 1}"/>',
                  line(place(row["times_beyond"]), y + 2, y + ROW - 2, "#1a7f37", "3 2"),
                  text(WIDTH - RIGHT + 10, y + 17, row["shown"] + (" (noisy)" if row["noise"] else ""))]
    parts += [text(12, height - 14, "To the right of “reach”: better than it. Dashed: “beyond”. Pale: the machine was noisy. Grey: not judged with so little stored.", size=12,
                   colour="#57606a"), "</svg>"]
    return "\n".join(parts) + "\n"
