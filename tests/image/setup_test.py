"""The set-up page: made of its templates as its unit makes it, in both languages, and served by lighttpd as its unit starts it."""

import hashlib
import http.client
import plistlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image

SCRIPT = image.ROOT / "usr/lib/gims/setup-page"
TEMPLATES = image.ROOT / "usr/share/gims/setup"
CONFIGURATION = image.ROOT / "etc/gims/gimsd.toml"
FILES = {"/hi.html": "text/html; charset=utf-8", "/en.html": "text/html; charset=utf-8", "/style.css": "text/css; charset=utf-8",
         "/site.crt": "application/x-x509-ca-cert", "/site.mobileconfig": "application/x-apple-aspen-config"}
# Nothing of it looks into the certificate.
CERTIFICATE = bytes(range(256)) * 2
FINGERPRINT = ":".join(f"{byte:02X}" for byte in hashlib.sha256(CERTIFICATE).digest())
# Asked as the script asks gims-keyd: --config FILE site-root --out FILE.
KEYD = """#!/bin/sh
[ "$1 $3 $4" = "--config site-root --out" ] || exit 2
cat {folder}/certificate >"$5" || exit 1
printf 'Written to %s. SHA-256, to compare on each device:\\n{fingerprint}\\n' "$5"
exit {status}
"""


