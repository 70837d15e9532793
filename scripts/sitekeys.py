"""The keys of a development site, from its root key, its recovery secret and custody.bin, so that a search knows what to look for
(docs/protocol-keyd.md)."""

import ctypes
import hashlib
import itertools
import struct

# gims-keyd derives each of its keys from the root key by libsodium's crypto_kdf with this context and
# these numbers.
KDF_CONTEXT = b"gimskeyd"
DERIVED_KEYS = {"data": 1, "media": 2, "token hash": 3, "audit": 4, "backup": 5, "pepper": 6, "custody file": 7,
                "wrapping": 8, "state file": 9, "hardware": 10, "acts file": 11, "relay": 13, "Wi-Fi": 14,
                "combined blob": 32, "attended blob": 33}
VOLUME_KEY = 12  # 64 bytes
# What custody.bin holds wrapped under the wrapping key: its name here, and what it is bound to.
SERVER_SEED, SERVER_SEED_LABEL = "server signing seed", b"gims server signing seed 1"
NONCE, TAG = 24, 16
# The recovery file's keys follow from the recovery secret. What is sealed to them stands at its end: root key, site
# root's private key, server's seed, and a hash.
RECOVERY_CONTEXT = b"gimsrcvr"
RECOVERY_PAIR, RECOVERY_HASH = 1, 2
SEALED, SEAL = 4 * 32, 48


def derived_keys(root_key):
    """Every key that hangs from the root key by its name, in hex, the root key too. The TPM's passwords, which follow from
    the hardware's key, are in the TPM itself."""
    volume = subkey(root_key, VOLUME_KEY, KDF_CONTEXT, size=64)
    of_the_volume = {"volume": volume[:64], "volume's second half": volume[64:]}
    return {"root": root_key.hex()} | of_the_volume | {name: subkey(root_key, number, KDF_CONTEXT) for name, number in DERIVED_KEYS.items()}


def subkey(key, number, context, size=32):
    """crypto_kdf is BLAKE2b of nothing, keyed, with the number as salt and the context as personalisation."""
    return hashlib.blake2b(b"", digest_size=size, key=key, salt=number.to_bytes(16, "little"), person=context.ljust(16, b"\0")).hexdigest()


def wrapped_keys(root_key, recovery_secret, custody):
    """The private keys that the bytes of custody.bin hold, and those that open them, by their names, in hex. Raises
    ValueError when one does not open."""
    wrapping = bytes.fromhex(derived_keys(root_key)["wrapping"])
    # GIMSCUST, version, number, time; then vault's kind and part, the site, the wrapped seed, two certificates, the
    # list of revoked ones, the recovery file; and what the search has no need of.
    fields = list(itertools.islice(variable_fields(custody[26:-32]), 8))
    seed = unwrap(wrapping, SERVER_SEED_LABEL, fields[3])
    recovery = recovery_keys(recovery_secret)
    plain = unseal(bytes.fromhex(recovery["recovery file's private key"]), fields[7][-(SEALED + SEAL):])
    if plain[:32] != root_key or plain[64:96] != seed:
        raise ValueError("the recovery file is not of this site")
    return recovery | {SERVER_SEED: seed.hex(), "site root's private key": plain[32:64].hex()}


def recovery_keys(recovery_secret):
    """What follows from the recovery secret, and that itself."""
    seed = subkey(recovery_secret, RECOVERY_PAIR, RECOVERY_CONTEXT)
    return {"recovery secret": recovery_secret.hex(), "recovery file's seed": seed,
            "recovery file's hash": subkey(recovery_secret, RECOVERY_HASH, RECOVERY_CONTEXT),
            # As crypto_box_seed_keypair makes it.
            "recovery file's private key": hashlib.sha512(bytes.fromhex(seed)).digest()[:32].hex()}


def variable_fields(data):
    """Each is a length of 32 bits and so many bytes."""
    while data:
        size, = struct.unpack_from(">I", data)
        yield data[4:4 + size]
        data = data[4 + size:]


def libsodium():
    """That which gims-keyd has, too."""
    sodium = ctypes.CDLL("libsodium.so.23")
    if sodium.sodium_init() < 0:
        raise ValueError("libsodium does not start")
    return sodium


def unwrap(key, label, wrapped):
    """XChaCha20-Poly1305 with the nonce in front."""
    if len(wrapped) <= NONCE + TAG:
        raise ValueError("custody.bin is not as it was known here")
    secret = ctypes.create_string_buffer(len(wrapped) - NONCE - TAG)
    size = ctypes.c_ulonglong
    if libsodium().crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret, None, None, wrapped[NONCE:], size(len(wrapped) - NONCE), label, size(len(label)), wrapped[:NONCE], key):
        raise ValueError("a key in custody.bin does not open with the site's root key")
    return secret.raw


def unseal(private_key, sealed):
    """What crypto_box_seal sealed."""
    sodium = libsodium()
    public_key = ctypes.create_string_buffer(32)
    sodium.crypto_scalarmult_base(public_key, private_key)
    plain = ctypes.create_string_buffer(max(len(sealed) - SEAL, 0))
    if sodium.crypto_box_seal_open(plain, sealed, ctypes.c_ulonglong(len(sealed)), public_key.raw, private_key):
        raise ValueError("the recovery file does not open with the site's recovery secret")
    return plain.raw
