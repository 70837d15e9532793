"""What scanners found in the image's root, beside what is accepted and why (accepted.toml). A finding is "SCANNER ID", and
what the scanner says of it where one id has several."""

import tomllib
from xml.etree import ElementTree

XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
RULE = "xccdf_org.ssgproject.content_rule_"
# Of a rule that was asked: the others say that it is met, or that what it is about is not there.
FINDINGS = {"fail", "error", "unknown", "notchecked"}


class Wrong(Exception):
    """A file is not what this program reads."""


def accepted(text):
    """The reason of each finding."""
    reasons = {}
    for entry in tomllib.loads(text)["accepted"]:
        if set(entry) != {"reason", "findings"} or not entry["reason"].strip() or not entry["findings"]:
            raise Wrong(f"accepted.toml: an entry has a reason and findings, and nothing else: {entry}")
        for finding in entry["findings"]:
            if finding in reasons:
                raise Wrong(f"accepted.toml: {finding!r} is there twice")
            reasons[finding] = entry["reason"]
    return reasons


def openscap(file):
    """The result of each rule that the profile selects, from OpenSCAP's report (ARF or XCCDF)."""
    results = {}
    for _, element in ElementTree.iterparse(file):
        if element.tag == f"{XCCDF}rule-result":
            result = element.findtext(f"{XCCDF}result")
            if result != "notselected":
                results[element.get("idref").removeprefix(RULE)] = result
    if "pass" not in results.values():
        raise Wrong("OpenSCAP's report: no rule is met; it did not see the root")
    return results


def lynis(text):
    """Warnings and suggestions, and how many tests were made, from Lynis' report."""
    found, tests = set(), 0
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key in ("warning[]", "suggestion[]"):
            identity, words = value.split("|")[:2]
            # Of its own age, which goes by the clock.
            if identity == "LYNIS":
                continue
            found.add(f"lynis {identity}: {words.strip()}")
        elif key == "lynis_tests_done":
            tests = int(value)
    if not tests:
        raise Wrong("Lynis' report has no end: it was stopped, or did not start")
    return found, tests


def findings_of(results):
    return {f"openscap {rule}" for rule, result in results.items() if result in FINDINGS}


def differences(found, reasons):
    """Those that are neither mended nor accepted, and those accepted that are not found any more."""
    return sorted(found - reasons.keys()), sorted(reasons.keys() - found)


def table(text):
    """Rows of docs/hardening.md."""
    rows = ["| finding | why it is accepted |", "| --- | --- |"]
    for entry in tomllib.loads(text)["accepted"]:
        rows.append(f"| {', '.join(f'`{finding}`' for finding in entry['findings'])} | {entry['reason'].strip()} |")
    return "\n".join(rows)
