"""A screen and a keyboard at an emulated machine: what a person who stands at the unit sees and types. The words of the kernel's
console are read by its font, which is taken from the image's own kernel."""

import collections
import functools
import json
import re
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import disk
import picture

# A letter's points.
WIDTH, HEIGHT = 8, 16
# The rows of an A in the kernel's font.
AN_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")
# How QEMU calls the keys.
KEYS = {" ": "spc", "\n": "ret", "-": "minus", "=": "equal", "/": "slash", ".": "dot", ",": "comma"}
SHIFTED = {"_": "minus", "+": "equal", "?": "slash", ">": "dot", "<": "comma"}


def kernel(program):
    """What the kernel of a kernel image unpacks at its start."""
    offset, size = disk.section(program, ".linux")
    with open(program, "rb") as handle:
        handle.seek(offset)
        packed = handle.read(size)
    # As the boot protocol of x86 has it: the sectors before the protected mode's part, and the payload in that.
    start, length = struct.unpack_from("<II", packed, 0x248)
    payload = packed[(packed[0x1f1] + 1) * disk.SECTOR + start:][:length]
    with tempfile.NamedTemporaryFile() as file:
        # Its last four bytes are its unpacked size.
        file.write(payload[:-4])
        file.flush()
        unpack = "zstd" if payload.startswith(b"\x28\xb5\x2f\xfd") else "xz"
        return subprocess.run([unpack, "-dc", file.name], check=True, capture_output=True).stdout


@functools.cache
def font(program):
    unpacked = kernel(program)
    first = unpacked.index(AN_A) - ord("A") * HEIGHT
    return {unpacked[first + code * HEIGHT:][:HEIGHT]: chr(code) for code in range(ord(" "), 0x7f)}


class Screen:
    """`program` is the kernel image that runs."""

    def __init__(self, of, program):
        self.machine, self.program = of, program
        self.path = of.folder / "screen.socket"
        self.line = None

    def options(self):
        """What start() takes for it."""
        self.close()
        return ("-device", "VGA,edid=on,xres=1024,yres=768", "-qmp", f"unix:{self.path},server=on,wait=off")

    def close(self):
        if self.line:
            self.line.close()
        self.line = None

    def call(self, command, **arguments):
        if not self.line:
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(str(self.path))
                self.line = link.makefile("rw")
            self.line.readline()
            self.call("qmp_capabilities")
        self.line.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.line.flush()
        # Between the answers there are events.
        while "return" not in (answer := json.loads(self.line.readline())):
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")

    def press(self, *keys):
        """Together, as one presses the shift key and a letter."""
        self.call("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def type(self, text):
        for letter in text:
            if letter in SHIFTED or letter.isupper():
                self.press("shift", SHIFTED.get(letter, letter.lower()))
            else:
                self.press(KEYS.get(letter, letter))
            # A keyboard holds some keys that were not taken, and not a whole line.
            time.sleep(0.3)

    def shot(self):
        """Width, height, and three bytes for each point."""
        with tempfile.NamedTemporaryFile(dir=self.machine.folder) as file:
            self.call("screendump", filename=file.name)
            whole = Path(file.name).read_bytes()
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", whole)
        return int(head[1]), int(head[2]), whole[head.end():]

    def words(self):
        """What the kernel's console shows; what is no letter of it is a space."""
        width, height, points = self.shot()
        letters = font(self.program)
        # The ground is what there is most of.
        ground = collections.Counter(points[at:at + 3] for at in range(0, len(points), 3 * 97)).most_common(1)[0][0]
        lit = b"".join(b"0" if points[at:at + 3] == ground else b"1" for at in range(0, len(points), 3))
        lines = []
        for top in range(0, height - HEIGHT + 1, HEIGHT):
            row = [lit[(top + below) * width:(top + below + 1) * width] for below in range(HEIGHT)]
            line = ""
            for left in range(0, width - WIDTH + 1, WIDTH):
                line += letters.get(bytes(int(bits[left:left + WIDTH], 2) for bits in row), " ")
            lines.append(line.rstrip())
        return "\n".join(lines).rstrip() + "\n"

    def wait_for(self, *patterns, **more):
        return self.machine.wait_for(*patterns, words=self.words, **more)

    def save(self, file):
        """As a picture for a document."""
        picture.save_png(file, *self.shot())
