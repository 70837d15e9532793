"""A whole site on this machine: a software TPM, gims-keyd, gimsd and gims-tlsd, each as a user of its own.

Used by scripts/run and by the integration tests. Needs root, to become those users.
"""

import hashlib
import json
import os
import pwd
import secrets
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import search
import supervise

TOP = Path(__file__).resolve().parents[1]
PROGRAMS = {"gims-keyd": "hsm/gims-keyd", "gims-tlsd": "daemon/tls/gims-tlsd", "gimsd": "daemon/app/gimsd",
            "gimsctl": "daemon/ctl/gimsctl"}

# gims-keyd derives each of its keys from the root key by libsodium's crypto_kdf with this context and
# these numbers (docs/protocol-keyd.md).
KDF_CONTEXT = b"gimskeyd"
DERIVED_KEYS = {"data": 1, "media": 2, "token hash": 3, "audit": 4, "backup": 5, "pepper": 6, "custody file": 7,
                "wrapping": 8, "audit file": 9}


def derived_keys(root_key):
    """Every key of the site by its name, in hex, the root key too."""
    keys = {"root": root_key.hex()}
    for name, number in DERIVED_KEYS.items():
        # crypto_kdf is BLAKE2b of nothing, keyed, with the number as salt and the context as personalisation.
        keys[name] = hashlib.blake2b(b"", digest_size=32, key=root_key, salt=number.to_bytes(16, "little"),
                                     person=KDF_CONTEXT.ljust(16, b"\0")).hexdigest()
    return keys


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    """folder is the site's own; what is in it from an earlier run is gone on with.

    Below it: etc/ configuration, run/ sockets, tpm/ keyd/ gimsd/ what each process keeps, log/, and
    operator/, which no process of the site can read: root key, passwords, the CA's certificate.
    """

    def __init__(self, folder, port=0, listen="127.0.0.1", build=TOP / "build/release", name="gims.internal",
                 tell=lambda step: None, watchdog=None):
        self.folder = Path(folder)
        self.port = port or free_port()
        self.listen, self.name, self.build, self.tell = listen, name, Path(build), tell
        self.etc, self.run, self.logs, self.operator = (self.folder / part for part in ("etc", "run", "log", "operator"))
        self.ca = self.operator / "site-ca.pem"
        self.root_key_file = self.operator / "root-key"
        process = lambda name, user, argv, **more: supervise.Process(
            name, argv, user=user, log=self.logs / f"{name}.log", run=self.run, **more)
        config = lambda name: ["--config", self.etc / f"{name}.toml"]
        self.tpm = process("swtpm", "gims-swtpm", [
            "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder / 'tpm'},mode=0600",
            "--server", f"type=unixio,path={self.run / 'tpm/socket'},mode=0666",
            "--flags", "not-need-init,startup-clear", "--seccomp", "action=none"], notify=False)
        self.keyd = process("gims-keyd", "gims-keyd", [self.program("gims-keyd"), *config("gims-keyd")], watchdog=watchdog)
        self.gimsd = process("gimsd", "gimsd", [self.program("gimsd"), *config("gimsd")], watchdog=watchdog)
        self.tlsd = process("gims-tlsd", "gims-tlsd", [self.program("gims-tlsd"), *config("gims-tlsd")], watchdog=watchdog)

    def program(self, name):
        return self.build / PROGRAMS[name]

    @property
    def url(self):
        """Where clients on this machine find it: by name if that leads here."""
        try:
            here = socket.gethostbyname(self.name) == "127.0.0.1"
        except OSError:
            here = False
        return f"https://{self.name if here else '127.0.0.1'}:{self.port}"

    # ---- folders and configuration ------------------------------------------------------------------

    def prepare(self):
        for name, path in ((name, self.program(name)) for name in PROGRAMS):
            if not path.exists():
                raise supervise.Failed(f"{path} is missing; 'make' builds it")
            reach = subprocess.run(["test", "-x", path], user="gimsd", group="gimsd", extra_groups=[])
            if reach.returncode:
                raise supervise.Failed(f"the daemons' users cannot reach {path}; make its folders readable (chmod o+rx)")
        shutil.rmtree(self.run, ignore_errors=True)
        for path, user, group, mode in (
                (self.folder, "root", "root", 0o755), (self.etc, "root", "root", 0o755),
                (self.run, "root", "root", 0o755), (self.logs, "root", "root", 0o755),
                (self.operator, "root", "root", 0o700),
                (self.run / "tpm", "gims-swtpm", "gims-keyd", 0o710),
                # Who reaches a socket at all is the folder's say; who may ask what, each daemon's.
                (self.run / "keyd", "gims-keyd", "gims-keyd", 0o755), (self.run / "gimsd", "gimsd", "gimsd", 0o755),
                (self.folder / "tpm", "gims-swtpm", "gims-swtpm", 0o700),
                (self.folder / "keyd", "gims-keyd", "gims-keyd", 0o700),
                (self.folder / "gimsd", "gimsd", "gimsd", 0o700)):
            path.mkdir(parents=True, exist_ok=True)
            shutil.chown(path, user, group)
            path.chmod(mode)
        for name, text in self.configuration().items():
            (self.etc / f"{name}.toml").write_text(text, encoding="utf-8")

    def configuration(self):
        raise NotImplementedError

    # ---- start and stop -------------------------------------------------------------------------------

    def start(self):
        """Starts all and returns when clients are served."""
        self.prepare()
        self.start_tpm()
        self.start_keyd()
        self.start_gimsd()
        self.start_tlsd()

    def start_tpm(self):
        self.tell("software TPM")
        self.tpm.start()
        wait_for_socket(self.tpm, self.run / "tpm/socket")

    def start_gimsd(self):
        self.tell("messaging daemon")
        self.gimsd.start()
        self.gimsd.wait_until_ready()

    def start_tlsd(self):
        self.tell("TLS front")
        self.tlsd.start()
        self.tlsd.wait_until_ready()

    def stop(self):
        """In the order opposite to the start. Returns the exit statuses by name."""
        return {process.name: process.stop() for process in (self.tlsd, self.gimsd, self.keyd, self.tpm)}

    def kill_gimsd(self):
        self.gimsd.kill()

    def dead(self):
        """The processes that were started and have ended by themselves."""
        return [process for process in (self.tpm, self.keyd, self.gimsd, self.tlsd)
                if process.child is not None and not process.running()]
