"""What stands between 'make' and the build: the package list, the build root, the steps and what they
say when one fails. The programs that would change a machine are stand-ins here."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

TARGETS = {
    "labels": "http://archive.test/debian/|bookworm|Debian|main\nhttp://other.test/|bookworm|Other|main\n"
              "http://archive.test/security/|bookworm-security|Debian-Security|main\n",
    "no lists": "http://other.test/|bookworm||main\nhttp://archive.test/debian/|bookworm-updates||main\n"
                "http://archive.test/security/|bookworm-security||main\n",
    "nothing": "file:/media/cdrom/|bookworm|Debian|main\n",
}


class FrontDoor(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        shutil.copytree(SCRIPTS, self.top / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        self.bin = self.top / "bin"
        self.bin.mkdir()
        self.root = self.top / "build" / "root"

    def stand_in(self, name, text, folder=None):
        path = (folder or self.bin) / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run_script(self, name, *arguments, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIMS_")}
        run = subprocess.run([self.top / "scripts" / name, *arguments], capture_output=True, text=True, cwd=self.top,
                             env=kept | {"PATH": f"{self.bin}:{os.environ['PATH']}"} | environment)
        return run.returncode, run.stdout + run.stderr


class PackagesTest(FrontDoor):
    def test_sections(self):
        _, runtime = self.run_script("packages", "runtime")
        _, build = self.run_script("packages", "build")
        _, everything = self.run_script("packages")
        self.assertIn("libsodium23\n", runtime)
        self.assertNotIn("cmake", runtime)
        self.assertIn("cmake\n", build)
        self.assertTrue(set(runtime.split()) | set(build.split()) < set(everything.split()))
        self.assertNotIn("#", everything)

    def test_unknown_section(self):
        status, output = self.run_script("packages", "runtime", "nothing")
        self.assertEqual(status, 2)
        self.assertIn("no section [nothing]", output)


@unittest.skipUnless(os.getuid() == 0, "the build root is made as root")
class BuildRootTest(FrontDoor):
    def setUp(self):
        super().setUp()
        self.calls = self.top / "calls"
        self.calls.touch()
        self.stand_in("apt-get", f'echo "apt-get $*" >>{self.calls}\n[ "$1" != indextargets ] || cat {self.top}/targets')
        # The root is the argument before the archive lines.
        self.stand_in("mmdebstrap", f'echo "mmdebstrap $*" >>{self.calls}\n[ ! -e {self.top}/fail ] || exit 1\n'
                      f'mkdir -p {self.root}.tmp/usr {self.root}.tmp/etc {self.root}.tmp/var/lib/dpkg')
        self.stand_in("chroot", "exit 0")
        self.stand_in("bwrap", f'echo "bwrap $*" >>{self.calls}')

    def build(self, targets="labels", **environment):
        (self.top / "targets").write_text(TARGETS.get(targets, targets))
        return self.run_script("build-root", GIMS_ROOT=str(self.root), **environment)

    def called(self, name):
        return [line for line in self.calls.read_text().splitlines() if line.startswith(name + " ")]

    def archives(self):
        line, = self.called("mmdebstrap")
        return line[line.index(" deb "):]

    def test_addresses_of_the_machine_s_own_configuration(self):
        for targets in ("labels", "no lists"):
            with self.subTest(targets=targets):
                self.setUp()
                self.assertEqual(self.build(targets)[0], 0)
                self.assertEqual(self.archives(), " deb http://archive.test/debian/ trixie main deb http://archive.test/debian/ "
                                 "trixie-updates main deb http://archive.test/security/ trixie-security main")

    def test_address_in_a_mirror_file(self):
        for name in ("main", "security"):
            (self.top / name).write_text(f"# a comment\nhttps://mirror.test/{name}\tpriority:1\n")
        self.assertEqual(self.build(f"mirror+file:{self.top}/main/|bookworm|Debian|main\n"
                                    f"mirror+file:{self.top}/security/|x|Debian-Security|main\n")[0], 0)
        self.assertIn("deb https://mirror.test/main trixie main", self.archives())
        self.assertIn("deb https://mirror.test/security trixie-security main", self.archives())

    def test_addresses_by_variable(self):
        self.assertEqual(self.build("nothing", GIMS_MIRROR="http://a.test/d", GIMS_SECURITY_MIRROR="https://b.test/s")[0], 0)
        self.assertIn("deb http://a.test/d trixie-updates main deb https://b.test/s trixie-security main", self.archives())

    def test_no_address(self):
        status, output = self.build("nothing")
        self.assertNotEqual(status, 0)
        self.assertIn("set GIMS_MIRROR and GIMS_SECURITY_MIRROR", output)
        self.assertEqual(self.called("mmdebstrap"), [])

    def test_made_once(self):
        self.assertEqual(self.build()[0], 0)
        self.assertEqual(self.build()[0], 0)
        self.assertEqual(len(self.called("mmdebstrap")), 1)

    def test_a_failure_leaves_no_root(self):
        (self.top / "fail").touch()
        status, output = self.build()
        self.assertNotEqual(status, 0)
        self.assertIn("http://archive.test/debian/", output)
        self.assertEqual(list(self.root.parent.iterdir()), [])
        (self.top / "fail").unlink()
        self.assertEqual(self.build()[0], 0)
        self.assertTrue(self.root.is_dir())

    def test_a_new_package_is_added_to_the_root(self):
        self.build()
        with open(self.top / "scripts/packages.list", "a") as file:
            file.write("newpackage\n")
        self.assertEqual(self.build()[0], 0)
        self.assertEqual(len(self.called("mmdebstrap")), 1)
        self.assertIn("newpackage", self.called("bwrap")[0])

    def test_another_script_makes_the_root_anew(self):
        self.build()
        with open(self.top / "scripts/build-root", "a") as file:
            file.write("# changed\n")
        self.assertEqual(self.build()[0], 0)
        self.assertEqual(len(self.called("mmdebstrap")), 2)
        self.assertFalse(Path(f"{self.root}.old").exists())


class EnterTest(unittest.TestCase):
    def test_every_user_can_write_to_tmp(self):
        # This test runs by scripts/enter. apt, which adds packages to the root, has a user of its own.
        self.assertEqual(os.stat("/tmp").st_mode & 0o7777, 0o1777)


@unittest.skipUnless(os.getuid() == 0, "the steps ask for root")
class StepsTest(FrontDoor):
    def steps_with(self, text):
        """The goal root with this for its one step."""
        self.stand_in("build-root", text, self.top / "scripts")
        return self.run_script("steps", "root")

    def test_a_step_is_shown_and_its_details_are_not(self):
        status, output = self.steps_with("echo many details")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"(?m)^\[1/1\] Debian 13 build root \.\.\. \d+ s$")
        self.assertNotIn("details", output)
        self.assertEqual((self.top / "build/log/root.log").read_text(), "many details\n")

    def test_a_failure_shows_its_cause_and_keeps_its_status(self):
        status, output = self.steps_with("echo start; echo 'a.cpp:3:1: error: expected ;'; seq 100; exit 7")
        self.assertEqual(status, 7)
        self.assertIn("FAILED", output)
        self.assertIn("a.cpp:3:1: error: expected ;", output)
        self.assertNotIn("\n    99", output)

    def test_known_causes(self):
        for line, advice in (("E: Temporary failure resolving 'archive.test'", "No network"),
                             ("npm ERR! code ENOTFOUND", "No network"),
                             ("cc1plus: fatal error: error writing: No space left on device", "disk is full"),
                             ("E: You don't have enough free space in /var", "disk is full"),
                             ("bwrap: Creating new namespace failed: Operation not permitted", "No root"),
                             ("g++: fatal error: Killed signal terminated program cc1plus", "Memory ran out")):
            with self.subTest(line=line):
                status, output = self.steps_with(f'echo "{line}"; exit 1')
                self.assertEqual(status, 1)
                self.assertIn(line, output)
                self.assertIn(advice, output)

    def test_a_ctrl_c_stops_the_site_and_waits_for_it(self):
        # As bwrap, which ends of a Ctrl-C unless it is ignored, and takes with it what runs inside.
        around = """
import os, signal, time
child = os.fork()
if child == 0:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    print("up", flush=True)
    signal.sigwait({signal.SIGINT})
    time.sleep(0.2)
    print("stopped in order", flush=True)
    os._exit(0)
try:
    os.waitpid(child, 0)
except KeyboardInterrupt:
    os.kill(child, signal.SIGKILL)
"""
        (self.top / "around.py").write_text(around)
        self.stand_in("build-root", "exit 0", self.top / "scripts")
        self.stand_in("enter", '[ "$1" != scripts/run ] || exec python3 around.py', self.top / "scripts")
        with subprocess.Popen([self.top / "scripts/steps", "run"], cwd=self.top, text=True, stdout=subprocess.PIPE,
                              start_new_session=True) as steps:
            while steps.stdout.readline() not in ("up\n", ""):
                pass
            os.killpg(steps.pid, signal.SIGINT)
            rest = steps.stdout.read()
        self.assertIn("stopped in order", rest)
        self.assertEqual(steps.returncode, 0)

    def test_an_unknown_goal(self):
        status, output = self.run_script("steps", "nothing")
        self.assertEqual(status, 2)
        self.assertIn("make help", output)


if __name__ == "__main__":
    unittest.main()
