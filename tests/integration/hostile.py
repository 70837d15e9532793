"""What the tests of hostile clients share: one site for a file of tests, an officer and a colleague who go on
working while somebody attacks, and a look at what the attack costs the daemons."""

import contextlib
import os
import re
import resource
import socket
import sqlite3
import ssl
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import NamedTuple

import rig  # first: it says where the others are
import cgroup
import gimssite
import line
import matrix_api

MIB = 1 << 20
# 16,000 pages, and what one batch may add (docs/limits.md, "pages of the write-ahead log").
MOST_LOG = 80 * MIB
MOST_MEMORY = {"gimsd": 128 * MIB, "gims-tlsd": 64 * MIB}
# A sanitizer keeps what was freed, and a shadow of all of it: what a daemon takes is then no figure of its own.
MEASURES_MEMORY = not os.environ.get("GIMS_SANITIZED")


class ShortTimes(gimssite.Site):
    """A site whose deadlines are the shortest that the configuration allows, and a small upload limit."""

    def configuration(self):
        files = super().configuration()
        files["gims-tlsd"] += '\n[limits]\nhandshake_deadline = "1s"\n'
        files["gimsd"] += '\n[http]\nidle_timeout = "5s"\n[media]\nupload_limit = "8MiB"\n'
        return files


