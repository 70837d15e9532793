"""Where the site's keys lie while it runs, as it stops, and afterwards. Every byte of the daemons' memory is read, by root, and
every byte of what they wrote; a key is found in pages alone that are locked and left out of dumps, of the process that may hold it
(docs/threat-model.md, "Which process holds which key"). Where the kernel has memfd_secret(2), not even there."""

import asyncio
import contextlib
import hashlib
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import cryptography.x509
from cryptography.hazmat.primitives.asymmetric import ec

import rig  # first: it says where the others are
import hsm_site
import keyd_peer
import matrix_api
import process_memory
import search
from hsm_site import HsmSite
from rig import SiteTest, gimssite

GIMSD_KEYS = {"data", "media", "token hash", "pepper", "relay"}  # of those that it gets, the ones that it has a use for
# The private keys that gims-keyd works with are its own; what it derives for others, it derives.
HOLDERS = {"gims-keyd": None, "gims-pkcs11d": {"root", "PIN"}, "gimsd": GIMSD_KEYS, "gims-tlsd": set()}  # None: any
PASSWORDS = 4  # of the TPM, derived from the key "hardware"
VALUE_INDEX, VALUE_SIZE = 0x01814D00, 32

# Prints what ptrace(2) and process_vm_readv(2) say to this user about a process.
LOOK = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1]) or os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60")
def told(result):
    return "done" if result >= 0 else os.strerror(ctypes.get_errno())
print(told(libc.ptrace(0x4206, pid, None, None)))
here = ctypes.create_string_buffer(8)
piece = (ctypes.c_void_p * 2)(ctypes.addressof(here), 8)
print(told(libc.process_vm_readv(pid, piece, 1, piece, 1, 0)))
if not int(sys.argv[1]):
    os.kill(pid, 9)
"""


def all_keys(site):
    """Every secret of the site by its name, in hex; the leaf's is gims-tlsd's own and known to nobody, as are those made in an HSM."""
    keys = site.keys()
    seed = bytes.fromhex(keys["server signing seed"])
    hashed = bytearray(hashlib.sha512(seed).digest())
    keys["server signing seed, hashed"] = hashed.hex()
    hashed[0] &= 248
    hashed[31] = hashed[31] & 127 | 64
    keys["server signing scalar"] = bytes(hashed[:32]).hex()
    if isinstance(site, HsmSite):
        return keys | {"PIN": hsm_site.PIN.encode().hex()}
    hardware = bytes.fromhex(keys["hardware"])
    for number in range(1, PASSWORDS + 1):
        keys[f"password {number} of the TPM"] = hashlib.blake2b(
            b"", digest_size=32, key=hardware, salt=number.to_bytes(16, "little"), person=b"gimshard".ljust(16, b"\0")).hexdigest()
    keys["value that opens the TPM's objects"] = keyd_peer.nv_read(site.run / "tpm/socket", VALUE_INDEX, VALUE_SIZE).hex()
    return keys


def needles(keys):
    """(name, form, bytes): as a search of files does, and backwards, as a library of numbers keeps it."""
    found = [(what.removeprefix("key "), form, data) for what, form, data in search.needles({"keys": keys})]
    for name, key in keys.items():
        backwards = bytes.fromhex(key)[::-1]
        if name == "PIN":  # no number, and half of it is anybody's
            continue
        found += [(name, "backwards", part) for part in (backwards[:16], backwards[-16:])]
    return found


def found_in(pid, wanted):
    """(mapping, name, form) of each needle in the process's memory."""
    return [(mapping, name, form) for mapping, data in process_memory.memory(pid) for name, form, needle in wanted
            for _ in process_memory.occurrences(data, needle)]


def private_numbers(pid, public_key):
    """The mapping of each place where the private key of a P-256 key lies: every number in memory that looks like chance is tried.
    As mbedTLS computes with it, either byte first and aligned; and as its DER has it."""
    places = []
    for mapping, data in process_memory.memory(pid):
        if "w" not in mapping.rights:
            continue
        starts = [(at, order) for at in range(0, len(data) - 31, 8) for order in ("little", "big")]
        starts += [(at + 2, "big") for at in process_memory.occurrences(data, b"\x04\x20")]
        tried = set()
        for at, order in starts:
            piece = data[at:at + 32]
            # Of 32 bytes of chance about 30 are different.
            if len(set(piece)) < 22 or (piece, order) in tried:
                continue
            tried.add((piece, order))
            number = int.from_bytes(piece, order)
            with contextlib.suppress(ValueError):
                if ec.derive_private_key(number, ec.SECP256R1()).public_key() == public_key:
                    places.append(mapping)
    return places


class WithCalls:
    """A site that gives officers credentials for a relay."""

    def configuration(self):
        texts = super().configuration()
        texts["gimsd"] += '\n[calls]\nrelay = "localhost"\n'
        return texts


class SiteWithCalls(WithCalls, gimssite.Site):
    pass


class HsmSiteWithCalls(WithCalls, HsmSite):
    pass


