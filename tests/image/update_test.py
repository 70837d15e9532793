"""What decides after an update whether a release is good, with programs in gims-keyd's and systemd's places."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image

OPERATIONAL = "echo 'state:        operational'"
LOCKED = "echo 'state:        locked'; echo 'reason:       {}'"


class UpdateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def program(self, name, *answers):
        """One that gives the answers in turn, and the last one from then on."""
        count = self.folder / f"{name}.count"
        cases = "".join(f"{number}) {answer};;\n" for number, answer in enumerate(answers, 1))
        path = self.folder / name
        path.write_text(f"#!/bin/sh\necho x >>{count}\nn=$(wc -l <{count})\n[ $n -le {len(answers)} ] || n={len(answers)}\ncase $n in\n{cases}esac\n")
        path.chmod(0o755)
        return path

    def healthy(self, keyd, systemctl, seconds=3):
        """With tries of one second each, that pass at once."""
        script = self.folder / "healthy"
        script.write_text(image.text("usr/lib/gims/healthy").replace('sleep "$pause"', ":"))
        run = subprocess.run(["sh", script, str(seconds), "1", keyd, systemctl], capture_output=True, text=True, timeout=60)
        return run.returncode, run.stderr

    def test_serves(self):
        self.assertEqual(self.healthy(self.program("keyd", OPERATIONAL), self.program("systemctl", "exit 0"))[0], 0)

    def test_serves_after_a_while(self):
        self.assertEqual(self.healthy(self.program("keyd", "exit 1", OPERATIONAL), self.program("systemctl", "exit 3", "exit 0"))[0], 0)

    def test_does_not_serve(self):
        status, said = self.healthy(self.program("keyd", OPERATIONAL), self.program("systemctl", "exit 0", "exit 3", "exit 3"))
        self.assertEqual(status, 1)
        self.assertIn("operational", said)

    def test_its_keys_do_not_open(self):
        status, said = self.healthy(self.program("keyd", LOCKED.format("What this unit started is not as release 2 signed it.")),
                                    self.program("systemctl", "exit 0"))
        self.assertEqual(status, 1)
        self.assertIn("not as release 2", said)

    def test_gims_keyd_is_away(self):
        self.assertEqual(self.healthy(self.program("keyd", "exit 1"), self.program("systemctl", "exit 0"))[0], 1)

    def test_a_person_is_waited_for(self):
        """Longer than anything else; the words are gims-keyd's own."""
        words = "It waits for a person"
        self.assertIn(words, (image.TOP / "hsm/core/attended_vault.cpp").read_text())
        waiting = [LOCKED.format(words + ": gims-keyd unlock, at the terminal.")] * 20
        self.assertEqual(self.healthy(self.program("keyd", *waiting, OPERATIONAL), self.program("systemctl", "exit 0"))[0], 0)

    def test_a_unit_without_a_site(self):
        for state in ("unprovisioned", "zeroized"):
            self.assertEqual(self.healthy(self.program(state, f"echo 'state:        {state}'"), self.program("systemctl", "exit 3"))[0], 0)

    def test_blessed(self):
        loader = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
        variables, told = self.folder / "efivars", self.folder / "told"
        variables.mkdir()

        def ask():
            run = subprocess.run([image.ROOT / "usr/lib/gims/blessed", variables, told], capture_output=True, text=True)
            return run.stdout.strip(), run.returncode

        self.assertEqual(ask(), ("unknown", 1))
        (variables / f"LoaderInfo-{loader}").touch()
        self.assertEqual(ask(), ("clean", 0))
        (variables / f"LoaderBootCountPath-{loader}").touch()
        self.assertEqual(ask(), ("indeterminate", 1))
        told.touch()
        self.assertEqual(ask(), ("good", 0))
        (variables / f"LoaderInfo-{loader}").unlink()
        self.assertEqual(ask(), ("unknown", 1))

    def test_what_tells_the_loader(self):
        """One process mounts and writes, and says that it did once it has."""
        unit = image.Unit("systemd-bless-boot.service")
        self.assertEqual(unit.all("ExecStart"), ["", "/usr/lib/gims/bless"])
        self.assertEqual(unit.all("ExecStartPre") + unit.all("ExecStartPost"), [])
        script = self.folder / "bless"
        text = image.text("usr/lib/gims/bless").replace("/usr/lib/systemd/systemd-bless-boot", str(self.folder / "loader"))
        script.write_text(text.replace("mount ", f"echo >>{self.folder}/mounts ").replace("/run/gims/blessed", f"{self.folder}/told"))
        for answer, status in (("exit 1", 1), ("exit 0", 0)):
            (self.folder / "loader").write_text(f"#!/bin/sh\n{answer}\n")
            (self.folder / "loader").chmod(0o755)
            self.assertEqual(subprocess.run(["sh", script]).returncode, status)
            self.assertEqual((self.folder / "told").exists(), status == 0)
        self.assertEqual((self.folder / "mounts").read_text().splitlines()[-2:], ["-o remount,rw /boot", "-o remount,ro /boot"])

    def test_the_release_is_told_after_it_was_blessed(self):
        unit = image.Unit("gims-release.service")
        self.assertIn("systemd-bless-boot.service", unit.words("After"))
        self.assertIn("boot-complete.target", unit.words("Requires"))
        self.assertEqual(unit.one("ExecCondition"), "/usr/lib/gims/blessed")
        # The older release reads the database no more once it was migrated, so the TPM is told first.
        self.assertEqual([start.split()[-1] for start in unit.all("ExecStart")], ["raise-release", "migrate"])
        healthy = image.Unit("gims-healthy.service")
        self.assertEqual((healthy.words("RequiredBy"), healthy.words("Before")), (["boot-complete.target"], ["boot-complete.target"]))
        self.assertEqual(healthy.one("FailureAction"), "reboot")


if __name__ == "__main__":
    unittest.main()
