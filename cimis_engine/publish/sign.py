"""Signatures: Ed25519 over a file's bytes, beside it as `NAME.sig`, one signature a line in base64.

A file may have several: the manifest's stands before the manifest is replaced and is good for both, so that a reader
never finds one without the other. Keys are PEM files as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`
make them.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from cimis_engine.errors import IntegrityError, UsageError

MAX_SIGNATURES = 1 << 12
"""No signature file is larger; a signature is a line of 88 characters."""
_MAX_KEY = 1 << 14


class KeyFileError(UsageError):
    """`path` does not hold the key it should: `what`."""

    def __init__(self, path: Path, what: str, hint: str) -> None:
        super().__init__(f"key file {path}: {what}", hint=hint)
        self.path, self.what = path, what


class SignatureError(IntegrityError):
    """`path` is not signed, or by another key, or was changed after it was signed."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}", hint="nothing was taken from it; ask its publisher for a signed one")
        self.path, self.what = path, what


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file, without a passphrase. Raises `KeyFileError`."""
    hint = "make one with `openssl genpkey -algorithm ed25519 -out KEYFILE`"
    try:
        key = load_pem_private_key(_pem(path, hint), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(path, "no private key in PEM form without a passphrase", hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(path, "not an Ed25519 key", hint)
    return key


def verifying_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. Raises `KeyFileError`."""
    hint = "the publisher makes it with `openssl pkey -in KEYFILE -pubout`"
    try:
        key = load_pem_public_key(_pem(path, hint))
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(path, "no public key in PEM form", hint) from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(path, "not an Ed25519 key", hint)
    return key


def _pem(path: Path, hint: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY)
    except OSError as error:
        raise KeyFileError(path, error.strerror or str(error), hint) from None


def signature(key: Ed25519PrivateKey, data: bytes) -> bytes:
    """A line of a signature file. Same key and data, same line."""
    return base64.b64encode(key.sign(data)) + b"\n"


def signed(key: Ed25519PublicKey, data: bytes, signatures: bytes | None) -> bool:
    """Whether any line of a signature file is this key's, over these bytes."""
    for line in (signatures or b"").split():
        try:
            key.verify(base64.b64decode(line, validate=True), data)
        except (InvalidSignature, binascii.Error):
            continue
        return True
    return False


def require(key: Ed25519PublicKey, path: Path, data: bytes, signatures: bytes | None) -> None:
    """Raises `SignatureError` unless `signed`; `path` is what the bytes are of."""
    if signatures is None:
        raise SignatureError(path, f"is not signed: there is no {path.name}.sig beside it")
    if not signed(key, data, signatures):
        raise SignatureError(path, "the signature is not by this key, or the file was changed after it was signed")
