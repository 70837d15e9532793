#!/usr/bin/env python3
"""Makes C++ of the built web console, so that gimsd has its files in itself.

    embed_console.py --files FOLDER --out DIR

Each file of FOLDER is kept as it is and, where that is smaller, compressed with gzip and Brotli, once, here; gimsd compresses
nothing. Written to DIR/app/: console_files.cpp (daemon/app/console_file.hpp) and console/, whose files it has by .incbin. Without
FOLDER, or an index.html in it, the list is empty, and the door says that the console was not built. A file whose bytes would not
change is left alone.
"""

import argparse
import hashlib
import pathlib
import subprocess
import sys
import zlib

# What a browser runs or shows. A file of another kind is a mistake of the build, and is named.
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".json": "application/json",
         ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm"}
BROTLI = ("const z = require('zlib'); const chunks = []; process.stdin.on('data', c => chunks.push(c)); "
          "process.stdin.on('end', () => process.stdout.write(z.brotliCompressSync(Buffer.concat(chunks), "
          "{params: {[z.constants.BROTLI_PARAM_QUALITY]: 11}})));")
# Not compressed again: they are.
COMPRESSED = {".woff2", ".png"}


def gzip(data):
    # No time and no name in it: the same bytes give the same file.
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def brotli(data):
    return subprocess.run(["node", "-e", BROTLI], input=data, stdout=subprocess.PIPE, check=True).stdout


def write(path, data):
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def variants(path, data):
    """[(what the program calls it, bytes)]: the file itself, and what is smaller."""
    kept = [("plain", data)]
    if path.suffix not in COMPRESSED:
        kept += [(name, packed) for name, packed in (("gzip", gzip(data)), ("brotli", brotli(data))) if len(packed) < len(data)]
    return kept


def incbin(symbol, path):
    return (f'asm(".pushsection .rodata,\\"a\\"\\n.balign 16\\n.type {symbol}, @object\\n{symbol}:\\n.incbin \\"{path}\\"\\n"\n'
            f'    ".size {symbol}, . - {symbol}\\n.popsection");\n'
            f'extern const char {symbol}[] __asm__("{symbol}");\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    paths = []
    if (given.files / "index.html").is_file():
        paths = sorted(path for path in given.files.rglob("*") if path.is_file())
    assembly, rows = [], []
    for number, path in enumerate(paths):
        name = path.relative_to(given.files).as_posix()
        if path.suffix not in TYPES:
            sys.exit(f"{path}: no type is known for this kind of file; add it to scripts/embed_console.py")
        data = path.read_bytes()
        parts = {"plain": '""', "gzip": '""', "brotli": '""'}
        for kind, packed in variants(path, data):
            symbol = f"gims_console_{number}_{kind}"
            kept = given.out / "app" / "console" / f"{number}.{kind}"
            write(kept, packed)
            assembly.append(incbin(symbol, kept.resolve()))
            parts[kind] = f"{{{symbol}, {len(packed)}}}"
        etag = hashlib.sha256(data).hexdigest()[:32]
        rows.append(f'    {{.path = "/{name}", .type = "{TYPES[path.suffix]}", .etag = "\\"{etag}\\"",\n     .plain = {parts["plain"]}, '
                    f'.gzip = {parts["gzip"]}, .brotli = {parts["brotli"]}}},\n')
    text = ('// Made by scripts/embed_console.py.\n#include "app/console_file.hpp"\n\n#include <array>\n\n' + "".join(assembly) +
            "\nnamespace gims::app {\nnamespace {\n\n" +
            f"constexpr std::size_t count = {len(rows)};\n"
            "const std::array<ConsoleFile, count> files{{\n" + "".join(rows) + "}};\n\n}  // namespace\n\n"
            "std::span<const ConsoleFile> console_files() noexcept { return files; }\n\n}  // namespace gims::app\n")
    write(given.out / "app" / "console_files.cpp", text.encode())


if __name__ == "__main__":
    main()
