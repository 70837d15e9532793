"""A peer of gims-keyd or gims-pkcs11d that writes its frames by hand (docs/protocol-keyd.md), as any user; and of the software TPM."""

import contextlib
import os
import pwd
import socket
import struct

OPERATIONS = {"status": 1, "ceremony_begin": 2, "unlock": 3, "zeroize": 4, "site_root": 5, "sign_leaf": 6, "data_keys": 7, "server_key": 8,
              "sign_events": 9, "extend_audit": 10, "audit_head": 11,
              "mark_store": 12, "ceremony_give": 13, "ceremony_share": 14, "ceremony_confirm": 15, "ceremony_finish": 16,
              "ceremony_abort": 17, "recovery_file": 18, "crl": 19, "attest": 20, "activate": 21, "certify_audit": 22, "event_log": 23,
              "propose": 25, "approve": 26, "proposals": 27, "withdraw": 28, "administrators": 29,
              "certify_device": 30, "revoke_device": 31, "redeem": 32, "acts": 33,
              "persons": 40, "unlock_with": 41, "add_person": 42, "volume_key": 43, "raise_release": 44,
              "relay_secret": 50, "wifi_passphrase": 51, "certify_service": 52, "issuing_cas": 53, "vault_probe": 0x102}
REQUEST, REPLY, REFUSAL = 1, 2, 3
FRAME, VERSION, PEER, STATE, BAD_REQUEST, AUDIT = range(1, 7)  # codes of a refusal
APPROVAL = 16
HEADER = struct.Struct(">2sBBHHII")


def frame(operation, body=b"", number=1):
    return HEADER.pack(b"GK", 1, REQUEST, OPERATIONS[operation], 0, number, len(body)) + body


def field(data):
    return struct.pack(">I", len(data)) + data


class Refused(str):
    """The text of a refusal, which has a code."""
    code = None


class Peer:
    """One connection. With user, which only root may give, it is that one's: the other end asks the kernel who
    connected."""

    def __init__(self, path, user=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(120)
        own = os.geteuid()
        os.seteuid(pwd.getpwnam(user).pw_uid if user else own)
        try:
            self.socket.connect(str(path))
        finally:
            os.seteuid(own)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        """(kind, body) of the answer; (REFUSAL, Refused) where it refuses; (None, b"") where it hangs up."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.send(message)
        answer = b""
        for _ in range(2):  # a reset is told once, before what gims-keyd said as it hung up
            with contextlib.suppress(ConnectionResetError):
                answer = self.socket.recv(1 << 18)
                break
        if not answer:
            return None, b""
        kind, body = answer[3], answer[HEADER.size:]
        if kind != REFUSAL:
            return kind, body
        text = Refused(body[6:].decode())  # behind the code and its own length
        text.code, = struct.unpack_from(">H", body)
        return kind, text

    def ask(self, operation, body=b"", number=1):
        return self.send(frame(operation, body, number))


def leaf_request(public_key):
    """The body of sign_leaf for an hour; the key in DER."""
    return field(public_key) + struct.pack(">I", 3600)


def tpm_command(path, command):
    """What a software TPM answers to the bytes of one command (TPM 2.0 library part 3), behind its header."""
    with socket.socket(socket.AF_UNIX) as tpm:
        tpm.connect(str(path))
        tpm.sendall(command)
        answer = tpm.recv(4096)
    code, = struct.unpack_from(">I", answer, 6)
    if code:
        raise RuntimeError(f"the TPM refused with {code:#x}")
    return answer[10:]


def left_in_tpm(path):
    """How many transient objects and sessions it holds: TPM2_GetCapability of TPM_CAP_HANDLES."""
    count = 0
    for kind in (0x80, 0x02, 0x03):
        answer = tpm_command(path, struct.pack(">HIIIII", 0x8001, 22, 0x17A, 1, kind << 24, 64))
        count += struct.unpack_from(">I", answer, 5)[0]
    return count


def nv_read(path, index, size):
    """The contents of an index that needs no password: TPM2_NV_Read."""
    empty_password = struct.pack(">IHBH", 0x40000009, 0, 0, 0)
    answer = tpm_command(path, struct.pack(">HIIIII", 0x8002, 14 + 8 + 4 + len(empty_password), 0x14E, index, index, len(empty_password))
                         + empty_password + struct.pack(">HH", size, 0))
    length, = struct.unpack_from(">H", answer, 4)
    return answer[6:6 + length]
