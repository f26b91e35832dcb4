"""Keys that never enter the database: one seals secrets at rest, one signs what the platform says.

Both are made at the first use in KEYS_DIR (mode 0600). Losing the sealing key before a draw means the sealed number
cannot be opened; back the folder up apart from the database.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from django.conf import settings

NONCE_BYTES = 12


class Damaged(Exception):
    """A sealed value does not open: another key, or changed bytes."""


@cache
def _key(directory: Path, name: str) -> bytes:
    """32 random bytes kept in a file; made with O_EXCL so that two processes starting together agree on one key."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / name
    # A name of its own: a second thread must not write into the file that the first has linked already.
    staged = directory / f".{name}.{secrets.token_hex(8)}"
    if not path.exists():
        with open(os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(staged, path)
        except FileExistsError:
            pass
        finally:
            staged.unlink()
    return path.read_bytes()


def seal(secret: bytes, *, purpose: str) -> bytes:
    """Encrypt for storage. `purpose` is bound to the result: a value sealed for one use does not open for another."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(_key(settings.KEYS_DIR, "vault.key")).encrypt(nonce, secret, purpose.encode())


def unseal(sealed: bytes, *, purpose: str) -> bytes:
    """The bytes given to `seal`. Raises Damaged."""
    data = bytes(sealed)
    try:
        return ChaCha20Poly1305(_key(settings.KEYS_DIR, "vault.key")).decrypt(
            data[:NONCE_BYTES], data[NONCE_BYTES:], purpose.encode()
        )
    except (InvalidTag, ValueError) as error:
        raise Damaged(purpose) from error


def keyed_digest(text: str, *, purpose: str) -> str:
    """64 hex digits that find the same text again without keeping it: HMAC under the vault's key, so that nobody can
    try out all numbers of identity cards on a stolen database."""
    key = _key(settings.KEYS_DIR, "vault.key")
    return hmac.new(key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def log_key() -> Ed25519PrivateKey:
    """The platform's signing key: receipts, its line in the pot, attested heads."""
    return Ed25519PrivateKey.from_private_bytes(_key(settings.KEYS_DIR, "log.ed25519"))


def log_public_key() -> str:
    """64 hex digits; published so that verifiers can pin it."""
    return log_key().public_key().public_bytes_raw().hex()


def sign(message: bytes) -> str:
    """Ed25519 signature by the platform, 128 hex digits."""
    return log_key().sign(message).hex()


def new_party_key(*, purpose: str) -> tuple[str, bytes]:
    """(public key as hex, sealed private key) of an Ed25519 key kept for an organisation."""
    key = Ed25519PrivateKey.generate()
    return key.public_key().public_bytes_raw().hex(), seal(key.private_bytes_raw(), purpose=purpose)


def party_key(sealed: bytes, *, purpose: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(unseal(sealed, purpose=purpose))