class Page(HTMLParser):
    """Its elements one after the other, and where they point."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.headings = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_endtag(self, tag):
        self.tags.append("/" + tag)

    def values(self, name):
        return [value for _, key, value in self.attributes if key == name]


class SetupTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.folder.chmod(0o755)
        (cls.folder / "certificate").write_bytes(CERTIFICATE)

    def make(self, name, fingerprint=FINGERPRINT, status=0, configuration=CONFIGURATION):
        keyd = self.folder / "keyd"
        keyd.write_text(KEYD.format(folder=self.folder, fingerprint=fingerprint, status=status))
        keyd.chmod(0o755)
        made = self.folder / name
        run = subprocess.run([SCRIPT, keyd, TEMPLATES, configuration, made], capture_output=True, text=True)
        return run, made

    def page(self):
        run, made = self.make("made")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return made

    # ---- what it says --------------------------------------------------------------------------------------------------

    def test_both_languages_say_the_same(self):
        made = self.page()
        hindi, english = (Page((made / f"page/{name}.html").read_text(encoding="utf-8")) for name in ("hi", "en"))
        self.assertEqual(hindi.tags, english.tags)
        for page, language, other in ((hindi, "hi", "en"), (english, "en", "hi")):
            self.assertEqual((page.attributes[0], page.values("hreflang")), (("html", "lang", language), [other]))
            # No script, nothing of elsewhere, a name for each landmark, six steps.
            self.assertEqual(set(page.tags) & {"script", "img", "form", "input", "iframe", "object", "style"}, set())
            self.assertEqual([key for _, key, _ in page.attributes if key.startswith("on") or key == "style"], [])
            self.assertEqual(set(page.values("href")), {"style.css", f"{other}.html", "site.crt", "site.mobileconfig"})
            self.assertEqual([page.tags.count(tag) for tag in ("main", "h1", "h2", "nav")], [1, 1, 6, 1])
        devanagari = re.findall(r"[\u0900-\u097f]", (made / "page/hi.html").read_text(encoding="utf-8"))
        self.assertGreater(len(devanagari), 1000)

    def test_it_names_this_site(self):
        made = self.page()
        for name in ("hi", "en"):
            text = (made / f"page/{name}.html").read_text(encoding="utf-8")
            self.assertIn(FINGERPRINT, text.replace("<wbr>", ""))
            self.assertIn("<code>https://gims.internal:8443</code>", text)
            self.assertIn("<code>http://gims.internal/</code>", text)
        for file in (made / "page").iterdir():
            self.assertNotRegex(file.read_bytes(), rb"@[A-Z]+@")
            self.assertEqual(file.stat().st_mode & 0o777, 0o644)
        self.assertEqual((made / "page/site.crt").read_bytes(), CERTIFICATE)

    def test_the_profile(self):
        profile = plistlib.loads((self.page() / "page/site.mobileconfig").read_bytes())
        inner, = profile["PayloadContent"]
        self.assertEqual((profile["PayloadType"], inner["PayloadType"], inner["PayloadContent"]), ("Configuration", "com.apple.security.root", CERTIFICATE))
        for part in (profile, inner):
            self.assertRegex(part["PayloadUUID"], r"^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertNotEqual(profile["PayloadUUID"], inner["PayloadUUID"])

    def test_no_page_without_the_sites_own(self):
        other = self.folder / "gimsd.toml"
        other.write_text(CONFIGURATION.read_text().replace("https://", "http://"))
        other_hash = FINGERPRINT[:-1] + ("0" if FINGERPRINT[-1] != "0" else "1")
        for more, says in (({"fingerprint": other_hash}, "is not its SHA-256"), ({"status": 1}, ""), ({"configuration": other}, "client.base_url")):
            with self.subTest(**more):
                run, made = self.make("refused", **more)
                self.assertNotEqual(run.returncode, 0)
                self.assertIn(says, run.stderr)
                # Without which lighttpd does not start.
                self.assertFalse((made / "site.conf").exists())

    # ---- served --------------------------------------------------------------------------------------------------------

    def serve(self):
        """As systemd starts it: with the port's socket and without a network, a capability, or anything that it could write."""
        made = self.page()
        unit = image.Unit("gims-setup.service")
        self.assertEqual((unit.one("PrivateNetwork"), unit.one("CapabilityBoundingSet")), ("yes", ""))
        user = next(line.split()[2] for line in image.settings("usr/lib/sysusers.d/gims.conf") if " gims-setup " in line)
        start = f"export LISTEN_FDS=1 LISTEN_PID=$$; exec {unit.one('ExecStart')}"
        with socket.create_server(("127.0.0.1", 0), backlog=64) as ear, (self.folder / "lighttpd.log").open("w") as log:
            process = subprocess.Popen(
                ["sh", "-c", f'exec "$@" 3<&{ear.fileno()}', "sh", "bwrap", "--dev-bind", "/", "/", "--tmpfs", "/run", "--ro-bind", made, "/run/gims-setup",
                 "--ro-bind", image.ROOT / "etc/gims", "/etc/gims", "--unshare-net", "--die-with-parent", "setpriv", f"--reuid={user}", f"--regid={user}",
                 "--clear-groups", "--bounding-set=-all", "--no-new-privs", "sh", "-c", start],
                stdout=log, stderr=log, pass_fds=[ear.fileno()])
            port = ear.getsockname()[1]
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return port

    def ask(self, port, path, host="gims.internal", language="en-IN", method="GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.addCleanup(connection.close)
        connection.request(method, path, body, {"Host": host, "Accept-Language": language})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def test_files(self):
        port = self.serve()
        for path, kind in FILES.items():
            with self.subTest(path=path):
                status, head, body = self.ask(port, path)
                self.assertEqual((status, head["Content-Type"], head["X-Content-Type-Options"], head["Cache-Control"]), (200, kind, "nosniff", "no-store"))
                self.assertEqual(body, (self.folder / "made/page" / path[1:]).read_bytes())
                self.assertIn("default-src 'none'; style-src 'self';", head["Content-Security-Policy"])
                self.assertNotIn("Server", head)

    def test_everything_else_leads_to_the_page(self):
        port = self.serve()
        for host, path in (("captive.apple.com", "/hotspot-detect.html"), ("connectivitycheck.gstatic.com", "/generate_204"),
                           ("www.msftconnecttest.com", "/connecttest.txt"), ("detectportal.firefox.com", "/canonical.html"), ("gims.internal", "/"),
                           ("10.73.2.1", "/../site.conf"), ("x", "/%2e%2e/site.conf"), ("x", "//etc/passwd"), ("x", "/page"), ("x", "/en.html/x")):
            for language, to in (("en-IN,en", "en"), ("hi-IN,hi;q=0.9,en", "hi"), ("ta-IN", "en")):
                with self.subTest(host=host, path=path, language=language):
                    status, head, _ = self.ask(port, path, host, language)
                    self.assertEqual((status, head["Location"]), (302, f"http://gims.internal/{to}.html"))

    def test_nothing_is_taken(self):
        port = self.serve()
        self.assertEqual(self.ask(port, "/en.html", method="POST", body=b"x" * 5000)[0], 413)
        self.assertEqual(self.ask(port, "/en.html", method="POST", body=b"x")[0], 403)
        self.assertEqual(self.ask(port, "/en.html", method="PUT", body=b"x")[0], 403)
        self.assertEqual(self.ask(port, "/" + "x" * 10000)[0], 431)

    def test_who_says_nothing_gives_way(self):
        """More connections than there may be, all silent, end by themselves; then the next is answered."""
        port = self.serve()
        self.assertEqual(self.ask(port, "/en.html")[0], 200)
        most = int(re.search(r"^server.max-connections = (\d+)$", image.text("etc/gims/setup.conf"), re.MULTILINE)[1])
        for _ in range(most + 8):
            silent = socket.create_connection(("127.0.0.1", port))
            self.addCleanup(silent.close)
        self.assertEqual(self.ask(port, "/en.html")[0], 200)


if __name__ == "__main__":
    unittest.main()
