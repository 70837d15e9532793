#!/usr/bin/env python3
"""Makes typed C++ of the named SQL statements, and embeds the migrations.

    generate_sql.py --out DIR --sql FOLDER --migrations FOLDER

Every statement is prepared by the SQLite library itself against the schema that the migrations make, and
against the one that the release before this one left (docs/schema.md, "Releases"), so a misspelt column, a wrong input, a wrong count or type of outputs fails the build at FILE:LINE.
daemon/sql/statement.hpp shows the form of a statement and what it becomes. Written to DIR/store/:
statements/<file>.hpp for each .sql file, statements.cpp (texts and slots) and migrations.cpp. A file
whose text would not change is left alone, so that nothing is rebuilt for it.
"""

import argparse
import ctypes
import pathlib
import re
import sys
from dataclasses import dataclass, field

NAME = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
MEMBER = re.compile(r"[a-z][a-z0-9_]*\Z")
HEADER = re.compile(r"--\s*(name|in|out):\s*(.*?)\s*\Z")
MIGRATION = re.compile(r"(\d{4})_[a-z0-9_]+\.sql\Z")
# Members that would not compile, of the words that a column might be called.
KEYWORDS = set("bool case char class const default delete do double enum explicit export float for goto "
               "if int long namespace new operator private protected public register return short "
               "signed static struct switch template this throw try typedef union unsigned using "
               "virtual void volatile while row view bind info".split())
# C++ type of an input, of a member of Row, of a member of View.
TYPES = {
    "int": ("std::int64_t", "std::int64_t", "std::int64_t"),
    "text": ("std::string_view", "std::string", "std::string_view"),
    "blob": ("sql::Blob", "std::string", "std::string_view"),
}
DECLARED = {"BIGINT": "int", "INTEGER": "int", "TEXT": "text", "BLOB": "blob"}
# What only one of SQLite and PostgreSQL understands, or understands differently.
UNPORTABLE = [
    (r"INSERT\s+OR\b|UPDATE\s+OR\b", "write INSERT ... ON CONFLICT, which both engines know"),
    (r"\bREPLACE\s+INTO\b", "write INSERT ... ON CONFLICT ... DO UPDATE"),
    (r"\bROWID\b|\b_ROWID_\b|\bOID\b", "name the key column"),
    (r"\bIFNULL\s*\(|\bNVL\s*\(", "write COALESCE"),
    (r"\bDATETIME\b|\bSTRFTIME\s*\(|\bNOW\s*\(|\bJULIANDAY\b|\bCURRENT_TIMESTAMP\b",
     "times come from the clock as parameters"),
    (r"\bRANDOM\w*\s*\(", "random values come as parameters"),
    (r"\bGLOB\b|\bREGEXP\b|\bMATCH\b|\bILIKE\b", "the engines differ in pattern operators"),
    (r"\bJSON\w*\s*\(|->", "JSON is taken apart in C++ (docs/schema.md)"),
    (r"\bPRAGMA\b|\bATTACH\b|\bVACUUM\b", "belongs to the driver, not to a statement"),
    (r"\bAUTOINCREMENT\b|\bWITHOUT\s+ROWID\b|\bSTRICT\b", "SQLite only"),
    (r"\bSERIAL\b|\bBYTEA\b|\bJSONB\b|::", "PostgreSQL only"),
    (r"\bBEGIN\b|\bCOMMIT\b|\bROLLBACK\b|\bSAVEPOINT\b", "transactions belong to the writer"),
    (r"\bLIMIT\s+\S+\s*,", "write LIMIT n OFFSET m"),
    (r"\bIS\s+(NOT\s+)?:", "IS with a parameter is SQLite only: write IS NOT DISTINCT FROM"),
    (r"==", "write ="),
    (r"[`\[\]]", "quote names with double quotes or not at all"),
    (r"\?", "parameters are named (:name)"),
    (r"[@$]\w", "parameters are named (:name)"),
]


class Refused(Exception):
    def __init__(self, where, line, text):
        super().__init__(f"{where}:{line}: {text}")
        self.text = text


@dataclass
class Column:
    name: str
    type: str
    optional: bool


