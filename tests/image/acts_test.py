"""What an administrator at the console can have root do: how it is asked, answered and noted, and each act."""

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import acts

ASKED, ENDED = "3704c572211a4bfcaaf2ef25d2d25993", "cf563980213d45ce8d1288adab6b9e46"


class DoorTest(unittest.TestCase):
    """The library, by an act of the test's own."""

    SCRIPT = '#!/bin/sh\n. /usr/lib/gims/act\nrequest "$1" word number\nsay "word: $(given word)"\nsay "number: $(given number)"\n'

    def setUp(self):
        self.unit = acts.Unit(self)

    def act(self, asked, rest="ok\n", **more):
        return self.unit.act("power", asked, script=self.SCRIPT + rest, **more)

    def test_values_are_data(self):
        for value in ("two words", "$(touch /tmp/x) `id` ${PATH}", "'\" \\n %s * ~", "नाम", "-n", "x" * 507):
            with self.subTest(value=value):
                self.assertEqual(self.act({"word": value, "number": "1"}), ([f"word: {value}", "number: 1"], "= ok"))
        self.assertEqual(self.act(b"\n"), (["word: ", "number: "], "= ok"))

    def refused(self, asked):
        lines, end = self.act(asked, "audited test now\nok\n")
        self.assertEqual(lines, [])
        self.assertTrue(end.startswith("= refused: "), end)
        self.assertEqual(self.unit.calls("gimsctl"), [])
        return end.removeprefix("= refused: ")

    def test_what_is_no_question_is_refused(self):
        for asked, why in ((b"", "Nothing was asked."), (b"word a", "cut off"), (b"word a\n", "cut off"), (b"\nword a\n", "follows the end"), (b"\n\n", "follows the end"),
                           (b"word\n\n", "not KEY VALUE"), (b"other a\n\n", "does not know what other"), (b"wor. a\n\n", "does not know"),
                           (b"word a\nword b\n\n", "asked twice"), (b"word a\x00b\n\n", "control character"), (b"word a\rb\n\n", "control character"),
                           (b"word \x1b[2J\n\n", "control character"), (b"word \xc2\x9b\n\n", "control character"), (b"word \xff\n\n", "not UTF-8"),
                           (b"word \xc0\xaf\n\n", "not UTF-8"), (b"word " + b"x" * 508 + b"\n\n", "more than 512 bytes"), (b"word " + b"x" * 100000, ""),
                           (b"word a\n" * 17 + b"\n", "")):
            with self.subTest(asked=asked[:20]):
                self.assertIn(why, self.refused(asked))

    def test_it_is_noted_who_asked_and_how_it_ended(self):
        self.act({"word": "a"}, 'audited "test" "what it does"\nok\n')
        begun, ended = [call.split(" --step ") for call in self.unit.calls("gimsctl")]
        self.assertEqual(begun, ["audit record unit.test --at ttyS0", "begun --text what it does"])
        self.assertEqual(ended, ["audit record unit.test --at ttyS0", "done --text "])
        journal = self.unit.journal()
        self.assertLess(journal.index(f"MESSAGE_ID={ASKED}"), journal.index(f"MESSAGE_ID={ENDED}"))
        self.assertEqual(journal.count("GIMS_AT=ttyS0"), 2)

    def test_who_is_at_no_console_is_unknown(self):
        self.act({"word": "a"}, instance="0-124-806")
        self.assertIn("GIMS_AT=unknown", self.unit.journal())

    def test_it_is_done_where_the_audit_log_is_away(self):
        self.unit.command("gimsctl", "exit 3")
        self.assertEqual(self.act(b"\n", "audited test now\nok\n")[1], "= ok")
        self.assertIn("the audit log does not have it: unit.test begun", self.unit.err)

    def test_every_end_is_told(self):
        for rest, end, step in (('refuse "not now"\n', "= refused: not now", "refused"), ('fail "try again"\n', "= failed: try again", "failed"),
                                ("exit 0\n", "= failed: It ended before", "failed"), ("kill -TERM $$\nsleep 1\n", "= failed: It ended before", "failed"),
                                ("set -eu\nfalse\n", "= failed: It ended before", "failed"), ("set -u\necho $none\n", "= failed: It ended before", "failed")):
            with self.subTest(rest=rest):
                unit = self.unit = acts.Unit(self)
                self.assertTrue(self.act(b"\n", f"audited test now\n{rest}")[1].startswith(end))
                self.assertIn(f"--step {step} ", unit.calls("gimsctl")[-1])
                self.assertEqual(unit.journal().count(ENDED), 1)

    def test_it_goes_on_when_nobody_listens_any_more(self):
        """The console is gone after the first line; the act is done to its end."""
        reading, writing = os.pipe()
        os.close(reading)
        self.act(b"\n", "set -e\naudited test now\nsay one\nsay two\nok\n", output=writing)
        os.close(writing)
        self.assertEqual(self.unit.status, 0)
        self.assertIn("--step done ", self.unit.calls("gimsctl")[-1])


