"""What stands between 'make' and the build: the package list, the build root, the steps and what they
say when one fails. The programs that would change a machine are stand-ins here."""

import os
import pty
import shutil
import signal
import subprocess
import tempfile
import time
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

    def installed(self, keyring):
        """Gives a machine that has what makes a root, and this version of Debian's keys."""
        self.stand_in("dpkg-query", f"""case "$*" in
  *debian-archive-keyring) echo {keyring} ;;
  *) printf 'ii %s\\n' mmdebstrap bubblewrap debian-archive-keyring ;;
esac""")

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

    def test_keys_that_are_older_than_debian_13_are_renewed(self):
        for keyring, renewed in (("2023.3", True), ("2023.3+deb12u1", True), ("2023.3+deb12u2", False), ("2025.1", False)):
            with self.subTest(keyring=keyring):
                self.setUp()
                self.installed(keyring)
                self.assertEqual(self.build()[0], 0)
                self.assertEqual([line.split()[-1] for line in self.called("apt-get install")],
                                 ["debian-archive-keyring"] if renewed else [])

    def test_another_apt_get_is_waited_for(self):
        self.installed("2023.3")
        self.build()
        call, = self.called("apt-get install")
        self.assertIn("-o DPkg::Lock::Timeout=120", call)

    def test_programs_of_the_administrator_are_found(self):
        # su without "-" leaves PATH without the sbin folders.
        self.stand_in("chroot", f'echo "$PATH" >>{self.calls}')
        self.assertEqual(self.build(PATH=f"{self.bin}:/usr/bin:/bin")[0], 0)
        self.assertIn(f"{self.bin}:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", self.calls.read_text().splitlines())

    def test_another_script_makes_the_root_anew(self):
        self.build()
        with open(self.top / "scripts/build-root", "a") as file:
            file.write("# changed\n")
        self.assertEqual(self.build()[0], 0)
        self.assertEqual(len(self.called("mmdebstrap")), 2)
        self.assertFalse(Path(f"{self.root}.old").exists())


