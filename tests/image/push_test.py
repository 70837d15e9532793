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
        for place in ("/run/credentials/gims-push.service", "/run/gims/push", "/run/gims-push"):
            assert f'"{place}/' in text
            text = text.replace(place, folder.name)
        (cls.folder / "ntfy.yml").write_text(text)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                        "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", cls.folder / "push.key", "-out", cls.folder / "push.crt"],
                       check=True, capture_output=True)
        cls.trust = ssl.create_default_context(cafile=cls.folder / "push.crt")
        subprocess.run([image.ROOT / "usr/lib/gims/push-user", folder.name, folder.name], check=True, capture_output=True)
        cls.token = (cls.folder / "token").read_text().strip()
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
    def ask(cls, method, path, body=None, local=False, token=None, sender="127.0.0.1"):
        """(status, answer)"""
        if local:
            connection = Local(cls.folder / "ntfy.sock")
        else:
            connection = http.client.HTTPSConnection(NAME, 8444, timeout=20, context=cls.trust)
            with cls.network.inside():
                raw = socket.create_connection(("127.0.0.1", 8444), timeout=20, source_address=(sender, 0))
            connection.sock = cls.trust.wrap_socket(raw, server_hostname=NAME)
        try:
            authorization = {"Authorization": f"Bearer {token}"} if token else {}
            connection.request(method, path, body, {"Content-Type": "application/json", **authorization})
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

    def test_gimsd_writes_to_topics_of_devices_and_reads_none(self):
        topic = "/upOfGimsdAlone1"
        told = NOTIFICATION.replace(TOPIC, topic)
        self.assertEqual(self.ask("POST", GATEWAY, told, True, self.token), (200, b'{"rejected":[]}\n'))
        self.assertEqual(json.loads(json.loads(self.ask("GET", f"{topic}/json?poll=1")[1])["message"]), json.loads(told))
        self.assertEqual(self.ask("GET", f"{topic}/json?poll=1", local=True, token=self.token)[0], 403)
        self.assertEqual(self.ask("POST", GATEWAY, told.replace(topic, "/another"), True, self.token)[0], 403)
        self.assertEqual(self.ask("POST", GATEWAY, told, True, "tk_" + 29 * "a")[0], 401)

    def test_what_is_of_another_service_is_rejected(self):
        of_another = NOTIFICATION.replace(NAME, "push.example")
        status, answer = self.ask("POST", GATEWAY, of_another, True, self.token)
        self.assertEqual((status, json.loads(answer)), (200, {"rejected": [f"https://push.example:8444{TOPIC}?up=1"]}))

    def test_gimsd_may_ask_much_and_no_visitor(self):
        told = NOTIFICATION.replace(TOPIC, "/upOfGimsdAlone2")
        self.assertEqual({self.ask("POST", GATEWAY, told, True, self.token)[0] for _ in range(200)}, {200})
        self.assertIn(429, {self.ask("GET", "/upOfAVisitor12/json?poll=1", sender="127.0.0.9")[0] for _ in range(200)})

    def test_the_list_and_the_token_are_for_their_users(self):
        self.assertEqual((self.folder / "token").stat().st_mode & 0o777, 0o640)
        self.assertEqual((self.folder / "users.db").stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.folder / "ntfy.sock").stat().st_mode & 0o777, 0o660)
        # The folder gives them gimsd's group, and is there before gimsd, which makes it part of its sandbox.
        self.assertIn("d  /run/gims/push 2750 gims-push gimsd -", image.settings("usr/lib/tmpfiles.d/gims.conf"))
        for setting in ('socket = "/run/gims/push/ntfy.sock"', 'token_file = "/run/gims/push/token"', f'url = "https://{NAME}:8444{GATEWAY}"'):
            self.assertIn(setting, image.settings("etc/gims/gimsd.toml"))
        made, serves = (image.Unit(name) for name in ("gims-push-user.service", "gims-push.service"))
        self.assertEqual((made.one("RuntimeDirectory"), made.one("RuntimeDirectoryMode")), ("gims-push", "0700"))
        self.assertIn("gims-push-user.service", serves.words("Requires"))
        self.assertEqual(serves.words("ReadWritePaths"), ["/run/gims/push", "/run/gims-push"])
        self.assertEqual((serves.one("StateDirectory"), made.one("StateDirectory")), (None, None))

    def test_nobody_makes_an_account(self):
        self.assertEqual(self.ask("POST", "/v1/account", json.dumps({"username": "asha", "password": "a long password"}))[0], 400)

    def test_nothing_lists_topics(self):
        for path in ("/", "/app", "/config.js", "/metrics", "/v1/users", "/v1/stats/topics"):
            with self.subTest(path):
                self.assertIn(self.ask("GET", path)[0], (401, 403, 404))


if __name__ == "__main__":
    unittest.main()