class SecretsTest(SiteTest):
    """As the kernel has it."""
    site_class = SiteWithCalls
    secret_memory = process_memory.has_secret_memory()

    def daemons(self):
        return self.site.keyd, self.site.gimsd, self.site.tlsd

    def use(self):
        """Each key is used: a sign-in, an event, an upload, credentials of a call, entries of the audit log, a leaf; gims-keyd unseals anew."""
        password = self.site.add_user("desk.officer")

        async def officer():
            async with self.client() as client:
                await client.login("desk.officer", password)
                room = await client.create_room()
                await client.call("PUT", client.send_path(room, "t0"), matrix_api.encrypted(0))
                await client.call("GET", "/_matrix/client/v3/voip/turnServer")
                headers = {"Authorization": f"Bearer {client.token}"}
                async with client.session.post(client.url + "/_matrix/media/v3/upload", data=os.urandom(20_000), headers=headers) as done:
                    self.assertEqual(done.status, 200)
        asyncio.run(officer())
        self.site.keyd.stop()
        self.site.keyd.start()
        self.site.keyd.wait_until_ready()
        self.assertEqual(self.site.keyd_state(), "operational")
        with keyd_peer.Peer(self.site.run / "keyd/socket", "gimsd") as peer:
            self.assertEqual(peer.ask("sign_events", b"\0\1" + keyd_peer.field(b"{}"))[0], keyd_peer.REPLY)
            self.assertEqual(peer.ask("data_keys")[0], keyd_peer.REPLY)
        self.site.gimsctl("audit", "verify")

    def leaf(self):
        with socket.create_connection(("127.0.0.1", self.site.port)) as raw:
            context = ssl.create_default_context(cafile=self.site.ca)
            with context.wrap_socket(raw, server_hostname=self.site.name) as tls:
                return cryptography.x509.load_der_x509_certificate(tls.getpeercert(binary_form=True)).public_key()

    def told(self, places):
        return "\n".join(sorted({f"{name}, {form}: {mapping}" for mapping, name, form in places}))

    def test_keys_lie_where_they_may(self):
        keys = all_keys(self.site)
        wanted = needles(keys)
        # The gims-keyd that made the keys, before the one that only opens them.
        places = found_in(self.site.keyd.child.pid, wanted)
        self.assertEqual(self.told(place for place in places if not place[0].closed()), "", "not locked, or in dumps")
        self.use()
        leaf, held = self.leaf(), {}
        for process in self.daemons():
            pid = process.child.pid
            places = found_in(pid, wanted)
            allowed = HOLDERS[process.name]
            with self.subTest(process.name):
                self.assertEqual(self.told(place for place in places if not place[0].closed()), "", "not locked, or in dumps")
                self.assertEqual(self.told(place for place in places if allowed is not None and place[1] not in allowed), "")
                self.assertRegex(Path(f"/proc/{pid}/status").read_text(), r"\nVmSwap:\s+0 kB\n")
                self.assertEqual([str(mapping) for mapping in process_memory.mappings(pid) if mapping.secret() and not mapping.closed()], [])
            held[process.name] = {name for _, name, _ in places}
            numbers = private_numbers(pid, leaf)
            with self.subTest(process.name, key="leaf"):
                self.assertEqual([str(mapping) for mapping in numbers if not mapping.closed()], [])
                self.assertEqual(bool(numbers), process.name == "gims-tlsd")
            with self.subTest(process.name, memory="secret" if self.secret_memory else "locked"):
                there = any(mapping.secret() for mapping in process_memory.mappings(pid))
                self.assertEqual(there, self.secret_memory)
        # What the search finds where it can: else it would show nothing.
        self.assertEqual("root" in held["gims-keyd"], not self.secret_memory)
        self.assertEqual(GIMSD_KEYS <= held["gimsd"], not self.secret_memory)
        self.assert_disk_is_clean(keys)

    def assert_disk_is_clean(self, keys):
        # The PIN lies in a file of its own, and in no other (pkcs11_test.py).
        kept = {name: key for name, key in keys.items() if name != "PIN"}
        findings, count, _ = search.search({"keys": kept}, [*self.disk(), *self.site.unnamed_files()])
        self.assertEqual(findings, [])
        self.assertGreater(count, 5)

    def disk(self):
        """All but what the TPM keeps: what its own chip would hold."""
        return [path for path in self.site.written() if path != self.site.folder / "tpm"]

    def test_they_are_wiped_at_the_stop(self):
        self.use()
        keys, leaf = all_keys(self.site), self.leaf()
        wanted = needles(keys)
        for process in reversed(self.daemons()):
            pid = process.child.pid
            process_memory.stopped_at_end(pid)
            try:
                with self.subTest(process.name):
                    self.assertEqual(self.told(found_in(pid, wanted)), "")
                    self.assertEqual([str(mapping) for mapping in private_numbers(pid, leaf)], [])
                    self.assertEqual([str(mapping) for mapping in process_memory.mappings(pid) if mapping.secret()], [])
            finally:
                process_memory.let_go(pid)
            self.assertEqual(process.stop(), 0)
        self.site.stop()
        self.assert_disk_is_clean(keys)


