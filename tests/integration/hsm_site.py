"""A site whose keys are in an HSM: SoftHSM 2, in a gims-pkcs11d of its own user, alone or with the TPM."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import keyd_peer
from rig import gimssite
from gimssite import supervise

SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
USER = "gims-pkcs11d"
PIN = "60417382"


class HsmSite(gimssite.Site):
    with_tpm = False
    module = SOFTHSM
    call_limit = "20s"

    def __init__(self, folder, **options):
        super().__init__(folder, **options)
        self.hsm_folder = self.folder / "hsm"
        self.tokens = self.hsm_folder / "tokens"
        self.pin_file = self.etc / "hsm-pin"
        # What the faulty module of the tests is to do, and the calls that it counted.
        self.fault, self.calls = self.hsm_folder / "fault", self.hsm_folder / "fault.log"
        self.softhsm = {"SOFTHSM2_CONF": str(self.etc / "softhsm2.conf")}
        self.hsm = supervise.Process(
            "gims-pkcs11d", [self.program("gims-pkcs11d"), "--config", self.etc / "gims-pkcs11d.toml"], user=USER,
            log=self.logs / "gims-pkcs11d.log", run=self.run, watchdog=options.get("watchdog"),
            environment=self.softhsm | {"GIMS_MODULE_FAULT": str(self.fault)})

    def program(self, name):
        return self.build / "hsm/pkcs11" / name if name == "gims-pkcs11d" else super().program(name)

    def prepare(self):
        super().prepare()
        for path, mode in ((self.run / "pkcs11", 0o755), (self.hsm_folder, 0o700), (self.tokens, 0o700)):
            path.mkdir(exist_ok=True)
            shutil.chown(path, USER, USER)
            path.chmod(mode)
        (self.etc / "softhsm2.conf").write_text(
            f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = true\n")
        self.write_pin(PIN)
        if not any(self.tokens.iterdir()):
            self.make_token()

    def write_pin(self, pin):
        gimssite.write_private(self.pin_file, f"{pin}\n".encode())
        shutil.chown(self.pin_file, USER, USER)

    def make_token(self):
        self.as_hsm_user("softhsm2-util", "--init-token", "--free", "--label", "gims", "--so-pin", "12345678", "--pin", PIN)

    def as_hsm_user(self, *argv, check=True):
        done = subprocess.run(argv, capture_output=True, text=True, user=USER, group=USER, extra_groups=[],
                              env=os.environ | self.softhsm, cwd="/", timeout=60)
        if check and done.returncode:
            raise supervise.Failed(f"{argv[0]} failed: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def pkcs11_tool(self, *arguments, check=True):
        """What any other program that has the PIN gets of the token."""
        return self.as_hsm_user("pkcs11-tool", "--module", SOFTHSM, "--token-label", "gims", "--login", "--pin", PIN,
                                *arguments, check=check)

    def configuration(self):
        texts = super().configuration()
        hsm = f'[pkcs11]\nsocket = "{self.run}/pkcs11/socket"\n\n'
        before, tpm, after = re.split(r"(?ms)(^\[tpm\]\n.*?\n\n)", texts["gims-keyd"])
        texts["gims-keyd"] = before + (tpm if self.with_tpm else "") + hsm + after
        texts["gims-pkcs11d"] = f"""\
socket = "{self.run}/pkcs11/socket"
peer = "gims-keyd"
module = "{self.module}"
pin_file = "{self.pin_file}"
call_limit = "{self.call_limit}"

[token]
label = "gims"

[[paths]]
path = "{self.etc}/softhsm2.conf"

[[paths]]
path = "{self.hsm_folder}"
right = "write"
"""
        return texts

    def start_tpm(self):
        if self.with_tpm:
            super().start_tpm()
        self.start_hsm()

    def start_hsm(self):
        self.hsm.start()
        self.hsm.wait_until_ready()

    def processes(self):
        return self.tpm, self.hsm, self.keyd, self.gimsd, self.tlsd

    def pull(self):
        """The token out of its slot."""
        self.tokens.rename(self.hsm_folder / "pulled")
        # An empty slot is there still.
        self.tokens.mkdir(mode=0o700)
        shutil.chown(self.tokens, USER, USER)

    def plug(self):
        shutil.rmtree(self.tokens)
        (self.hsm_folder / "pulled").rename(self.tokens)

    def count(self, function):
        """How often the faulty module was called so."""
        return self.calls.read_text().split().count(function) if self.calls.exists() else 0


def sign_leaves(path, public_key, most):
    """Asks gims-keyd for leaves, one after the other, as the user that this process has. Prints a line of
    JSON for each change of what comes back: what, and how often so far."""
    told, signed, refused = None, 0, 0
    with keyd_peer.Peer(path) as peer:
        for number in range(1, most + 1):
            kind, answer = peer.ask("sign_leaf", keyd_peer.leaf_request(public_key), number)
            if kind == keyd_peer.REPLY:
                signed += 1
                what = "signed"
            else:
                refused += 1
                what = answer
                time.sleep(0.02)
            if what != told or number == most:
                told = what
                print(json.dumps({"what": what, "signed": signed, "refused": refused}), flush=True)


def start_signing(site, public_key, most):
    """sign_leaves() as gims-tlsd's user, in a process of its own."""
    return subprocess.Popen([sys.executable, "-B", __file__, str(site.run / "keyd/socket"), public_key.hex(), str(most)],
                            user="gims-tlsd", group="gims-tlsd", extra_groups=[], stdout=subprocess.PIPE, text=True, cwd="/")


if __name__ == "__main__":
    sign_leaves(sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3]))