@dataclass
class Statement:
    name: str
    file: pathlib.Path
    line: int  # of the name
    sql_line: int = 0
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    lines: list = field(default_factory=list)
    places: list = field(default_factory=list)  # the inputs in the order of their first use

    @property
    def text(self):
        return "\n".join(self.lines).rstrip().rstrip(";").rstrip()


def columns_of(text, where, line, what):
    columns = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        words = item.split()
        if len(words) != 2:
            raise Refused(where, line, f"{what} '{item}': write a name and a type")
        name, kind = words
        optional = kind.endswith("?")
        kind = kind.removesuffix("?")
        if kind not in TYPES:
            raise Refused(where, line, f"{what} '{name}': type '{kind}' is none of int, text, blob")
        if not MEMBER.match(name) or name in KEYWORDS:
            raise Refused(where, line, f"{what} '{name}' cannot be the name of a C++ member")
        columns.append(Column(name, kind, optional))
    return columns


def complete(statement):
    return bool(statement.lines) and statement.lines[-1].endswith(";")


def parse(path):
    statements = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        header = HEADER.match(line)
        inside = bool(statements and statements[-1].lines and not complete(statements[-1]))
        if not line:
            continue
        if inside and line.startswith("--"):
            raise Refused(path, number, "a comment inside a statement: write it above '-- name:'")
        if header and header[1] == "name":
            if not NAME.match(header[2]):
                raise Refused(path, number, f"'{header[2]}' is not a name in PascalCase")
            statements.append(Statement(header[2], path, number))
        elif header:
            if not statements or statements[-1].lines:
                raise Refused(path, number, f"'-- {header[1]}:' belongs between '-- name:' and its statement")
            what = "input" if header[1] == "in" else "output"
            columns = statements[-1].inputs if what == "input" else statements[-1].outputs
            for column in columns_of(header[2], path, number, what):
                if any(other.name == column.name for other in columns):
                    raise Refused(path, number, f"{what} '{column.name}' stands twice")
                columns.append(column)
        elif line.startswith("--"):
            continue
        elif not statements or complete(statements[-1]):
            raise Refused(path, number, "SQL without a '-- name:' of its own")
        else:
            if not statements[-1].lines:
                statements[-1].sql_line = number
            statements[-1].lines.append(raw.rstrip())
    for statement in statements:
        if not complete(statement):
            raise Refused(path, statement.line, f"{statement.name} does not end with ';'")
    return statements


