"""A whole site on this machine: a software TPM, gims-keyd, gimsd and gims-tlsd, each as a user of its own.

Used by scripts/run and by the integration tests. Needs root, to become those users.
"""

import fcntl
import hashlib
import json
import os
import random
import secrets
import shutil
import socket
import ssl
import stat
import struct
import subprocess
import time
from pathlib import Path

import search
import sitekeys
import supervise

TOP = Path(__file__).resolve().parents[1]
PROGRAMS = {"gims-keyd": "hsm/gims-keyd", "gims-tlsd": "daemon/tls/gims-tlsd", "gimsd": "daemon/app/gimsd",
            "gimsctl": "daemon/ctl/gimsctl", "gims-release-policy": "hsm/release/gims-release-policy"}


PORTS = range(15_000, 32_000)  # below those that the kernel gives to outgoing connections (ip_local_port_range)


def take_port():
    """A port that is this program's: (number, what holds it). Nobody listens at it, and no outgoing connection comes to have it,
    which would be in the way of who binds it, for a minute after its end still; its UDP socket tells other callers that it is taken."""
    for number in random.SystemRandom().sample(PORTS, min(1_000, len(PORTS))):
        held = socket.socket(type=socket.SOCK_DGRAM)
        try:
            held.bind(("127.0.0.1", number))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", number))
            return number, held
        except OSError:
            held.close()
    raise supervise.Failed(f"of the ports {PORTS.start} to {PORTS.stop - 1} none that was tried is free: end what listens there")


