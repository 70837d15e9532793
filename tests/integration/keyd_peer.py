"""A peer of gims-keyd that writes its frames by hand (docs/protocol-keyd.md), as any user; and of its software TPM."""

import contextlib
import os
import pwd
import socket
import struct

OPERATIONS = {"status": 1, "provision": 2, "unlock": 3, "zeroize": 4, "site_root": 5, "sign_leaf": 6, "data_keys": 7, "server_key": 8,
              "sign_events": 9, "extend_audit": 10, "audit_head": 11}
REQUEST, REPLY, REFUSAL = 1, 2, 3
FRAME, VERSION, PEER, STATE, BAD_REQUEST, AUDIT = range(1, 7)  # why it refuses
HEADER = struct.Struct(">2sBBHHII")


def frame(operation, body=b"", number=1):
    return HEADER.pack(b"GK", 1, REQUEST, OPERATIONS[operation], 0, number, len(body)) + body


def field(data):
    return struct.pack(">I", len(data)) + data


class Peer:
    """One connection. With user, it is that one's: gims-keyd asks the kernel who connected."""

    def __init__(self, path, user="root"):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        os.seteuid(pwd.getpwnam(user).pw_uid)
        try:
            self.socket.connect(str(path))
        finally:
            os.seteuid(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        """(kind, body) of the answer; (REFUSAL, code) where it refuses; (None, b"") where it hangs up."""
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
        return (kind, struct.unpack_from(">H", body)[0]) if kind == REFUSAL else (kind, body)

    def ask(self, operation, body=b""):
        return self.send(frame(operation, body))


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