def without_literals(text):
    """The text with quoted parts blanked, of the same length and lines."""
    return re.sub(r"'(?:[^']|'')*'", lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def lint(text, where, first_line):
    bare = without_literals(text)
    for pattern, advice in UNPORTABLE:
        found = re.search(pattern, bare, re.IGNORECASE)
        if found:
            line = first_line + bare.count("\n", 0, found.start())
            raise Refused(where, line, f"'{found[0].strip()}' is not portable: {advice}")


class Library:
    """As much of the SQLite library as the checks need (Python's sqlite3 hides prepared statements)."""

    def __init__(self):
        self.lib = ctypes.CDLL("libsqlite3.so.0")
        for name in ("sqlite3_errmsg", "sqlite3_bind_parameter_name", "sqlite3_column_decltype"):
            getattr(self.lib, name).restype = ctypes.c_char_p
        self.db = ctypes.c_void_p()
        if self.lib.sqlite3_open(b":memory:", ctypes.byref(self.db)) != 0:
            raise SystemExit("SQLite cannot be opened")
        for option in (1013, 1014):  # SQLITE_DBCONFIG_DQS_DML, _DDL: "x" is never a string
            self.lib.sqlite3_db_config(self.db, option, 0, None)

    def message(self):
        return self.lib.sqlite3_errmsg(self.db).decode()

    def script(self, path):
        data = path.read_bytes()
        if self.lib.sqlite3_exec(self.db, ctypes.c_char_p(data), None, None, None) != 0:
            offset = self.lib.sqlite3_error_offset(self.db)
            # The offset counts from the failing statement, which exec does not tell: find it by name.
            raise Refused(path, 1 if offset < 0 else self.failing_line(data), self.message())

    def failing_line(self, data):
        """Prepares statement by statement, as exec did, up to the one that fails."""
        fresh = Library()
        at = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value
        start = at
        while True:
            handle, tail = ctypes.c_void_p(), ctypes.c_void_p()
            if fresh.lib.sqlite3_prepare_v2(fresh.db, ctypes.c_void_p(at), -1, ctypes.byref(handle),
                                            ctypes.byref(tail)) != 0:
                offset = max(0, fresh.lib.sqlite3_error_offset(fresh.db))
                return 1 + data[:at - start + offset].count(b"\n")
            if not handle or tail.value == at:
                return 1
            fresh.lib.sqlite3_step(handle)
            fresh.lib.sqlite3_finalize(handle)
            at = tail.value

    def check(self, statement):
        where, text = statement.file, statement.text
        handle = ctypes.c_void_p()
        tail = ctypes.c_char_p()
        if self.lib.sqlite3_prepare_v2(self.db, text.encode(), -1, ctypes.byref(handle),
                                       ctypes.byref(tail)) != 0:
            offset = self.lib.sqlite3_error_offset(self.db)
            line = statement.sql_line + text.encode()[:max(0, offset)].count(b"\n")
            raise Refused(where, line, f"{statement.name}: {self.message()}")
        try:
            if not handle or (tail.value or b"").strip():
                raise Refused(where, statement.sql_line, f"{statement.name}: one statement a name")
            self.check_inputs(statement, handle)
            self.check_outputs(statement, handle)
        finally:
            self.lib.sqlite3_finalize(handle)

    def check_inputs(self, statement, handle):
        used = [self.lib.sqlite3_bind_parameter_name(handle, place + 1).decode()[1:]
                for place in range(self.lib.sqlite3_bind_parameter_count(handle))]
        declared = {column.name: column for column in statement.inputs}
        for name in used:
            if name not in declared:
                raise Refused(statement.file, statement.line,
                              f"{statement.name} uses :{name}, which '-- in:' does not name")
        for name in declared:
            if name not in used:
                raise Refused(statement.file, statement.line,
                              f"{statement.name} does not use its input '{name}'")
        statement.places = [declared[name] for name in used]

    def check_outputs(self, statement, handle):
        count = self.lib.sqlite3_column_count(handle)
        if count != len(statement.outputs):
            raise Refused(statement.file, statement.line, f"{statement.name} gives {count} columns, "
                          f"'-- out:' names {len(statement.outputs)}")
        for place, column in enumerate(statement.outputs):
            declared = self.lib.sqlite3_column_decltype(handle, place)
            if declared is None:  # an expression
                continue
            kind = DECLARED.get(declared.decode().upper())
            if kind is None:
                raise Refused(statement.file, statement.line,
                              f"{statement.name}: column type {declared.decode()} is none of "
                              + ", ".join(DECLARED))
            if kind != column.type:
                raise Refused(statement.file, statement.line, f"{statement.name}: output "
                              f"'{column.name}' is {kind} in the schema, not {column.type}")


def optional(kind, column):
    return f"std::optional<{kind}>" if column.optional else kind


def reading(column, place, copies):
    value = f"cursor.integer({place})"
    if column.type != "int":
        value = f"cursor.bytes({place})"
        if copies:
            value = f"std::string({value})"
    if column.optional:
        kind = TYPES[column.type][1 if copies else 2]
        return f"cursor.is_null({place}) ? std::optional<{kind}>() : {value}"
    return value


def struct_of(statement):
    out = [f"// {statement.file.name}", f"struct {statement.name} {{"]
    out += [f"  {optional(TYPES[c.type][0], c)} {c.name};" for c in statement.inputs]
    for row, kind in (("Row", 1), ("View", 2)):
        members = [f"    {optional(TYPES[c.type][kind], c)} {c.name};" for c in statement.outputs]
        if members:
            out += [f"  struct {row} {{", *members, "  };"]
    out += ["  static const sql::StatementInfo info;"]
    unnamed = "" if statement.places else "[[maybe_unused]] "
    out += [f"  void bind({unnamed}sql::Cursor& cursor) const {{"]
    out += [f"    sql::bind(cursor, {place}, {c.name});" for place, c in enumerate(statement.places, 1)]
    out += ["  }"]
    for function, row, copies in (("row", "Row", True), ("view", "View", False)):
        if statement.outputs:
            out += [f"  static {row} {function}(const sql::Cursor& cursor) {{", f"    return {row}{{"]
            out += [f"        .{c.name} = {reading(c, place, copies)}," for place, c in enumerate(statement.outputs)]
            out += ["    };", "  }"]
    return "\n".join(out + ["};", ""])


def raw_string(text):
    if ')sql"' in text:
        raise Refused("statement", 0, "the text holds the mark that ends a C++ raw string")
    return f'R"sql({text})sql"'


def write(path, text):
    text = "// Made by scripts/generate_sql.py. Do not edit.\n" + text
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def write_statements(out, files):
    everything = sorted((s for statements in files.values() for s in statements), key=lambda s: s.name)
    for file, statements in files.items():
        write(out / "statements" / f"{file.stem}.hpp",
              "#pragma once\n\n#include <cstdint>\n#include <optional>\n#include <string>\n"
              '#include <string_view>\n\n#include "sql/statement.hpp"\n\n'
              "namespace gims::store::statements {\n\n" + "\n".join(map(struct_of, statements))
              + "\n}  // namespace gims::store::statements\n")
    includes = "".join(f'#include "store/statements/{file.stem}.hpp"\n' for file in files)
    infos = "".join(
        f'constinit const sql::StatementInfo {s.name}::info{{\n    .name = "{s.name}",\n    .text = {raw_string(s.text)},\n'
        f"    .index = {index}}};\n" for index, s in enumerate(everything))
    write(out / "statements.cpp",
          includes + "\nnamespace gims::store::statements {\n\n" + infos
          + "\n}  // namespace gims::store::statements\n")


def write_migrations(out, paths, predecessor):
    entries = "".join(
        f'    Migration{{.number = {number}, .name = "{path.name}", .sql = {raw_string(path.read_text(encoding="utf-8"))}}},\n'
        for number, path in enumerate(paths, 1))
    write(out / "migrations.cpp",
          '#include "store/migrations.hpp"\n\nnamespace gims::store {\nnamespace {\n\n'
          f"constexpr Migration every[] = {{\n{entries}}};\n\n}}  // namespace\n\n"
          "std::span<const Migration> migrations() noexcept { return every; }\n\n"
          f"Schema release_schema() noexcept {{ return {{.steps = every, .predecessor = {predecessor}}}; }}\n\n"
          "}  // namespace gims::store\n")


def migrations_in(folder):
    paths = sorted(folder.glob("*.sql"))
    if not paths:
        raise Refused(folder, 0, "no migration is there")
    for number, path in enumerate(paths, 1):
        found = MIGRATION.match(path.name)
        if not found or int(found[1]) != number:
            raise Refused(path, 1, f"the next migration's name is {number:04}_some_words.sql")
    return paths


def predecessor_in(folder, newest):
    """The schema's version that the release before this one left."""
    path = folder / "predecessor"
    text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    if not text.isdigit() or not 1 <= int(text) <= newest:
        raise Refused(path, 1, f"a number from 1 to {newest} is wanted: the newest migration of the release before this one")
    return int(text)


def check_on_predecessor(library, statements, path):
    for statement in statements:
        try:
            library.check(statement)
        except Refused as refused:
            raise Refused(statement.file, statement.line, f"on the schema of the release before this one ({path.name}): "
                          f"{refused.text}; what a statement needs comes one release before it (docs/schema.md)") from refused


def generate(sql, migrations, out):
    library = Library()
    paths = migrations_in(migrations)
    predecessor = predecessor_in(migrations, len(paths))
    files = {path: parse(path) for path in sorted(sql.glob("*.sql"))}
    for number, path in enumerate(paths, 1):
        text = path.read_text(encoding="utf-8")
        lint(re.sub(r"--.*", lambda m: " " * len(m[0]), text), path, 1)
        library.script(path)
        if number == predecessor < len(paths):
            check_on_predecessor(library, (statement for statements in files.values() for statement in statements), path)
    seen = {}
    for statements in files.values():
        for statement in statements:
            if statement.name in seen:
                other = seen[statement.name]
                raise Refused(statement.file, statement.line,
                              f"{statement.name} stands already at {other.file}:{other.line}")
            seen[statement.name] = statement
            lint(statement.text, statement.file, statement.sql_line)
            library.check(statement)
    write_statements(out / "store", files)
    write_migrations(out / "store", paths, predecessor)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("--sql", "--migrations", "--out"):
        parser.add_argument(name, required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        generate(arguments.sql, arguments.migrations, arguments.out)
    except Refused as refused:
        print(f"error: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