class PowerTest(unittest.TestCase):
    def setUp(self):
        self.unit = acts.Unit(self)

    def test_restart_and_off(self):
        for how, verb in (("restart", "reboot"), ("off", "poweroff")):
            with self.subTest(how=how):
                self.assertEqual(self.unit.act("power", {"how": how})[1], "= ok")
                self.assertEqual(self.unit.calls("systemctl")[-1], f"--no-block {verb}")
                self.assertIn(f"audit record unit.{how} --at ttyS0 --step done", self.unit.calls("gimsctl")[-1])

    def test_nothing_else(self):
        for asked in ({}, {"how": "halt"}):
            self.assertTrue(self.unit.act("power", asked)[1].startswith("= refused: "))
        self.assertEqual(self.unit.calls("systemctl"), [])

    def test_a_manager_that_does_not_answer(self):
        self.unit.command("systemctl", "exit 1")
        self.assertTrue(self.unit.act("power", {"how": "off"})[1].startswith("= failed: "))


class ClockTest(unittest.TestCase):
    NOW, BUILT = 1_795_860_000, 1_795_000_000  # 2026-11-28T10:00:00Z

    def setUp(self):
        self.unit = acts.Unit(self)
        self.unit.command("chronyc", 'case "$*" in *tracking) echo "7F7F0101,,10,1795859000.0,0.000000012,0,0,0,0,0,0,0,0,Normal";; esac')
        # Only what asks for now is answered by the test.
        self.unit.command("date", f'case $1 in +%s) echo {self.NOW};; *) exec /usr/bin/date "$@";; esac')
        self.unit.command("stat", f"echo {self.BUILT}")

    def set(self, time, **more):
        return self.unit.act("clock", {"time": time, **more})

    def test_shows_what_it_goes_by(self):
        for id, source in (("7F7F0101", "none; the board's clock"), ("47505300", "a GPS receiver"), ("50505300", "the pulse"), ("4D414E55", "a person"), ("00000000", "none yet")):
            self.unit.command("chronyc", f'echo "{id},,10,0,-0.25,0"')
            lines, end = self.unit.act("clock")
            self.assertEqual(end, "= ok")
            self.assertIn(f"source:  {source}", lines[1])
            self.assertEqual(lines[2], "offset:  -0.25 s")
        self.assertEqual(self.unit.calls("gimsctl"), [])

    def test_sets_it(self):
        for time, jump in (("2026-11-28T10:15:00", "forward by 15 min."), ("2026-11-28T15:15:01Z", "forward by 5 h 15 min 1 s."), ("2026-11-28T15:29:59+05:30", "back by 1 s.")):
            with self.subTest(time=time):
                lines, end = self.set(time)
                self.assertEqual((lines[0], end), (f"The clock goes {jump}", "= ok"))
        settings = [call.split("settime ")[1] for call in self.unit.calls("chronyc") if "settime" in call]
        self.assertEqual(settings, ["2026-11-28 10:15:00", "2026-11-28 15:15:01", "2026-11-28 09:59:59"])
        self.assertEqual(len([call for call in self.unit.calls("chronyc") if call.endswith("makestep")]), 3)
        self.assertIn("audit record unit.clock --at ttyS0 --step begun --text forward by 900 s", self.unit.calls("gimsctl"))

    def test_bounds(self):
        for time, why in (("2026-11-18T11:06:39", "This release was made at 2026-11-18T11:06:40"), ("2047-01-01T00:00:00", "more than 20 years"), ("2026-02-30T00:00:00", "no such time"),
                          ("yesterday", "is written"), ("@0", "is written"), ("2026-11-28 10:15:00", "is written"), ("2026-11-28T10:15:00;id", "is written"),
                          ("2026-11-29T10:00:01", "more than a day"), ("2026-11-27T09:59:59", "more than a day")):
            with self.subTest(time=time):
                end = self.set(time)[1]
                self.assertTrue(end.startswith("= refused: "), end)
                self.assertIn(why, end)
        self.assertFalse([call for call in self.unit.calls("chronyc") if "settime" in call])
        self.assertEqual(self.set("2026-11-29T10:00:01", far="yes")[1], "= ok")

    def test_chronyd_is_away(self):
        self.unit.command("chronyc", "exit 1")
        self.assertTrue(self.unit.act("clock")[1].startswith("= failed: "))
        self.assertTrue(self.set("2026-11-28T10:15:00")[1].startswith("= failed: "))


if __name__ == "__main__":
    unittest.main()