class WithoutSecretMemoryTest(SecretsTest):
    """As on a kernel without memfd_secret(2)."""
    secret_memory = False
    started = False

    def setUp(self):
        super().setUp()
        for process in self.daemons():
            process.argv = [sys.executable, "-c", process_memory.WITHOUT_SECRET_MEMORY, *process.argv]
        self.site.start()


class HsmTest(SecretsTest):
    """With the module of an HSM, in a process of its own."""
    site_class = HsmSiteWithCalls

    def daemons(self):
        return self.site.hsm, *super().daemons()


class SearchTest(unittest.TestCase):
    """The search finds what there is: in a process of its own that holds a key."""

    def test_a_key_in_memory_is_found(self):
        key = ec.generate_private_key(ec.SECP256R1())
        number = key.private_numbers().private_value
        for order, prefix in (("little", ""), ("big", "0420")):
            text = prefix + number.to_bytes(32, order).hex()
            code = "import sys, ctypes\nroom = ctypes.create_string_buffer(bytes(4096) + bytes.fromhex(sys.stdin.readline()))\n" \
                   "print('there', flush=True)\nsys.stdin.read()"
            with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
                child.stdin.write(text + "\n")
                child.stdin.flush()
                self.assertEqual(child.stdout.readline(), "there\n")
                with self.subTest(order):
                    wanted = needles({"one": number.to_bytes(32, "big").hex()})
                    places = found_in(child.pid, wanted)
                    self.assertTrue(places)
                    self.assertFalse(any(mapping.closed() for mapping, _, _ in places))
                    self.assertTrue(private_numbers(child.pid, key.public_key()))
                    self.assertEqual(private_numbers(child.pid, ec.generate_private_key(ec.SECP256R1()).public_key()), [])
                child.stdin.close()


class ClosedTest(SiteTest):
    """Nobody makes a core of the daemons, and nobody but root looks into them."""
    site_class = HsmSite

    def daemons(self):
        return self.site.hsm, self.site.keyd, self.site.gimsd, self.site.tlsd

    def look(self, user, pid):
        run = subprocess.run([sys.executable, "-c", LOOK, str(pid)], user=user, group=user if user != "nobody" else "nogroup",
                             extra_groups=[], capture_output=True, text=True, check=True)
        return run.stdout.split("\n")[:2]

    def test_no_debugger_of_another_user_or_of_their_own(self):
        for process in self.daemons():
            # Of a child of its own every user may: the look can succeed.
            self.assertEqual(self.look(process.user, 0)[0], "done")
            for user in (process.user, "nobody"):
                with self.subTest(process.name, user=user):
                    self.assertEqual(self.look(user, process.child.pid), ["Operation not permitted"] * 2)

    def test_their_files_below_proc_are_roots(self):
        """So the kernel shows that they are not dumpable (proc_pid(5))."""
        for process in self.daemons():
            with self.subTest(process.name):
                self.assertEqual(os.stat(f"/proc/{process.child.pid}/mem").st_uid, 0)

    def test_the_limit_on_cores(self):
        for process in self.daemons():
            with self.subTest(process.name):
                self.assertRegex(Path(f"/proc/{process.child.pid}/limits").read_text(), r"Max core file size +0 +0 ")

    def test_no_core_even_where_there_is_no_limit(self):
        self.site.stop()
        self.site.prepare()
        self.site.start_tpm()
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, limits)
        with tempfile.TemporaryDirectory(prefix="gims-core-") as folder:
            os.chmod(folder, 0o777)
            made = {}
            for name, argv in (("sleep", ["/usr/bin/sleep", "600"]), ("gims-keyd", [self.site.program("gims-keyd"), "--config", self.site.etc / "gims-keyd.toml"])):
                child = subprocess.Popen([sys.executable, "-c", process_memory.WITH_CORES, *argv], user="gims-keyd", group="gims-keyd", extra_groups=[], cwd=folder,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                status = Path(f"/proc/{child.pid}/status")
                filters = 2 if name == "gims-keyd" else 1  # the test's, and that of its sandbox
                self.wait_for(name, lambda: re.search(rf"^Name:\t{name}\n(.*\n)*Seccomp_filters:\t{filters}\n", status.read_text()))
                self.assertNotIn("Max core file size        0 ", Path(f"/proc/{child.pid}/limits").read_text())
                os.kill(child.pid, signal.SIGQUIT)
                _, ending = os.waitpid(child.pid, 0)
                child.returncode = -signal.SIGQUIT
                self.assertEqual(os.WTERMSIG(ending), signal.SIGQUIT)
                made[name] = os.WCOREDUMP(ending), [path.name for path in Path(folder).iterdir()]
                for path in Path(folder).iterdir():
                    path.unlink()
            self.assertEqual(made["gims-keyd"], (False, []))
            # Where the machine writes cores into the current folder, the other process has left one.
            if not Path("/proc/sys/kernel/core_pattern").read_text().startswith(("|", "/")):
                self.assertTrue(made["sleep"][0])


if __name__ == "__main__":
    unittest.main()
