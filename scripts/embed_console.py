#!/usr/bin/env python3
"""Makes C++ of the built web console, so that gimsd has its files in itself.

    embed_console.py --files FOLDER --out DIR

FOLDER is what the console's own build made: each file, and beside it the same compressed (.gz, .br), which gimsd sends as it is.
Written to DIR/app/console_files.cpp (daemon/app/console_file.hpp), which has the files by .incbin. Without an index.html the list is
empty, and the door says that the console was not built. A file whose text would not change is left alone.
"""

import argparse
import hashlib
import pathlib
import sys

# What a browser runs or shows. A file of another kind is a mistake of the build, and is named.
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".json": "application/json",
         ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm"}
# The name of a file's compressed form ends with this.
ENCODINGS = {"gzip": ".gz", "brotli": ".br"}


def write(path, data):
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def served(folder):
    """The files that browsers are given: not the build's own notes (.vite), and no compressed form by its own name."""
    if not (folder / "index.html").is_file():
        return []
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix not in ENCODINGS.values()
                  and not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def incbin(symbol, path):
    return (f'asm(".pushsection .rodata,\\"a\\"\\n.balign 16\\n.type {symbol}, @object\\n{symbol}:\\n.incbin \\"{path}\\"\\n"\n'
            f'    ".size {symbol}, . - {symbol}\\n.popsection");\n'
            f'extern const char {symbol}[] __asm__("{symbol}");\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    assembly, rows = [], []
    # In the order of bytes, which is that of the program's search.
    for number, path in enumerate(sorted(served(given.files), key=lambda path: path.relative_to(given.files).as_posix())):
        name = path.relative_to(given.files).as_posix()
        if path.suffix not in TYPES:
            sys.exit(f"{path}: no type is known for this kind of file; add it to scripts/embed_console.py")
        parts = {}
        for kind, source in (("plain", path), *((kind, path.with_name(path.name + suffix)) for kind, suffix in ENCODINGS.items())):
            size = source.stat().st_size if source.exists() else 0
            if size == 0 or size > path.stat().st_size:
                parts[kind] = '""'
                continue
            symbol = f"gims_console_{number}_{kind}"
            assembly.append(incbin(symbol, source.resolve()))
            parts[kind] = f"{{{symbol}, {size}}}"
        etag = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
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
