"""Push as the appliance has it: ntfy with the image's configuration, in a network of its own."""

import http.client
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image
from namespaces import Namespace

NAME = "push.gims.internal"
TOPIC = "/upAbCdEfGhIjKl"  # as a device makes one
GATEWAY = "/_matrix/push/v1/notify"
NOTIFICATION = json.dumps({"notification": {"event_id": "$x", "room_id": "!r:gims.internal", "counts": {"unread": 1}, "devices": [
    {"app_id": "app", "pushkey": f"https://{NAME}:8444{TOPIC}?up=1"}]}})


class Local(http.client.HTTPConnection):
    """Over the socket that gimsd reaches."""

    def __init__(self, path):
        super().__init__(NAME)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self.path))


class PushTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        text = image.text("etc/gims/ntfy.yml")
        for place in ("/run/credentials/gims-push.service", "/run/gims/push", "/var/lib/gims/push"):
            assert place in text
            text = text.replace(place, folder.name)
        (cls.folder / "ntfy.yml").write_text(text)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                        "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", cls.folder / "push.key", "-out", cls.folder / "push.crt"],
                       check=True, capture_output=True)
        cls.trust = ssl.create_default_context(cafile=cls.folder / "push.crt")
        cls.network = Namespace()
        cls.addClassCleanup(cls.network.close)
        command = image.Unit("gims-push.service").one("ExecStart").replace("/etc/gims", folder.name)
        server = subprocess.Popen(["nsenter", f"--net=/proc/{cls.network.pid}/ns/net", *command.split()], env={"NTFY_BASE_URL": f"https://{NAME}:8444"},
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)
        deadline = time.monotonic() + 60
        while server.poll() is None and time.monotonic() < deadline:
            try:
                cls.ask("GET", "/v1/health")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("ntfy does not serve")

    @classmethod
    def ask(cls, method, path, body=None, local=False):
        """(status, answer)"""
        if local:
            connection = Local(cls.folder / "ntfy.sock")
        else:
            connection = http.client.HTTPSConnection(NAME, 8444, timeout=20, context=cls.trust)
            with cls.network.inside():
                raw = socket.create_connection(("127.0.0.1", 8444), timeout=20)
            connection.sock = cls.trust.wrap_socket(raw, server_hostname=NAME)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def test_a_device_finds_the_gateway_and_reads_its_topic(self):
        self.assertEqual(self.ask("GET", GATEWAY), (200, b'{"unifiedpush":{"gateway":"matrix"}}\n'))
        self.assertEqual(self.ask("GET", f"{TOPIC}/json?poll=1"), (200, b""))

    def test_nobody_writes(self):
        for local in (False, True):
            with self.subTest(local=local):
                self.assertEqual(self.ask("POST", TOPIC, "there is something", local)[0], 403)
                self.assertEqual(self.ask("POST", f"{TOPIC}?up=1", "there is something", local)[0], 403)
                self.assertEqual(self.ask("POST", GATEWAY, NOTIFICATION, local)[0], 403)
        self.assertEqual(self.ask("GET", f"{TOPIC}/json?poll=1"), (200, b""))

    def test_nobody_makes_an_account(self):
        self.assertEqual(self.ask("POST", "/v1/account", json.dumps({"username": "asha", "password": "a long password"}))[0], 400)

    def test_nothing_lists_topics(self):
        for path in ("/", "/app", "/config.js", "/metrics", "/v1/users", "/v1/stats/topics"):
            with self.subTest(path):
                self.assertIn(self.ask("GET", path)[0], (401, 403, 404))


if __name__ == "__main__":
    unittest.main()
