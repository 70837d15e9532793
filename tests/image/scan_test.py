"""What is made of scanners' reports (image/scan), and that the documents have what is accepted."""

import importlib.machinery
import importlib.util
import io
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
ACCEPTED = TOP / "image/scan/accepted.toml"


def load():
    loader = importlib.machinery.SourceFileLoader("judge", str(TOP / "image/scan/judge.py"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("judge", loader))
    loader.exec_module(module)
    return module


judge = load()


def arf(*results):
    rows = "".join(f'<x:rule-result idref="{judge.RULE}{rule}"><x:result>{result}</x:result></x:rule-result>' for rule, result in results)
    return io.StringIO(f'<r xmlns:x="http://checklists.nist.gov/xccdf/1.2"><x:TestResult>{rows}</x:TestResult></r>')


class ReportsTest(unittest.TestCase):
    def test_every_rule_that_is_not_met_is_a_finding(self):
        results = judge.openscap(arf(("a", "pass"), ("b", "fail"), ("c", "error"), ("d", "unknown"), ("e", "notchecked"), ("f", "notapplicable"),
                                     ("g", "notselected")))
        self.assertEqual(set(results), set("abcdef"))
        self.assertEqual(judge.findings_of(results), {"openscap b", "openscap c", "openscap d", "openscap e"})

    def test_a_report_in_which_nothing_is_met_is_none(self):
        with self.assertRaises(judge.Wrong):
            judge.openscap(arf(("a", "notapplicable")))

    def test_warnings_and_suggestions_are_findings(self):
        found, tests = judge.lynis("warning[]=A-1|One|-|-|\nsuggestion[]=B-2|Two |x|\nsuggestion[]=LYNIS|old|-|\nother=C\nlynis_tests_done=200\n")
        self.assertEqual(found, {"lynis A-1: One", "lynis B-2: Two"})
        self.assertEqual(tests, 200)

    def test_a_report_that_was_cut_off_is_none(self):
        with self.assertRaises(judge.Wrong):
            judge.lynis("warning[]=A-1|One|-|-|\n")


class AcceptedTest(unittest.TestCase):
    def test_what_is_not_explained_and_what_is_gone(self):
        reasons = judge.accepted('[[accepted]]\nreason = "r"\nfindings = ["openscap a", "openscap b"]\n')
        self.assertEqual(judge.differences({"openscap a", "lynis c"}, reasons), (["lynis c"], ["openscap b"]))

    def test_each_finding_once_and_with_a_reason(self):
        for text in ('[[accepted]]\nreason = " "\nfindings = ["a"]\n', '[[accepted]]\nreason = "r"\nfindings = []\n',
                     '[[accepted]]\nreason = "r"\nfindings = ["a", "a"]\n', '[[accepted]]\nreason = "r"\nfindings = ["a"]\nfor = "b"\n'):
            with self.assertRaises(judge.Wrong):
                judge.accepted(text)

    def test_the_documents_have_it(self):
        text = ACCEPTED.read_text(encoding="utf-8")
        self.assertGreater(len(judge.accepted(text)), 50)
        self.assertIn("\n" + judge.table(text) + "\n", (TOP / "docs/hardening.md").read_text(encoding="utf-8"),
                      "docs/hardening.md has another table; 'image/scan/scan table' prints it")


if __name__ == "__main__":
    unittest.main()