class EnterTest(FrontDoor):
    """These run by scripts/enter, in Debian 13: there it is a machine that needs no build root."""

    def enter(self, *command):
        # A checkout that only its owner reaches: homes on Debian 13 are 0700, as root's is.
        self.top.chmod(0o700)
        checkout = self.top / "a home" / "gims"
        shutil.copytree(SCRIPTS, checkout / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIMS_")}
        run = subprocess.run([checkout / "scripts/enter", *command], capture_output=True, text=True, cwd="/", env=kept)
        return run.returncode, run.stdout + run.stderr

    def test_every_user_can_write_to_tmp(self):
        # apt, which adds packages to the root, has a user of its own.
        self.assertEqual(os.stat("/tmp").st_mode & 0o7777, 0o1777)

    def test_the_daemons_users_reach_a_private_checkout(self):
        self.assertEqual(self.enter("setpriv", "--reuid=gimsd", "--regid=gimsd", "--clear-groups", "sh", "-c",
                                    "pwd; cat /src/scripts/packages.list | head -c 8; touch /tmp/x"), (0, "/src\n# Debian"))

    def test_the_cache_is_the_checkout_s(self):
        self.assertEqual(self.enter("sh", "-c", 'touch "$CCACHE_DIR/here"'), (0, ""))
        self.assertTrue((self.top / "a home/gims/build/ccache/here").exists())

    def test_the_machine_keeps_its_folders(self):
        before = sorted(os.listdir("/")), os.listdir("/src")
        self.assertEqual(self.enter("sh", "-c", "ls /src; [ /bin -ef /usr/bin ] && [ -s /etc/passwd ]")[0], 0)
        self.assertEqual((sorted(os.listdir("/")), os.listdir("/src")), before)

    def test_what_is_left_running_ends_with_it(self):
        # A number that no other process sleeps for.
        seconds = str(100000 + os.getpid())
        asleep = lambda: [pid for pid in os.listdir("/proc") if pid.isdigit() and self.command_of(pid) == f"sleep\0{seconds}\0".encode()]
        self.assertEqual(self.enter("sh", "-c", f"setsid sleep {seconds} >/dev/null 2>&1 &\n"
                                                "until grep -q sleep /proc/[0-9]*/comm; do sleep 0.01; done"), (0, ""))
        # bwrap tells the command's end just before the kernel ends the rest.
        deadline = time.monotonic() + 60
        while asleep():
            self.assertLess(time.monotonic(), deadline, "it is still running")
            time.sleep(0.02)

    def command_of(self, pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return b""


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

    def on_a_terminal(self, goal):
        """Starts a goal on a terminal of its own; returns it and the terminal."""
        ours, terminal = pty.openpty()
        self.addCleanup(os.close, ours)
        steps = subprocess.Popen([self.top / "scripts/steps", goal], cwd=self.top, stdin=terminal, stdout=terminal, stderr=terminal,
                                 start_new_session=True)
        os.close(terminal)
        self.addCleanup(steps.wait)
        self.addCleanup(steps.kill)
        return steps, ours

    def test_nothing_is_left_after_a_ctrl_c(self):
        self.stand_in("build-root", "echo begun; exec sleep 600", self.top / "scripts")
        steps, terminal = self.on_a_terminal("root")
        shown = b""
        while b"begun" not in shown:  # the step's line with the newest of its log: it ticks
            shown += os.read(terminal, 4096)
        os.killpg(steps.pid, signal.SIGINT)
        self.assertEqual(steps.wait(60), 130)
        deadline = time.monotonic() + 60
        while True:
            try:
                os.killpg(steps.pid, 0)
            except ProcessLookupError:
                return
            self.assertLess(time.monotonic(), deadline, "something of it goes on")
            time.sleep(0.05)

    def df_says(self, free, files=100000):
        self.stand_in("df", f"""echo Filesystem
case "$*" in
  *i*) echo /dev/x 200000 5 {files} 5% /site ;;
  *h*) echo /dev/x 10G 10G {free}K 100% /site ;;
  *) echo /dev/x 9999999 5 {free} 100% /site ;;
esac""")

    def test_a_full_disk_is_told_whatever_the_log_says(self):
        for free, files, full in ((0, 100000, True), (5000000, 0, True), (5000000, 100000, False)):
            with self.subTest(free=free, files=files):
                self.df_says(free, files)
                status, output = self.steps_with("exit 1")
                self.assertEqual(status, 1)
                self.assertEqual("The disk is full" in output, full, output)

    def test_a_log_that_cannot_be_written_is_told(self):
        self.df_says(0)
        (self.top / "build/log/root.log").mkdir(parents=True)
        status, output = self.steps_with("exit 0")
        self.assertNotEqual(status, 0)
        self.assertIn("The disk is full", output)

    def test_a_full_disk_ends_the_site_with_its_cause(self):
        self.df_says(0)
        self.stand_in("build-root", "exit 0", self.top / "scripts")
        self.stand_in("enter", '[ "$1" != scripts/run ] || exit 1', self.top / "scripts")
        status, output = self.run_script("steps", "run")
        self.assertEqual(status, 1)
        self.assertIn("The disk is full", output)

    def test_tests_without_room_are_named(self):
        self.df_says(5000000)
        self.stand_in("build-root", "exit 0", self.top / "scripts")
        (self.top / "ctest-output").write_text("""\
    Start 1: unit.store
1/3 Test #1: unit.store .......***Failed    0.10 sec
write: No space left on device
    Start 2: unit.base
2/3 Test #2: unit.base ........***Failed    0.10 sec
expected 1, got 2
    Start 3: integration.disk
3/3 Test #3: integration.disk .***Failed    0.10 sec
No space left on device

0% tests passed, 3 tests failed out of 3

The following tests FAILED:
\t  1 - unit.store (Failed)
\t  2 - unit.base (Failed)
\t  3 - integration.disk (Failed)
Errors while running CTest
""")
        self.stand_in("enter", '[ "$1" != ctest ] || { cat ctest-output; exit 8; }', self.top / "scripts")
        status, output = self.run_script("steps", "test")
        self.assertEqual(status, 8)
        self.assertIn("---- unit.base\n", output)
        self.assertIn("These had no room to write: unit.store. There is", output)

    def test_an_unknown_goal(self):
        status, output = self.run_script("steps", "nothing")
        self.assertEqual(status, 2)
        self.assertIn("make help", output)


class SudoTest(FrontDoor):
    """As somebody who is not root: sudo is asked once, whatever the steps need."""

    def setUp(self):
        super().setUp()
        self.top.chmod(0o755)
        # Whether one is root is what id says; sudo here makes id say so.
        self.stand_in("id", 'echo "${FAKE_ROOT:-1000}"')
        self.stand_in("sudo", f"""echo "$*" >>{self.top}/sudo-calls
case $1 in --preserve-env=*) kept=$1; shift ;; esac
FAKE_ROOT=0 exec "$@\"""")
        self.stand_in("apt-get", "exit 1")

    def test_sudo_is_asked_once(self):
        self.stand_in("bwrap", "exit 0")
        (self.root / "usr").mkdir(parents=True)
        self.stand_in("build-root", '. "$top/scripts/as-root"', self.top / "scripts")
        with open(self.top / "scripts/build-root", "w") as file:
            file.write('#!/bin/sh\ntop=$(cd "$(dirname "$0")/.." && pwd)\n. "$top/scripts/as-root"\n')
        status, output = self.run_script("steps", "all", HTTPS_PROXY="http://proxy.test", https_proxy="http://proxy.test", ONCE="1",
                                         SOMETHING="else", npm_config_registry="http://npm.test")
        self.assertEqual(status, 0, output)
        call, = (self.top / "sudo-calls").read_text().splitlines()
        kept, command, goal = call.split()
        self.assertEqual((command, goal), (str(self.top / "scripts/steps"), "all"))
        kept = kept.removeprefix("--preserve-env=").split(",")
        self.assertLessEqual({"HTTPS_PROXY", "https_proxy", "ONCE", "npm_config_registry"}, set(kept))
        self.assertFalse({"SOMETHING", "PATH", "HOME", "LD_PRELOAD"} & set(kept))

    def test_each_script_alone_asks_with_the_proxies(self):
        for script in ("build-root", "enter"):
            with self.subTest(script):
                self.run_script(script, "true", http_proxy="http://proxy.test", no_proxy="here")
                call = (self.top / "sudo-calls").read_text().splitlines()[-1]
                self.assertRegex(call, rf"^--preserve-env=\S*\bhttp_proxy\b\S* {self.top}/scripts/{script} true$")
                self.assertIn("no_proxy", call)


if __name__ == "__main__":
    unittest.main()
