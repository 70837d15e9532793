"""gimsd-testsite as suites use it: plain HTTP and TLS, open registration, accounts by a shared secret."""

import datetime
import hashlib
import hmac
import http.client
import ipaddress
import json
import re
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import matrix_api
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from line import Line
from rig import BUILD

PROGRAM = BUILD / "daemon/testsite/gimsd-testsite"
SECRET = "a secret of the suite"
PASSWORD = "correct horse battery staple"


class Testsite:
    """One that runs: its ports, and requests without TLS."""

    def __init__(self, folder, *options):
        self.log = open(folder / "log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [PROGRAM, "--listen", "127.0.0.1:0", "--server-name", "hs1", "--data", folder / "data",
             "--tls-listen", "127.0.0.1:0", "--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem",
             "--shared-secret", SECRET, *options], stdout=subprocess.PIPE, stderr=self.log, text=True)
        words = ""
        while "listening on " not in words:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"gimsd-testsite ended with {self.process.wait()}: {(folder / 'log').read_text()}")
            words += line
        self.tls_port = int(re.search(r"TLS on port (\d+)", words)[1])
        self.port = int(re.search(r"listening on 127\.0\.0\.1:(\d+)", words)[1])

    def ask(self, method, path, body=None, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.status, json.loads(response.read())
        connection.close()
        return answer

    def stop(self):
        self.process.terminate()
        status = self.process.wait(60)
        self.process.stdout.close()
        self.log.close()
        return status


def make_certificate(folder):
    """A self-signed one for the address of this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256()))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def mac(nonce, user, password, admin=False, secret=SECRET):
    """As Synapse's documentation says: HMAC-SHA1 over the parts with NUL between them."""
    text = "\0".join((nonce, user, password, "admin" if admin else "notadmin"))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha1).hexdigest()


class TestsiteTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gims-testsite-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        make_certificate(self.folder)
        self.site = None
        self.addCleanup(lambda: self.site and self.site.process.poll() is None and self.site.stop())

    def start(self, *options):
        self.site = Testsite(self.folder, *options)
        return self.site

    def register(self, site, user):
        """With m.login.dummy, the only step."""
        status, asked = site.ask("POST", "/_matrix/client/v3/register", {"username": user, "password": PASSWORD})
        self.assertEqual(status, 401, asked)
        self.assertIn(["m.login.dummy"], [flow["stages"] for flow in asked["flows"]])
        self.assertNotIn("errcode", asked, "nothing was tried yet")
        status, made = site.ask("POST", "/_matrix/client/v3/register", {
            "username": user, "password": PASSWORD, "auth": {"type": "m.login.dummy", "session": asked["session"]}})
        self.assertEqual(status, 200, made)
        self.assertEqual(made["user_id"], f"@{user.lower()}:hs1")
        return made["access_token"]

    def create_room(self, site, token):
        status, made = site.ask("POST", "/_matrix/client/v3/createRoom", {"preset": "private_chat"}, token)
        self.assertEqual(status, 200, made)
        return made["room_id"]

    def version_of(self, site, token, room):
        status, state = site.ask("GET", f"/_matrix/client/v3/rooms/{matrix_api.quoted(room)}/state", token=token)
        self.assertEqual(status, 200, state)
        return next(event["content"]["room_version"] for event in state if event["type"] == "m.room.create")

    def test_data_is_kept_and_rooms_are_of_the_version_that_is_asked_for(self):
        site = self.start("--room-version", "11")
        token = self.register(site, "one")
        old = self.create_room(site, token)
        status, sent = site.ask("PUT", f"/_matrix/client/v3/rooms/{matrix_api.quoted(old)}/send/m.room.message/t",
                                {"msgtype": "m.text", "body": "plain, as suites send it"}, token)
        self.assertEqual(status, 200, sent)
        self.assertEqual(site.stop(), 0)

        site = self.start()
        status, news = site.ask("GET", "/_matrix/client/v3/sync", token=token)
        self.assertEqual(status, 200, news)
        timeline = news["rooms"]["join"][old]["timeline"]["events"]
        self.assertEqual((timeline[-1]["event_id"], timeline[-1]["content"]["body"]), (sent["event_id"], "plain, as suites send it"))
        self.assertEqual(self.version_of(site, token, old), "11")
        self.assertEqual(self.version_of(site, token, self.create_room(site, token)), "12")
        self.assertEqual(site.stop(), 0)
        site = self.start("--room-version", "10")
        self.assertEqual(self.version_of(site, token, self.create_room(site, token)), "10")
        self.assertEqual(site.stop(), 0)
        run = subprocess.run([PROGRAM, "--room-version", "9"], capture_output=True)
        self.assertNotEqual(run.returncode, 0)

    def refused(self, **changed):
        """What gimsd-testsite says that does not start."""
        options = {"listen": "127.0.0.1:0", "server-name": "hs1", "data": self.folder / "data"} | changed
        run = subprocess.run([PROGRAM, *(word for name, value in options.items() for word in (f"--{name}", value))],
                             capture_output=True, text=True, timeout=120)
        self.assertEqual((run.returncode, run.stdout), (1, ""), run.stderr)
        return run.stderr

    def test_what_it_cannot_serve_on_or_with_is_told(self):
        for address in ("127.0.0.1", "127.0.0.1:", "127.0.0.1:80x", "127.0.0.1:70000", "localhost:8008"):
            self.assertIn(f"'{address}' is not an address such as 127.0.0.1:8008.", self.refused(listen=address))
        self.assertFalse((self.folder / "data").exists(), "nothing was made")

        self.assertEqual(self.start().stop(), 0)
        self.assertIn("The database belongs to the server hs1, and this one is hs2.", self.refused(**{"server-name": "hs2"}))
        keys = self.folder / "data/keys"
        whole = keys.read_bytes()
        keys.write_bytes(whole[:-1])
        self.assertIn(f"The file {keys} is not a key file.", self.refused())
        self.assertEqual(keys.read_bytes(), whole[:-1], "it is left to whoever has the whole one")
        keys.write_bytes(whole)
        self.assertEqual(self.start().stop(), 0)

    def test_tls(self):
        site = self.start()
        token = self.register(site, "one")
        line = Line(site.tls_port, self.folder / "cert.pem")
        self.addCleanup(line.http.close)
        self.assertIn(line.http.sock.version(), ("TLSv1.2", "TLSv1.3"))
        status, signed_in = line.ask("POST", "/_matrix/client/v3/login", {
            "type": "m.login.password", "identifier": {"type": "m.id.user", "user": "one"}, "password": PASSWORD})
        self.assertEqual(status, 200, signed_in)
        status, first = line.ask("GET", "/_matrix/client/v3/sync", token=signed_in["access_token"])
        self.assertEqual(status, 200, first)
        # A long poll over TLS hears of what came over plain HTTP.
        line.begin("GET", f"/_matrix/client/v3/sync?since={first['next_batch']}&timeout=60000", token=signed_in["access_token"])
        room = self.create_room(site, token)
        status, news = line.end()
        self.assertEqual(status, 200, news)
        self.assertIn(room, news["rooms"]["join"])
        # TLS on the plain port gets no answer but an end, at once: suites try https first.
        with socket.create_connection(("127.0.0.1", site.port), 60) as plain:
            plain.sendall(self.client_hello())
            self.assertEqual(self.read_to_the_end(plain), b"")
        # And plain HTTP on the TLS port.
        with socket.create_connection(("127.0.0.1", site.tls_port), 60) as plain:
            plain.sendall(b"GET /_matrix/client/versions HTTP/1.1\r\nHost: hs1\r\n\r\n")
            self.assertNotIn(b"HTTP/", self.read_to_the_end(plain))
        self.assertEqual(site.ask("GET", "/_matrix/client/versions")[0], 200)
        self.assertEqual(site.stop(), 0)

    def client_hello(self):
        incoming, outgoing = matrix_api.ssl.MemoryBIO(), matrix_api.ssl.MemoryBIO()
        client = matrix_api.ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="hs1")
        with self.assertRaises(matrix_api.ssl.SSLWantReadError):
            client.do_handshake()
        return outgoing.read()

    def read_to_the_end(self, peer):
        """Until the other side closes; 60 s of silence are a failure."""
        received = b""
        try:
            while part := peer.recv(4096):
                received += part
        except ConnectionResetError:
            pass
        return received

    def test_state_after_by_both_names(self):
        """The spec's name, and that of the proposal, which clients asked by before and still do."""
        site = self.start()
        nonce = site.ask("GET", "/_synapse/admin/v1/register")[1]["nonce"]
        _, made = site.ask("POST", "/_synapse/admin/v1/register", {
            "nonce": nonce, "username": "one", "password": PASSWORD, "admin": False, "mac": mac(nonce, "one", PASSWORD)})
        token = made["access_token"]
        room = site.ask("POST", "/_matrix/client/v3/createRoom", {}, token)[1]["room_id"]
        unstable = "org.matrix.msc4222."
        for asked, given in (("", "state"), ("use_state_after=true", "state_after"),
                             (f"{unstable}use_state_after=true", f"{unstable}state_after"),
                             (f"{unstable}use_state_after=true&use_state_after=true", "state_after"),
                             (f"{unstable}use_state_after=false", "state")):
            with self.subTest(asked=asked):
                status, reply = site.ask("GET", f"/_matrix/client/v3/sync?timeout=0&{asked}", token=token)
                self.assertEqual(status, 200, reply)
                self.assertEqual({key for key in reply["rooms"]["join"][room] if "state" in key}, {given})
        self.assertEqual(site.stop(), 0)

    def test_accounts_by_the_shared_secret(self):
        site = self.start()
        path = "/_synapse/admin/v1/register"

        def nonce():
            status, answer = site.ask("GET", path)
            self.assertEqual(status, 200, answer)
            return answer["nonce"]

        one = nonce()
        body = {"nonce": one, "username": "one", "password": PASSWORD, "admin": True, "mac": mac(one, "one", PASSWORD, True)}
        status, made = site.ask("POST", path, body)
        self.assertEqual(status, 200, made)
        self.assertEqual((made["user_id"], made["home_server"]), ("@one:hs1", "hs1"))
        status, who = site.ask("GET", "/_matrix/client/v3/account/whoami", token=made["access_token"])
        self.assertEqual((status, who["user_id"], who["device_id"]), (200, "@one:hs1", made["device_id"]))

        # A nonce is good once, and for nothing else than what its MAC covers.
        self.assertEqual(site.ask("POST", path, body | {"username": "two", "mac": mac(one, "two", PASSWORD, True)})[0], 403)
        for changed in ({"admin": True}, {"username": "three"}, {"password": PASSWORD + "!"},
                        {"mac": mac("x", "two", PASSWORD)}, {"mac": None}):
            with self.subTest(changed=changed):
                fresh = nonce()
                good = {"nonce": fresh, "username": "two", "password": PASSWORD, "admin": False,
                        "mac": mac(fresh, "two", PASSWORD)}
                status, refused = site.ask("POST", path, good | changed)
                self.assertEqual(status, 400 if changed == {"mac": None} else 403, refused)
        fresh = nonce()
        self.assertEqual(site.ask("POST", path, {"nonce": fresh, "username": "two", "password": PASSWORD,
                                                 "mac": mac(fresh, "two", PASSWORD, secret="another")})[0], 403)
        fresh = nonce()
        self.assertEqual(site.ask("POST", path, {"nonce": fresh, "username": "two", "password": PASSWORD,
                                                 "mac": mac(fresh, "two", PASSWORD)})[0], 200)
        fresh = nonce()
        status, made = site.ask("POST", path, {"nonce": fresh, "username": "User-THREE", "password": PASSWORD,
                                               "mac": mac(fresh, "User-THREE", PASSWORD)})
        self.assertEqual((status, made["user_id"]), (200, "@user-three:hs1"))
        self.assertEqual(site.stop(), 0)

    def test_names_are_registered_in_lower_case(self):
        site = self.start()
        self.register(site, "user-UPPER")
        for name in ("user-upper", "USER-upper"):
            status, refused = site.ask("GET", f"/_matrix/client/v3/register/available?username={name}")
            self.assertEqual((status, refused["errcode"]), (400, "M_USER_IN_USE"))
        status, refused = site.ask("POST", "/_matrix/client/v3/register", {
            "username": "User-Ä", "password": PASSWORD, "auth": {"type": "m.login.dummy"}})
        self.assertEqual((status, refused["errcode"]), (400, "M_INVALID_USERNAME"))
        self.assertEqual(site.stop(), 0)


if __name__ == "__main__":
    unittest.main()
