"""The servers that `make bench` measures: gimsd-testsite, one process, without limits; and the whole site, where the
processes are apart and the limits hold. Both start with the accounts and messages that bench_seed put there."""

import http.client
import os
import re
import resource
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import gimssite
import sitekeys
import supervise

NAME = "gims.internal"


def run(argv):
    ran = subprocess.run([str(part) for part in argv], capture_output=True, text=True)
    if ran.returncode:
        raise supervise.Failed(f"{Path(argv[0]).name} failed: {ran.stderr.strip() or ran.stdout.strip()}")
    return ran.stdout


def fits(kind, devices, others):
    """How many devices of those wanted this machine's descriptors allow beside `others`: none of the server's processes may have
    more than the hard limit (RLIMIT_NOFILE), and 256 of them are for other things."""
    return max(1, min(devices, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 256) // kind.descriptors - others))


def cut(kind, devices, others):
    """The same, and what to say of it: (devices, "" or why they are fewer)."""
    fit = fits(kind, devices, others)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return fit, "" if fit == devices else \
        f"{fit:,} devices instead of {devices:,}: a process may have {limit:,} descriptors here, and needs {kind.descriptors} for each"


def wait_until_served(url, ca, alive, seconds=120):
    """Until /versions is answered."""
    scheme, _, address = url.partition("://")
    context = ssl.create_default_context(cafile=ca) if scheme == "https" else None
    deadline = time.monotonic() + seconds
    while True:
        line = http.client.HTTPSConnection(address, context=context, timeout=5) if context else \
            http.client.HTTPConnection(address, timeout=5)
        try:
            line.request("GET", "/_matrix/client/versions")
            if line.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            line.close()
        if not alive() or time.monotonic() > deadline:
            raise supervise.Failed(f"{url} does not serve")
        time.sleep(0.002)


class TestSite:
    """A fresh one at each start(), from the seed, unless it is to keep what it has."""

    name = "test site"
    options = []
    descriptors = 3  # for a client, of the process with the most: the TCP socket, and the pair from the TLS front

    def __init__(self, folder, build, tls, accounts, rooms, messages, server_options=()):
        self.folder, self.build, self.tls, self.server_options = Path(folder), Path(build), tls, server_options
        self.seed, self.data = self.folder / "seed", self.folder / "data"
        self.accounts, self.ca = self.folder / "accounts", self.folder / "certificate.pem" if tls else None
        self.process = None
        self.seed.mkdir()
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "key.pem", "-out", self.folder / "certificate.pem"])
        seeder = self.build / "tests/bench/bench_seed"
        if seeder.exists():
            run([seeder, "--data", self.seed, "--server-name", NAME, "--out", self.accounts, "--accounts", accounts, "--rooms", rooms,
                 "--messages", messages])
        else:  # an older build: accounts are then registered by bench_load
            self.accounts = None

    def start(self, keep=False):
        """Returns the seconds until it served."""
        if not keep:
            shutil.rmtree(self.data, ignore_errors=True)
            shutil.copytree(self.seed, self.data)
        os.sync()  # so that the copy is not written during the row
        began = time.monotonic()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.build / "daemon/testsite/gimsd-testsite", "--listen", "127.0.0.1:0", "--server-name", NAME, "--data", self.data,
                 "--tls-listen", "127.0.0.1:0", "--tls-cert", self.folder / "certificate.pem", "--tls-key", self.folder / "key.pem",
                 *self.server_options], stdout=subprocess.PIPE, stderr=log, text=True)
        words = ""
        while "listening on " not in words:
            line = self.process.stdout.readline()
            if not line:
                raise supervise.Failed(f"gimsd-testsite ended: {(self.folder / 'log').read_text()[-2000:]}")
            words += line
        port = re.search(r"TLS on port (\d+)" if self.tls else r"listening on 127\.0\.0\.1:(\d+)", words)[1]
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{port}"
        wait_until_served(self.url, self.ca, lambda: self.process.poll() is None)
        return time.monotonic() - began

    def processes(self):
        return {"gimsd-testsite": self.process.pid}

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process.stdout.close()
            self.process = None


class WholeSite:
    """gims-keyd, gimsd and gims-tlsd as make run has them; the software TPM is not counted. Started once, and again for
    each start()."""

    name = "whole site"
    # So many addresses that the limits by address are not what is measured.
    options = ["--spread", "64"]
    descriptors = 2  # in gims-tlsd as in gimsd

    def __init__(self, folder, build, tls, accounts, rooms, messages):
        if not tls:
            raise supervise.Failed("a whole site has TLS always: TLS=0 goes with SITE=test")
        Path(folder).chmod(0o755)
        self.site = gimssite.Site(Path(folder) / "site", build=build, name=NAME)
        self.accounts = Path(folder) / "accounts"
        self.site.prepare()
        self.site.start_tpm()
        self.site.start_keyd()
        # The keys that gims-keyd derives, in the form that bench_seed reads.
        derived = sitekeys.derived_keys(self.site.root_key_file.read_bytes())
        data = self.site.folder / "gimsd"
        keys = data / "keys"
        names = ("data", "media", "token hash", "audit", "backup", "pepper")
        gimssite.write_private(keys, b"".join(bytes.fromhex(derived[name]) for name in names))
        run([Path(build) / "tests/bench/bench_seed", "--data", data, "--server-name", NAME, "--out", self.accounts, "--accounts", accounts,
             "--rooms", rooms, "--messages", messages])
        keys.unlink()
        for path in (data, *data.rglob("*")):
            shutil.chown(path, "gimsd", "gimsd")
        self.url, self.ca = self.site.url, self.site.ca
        self.site.stop()

    def start(self, keep=True):
        """What it has, it keeps always."""
        self.site.prepare()
        self.site.start_tpm()
        began = time.monotonic()
        self.site.start_keyd()
        self.site.start_gimsd()
        self.site.start_tlsd()
        wait_until_served(self.url, self.ca, lambda: not self.site.dead())
        return time.monotonic() - began

    def processes(self):
        return {process.name: process.child.pid for process in (self.site.keyd, self.site.gimsd, self.site.tlsd)}

    def stop(self):
        self.site.stop()
