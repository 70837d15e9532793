"""The keys of a development site, from its root key and custody.bin, so that a search knows what to look for
(docs/protocol-keyd.md)."""

import ctypes
import hashlib
import struct

# gims-keyd derives each of its keys from the root key by libsodium's crypto_kdf with this context and
# these numbers.
KDF_CONTEXT = b"gimskeyd"
DERIVED_KEYS = {"data": 1, "media": 2, "token hash": 3, "audit": 4, "backup": 5, "pepper": 6, "custody file": 7,
                "wrapping": 8, "audit file": 9, "hardware": 10, "combined blob": 32}
# What custody.bin holds wrapped under the wrapping key: its name here, and what it is bound to.
WRAPPED_KEYS = {"server signing seed": b"gims server signing seed 1", "site root's private key": b"gims site root key 1"}
NONCE, TAG = 24, 16


def derived_keys(root_key):
    """Every key that hangs from the root key by its name, in hex, the root key too. The TPM's passwords, which follow from
    the hardware's key, are in the TPM itself."""
    keys = {"root": root_key.hex()}
    for name, number in DERIVED_KEYS.items():
        # crypto_kdf is BLAKE2b of nothing, keyed, with the number as salt and the context as personalisation.
        keys[name] = hashlib.blake2b(b"", digest_size=32, key=root_key, salt=number.to_bytes(16, "little"),
                                     person=KDF_CONTEXT.ljust(16, b"\0")).hexdigest()
    return keys


def wrapped_keys(root_key, custody):
    """The private keys that the bytes of custody.bin hold, by their names, in hex. Raises ValueError when one does
    not open."""
    wrapping = bytes.fromhex(derived_keys(root_key)["wrapping"])
    # GIMSCUST, version, time; then vault's kind and part, the site, the two wrapped keys, two certificates; a MAC.
    fields = list(variable_fields(custody[18:-32]))
    return {name: unwrap(wrapping, label, field).hex() for (name, label), field in zip(WRAPPED_KEYS.items(), fields[3:5], strict=True)}


def variable_fields(data):
    """Each is a length of 32 bits and so many bytes."""
    while data:
        size, = struct.unpack_from(">I", data)
        yield data[4:4 + size]
        data = data[4 + size:]


def unwrap(key, label, wrapped):
    """XChaCha20-Poly1305 with the nonce in front, by the libsodium that gims-keyd has, too."""
    sodium = ctypes.CDLL("libsodium.so.23")
    if len(wrapped) <= NONCE + TAG or sodium.sodium_init() < 0:
        raise ValueError("custody.bin is not as it was known here")
    secret = ctypes.create_string_buffer(len(wrapped) - NONCE - TAG)
    size = ctypes.c_ulonglong
    if sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret, None, None, wrapped[NONCE:], size(len(wrapped) - NONCE), label, size(len(label)), wrapped[:NONCE], key):
        raise ValueError("a key in custody.bin does not open with the site's root key")
    return secret.raw
