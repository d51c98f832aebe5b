"""Signatures: at every moment there is a good one, and nothing else is taken for one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from publish_samples import FS, fill, state, telling
from store_samples import Death, DyingFileSystem, FailingFileSystem

from cimis_engine.publish.publish import SignedTreeError, publish
from cimis_engine.publish.sign import KeyFileError, SignatureError, signing_key, verifying_key
from cimis_engine.publish.tree import open_published, require_signature
from cimis_engine.store.store import Store

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))


def check(tree: Path, key: Ed25519PrivateKey = KEY) -> None:
    current = open_published(tree, FS)
    require_signature(FS, key.public_key(), current.path, current.data)


def test_every_generation_is_signed(tmp_path: Path) -> None:
    store, tree = fill(tmp_path / "D", state(1)), tmp_path / "T"
    assert publish(store, tree, key=KEY).signed
    check(tree)
    before = (tree / "manifest.json.sig").stat().st_mtime_ns
    publish(store, tree, key=KEY)
    assert (tree / "manifest.json.sig").stat().st_mtime_ns == before
    store.replace_all(state(2))
    with pytest.raises(SignedTreeError):
        publish(store, tree)
    assert publish(store, tree, key=KEY).generation == 2
    check(tree)
    check(tree / "manifests" / "1.json")
    with pytest.raises(SignatureError, match="not by this key"):
        check(tree, OTHER)


def test_a_signature_can_come_later_and_change_hands(tmp_path: Path) -> None:
    store, tree = fill(tmp_path / "D", state(1)), tmp_path / "T"
    assert not publish(store, tree).signed
    with pytest.raises(SignatureError, match="not signed"):
        check(tree)
    for key in (KEY, OTHER):
        assert not publish(store, tree, key=key).changed
        check(tree, key)


def test_a_changed_manifest_is_refused(tmp_path: Path) -> None:
    tree = tmp_path / "T"
    publish(fill(tmp_path / "D", state(1)), tree, key=KEY)
    file = tree / "manifest.json"
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(SignatureError):
        check(tree)
    (tree / "manifest.json.sig").write_bytes(b"nonsense\n\xff\xff==\n" * 50)
    with pytest.raises(SignatureError):
        check(tree)


def test_wherever_a_publisher_dies_what_is_in_place_is_signed(tmp_path: Path) -> None:
    root, tree = tmp_path / "D", tmp_path / "T0"
    store = fill(root, state(1))
    publish(store, tree, key=KEY)
    once = {p.relative_to(tree): p.read_bytes() for p in tree.rglob("*") if p.is_file()}
    store.replace_all(state(2))
    store.close()
    tracing = FailingFileSystem()
    publish(Store.open(root, fs=tracing), tree, key=KEY)
    for index in telling(tracing.trace):
        here = tmp_path / str(index)
        for name, data in once.items():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            (here / name).write_bytes(data)
        with pytest.raises(Death):
            publish(Store.open(root, fs=DyingFileSystem(index)), here, key=KEY)
        check(here)


def test_keys_are_those_of_openssl(tmp_path: Path) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    try:
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True)
        subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)], check=True)
    except FileNotFoundError:
        pytest.skip("no openssl here")
    key = signing_key(private)
    verifying_key(public).verify(key.sign(b"x"), b"x")


def test_other_keys_are_refused(tmp_path: Path) -> None:
    elliptic = generate_private_key(SECP256R1())
    pem = {
        "elliptic": elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "public": KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "text": b"hello",
        "half": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())[:60],
        "elliptic-public": elliptic.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }
    for name, data in pem.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(KeyFileError):
            signing_key(tmp_path / name)
        if name != "public":
            with pytest.raises(KeyFileError):
                verifying_key(tmp_path / name)
    for load in (signing_key, verifying_key):
        with pytest.raises(KeyFileError, match="No such file"):
            load(tmp_path / "none")
