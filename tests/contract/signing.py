"""Signing JSON (Matrix: appendices, "Signing JSON")."""

import base64
import json


def canonical(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def sign(value, user_id, key):
    """A copy of the object with a signature of the Ed25519 key, named by its public part."""
    unsigned = {name: item for name, item in value.items() if name not in ("signatures", "unsigned")}
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    signature = base64.b64encode(key.sign(canonical(unsigned))).decode().rstrip("=")
    return {**value, "signatures": {user_id: {f"ed25519:{public}": signature}}}
