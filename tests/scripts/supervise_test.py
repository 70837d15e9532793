"""The supervisor: readiness, users, endings."""

import os
import pwd
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import supervise

READY = 'import os,socket\nsocket.socket(socket.AF_UNIX,socket.SOCK_DGRAM).sendto(b"STATUS=up\\nREADY=1",os.environ["NOTIFY_SOCKET"])\n'


@unittest.skipUnless(os.getuid() == 0, "needs root, to change users")
class SuperviseTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.folder.chmod(0o755)

    def process(self, code, **more):
        process = supervise.Process("probe", [sys.executable, "-c", code], user="nobody", log=self.folder / "log",
                                    run=self.folder, **more)
        self.addCleanup(process.kill)
        process.start()
        return process

    def test_ready_then_stopped_by_sigterm(self):
        process = self.process(READY + "import signal,sys\nsignal.signal(15,lambda *a:sys.exit(0))\nsignal.pause()")
        process.wait_until_ready(20)
        self.assertIn("STATUS=up", process.states)
        self.assertTrue(process.running())
        self.assertIn(process.stop(), (0, -15))
        self.assertFalse(process.notify_path.exists())

    def test_runs_as_its_user_without_roots_groups(self):
        process = self.process("import os\nprint(os.getresuid(), os.getresgid(), os.getgroups(), flush=True)\n" + READY)
        process.wait_until_ready(20)
        nobody = pwd.getpwnam("nobody")
        ids, = (self.folder / "log").read_text().splitlines()
        self.assertEqual(ids, f"{(nobody.pw_uid,) * 3} {(nobody.pw_gid,) * 3} []")

    def test_enters_its_cgroup_while_it_is_root(self):
        # On cgroups of version 2 its user may not: the groups' common ancestor is root's.
        process = supervise.Process("probe", [sys.executable, "-c", "import os\nprint(os.getpid(), os.getresuid(), os.getresgid(), "
                                              "os.getgroups(), os.umask(0), flush=True)\n" + READY],
                                    user="nobody", log=self.folder / "log", run=self.folder)
        process.cgroup = self.folder
        entered = self.folder / "cgroup.procs"
        entered.touch(0o600)
        self.addCleanup(process.kill)
        process.start()
        process.wait_until_ready(20)
        nobody = pwd.getpwnam("nobody")
        self.assertEqual(entered.read_text(), f"{process.child.pid}\n")
        self.assertEqual((self.folder / "log").read_text(),
                         f"{process.child.pid} {(nobody.pw_uid,) * 3} {(nobody.pw_gid,) * 3} [] {0o077}\n")

    def test_what_never_started_is_not_stopped(self):
        # Its name may be that of a process of somebody else's run, whose socket lies there.
        process = self.process(READY + "import signal\nsignal.pause()")
        process.wait_until_ready(20)
        other = supervise.Process("probe", ["true"], user="nobody", log=self.folder / "log", run=self.folder)
        self.assertIsNone(other.stop())
        self.assertTrue(process.notify_path.exists())

    def test_what_was_sent_before_the_end_counts(self):
        class Late(supervise.Process):
            def _read(self, listener):
                while self.child is None or self.running():
                    time.sleep(0.01)
                time.sleep(0.2)
                super()._read(listener)
        process = Late("probe", [sys.executable, "-c", READY], user="nobody", log=self.folder / "log", run=self.folder)
        self.addCleanup(process.kill)
        process.start()
        process.wait_until_ready(20)

    def test_an_early_end_is_told_with_its_last_words(self):
        process = self.process('import sys\nsys.exit("keyd.toml:3: tpm: must be a path")')
        with self.assertRaisesRegex(supervise.Failed, "status 1:\n    keyd.toml:3"):
            process.wait_until_ready(20)

    def test_never_ready_is_told(self):
        process = self.process("import time\ntime.sleep(60)")
        with self.assertRaisesRegex(supervise.Failed, "not ready"):
            process.wait_until_ready(0.2)

    def test_a_process_that_ignores_sigterm_is_killed(self):
        process = self.process("import signal\nsignal.signal(15, signal.SIG_IGN)\n" + READY + "while True: signal.pause()")
        process.wait_until_ready(20)
        self.assertEqual(process.stop(seconds=0.2), -9)

    def test_a_talkative_process_is_not_held_up(self):
        # More datagrams than a socket holds unread.
        many = "import os,socket\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\nfor i in range(2000): s.sendto(b'WATCHDOG=1',os.environ['NOTIFY_SOCKET'])\n"
        process = self.process(many + READY, watchdog=5)
        process.wait_until_ready(20)
        self.assertEqual(process.pings, 2000)
        self.assertEqual(process.states, ["WATCHDOG=1", "STATUS=up", "READY=1"])

    def test_the_watchdog_s_time_is_handed_on(self):
        process = self.process("import os\nprint(os.environ['WATCHDOG_USEC'], flush=True)\n" + READY, watchdog=5)
        process.wait_until_ready(20)
        self.assertEqual((self.folder / "log").read_text(), "5000000\n")

    def test_environment_is_not_handed_on(self):
        os.environ["GIMS_PROBE_SECRET"] = "x"
        self.addCleanup(os.environ.pop, "GIMS_PROBE_SECRET")
        process = self.process("import os\nprint('GIMS_PROBE_SECRET' in os.environ, flush=True)\n" + READY)
        process.wait_until_ready(20)
        self.assertEqual((self.folder / "log").read_text(), "False\n")


if __name__ == "__main__":
    unittest.main()
