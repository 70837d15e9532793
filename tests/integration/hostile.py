"""What the tests of hostile clients share: one site for a file of tests, an officer and a colleague who go on
working while somebody attacks, and a look at what the attack costs the daemons."""

import contextlib
import os
import re
import resource
import socket
import ssl
import statistics
import tempfile
import threading
import time
import unittest
from pathlib import Path

import rig  # first: it says where the others are
import cgroup
import gimssite
import line
import matrix_api

MIB = 1 << 20
MOST_MEMORY = {"gimsd": 128 * MIB, "gims-tlsd": 64 * MIB}


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

    @classmethod
    def setUpClass(cls):
        # For those who hold many connections.
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        # Short, for the limit of 107 bytes on a socket's path.
        folder = tempfile.TemporaryDirectory(prefix="gims-")
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        cls.site = ShortTimes(Path(folder.name) / "site", build=rig.BUILD)
        # Whatever the attack, no daemon may need more (docs/limits.md): the kernel would kill it.
        for process in (cls.site.gimsd, cls.site.tlsd):
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
    def attack(self, name, memory=0):
        """Around an attack: officers work beside it and are answered; when it is over, the daemons hold no
        descriptor more than before, and have grown by at most `memory` MiB while it went on."""
        before = self.cost()
        with Bystanders(self.officers, self.room, self.cost) as officers:
            yield
        worst = officers.most
        after = self.wait_for(f"the descriptors of {name}", lambda: self.no_more_descriptors(before))
        print(f"{name}: {officers.report()}; " + "; ".join(
            f"{process} {before[process][0] // MIB}/{worst[process][0] // MIB}/{after[process][0] // MIB} MiB, "
            f"{before[process][1]}/{worst[process][1]}/{after[process][1]} descriptors" for process in before), flush=True)
        for process, (size, _) in worst.items():
            self.assertLessEqual(size - before[process][0], (memory + 8) * MIB, f"{process} took too much memory")
        self.assertEqual(officers.failure, None)
        self.assertGreater(officers.rounds, 0)

    def cost(self):
        """Of each daemon that strangers reach: (resident bytes, descriptors)."""
        found = {}
        for process in (self.site.tlsd, self.site.gimsd):
            pid = process.child.pid
            size = int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024
            found[process.name] = (size, len(os.listdir(f"/proc/{pid}/fd")))
        return found

    def no_more_descriptors(self, before):
        now = self.cost()
        # Readers of the store are opened when they are first needed, and kept: three files each.
        return now if all(now[name][1] <= before[name][1] + (24 if name == "gimsd" else 0) for name in now) else None

    def stored(self):
        return sum(path.stat().st_size for path in (self.site.folder / "gimsd").rglob("*") if path.is_file())

    def wait_for(self, what, true, seconds=120):
        return rig.SiteTest.wait_for(self, what, true, seconds)


class Officer:
    """Signed in, on a connection of his own that is kept."""

    def __init__(self, test, name, address="127.0.0.1"):
        self.test, self.name, self.address = test, name, address
        self.password = test.site.add_user(name)
        self.connect()
        answer = self.call("POST", "/_matrix/client/v3/login", self.proof(self.password))
        self.token, self.user_id = answer["access_token"], answer["user_id"]

    line = token = None

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
            # Between two tests the connection was idle for longer than it may.
            self.connect()
            return self.line.ask(method, path, body, self.token)

    def call(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status != 200:
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer


class Bystanders:
    """One sends, the other's long poll gets it; again and again until the end."""

    def __init__(self, officers, room, cost):
        self.sender, self.reader = officers
        self.room, self.cost = room, cost
        self.most = cost()
        self.rounds, self.failure = 0, None
        self.sends, self.polls = [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.look()
        self.over.set()
        self.thread.join()

    def work(self):
        try:
            since = self.reader.call("GET", "/_matrix/client/v3/sync?timeout=0")["next_batch"]
            self.sender.call("GET", "/_matrix/client/v3/account/whoami")
            while not self.over.is_set() or not self.rounds:
                since = self.round(since)
                self.over.wait(0.2)  # what one person does, and below the limits of one person
        except Exception as failure:
            self.failure = failure

    def round(self, since):
        number = time.monotonic_ns()
        poll = self.reader.line
        poll.begin("GET", f"/_matrix/client/v3/sync?timeout=4000&since={since}", token=self.reader.token)
        start = time.monotonic()
        event = self.sender.call("PUT", f"/_matrix/client/v3/rooms/{matrix_api.quoted(self.room)}/send/m.room.encrypted/{number}",
                                 {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "YQ", "session_id": "s"})
        self.sends.append(time.monotonic() - start)
        status, news = poll.end()
        self.polls.append(time.monotonic() - start)
        got = [event["event_id"] for event in news["rooms"]["join"][self.room]["timeline"]["events"]] if status == 200 else news
        if got != [event["event_id"]]:
            raise AssertionError(f"the long poll gave {status} {got} for {event}")
        self.rounds += 1
        self.look()
        return news["next_batch"]

    def look(self):
        """Keeps the most of what the daemons took."""
        self.most = {name: tuple(map(max, self.most[name], taken)) for name, taken in self.cost().items()}

    def report(self):
        def times(taken):
            if not taken:
                return "none"
            return f"{statistics.median(taken) * 1000:.0f} ms, {max(taken) * 1000:.0f} at worst"
        return f"{self.rounds} messages beside it: send {times(self.sends)}; long poll {times(self.polls)}"


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
