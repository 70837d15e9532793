"""TLS in the kernel of the appliance: every suite, real clients, what ends a connection, large bodies and long polls, and what
it costs beside the pump.

The clients are those of tests/clients (`npm ci` there) with the node that is among them, and this root's OpenSSL, Python and
Chromium."""

import hashlib
import json
import os
import re
import socket
import ssl
import struct
import tempfile
import unittest
from pathlib import Path

import appliance
import ktls_figures
from ktls_figures import BUSY, FIRST, IDLE
from tls_line import NAME, PORT, Line, answer, request, wait_for

SUITES = [
    "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256",
    "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384",
    "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
    "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256",
    "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
    "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305",
]
VERSIONS = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)
ASKED = request("GET", "/_matrix/client/versions")
ASKED_LAST = request("GET", "/_matrix/client/versions", "Connection: close")
LARGE = 8 << 20
UPLOAD = "/_matrix/media/v3/upload?filename=large"
# How s_client tells that it is connected, and that its peer's end was none of TLS.
CONNECTED = "Verify return code: 0 (ok)"
UNCLEAN = r"unexpected eof|errno|error:"


class KernelTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.machine = appliance.copy("ktls")
        cls.addClassCleanup(cls.machine.stop)
        cls.line = Line(cls.machine, cls.folder)
        cls.line.start()

    # ---- what the guest says -------------------------------------------------------------------------------------------

    def statistics(self):
        """Of the guest's kernel: TlsTxSw counts sockets that were given keys, TlsCurrTxSw those that have them."""
        rows = (row.split() for row in self.machine.done("cat /proc/net/tls_stat").splitlines())
        return {name: int(value) for name, value in rows}

    def all_ended(self):
        now = self.statistics()
        return now["TlsCurrTxSw"] == 0 and now["TlsCurrRxSw"] == 0

    def wait_for_all_ends(self):
        wait_for("the end of every connection", self.all_ended)

    def holders(self):
        """The daemons that hold a client's TCP connection, with how many."""
        rows = (row.split() for row in self.machine.done("cat /proc/net/tcp").splitlines()[1:])
        inodes = {row[9] for row in rows if row[3] == "01" and int(row[1].partition(":")[2], 16) == PORT}
        held = {}
        for unit in ("gims-tlsd", "gimsd"):
            said = self.machine.done(f"ls -l /proc/$(systemctl show --property MainPID --value {unit}.service)/fd")
            held[unit] = len(inodes & set(re.findall(r"socket:\[(\d+)\]", said)))
        return held

    def assert_by_the_kernel(self, since):
        """No record since then was of other keys, and the journal does not say that a connection went to the pump."""
        self.assertEqual(self.statistics()["TlsDecryptError"], since["TlsDecryptError"])
        self.assertNotIn("The kernel did not take", self.journal())

    def journal(self):
        return self.machine.done("journalctl --no-pager --boot --unit gims-tlsd.service --output cat")

    # ---- tests ---------------------------------------------------------------------------------------------------------

    def test_it_is_found_at_the_start(self):
        self.assertIn("The kernel has TLS", self.journal())

    def test_gimsd_has_the_socket_and_the_front_forgets_it(self):
        before = self.statistics()
        connections = [self.line.connect(version) for version in VERSIONS]
        for connection in connections:
            connection.sendall(ASKED)
            self.assertEqual(answer(connection)[0], 200)
        self.assertEqual(self.holders(), {"gims-tlsd": 0, "gimsd": 2})
        now = self.statistics()
        self.assertEqual((now["TlsCurrTxSw"], now["TlsCurrRxSw"]), (2, 2))
        self.assert_by_the_kernel(before)
        for connection in connections:
            connection.close()
        self.wait_for_all_ends()

    def test_each_suite(self):
        for options in SUITES:
            with self.subTest(options):
                before = self.statistics()
                status, output = self.line.s_client(options, (CONNECTED, ASKED_LAST))
                self.assertIn("HTTP/1.1 200 OK", output)
                self.assertNotRegex(output, UNCLEAN)
                self.assertEqual(status, 0, output)
                after = self.statistics()
                for counter in ("TlsTxSw", "TlsRxSw"):
                    self.assertEqual(after[counter], before[counter] + 1, counter)
                self.assert_by_the_kernel(before)
        self.wait_for_all_ends()

    def test_matrix_js_sdk_talks(self):
        before = self.statistics()
        self.assertIn("6 of 6 messages, decrypted by both sides", self.line.exchange("joint.secretary", "desk.officer"))
        self.assertGreater(self.statistics()["TlsRxSw"], before["TlsRxSw"])
        self.assert_by_the_kernel(before)

    def test_a_browser_talks(self):
        token = self.line.sign_in("reader")
        before = self.statistics()
        page = self.folder / "page.html"
        page.write_text(PAGE % json.dumps({"base": f"https://{NAME}:{self.line.port}", "token": token, "size": LARGE // 8}))
        seen = self.line.browse(page)
        self.assertIn("<title>done</title>", seen)
        self.assertIn("<p>8 of 8 the same</p>", seen)
        self.assertGreater(self.statistics()["TlsRxSw"], before["TlsRxSw"])
        self.assert_by_the_kernel(before)

    def test_large_bodies_arrive_whole(self):
        token = self.line.sign_in("archivist")
        for version in VERSIONS:
            with self.subTest(version.name):
                before = self.statistics()
                content = os.urandom(LARGE)
                with self.line.connect(version) as connection:
                    status, said = self.line.call(connection, "POST", UPLOAD, token, content, "application/octet-stream")
                    self.assertEqual(status, 200, said)
                    media = json.loads(said)["content_uri"].removeprefix("mxc://")
                    status, got = self.line.call(connection, "GET", f"/_matrix/client/v1/media/download/{media}", token)
                    self.assertEqual(status, 200)
                    self.assertEqual(hashlib.sha256(got).hexdigest(), hashlib.sha256(content).hexdigest())
                    self.assertEqual(self.holders()["gims-tlsd"], 0)
                self.assertEqual(self.statistics()["TlsRxSw"], before["TlsRxSw"] + 1)
                self.assert_by_the_kernel(before)
        self.wait_for_all_ends()

    def poll(self, token, since):
        """A long poll that waits."""
        connection = self.line.connect()
        connection.sendall(request("GET", f"/_matrix/client/v3/sync?timeout=600000&since={since}", f"Authorization: Bearer {token}"))
        return connection

    def position(self, token):
        with self.line.connect() as connection:
            return json.loads(self.line.call(connection, "GET", "/_matrix/client/v3/sync?timeout=0", token)[1])["next_batch"]

    def test_a_long_poll_waits_while_others_come(self):
        token = self.line.sign_in("waiter")
        waits = self.poll(token, self.position(token))
        for _ in range(20):
            with self.line.connect() as connection:
                connection.sendall(ASKED)
                self.assertEqual(answer(connection)[0], 200)
        # Nothing has come for it meanwhile; then a room of its own does.
        waits.settimeout(0.1)
        self.assertRaises(TimeoutError, waits.recv, 1)
        waits.settimeout(appliance.PATIENCE)
        with self.line.connect() as connection:
            status, said = self.line.call(connection, "POST", "/_matrix/client/v3/createRoom", token, b'{"name":"x"}')
            self.assertEqual(status, 200, said)
        status, said = answer(waits)
        self.assertEqual(status, 200)
        self.assertIn("join", json.loads(said)["rooms"])
        waits.close()
        self.wait_for_all_ends()

    # ---- ends ----------------------------------------------------------------------------------------------------------

    def test_new_keys_end_it_cleanly(self):
        before = self.statistics()
        # In its input, K asks for new keys on both sides and k is for its own.
        for command in (b"K\n", b"k\n"):
            with self.subTest(command):
                status, output = self.line.s_client("-tls1_3", (CONNECTED, command))
                self.assertIn("KEYUPDATE", output)
                self.assertNotRegex(output, UNCLEAN)
                self.assertEqual(status, 0, output)
        self.assertEqual(self.statistics()["TlsRxSw"], before["TlsRxSw"] + 2)
        self.wait_for_all_ends()

    def test_renegotiation_ends_it(self):
        before = self.statistics()
        _, output = self.line.s_client("-tls1_2", (CONNECTED, b"R\n"))
        self.assertIn("RENEGOTIATING", output)
        self.assertNotRegex(output, r"unexpected eof|errno")
        self.assertEqual(self.statistics()["TlsRxSw"], before["TlsRxSw"] + 1)
        self.wait_for_all_ends()

    def test_close_notify_ends_it_cleanly(self):
        for version in VERSIONS:
            with self.subTest(version.name):
                connection = self.line.connect(version)
                connection.sendall(ASKED)
                self.assertEqual(answer(connection)[0], 200)
                # Sends close_notify and reads until the other side's has come; an end without one is an error.
                connection.unwrap().close()
        self.wait_for_all_ends()

    def test_a_fatal_alert_ends_it(self):
        for version in VERSIONS:
            with self.subTest(version.name):
                client = self.line.by_hand(version)
                client.sendall(ASKED)
                # The answer is spoiled on its way, and the client ends the connection with bad_record_mac.
                spoiled = bytearray(client.socket.recv(1 << 16))
                spoiled[-1] ^= 1
                client.coming.write(bytes(spoiled))
                with self.assertRaisesRegex(ssl.SSLError, "RECORD_LAYER_FAILURE"):
                    while client.recv(1 << 16):
                        pass
                # In TLS 1.3 it looks like content, and is as long as an alert; in TLS 1.2 this suite's says that it is one.
                self.assertEqual((client.sent[0], len(client.sent)), (23, 24) if version == ssl.TLSVersion.TLSv1_3 else (21, 23))
                self.assertTrue(client.has_ended())
                client.socket.close()
        self.wait_for_all_ends()

    def test_a_record_that_does_not_open_ends_it_cleanly(self):
        before = self.statistics()
        for version in VERSIONS:
            with self.subTest(version.name):
                client = self.line.by_hand(version)
                # In the clear where a record is due.
                client.socket.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
                self.assertEqual(client.recv(1), b"")
                client.socket.close()
        # Of each try to read it, and nobody gives up before the first.
        self.assertGreaterEqual(self.statistics()["TlsDecryptError"], before["TlsDecryptError"] + 2)
        self.wait_for_all_ends()

    def test_clients_that_are_lost(self):
        """In the midst of a record, of a body, and of a long poll; by an end of TCP, and by a reset."""
        token = self.line.sign_in("lost")
        since = self.position(token)
        body = request("POST", UPLOAD, f"Authorization: Bearer {token}", "Content-Type: application/octet-stream", body=bytes(100_000))
        for version in VERSIONS:
            for reset in (False, True):
                with self.subTest(version=version.name, reset=reset):
                    record, upload = self.line.by_hand(version), self.line.by_hand(version)
                    record.socket.sendall(record.sealed(ASKED)[:-7])
                    upload.sendall(body[:50_000])
                    poll = self.line.by_hand(version)
                    poll.sendall(request("GET", f"/_matrix/client/v3/sync?timeout=600000&since={since}", f"Authorization: Bearer {token}"))
                    wait_for("three connections", lambda: self.statistics()["TlsCurrRxSw"] == 3)
                    for client in (record, upload, poll):
                        if reset:
                            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        client.socket.close()
                    self.wait_for_all_ends()

    # ---- figures -------------------------------------------------------------------------------------------------------

    def test_what_it_costs(self):
        """By turns, as the emulator's speed drifts. Nothing is asserted of times; that each way was gone, is."""
        self.addCleanup(self.line.run_as_it_is, "gims-tlsd")
        runs = {True: [], False: []}
        for _ in range(2):
            for kernel in (True, False):
                self.line.run_with("gims-tlsd", before=f"kernel_tls = {str(kernel).lower()}\\n")
                before = self.statistics()["TlsRxSw"]
                runs[kernel].append(ktls_figures.measure(self.line))
                given = self.statistics()["TlsRxSw"] - before
                self.assertEqual(given, BUSY + FIRST + IDLE if kernel else 0)
        print(ktls_figures.table(runs[True], runs[False]), flush=True)


# Sends eight bodies at once and asks for each again.
PAGE = """<!doctype html>
<title>begun</title>
<p></p>
<script type="module">
const { base, token, size } = %s;
const headers = { Authorization: `Bearer ${token}` };
const paragraph = document.querySelector("p");
async function whole(number) {
  const content = new Uint8Array(size).map((_, i) => (i * 31 + number) %% 251);
  const sent = await fetch(`${base}/_matrix/media/v3/upload?filename=${number}`,
    { method: "POST", headers: { ...headers, "Content-Type": "application/octet-stream" }, body: content });
  const media = (await sent.json()).content_uri.replace("mxc://", "");
  const got = await fetch(`${base}/_matrix/client/v1/media/download/${media}`, { headers });
  const back = new Uint8Array(await got.arrayBuffer());
  return back.length === size && back.every((byte, i) => byte === content[i]);
}
try {
  const results = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(whole));
  paragraph.textContent = `${results.filter(Boolean).length} of ${results.length} the same`;
} catch (error) {
  paragraph.textContent = String(error);
}
document.title = "done";
</script>
"""


if __name__ == "__main__":
    unittest.main()