class Site:
    """folder is the site's own; what is in it from an earlier run is gone on with.

    Below it: etc/ configuration, run/ sockets, tpm/ keyd/ gimsd/ what each process keeps, log/, and
    operator/, which no process of the site can read: root key, recovery secret and shares, the administrators' keys,
    passwords, the CA's certificate.
    """

    def __init__(self, folder, port=0, listen="127.0.0.1", build=TOP / "build/release", name="gims.internal",
                 tell=lambda step: None, watchdog=None, console=None):
        """`console`: the port of the web console's door; 0: one that is free; without it there is no such door."""
        self.folder = Path(folder)
        self.port, self.held_port = (port, None) if port else take_port()
        self.console, self.held_console = take_port() if console == 0 else (console, None)
        self.listen, self.name, self.build, self.tell = listen, name, Path(build), tell
        self.etc, self.run, self.logs, self.operator = (self.folder / part for part in ("etc", "run", "log", "operator"))
        self.ca = self.operator / "site-ca.pem"
        self.root_key_file = self.operator / "root-key"
        self.recovery_secret_file = self.operator / "recovery-secret"
        self.shares_file = self.operator / "recovery-shares"
        self.release_policy = self.etc / "release.policy"
        self.claimed = None  # the folder, open and locked, while the site is this one's
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
        """Where clients find it: by address, since no name server knows the site's name here."""
        host = "127.0.0.1" if self.listen in ("0.0.0.0", "::") else self.listen
        return f"https://{f'[{host}]' if ':' in host else host}:{self.port}"

    # ---- folders and configuration ------------------------------------------------------------------

    def claim(self):
        """Takes the folder for this site until stop(), so that nobody else's run touches what is running in it.
        Raises Failed when another has it."""
        if self.claimed is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            raise supervise.Failed(f"a site runs already in {self.folder}; stop that first, with Ctrl-C where it was started")
        self.claimed = folder

    def prepare(self):
        self.claim()
        for path in map(self.program, PROGRAMS):
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
        if not self.release_policy.exists():
            self.sign_release(1)

    def sign_release(self, number, pcr="00" * 32):
        """What the release's builder does (docs/protocol-keyd.md): a policy for what this unit starts. A software TPM is told of
        no start, so its PCRs hold zeros."""
        key = self.operator / "release-key.pem"
        if not key.exists():
            write_private(key, self.command(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]).encode())
        self.command([self.program("gims-release-policy"), "sign", "--key", key, "--release", number, "--boot", f"development={pcr}",
                      "--out", self.release_policy])

    def console_door(self):
        if self.console is None:
            return ""
        return f"""
[[listen]]
door = "console"
address = "{self.listen}"
port = {self.console}
"""

    def configuration(self):
        """The configuration files by their names."""
        return {
            "gims-keyd": f"""\
socket = "{self.run}/keyd/socket"
state_folder = "{self.folder}/keyd"

[tpm]
tcti = "swtpm:path={self.run}/tpm/socket"
release_policy = "{self.release_policy}"

[peers]
tlsd = "gims-tlsd"
gimsd = "gimsd"
admins = ["root"]
""",
            "gims-tlsd": f"""\
[[listen]]
door = "client"
address = "{self.listen}"
port = {self.port}
{self.console_door()}
[keyd]
socket = "{self.run}/keyd/socket"

[gimsd]
socket = "{self.run}/gimsd/connections"
""",
            "gimsd": f"""\
data_folder = "{self.folder}/gimsd"

[keyd]
socket = "{self.run}/keyd/socket"

[tlsd]
socket = "{self.run}/gimsd/connections"
user = "gims-tlsd"

[admin]
socket = "{self.run}/gimsd/admin"
users = ["root"]

[client]
base_url = "{self.url}"
""",
        }

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

    def start_keyd(self):
        """Starts gims-keyd; gives a site without keys its own, once. Raises Failed when it stays locked."""
        self.tell("key custodian")
        self.keyd.start()
        self.keyd.wait_until_ready()
        if self.keyd_state() == "unprovisioned":
            self.tell("keys of a new site, in the TPM")
            self.provision()
        if self.keyd_state() != "operational":
            raise supervise.Failed(f"gims-keyd is {self.keyd_status()}")
        certificate, pem = self.site_root()
        self.ca.write_text(pem)
        self.fingerprint = ":".join(f"{byte:02X}" for byte in hashlib.sha256(certificate).digest())

    def provision(self):
        """With a root key and a recovery secret of our own, so that the search knows what to look for: gims-keyd takes
        them for a software TPM only. The TPM is this folder's own: what an earlier provisioning left in it that did not
        come to its end is replaced, as long as nothing has been stored under those keys."""
        if any((self.folder / "gimsd").iterdir()):
            raise supervise.Failed(f"gims-keyd has no keys, and {self.folder / 'gimsd'} has data that only they open; "
                                   "put custody.bin back, or remove the site")
        for path in (self.root_key_file, self.recovery_secret_file):
            if not path.exists():
                write_private(path, secrets.token_bytes(32))
        persons = [part for option, name in (("--administrator", "Asha"), ("--security-officer", "Bimal"))
                   for part in (option, f"{name}={self.public_key(name)}")]
        # Of a provisioning that did not come to its end.
        self.shares_file.unlink(missing_ok=True)
        # The certificates can name no address later on, so those of this machine are named now.
        found = json.loads(self.command(["ip", "-json", "address", "show", "scope", "global"]))
        addresses = {"127.0.0.1", "::1"} | {info["local"] for link in found for info in link.get("addr_info", []) if "local" in info}
        self.keyd_command("provision", "--server-name", self.name, "--organisation", "GIMS development", "--dns-name", self.name,
                          *(part for address in sorted(addresses)[:32] for part in ("--address", address)),
                          "--dev-root-key", self.root_key_file, "--dev-recovery-secret", self.recovery_secret_file,
                          "--shares", "3/5", "--shares-to", self.shares_file, "--replace", *persons)

    def person(self, name):
        """The key of an administrator of this name; made when it is first asked for. Two of them decide together."""
        key = self.operator / f"{name}.pem"
        if not key.exists():
            kind = ("EC", "-pkeyopt", "ec_paramgen_curve:P-256") if name == "Bimal" else ("ed25519",)
            write_private(key, self.command(["openssl", "genpkey", "-algorithm", *kind]).encode())
        return key

    def public_key(self, name):
        public = self.operator / f"{name}.pub"
        self.command(["openssl", "pkey", "-in", self.person(name), "-pubout", "-out", public])
        return public

    def means(self, name):
        """How this administrator says yes, for gims-keyd's commands and gimsctl's."""
        return "--as", name, "--key", self.person(name)

    def decide(self, *proposal):
        """Two administrators decide; what the second was told."""
        return [self.keyd_command("propose", *proposal, *self.means(name)) for name in ("Asha", "Bimal")][-1]

    def shares(self):
        """The recovery shares, as gims-keyd wrote them: one a line, and comments."""
        return [line for line in self.shares_file.read_text().splitlines() if not line.startswith("#")]

    def keyd_command(self, *arguments):
        return self.command([self.program("gims-keyd"), "--config", self.etc / "gims-keyd.toml", *arguments])

    def keyd_status(self):
        output = self.keyd_command("status")
        facts = dict(line.split(":", 1) for line in output.splitlines() if ":" in line)
        return ": ".join(facts[key].strip() for key in ("state", "reason") if key in facts)

    def keyd_state(self):
        return self.keyd_status().split(":")[0]

    def site_root(self):
        """The site's root certificate, DER and PEM, as gims-keyd gives it to anyone who may ask: one
        frame of its protocol (docs/protocol-keyd.md)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.connect(str(self.run / "keyd/socket"))
            peer.send(struct.pack(">2sBBHHII", b"GK", 1, 1, 5, 0, 1, 0))
            answer = peer.recv(1 << 17)
        if answer[3] != 2:
            raise supervise.Failed(f"gims-keyd refused to give the site's certificate: {answer[16:]}")
        size, = struct.unpack_from(">I", answer, 16)
        certificate = answer[20:20 + size]
        return certificate, ssl.DER_cert_to_PEM_cert(certificate)

    def command(self, argv, input=None):
        if "/" in str(argv[0]) and not Path(argv[0]).exists():
            raise supervise.Failed(f"{argv[0]} is missing; 'make' builds it")
        run = subprocess.run([str(part) for part in argv], input=input, capture_output=True, text=True, timeout=120)
        if run.returncode:
            raise supervise.Failed(f"{Path(argv[0]).name} failed: {run.stderr.strip() or run.stdout.strip()}")
        return run.stdout

    def start_gimsd(self):
        self.tell("messaging daemon")
        self.gimsd.start()
        self.gimsd.wait_until_ready()

    def start_tlsd(self):
        self.tell("TLS front")
        self.tlsd.start()
        self.tlsd.wait_until_ready()

    def add_user(self, name):
        """Makes an account; returns its password."""
        password = secrets.token_urlsafe(18)
        self.gimsctl("user", "add", name, input=password)
        return password

    def gimsctl(self, *arguments, input=None):
        return self.command([self.program("gimsctl"), *self.gimsctl_sockets(), *arguments], input=input)

    def gimsctl_sockets(self):
        return "--socket", self.run / "gimsd/admin", "--keyd-socket", self.run / "keyd/socket"

    def keys(self):
        """Every key of the site by its name, in hex."""
        root_key, recovery_secret = self.root_key_file.read_bytes(), self.recovery_secret_file.read_bytes()
        custody = (self.folder / "keyd/custody.bin").read_bytes()
        return sitekeys.derived_keys(root_key) | sitekeys.wrapped_keys(root_key, recovery_secret, custody)

    def search(self, report):
        """Looks through every file that the site's processes wrote, also while they run, for the texts and secrets of
        a report, for every key of the site, for its recovery shares and the administrators' keys; see search.search()."""
        persons = [line for name in ("Asha", "Bimal") for line in self.person(name).read_text().splitlines() if "-----" not in line]
        wanted = {**report, "keys": self.keys(), "plaintexts": [*report.get("plaintexts", []), *self.shares(), *persons]}
        return search.search(wanted, [*self.written(), *self.unnamed_files()])

    def written(self):
        return [self.folder / part for part in ("etc", "run", "log", "tpm", "keyd", "gimsd")]

    def unnamed_files(self):
        """Those on the disk that the processes have open and that no folder names any more."""
        for process in self.processes():
            try:
                descriptors = list(Path(f"/proc/{process.child.pid}/fd").iterdir()) if process.running() else []
            except PermissionError as error:  # in a container whose root may not look into processes
                self.tell(f"what {process.name} has open and no folder names is not seen: {error.strerror}")
                continue
            for path in descriptors:
                try:
                    target, kind = os.readlink(path), path.stat().st_mode
                except FileNotFoundError:  # closed since
                    continue
                if stat.S_ISREG(kind) and target.endswith(" (deleted)") and not target.startswith("/memfd:"):
                    yield path

    def stop(self):
        """In the order opposite to the start. Returns the exit statuses by name."""
        statuses = {process.name: process.stop() for process in reversed(self.processes())}
        if self.claimed is not None:
            os.close(self.claimed)
            self.claimed = None
        return statuses

    def release_port(self):
        """After the last stop(): another site may take it."""
        for held in (self.held_port, self.held_console):
            if held is not None:
                held.close()

    def processes(self):
        """In the order in which they start."""
        return self.tpm, self.keyd, self.gimsd, self.tlsd

    def dead(self):
        """The processes that were started and have ended by themselves."""
        return [process for process in self.processes() if process.child is not None and not process.running()]


def wait_for_socket(process, path, seconds=20):
    """For a process that does not tell when it is ready: until its socket takes connections."""
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                return probe.connect(str(path))
            except OSError:
                pass
        if not process.running():
            raise supervise.Failed(f"{process.name} ended with {process.ending()}:\n{process.last_words()}")
        if time.monotonic() > deadline:
            raise supervise.Failed(f"{process.name} does not listen at {path}:\n{process.last_words()}")
        time.sleep(0.02)


def write_private(path, data):
    """Replaces a file as a whole, on the disk when this returns. Only its owner can read it, from the first byte on."""
    new = Path(f"{path}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    folder = os.open(new.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)
