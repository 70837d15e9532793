"""What the documents name is there: each test of the threat model and of the table of attacks, each file that a link
leads to, and each figure of limits.md in the file that it names."""

import ast
import contextlib
import re
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TESTS = TOP / "tests"
MODEL = TOP / "docs/threat-model.md"
FILE = re.compile(r"[\w/]+\.(?:cpp|py|mjs)")


def rows(text):
    """(attack, what the column "test" says) of each row of the tables that have one."""
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[-1] == "test":
            inside = True
        elif inside and not set(line) <= set("|- "):
            yield cells[0], cells[-1]


def problems(named, tests=TESTS):
    """What of the tests that a row names is not there. "folder/file `Name`, `Other`; other file": a name
    belongs to the file before it, and a file without a folder lies beside the one before it."""
    found, file, folder = [], None, None
    parts = re.findall(r"`([^`]+)`|(" + FILE.pattern + ")", re.sub(r"\([^)]*\)", "", named))
    for name, path in parts:
        if path:
            base = TOP if path.startswith("image/test/") else tests  # those in emulated machines lie with the image
            folder = (base / path).parent if "/" in path else folder
            file = folder / Path(path).name if folder else tests / path
            if not file.is_file():
                found.append(f"there is no {path}")
                file = None
        elif name.startswith("lint."):
            if f"gims_lint({name.removeprefix('lint.')} " not in (tests / "scripts/CMakeLists.txt").read_text(encoding="utf-8"):
                found.append(f"there is no {name}")
        elif file is None:
            found.append(f"no file is named for {name}")
        elif not has_test(file, name):
            found.append(f"{file.name} has no {name}")
    return found if parts else ["no test is named"]


def has_test(file, name):
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return f"    def {name}(self" in text
    suite, _, case = name.partition(".")
    return re.search(rf"^TEST(_F|_P)?\(\s*{re.escape(suite)},\s*{re.escape(case)}\)", text, re.MULTILINE) is not None


class ThreatModelTest(unittest.TestCase):
    def test_each_test_that_is_named_exists(self):
        found = list(rows(MODEL.read_text(encoding="utf-8")))
        self.assertGreater(len(found), 30)
        for attack, named in found:
            with self.subTest(attack=attack):
                self.assertEqual(problems(named), [])

    def test_what_is_not_there_is_found(self):
        for named, expected in (("unit/base/log_test.cpp `LogLine.AValueCannotPassForAnotherFieldOrLine`", []),
                                ("unit/base/log_test.cpp `LogLine.IsNotThere`", ["log_test.cpp has no LogLine.IsNotThere"]),
                                ("unit/base/none_test.cpp `A.B`", ["there is no unit/base/none_test.cpp", "no file is named for A.B"]),
                                ("fuzz/json.cpp, none.cpp", ["there is no none.cpp"]),
                                ("scripts/docs_test.py `test_none`", ["docs_test.py has no test_none"]),
                                ("scripts/docs_test.py `test_what_is_not_there_is_found` (this one)", []),
                                ("image/test/start_test.py `test_none`", ["start_test.py has no test_none"]),
                                ("image/test/start_test.py `test_only_var_is_written`; image/ports_test.py `test_udp`", []),
                                ("`lint.layers`; `lint.none`", ["there is no lint.none"]),
                                ("somebody looked", ["no test is named"])):
            with self.subTest(named=named):
                self.assertEqual(problems(named), expected)


class LinksTest(unittest.TestCase):
    def test_each_file_that_is_linked_exists(self):
        for document in [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]:
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
                with self.subTest(document=document.name, target=target):
                    self.assertTrue("://" in target or (document.parent / target).exists())


# ---- the figures of limits.md --------------------------------------------------------------------------------------