class HostileTest(unittest.TestCase):
    """One site for all tests of a class: none of them may harm it. Attackers come from addresses of their
    own, 127.0.0.2 and on: what is counted by address is not to hit the officers."""

    site_class = ShortTimes

    @classmethod
    def setUpClass(cls):
        # For those who hold many connections.
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        # Short, for the limit of 107 bytes on a socket's path.
        folder = tempfile.TemporaryDirectory(prefix="gims-")
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        cls.site = cls.site_class(Path(folder.name) / "site", build=rig.BUILD)
        # Whatever the attack, no daemon may need more (docs/limits.md): the kernel would kill it.
        for process in (cls.site.gimsd, cls.site.tlsd) if MEASURES_MEMORY else ():
            try:
                limit = cgroup.MemoryLimit(process, process.name)
            except cgroup.Unavailable as why:
                print(f"\n**** NO LIMIT ON THE MEMORY OF {process.name}: {why}. Whether an attack makes it take more than "
                      f"{MOST_MEMORY[process.name] // MIB} MiB is not tried here. ****\n", flush=True)
                continue
            cls.addClassCleanup(limit.remove)
            limit.set(MOST_MEMORY[process.name])
            cls.addClassCleanup(lambda limit=limit: print(f"{limit.process.name}: {limit.most() // MIB} MiB at most, "
                                                          "with the files that the kernel kept for it", flush=True))
        cls.addClassCleanup(cls.site.stop)
        cls.site.start()
        cls.officers = [Officer(cls, name) for name in ("desk.officer", "clerk")]
        cls.room = cls.officers[0].call("POST", "/_matrix/client/v3/createRoom",
                                        {"preset": "private_chat", "invite": [cls.officers[1].user_id]})["room_id"]
        cls.officers[1].call("POST", f"/_matrix/client/v3/rooms/{matrix_api.quoted(cls.room)}/join", {})
        cls.sent = []  # the officers' messages, as they were acknowledged
        cls.table = []

    @classmethod
    def tearDownClass(cls):
        """After all attacks: every message that was acknowledged meanwhile is there, once, in order."""
        print("\n".join((HEAD, *cls.table)), flush=True)
        found, start = [], ""
        while start is not None:
            answer = cls.officers[1].call("GET", f"/_matrix/client/v3/rooms/{matrix_api.quoted(cls.room)}/messages?dir=f&limit=500{start}")
            found += [event["event_id"] for event in answer["chunk"] if event["type"] == "m.room.encrypted"]
            start = f"&from={answer['end']}" if "end" in answer else None
        if found != cls.sent:
            raise AssertionError(f"{len(cls.sent)} messages were acknowledged beside the attacks, {len(found)} are there")

    def tearDown(self):
        self.assertEqual(self.site.dead(), [])
        if any(test is self for test, _ in self._outcome.result.failures + self._outcome.result.errors):
            for log in sorted(self.site.logs.glob("*.log")):
                print(f"---- {log.name}\n{log.read_text(errors='replace')[-2000:]}", flush=True)

    # ---- attackers ----------------------------------------------------------------------------------

    def tcp(self, address="127.0.0.2", room=None):
        """`room`: of the client's receive buffer."""
        connection = socket.socket()
        connection.settimeout(60)
        if room:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        connection.bind((address, 0))
        connection.connect(("127.0.0.1", self.site.port))
        return connection

    def tls(self, address="127.0.0.2", room=None):
        context = ssl.create_default_context(cafile=self.site.ca)
        return context.wrap_socket(self.tcp(address, room), server_hostname="127.0.0.1")

    def attacker(self, name, address="127.0.0.2"):
        return Officer(type(self), name, address)

    # ---- what is watched meanwhile ------------------------------------------------------------------

    @contextlib.contextmanager
    def attack(self, name, memory=0, disk=8):
        """Around an attack: officers work before it and beside it, on connections that they had before, and each of
        their requests is answered as it should be. When it is over, the daemons hold no descriptor more than before,
        and have grown by at most `memory` MiB while it went on, and the data folder by at most `disk` MiB."""
        with Bystanders(self.officers, self.room, self.cost, self.sent, least=12) as quiet:
            pass
        self.assertEqual(quiet.failure, None)
        stored, before = self.stored(), self.cost()
        with Bystanders(self.officers, self.room, self.cost, self.sent, least=5) as beside:
            yield
        worst, spent, grown = beside.most, self.cost(), self.stored() - stored
        self.table.append(row(name, quiet, beside, before, worst, spent, grown))
        after = self.wait_for(f"the descriptors of {name}", lambda: self.no_more_descriptors(before))
        print(f"{name}: " + "; ".join(
            f"{process} {before[process].size // MIB}/{worst[process].size // MIB}/{after[process].size // MIB} MiB, "
            f"{before[process].descriptors}/{worst[process].descriptors}/{after[process].descriptors} descriptors"
            for process in before), flush=True)
        for process, cost in worst.items() if MEASURES_MEMORY else ():
            self.assertLessEqual(cost.size - before[process].size, (memory + 8) * MIB, f"{process} took too much memory")
        self.assertLessEqual(grown, disk * MIB, "it took too much of the disk")
        self.assertEqual(beside.failure, None)

    def cost(self):
        """Of each daemon that strangers reach, by its name."""
        found = {}
        for process in (self.site.tlsd, self.site.gimsd):
            pid = process.child.pid
            size = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024
            times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
            found[process.name] = Cost(size, len(os.listdir(f"/proc/{pid}/fd")), sum(map(int, times)) / os.sysconf("SC_CLK_TCK"))
        return found

    def no_more_descriptors(self, before):
        now = self.cost()
        # Readers of the store are opened when they are first needed, and kept: three files each.
        return now if all(now[name].descriptors <= before[name].descriptors + (24 if name == "gimsd" else 0) for name in now) else None

    def stored(self):
        """What the data folder holds. The database counts by its pages, wherever the newest of each is: how far the log is copied into it
        depends on the disk and on who else writes. The log has a bound of its own."""
        database = self.site.folder / "gimsd/gims.db"
        self.assertLessEqual(Path(f"{database}-wal").stat().st_size, MOST_LOG)
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            pages, size = (connection.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
        others = (path for path in database.parent.rglob("*") if path.is_file() and not path.name.startswith(database.name))
        return pages * size + sum(path.stat().st_size for path in others)

    def wait_for(self, what, true, seconds=120):
        return rig.SiteTest.wait_for(self, what, true, seconds)


class Cost(NamedTuple):
    size: int  # resident bytes
    descriptors: int
    cpu: float  # seconds since the start


class Officer:
    """Signed in, on a connection of his own that is kept."""

    def __init__(self, test, name, address="127.0.0.1"):
        self.test, self.name, self.address = test, name, address
        self.password = test.site.add_user(name)
        self.connect()
        answer = self.call("POST", "/_matrix/client/v3/login", self.proof(self.password))
        self.token, self.user_id = answer["access_token"], answer["user_id"]

    line = token = None
    steadfast = False  # whether the connection has to last

    def connect(self):
        if self.line:
            self.line.http.close()
        else:
            self.test.addClassCleanup(lambda: self.line.http.close())
        self.line = line.Line(self.test.site.port, self.test.site.ca, address=self.address)

    def proof(self, password):
        return {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": self.name}, "password": password}

    def ask(self, method, path, body=None):
        try:
            return self.line.ask(method, path, body, self.token)
        except (ConnectionError, line.http.client.HTTPException, ssl.SSLError):
            if self.steadfast:
                raise
            # Between two tests the connection was idle for longer than it may.
            self.connect()
            return self.line.ask(method, path, body, self.token)

    def call(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status != 200:
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer


class Bystanders:
    """One sends, the other's long poll gets it; again and again until the end, `least` times at least. That is what one
    person does, and below the limits of one person."""

    def __init__(self, officers, room, cost, sent, least):
        self.sender, self.reader = officers
        self.room, self.cost, self.sent = room, cost, sent
        self.least = least
        self.most = cost()
        self.failure = None
        self.sends, self.polls = [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        # Idle since the last time; from now on the connections are to last.
        self.since = self.reader.call("GET", "/_matrix/client/v3/sync?timeout=0")["next_batch"]
        self.sender.call("GET", "/_matrix/client/v3/account/whoami")
        self.sender.steadfast = self.reader.steadfast = True
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.look()
        self.over.set()
        self.thread.join()
        self.sender.steadfast = self.reader.steadfast = False

    def work(self):
        try:
            while not self.over.is_set() or len(self.sends) < self.least:
                self.round()
                # The first of them closer together, so that they fall into the attack however short it is.
                time.sleep(0.1) if len(self.sends) < self.least else self.over.wait(0.2)
        except Exception as failure:
            self.failure = failure

    def round(self):
        number = time.monotonic_ns()
        poll = self.reader.line
        poll.begin("GET", f"/_matrix/client/v3/sync?timeout=4000&since={self.since}", token=self.reader.token)
        start = time.monotonic()
        event = self.sender.call("PUT", f"/_matrix/client/v3/rooms/{matrix_api.quoted(self.room)}/send/m.room.encrypted/{number}",
                                 {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "YQ", "session_id": "s"})
        self.sends.append(time.monotonic() - start)
        self.sent.append(event["event_id"])
        status, news = poll.end()
        self.polls.append(time.monotonic() - start)
        got = [event["event_id"] for event in news["rooms"]["join"][self.room]["timeline"]["events"]] if status == 200 else news
        if got != [event["event_id"]]:
            raise AssertionError(f"the long poll gave {status} {got} for {event}")
        self.since = news["next_batch"]
        self.look()

    def look(self):
        """Keeps the most of what the daemons took."""
        self.most = {name: Cost(*map(max, self.most[name], taken)) for name, taken in self.cost().items()}


# What each attack cost, and the officers beside it: a line for each at the end of a file of tests. Times in ms.
HEAD = (f"\n{'':44} {'messages':>8} {'send, quiet':>14} {'beside it':>14} {'receipt, quiet':>14} {'beside it':>14} "
        f"{'gimsd CPU':>10} {'memory':>8} {'tlsd CPU':>10} {'memory':>8} {'disk':>8}\n"
        f"{'':44} {'':8}" + f" {'p50 / p99':>14}" * 4 + f" {'s':>10} {'MiB':>8} {'s':>10} {'MiB':>8} {'MiB':>8}")


def row(name, quiet, beside, before, worst, spent, grown):
    def times(taken):
        taken = sorted(taken)
        return f"{taken[len(taken) // 2] * 1000:.1f} / {taken[len(taken) * 99 // 100] * 1000:.1f}" if taken else "none"
    cells = "".join(f" {times(taken):>14}" for taken in (quiet.sends, beside.sends, quiet.polls, beside.polls))
    for process in ("gimsd", "gims-tlsd"):
        cells += (f" {spent[process].cpu - before[process].cpu:>10.2f}"
                  f" {(worst[process].size - before[process].size) / MIB:>+8.1f}")
    return f"{name[:44]:44} {len(beside.sends):8}{cells} {grown / MIB:>+8.1f}"


def read_all(connection):
    """All that comes until the other side ends, however it does; a side that does not end is a failure."""
    data = b""
    try:
        while piece := connection.recv(1 << 16):
            data += piece
    except TimeoutError:
        raise AssertionError(f"the connection does not end; so far: {data[:200]}") from None
    except OSError:
        pass
    return data


def statuses(data):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


def is_closed(connection):
    """Whether the server ended it; never waits."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def reset(connection):
    """Ends it as a machine does that was switched off: RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
