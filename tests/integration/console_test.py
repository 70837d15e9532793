"""The web console's door of a whole site, over TLS: an administrator is invited at the unit, registers a security key and is in; what
takes two persons, gims-keyd decides. Each answer is one of docs/admin-api.yaml's."""

import base64
import http.client
import json
import socket
import ssl
import subprocess
import sys
import unittest

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from rig import TOP, SiteTest
from security_key import SecurityKey, base64url

sys.path.insert(0, str(TOP / "tests/contract"))
import admin

BASE = "/_gims/admin/v1"
PASSPHRASE = "correct horse battery"


class Browser:
    """One, with its cookie: as the console's own page asks."""

    def __init__(self, test):
        self.test, self.site = test, test.site
        self.origin = f"https://{self.site.name}:{self.site.console}"
        self.cookie = self.csrf = None
        self.contract = test.contract

    def send(self, method, path, body=None, headers=None, door=None):
        """(status, headers, bytes), whatever the answer is."""
        context = ssl.create_default_context(cafile=self.site.ca)
        connection = http.client.HTTPSConnection("127.0.0.1", door or self.site.console, timeout=60, context=context)
        # By address, since no name server knows the site's name here.
        connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", door or self.site.console), timeout=60),
                                              server_hostname=self.site.name)
        sent = {"Host": self.origin.removeprefix("https://"), "User-Agent": "Browser/1"} | (headers or {})
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    def ask(self, method, path, body=None, **changed):
        """(status, JSON) of an operation, which is held to the contract."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        if method != "GET":
            headers["Origin"] = self.origin
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.csrf:
            headers["X-GIMS-CSRF"] = self.csrf
        status, answered, text = self.send(method, BASE + path, body, headers | changed)
        told = json.loads(text)
        self.test.assertEqual(self.contract.faults(method, BASE + path.partition("?")[0], status, told), [], told)
        self.test.assertEqual(answered["Cache-Control"], "no-store")
        if "Set-Cookie" in answered:
            self.cookie, _, attributes = answered["Set-Cookie"].partition("; ")
            self.test.assertEqual(attributes.removeprefix("Max-Age=0; "), "Path=/; Secure; HttpOnly; SameSite=Strict")
            self.csrf = told.get("csrf")
        return status, told

    def done(self, *request, **changed):
        status, told = self.ask(*request, **changed)
        self.test.assertEqual(status, 200, told)
        return told

    def refused(self, *request, **changed):
        status, told = self.ask(*request, **changed)
        self.test.assertNotEqual(status, 200, told)
        return told["errcode"]

    def enrol(self, name, key):
        """By the code that gimsctl prints."""
        status, printed = self.test.gimsctl("admin", "invite", name)
        self.test.assertEqual(status, 0, printed)
        code = printed.splitlines()[0].removeprefix("code: ")
        step = self.done("POST", "/signin/invited", {"name": name, "code": code, "passphrase": PASSPHRASE})
        self.test.assertEqual(step["factors"], [])
        options = self.done("POST", "/signin/register/start", {"signin": step["signin"], "factor": "webauthn"})["webauthn"]
        return self.done("POST", "/signin/register/finish", {"signin": step["signin"], "factor": {
            "webauthn": key.create(options), "label": "blue key"}})

    def sign_in(self, name, key):
        step = self.done("POST", "/signin/start", {"name": name, "passphrase": PASSPHRASE})
        return self.done("POST", "/signin/finish", {"signin": step["signin"], "factor": {"webauthn": key.get(step["webauthn"])}})


class ConsoleTest(SiteTest):
    contract = admin.Contract()

    def options(self):
        return {"console": 0}

    def key(self):
        return SecurityKey(f"https://{self.site.name}:{self.site.console}", self.site.name)

    def signed(self, name, proposal):
        """The yes of an administrator whose key is in a file."""
        key = load_pem_private_key(self.site.person(name).read_bytes(), None)
        challenge = proposal["challenge"] + "=" * (-len(proposal["challenge"]) % 4)
        message = b"gims approval 1\n" + base64.urlsafe_b64decode(challenge)
        return {"signature": base64url(key.sign(message))}

    def acts(self):
        status, told = self.gimsctl("--json", "audit", "list")
        self.assertEqual(status, 0, told)
        return json.loads(told)["entries"]

    def test_an_administrator_from_the_invitation_to_the_end_of_the_session(self):
        browser, key = Browser(self), self.key()
        self.assertEqual(browser.done("GET", "/site")["server_name"], self.site.name)
        self.assertEqual(browser.refused("GET", "/session"), "M_UNKNOWN_TOKEN")
        session = browser.enrol("Asha", key)
        self.assertEqual((session["name"], session["roles"], session["factors"]), ("Asha", ["administrator"], ["webauthn"]))
        for path in ("/session", "/sessions", "/me", "/administrators", "/proposals"):
            browser.done("GET", path)
        # What gimsctl asks at its socket, by the same handlers.
        for path in ("/status", "/check", "/users", "/audit?limit=5"):
            status, _, text = browser.send("GET", BASE + path, None, {"Cookie": browser.cookie})
            self.assertEqual(status, 200, text)
        self.assertEqual(browser.refused("DELETE", "/session", **{"X-GIMS-CSRF": "A" * 43}), "GIMS_ORIGIN")
        browser.done("DELETE", "/session")
        self.assertEqual(browser.refused("GET", "/session"), "M_UNKNOWN_TOKEN")
        browser.sign_in("Asha", key)
        browser.done("GET", "/session")
        acts = [(entry["act"], entry["actor"]) for entry in self.acts() if entry["act"].startswith(("signin", "administrator"))]
        self.assertEqual(acts, [("administrator.invited", "gimsctl uid 0"), ("signin.invited", "administrator Asha"),
                                ("administrator.factor_added", "administrator Asha"), ("signin.done", "administrator Asha"),
                                ("signin.ended", "administrator Asha"), ("signin.done", "administrator Asha")])

    def test_what_is_wrong_is_refused_and_entered(self):
        browser, key = Browser(self), self.key()
        browser.enrol("Asha", key)
        stranger = Browser(self)
        self.assertEqual(stranger.refused("POST", "/signin/start", {"name": "Asha", "passphrase": "not the passphrase"}), "M_FORBIDDEN")
        step = stranger.done("POST", "/signin/start", {"name": "Asha", "passphrase": PASSPHRASE})
        other = self.key()
        other.id = key.id
        self.assertEqual(stranger.refused("POST", "/signin/finish", {"signin": step["signin"], "factor": {
            "webauthn": other.get(step["webauthn"])}}), "M_FORBIDDEN")
        self.assertEqual([entry["detail"]["reason"] for entry in self.acts() if entry["act"] == "signin.refused"],
                         ["passphrase", "second factor"])
        # The cookie alone, from another program.
        status, _, _ = stranger.send("GET", BASE + "/session", None, {"Cookie": browser.cookie, "User-Agent": "other"})
        self.assertEqual(status, 401)
        self.assertEqual(browser.refused("GET", "/session"), "M_UNKNOWN_TOKEN")
        # Nobody waits for this entry: the answer goes out before it is on the disk.
        self.wait_for("the entry", lambda: self.acts()[-1]["act"] == "session.misused")

    def test_each_door_has_its_own(self):
        browser = Browser(self)
        self.assertEqual(browser.send("GET", "/_matrix/client/versions")[0], 404)
        self.assertEqual(browser.send("GET", BASE + "/site", door=self.site.port)[0], 404)
        self.assertEqual(browser.send("GET", "/_matrix/client/versions", door=self.site.port)[0], 200)
        status, headers, text = browser.send("GET", "/")
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertEqual(headers["Cache-Control"], "no-store")
        # Without the built console the door says so.
        self.assertTrue(status == 200 or b"was not built" in text, text)

    def test_another_role_takes_two_persons(self):
        browser, second = Browser(self), Browser(self)
        browser.enrol("Asha", self.key())
        second.enrol("Bimal", self.key())
        made = browser.done("POST", "/proposals", {"action": "administrators_set_roles", "name": "Asha",
                                                    "roles": ["administrator", "auditor"]})
        self.assertEqual((made["state"], made["proposed_by"]), ("waiting", "Asha"))
        path = f"/proposals/{made['proposal_id']}"
        self.assertEqual(browser.refused("POST", path + "/redeem"), "GIMS_APPROVAL_QUORUM")
        self.assertEqual(browser.done("POST", path + "/approve", self.signed("Asha", made))["missing"], 1)
        self.assertEqual(browser.refused("POST", path + "/approve", self.signed("Asha", made)), "GIMS_APPROVAL_TWICE")
        # Asha's key does not make Bimal's yes.
        self.assertEqual(second.refused("POST", path + "/approve", self.signed("Asha", made)), "GIMS_APPROVAL_ASSERTION")
        self.assertEqual(browser.done("GET", "/session")["roles"], ["administrator"])
        status, told = self.gimsctl_yes(made)
        self.assertEqual(status, 0, told)
        self.wait_for("the role", lambda: browser.done("GET", "/session")["roles"] == ["administrator", "auditor"])
        self.assertEqual(browser.done("GET", path)["state"], "done")

    def gimsctl_yes(self, proposal):
        """Bimal's, whose key is of P-256, at the unit."""
        run = subprocess.run([str(part) for part in (self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml",
                              "approve", str(proposal["proposal_id"]), *self.site.means("Bimal"))], capture_output=True, text=True, timeout=120)
        return run.returncode, run.stdout + run.stderr

    def test_who_lost_the_means_is_helped_at_the_unit(self):
        browser, second = Browser(self), Browser(self)
        browser.enrol("Asha", self.key())
        second.enrol("Bimal", self.key())
        self.assertEqual(self.gimsctl("admin", "lock", "Asha")[0], 0)
        self.assertEqual(browser.refused("GET", "/session"), "M_UNKNOWN_TOKEN")
        self.assertEqual(self.gimsctl("admin", "lock", "Bimal")[0], 1)
        self.assertEqual(self.gimsctl("admin", "unlock", "Asha")[0], 0)
        again = Browser(self)
        again.enrol("Asha", self.key())
        self.assertIn("active", self.gimsctl("admin", "list")[1])

    def test_a_restart_ends_every_session(self):
        browser, key = Browser(self), self.key()
        browser.enrol("Asha", key)
        self.site.gimsd.stop()
        self.site.start_gimsd()
        self.wait_for("the door", lambda: self.reached(browser))
        self.assertEqual(browser.refused("GET", "/session"), "M_UNKNOWN_TOKEN")
        browser.sign_in("Asha", key)

    def reached(self, browser):
        try:
            return browser.send("GET", BASE + "/site")[0] == 200
        except (OSError, http.client.HTTPException):
            return False


if __name__ == "__main__":
    unittest.main()