LIMITS = TOP / "docs/limits.md"
SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
TIMES = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "days": 86_400_000}
CHRONO = {"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}
FIGURE = re.compile(r"(\d[\d,]*)(?:\^(\d+))?(?:\s*(KiB|MiB|GiB|ms|s|min|h|days)\b)?")


def constants(source):
    """(what stands in a C++ source as a number, or as numbers multiplied or shifted; its times, in milliseconds)."""
    source = re.sub(r"//.*", "", source)
    source = re.sub(r"(?<=\d)'(?=\d)", "", source)
    times = {int(number) * CHRONO[unit] for unit, number in re.findall(rf"\b({'|'.join(CHRONO)})(?: \w+)?[({{](\d+)[)}}]", source)}
    times |= {int(number) * TIMES[unit] for number, unit in re.findall(r"(?<![\w.])(\d+)(ms|s|min|h)\b", source)}
    source = re.sub(r"[\w:]+\{(\d+)[uUlL]*\}", r"\1", source)
    numbers = set()
    for expression in re.findall(r"(?<![\w.])\d+[uUlL]*(?:\s*(?:\*|<<)\s*\d+[uUlL]*)*(?![\w.])", source):
        parts = re.split(r"(\*|<<)", re.sub(r"[\suUlL]", "", expression))
        value = int(parts[0])
        for operator, operand in zip(parts[1::2], parts[2::2]):
            value = value * int(operand) if operator == "*" else value << min(int(operand), 64)
        numbers |= {value, int(parts[0])}
    return numbers, times


def sources(where, top=TOP):
    """The files that a cell names, from daemon/, from daemon/service/ or from the top; one without a folder lies
    beside the one before it. What is not there is None."""
    found, folder = [], None
    for name in re.findall(r"[\w/]+\.(?:cpp|hpp)", where):
        places = [top / "daemon" / name, top / "daemon/service" / name, top / name, *([folder / name] if folder else [])]
        path = next((path for path in places if path.is_file()), None)
        folder = path.parent if path else folder
        found.append(path)
    return found


def unfounded(bound, files):
    """The figures of a bound that are in none of the files."""
    numbers, times = set(), set()
    for path in files:
        more_numbers, more_times = constants(path.read_text(encoding="utf-8"))
        numbers, times = numbers | more_numbers, times | more_times
    missing = []
    for match in FIGURE.finditer(re.sub(r"TLS 1\.\d", "", bound)):
        digits, power, unit = match.groups()
        value = int(digits.replace(",", "")) ** int(power or 1)
        if unit in SIZES:
            size = value * SIZES[unit]
            good = size in numbers or size // 1024 in numbers  # some are kept in KiB
        elif unit:
            time = value * TIMES[unit]
            good = time in times or time in numbers or time // 1000 in numbers
        else:
            good = value in numbers
        if not good:
            missing.append(match[0].strip())
    return missing


def bounds(file, test):
    """(MiB of memory, MiB of disk) that a test of hostile clients allows its attack (hostile.py)."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            with contextlib.suppress(Exception):
                exec(ast.unparse(node), names)
    body = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == test)
    call = next(node for node in ast.walk(body) if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "attack")
    given = {keyword.arg: eval(ast.unparse(keyword.value), names) for keyword in call.keywords}
    return given.get("memory", 0) + 8, given.get("disk", 8)


class LimitsTest(unittest.TestCase):
    def rows(self):
        """(what, bound, set in) of each row of the tables whose last column is "set in"; one that was measured, or
        that a library sets, is none of ours to find."""
        inside = False
        for line in LIMITS.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
            if not cells:
                inside = False
            elif cells[-1] == "set in":
                inside = True
            elif inside and not set(line) <= set("|- ") and re.search(r"\.[ch]pp", cells[-1]) and "(measured)" not in cells[-1]:
                yield cells[0], cells[1], cells[-1]

    def test_each_figure_stands_in_the_file_that_is_named(self):
        found = list(self.rows())
        self.assertGreater(len(found), 80)
        for what, bound, where in found:
            with self.subTest(what=what, where=where):
                files = sources(where)
                self.assertNotIn(None, files, "a file that is not there")
                self.assertEqual(unfounded(bound, files), [])

    def test_what_is_not_there_is_found(self):
        here = [TOP / "daemon/http/server.hpp"]
        for bound, missing in (("16,384 *cfg*", []), ("8 KiB", []), ("75 s", []), ("16,385", ["16,385"]), ("9 KiB; 75 s", ["9 KiB"]),
                               ("76 s", ["76 s"]), ("none", [])):
            with self.subTest(bound=bound):
                self.assertEqual(unfounded(bound, here), missing)
        self.assertEqual(constants("a = std::size_t{64} * 1024; b = 1U << 14U; c = 10'000; d = hours(24);  // 7 of 9\n e3 = 0x11"),
                         ({64, 65536, 1, 16384, 10000, 24}, {86_400_000}))
        self.assertEqual(sources("none.cpp"), [None])

    def test_rates(self):
        """Each class of the code: `return {.user = {milliseconds(20), 300}, ...` behind its cases."""
        code = (TOP / "daemon/api/rate_limiter.cpp").read_text(encoding="utf-8")
        written = {}
        for cases, *rates in re.findall(
                r"((?:case RateClass::\w+:\s*)+)(?://[^\n]*\n\s*)*return \{\.user = \{(\w+)\((\d+)\), (\d+)\}, "
                r"\.address = \{(\w+)\((\d+)\), (\d+)\}\}", code):
            one = tuple((int(burst), int(number) * CHRONO[unit]) for unit, number, burst in (rates[:3], rates[3:]))
            written |= dict.fromkeys(re.findall(r"RateClass::(\w+)", cases), one)
        section = LIMITS.read_text(encoding="utf-8").partition("## Rates")[2].partition("\n## ")[0]
        said = {}
        for name, *cells in re.findall(r"^\| (\w+)[^|]*\| ([^|]*) \| ([^|]*) \|$", section, re.MULTILINE):
            if name == "class":
                continue
            said[name] = tuple(
                (int(burst.replace(",", "")), 1000 * int(apart) if apart else 1000 // int(often))
                for burst, often, apart in (re.fullmatch(r"([\d,]+), (?:(\d+)/s|one in (\d+) s)", cell).groups() for cell in cells))
        self.assertEqual(said, written)
        self.assertGreater(len(said), 6)

    def test_the_table_of_attacks_says_what_its_tests_assert(self):
        settings = "".join((TOP / "daemon" / file).read_text(encoding="utf-8") for file in ("app/settings.cpp", "tls/settings.cpp"))
        text = LIMITS.read_text(encoding="utf-8")
        self.assertGreater(len(list(rows(text))), 15)
        for attack, named in rows(text):
            with self.subTest(attack=attack):
                self.assertEqual(problems(named), [])
                _, memory, _, disk, configuration, _ = [
                    cell.strip() for cell in next(line for line in text.splitlines() if line.startswith(f"| {attack} |")).strip("|").split("|")]
                file = TESTS / FILE.search(named)[0]
                asserted = [bounds(file, name) for name in re.findall(r"`(\w+)`", named)]
                self.assertEqual([int(re.match(r"(\d+) MiB", cell)[1]) for cell in (memory, disk)],
                                 [max(column) for column in zip(*asserted)])
                keys = re.findall(r"`([\w.]+)`", configuration)
                self.assertTrue(keys or configuration.startswith("none"))
                self.assertEqual([key for key in keys if f'"{key}"' not in settings], [])


if __name__ == "__main__":
    unittest.main()
