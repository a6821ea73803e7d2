"""Signatures of a small folder by the reference implementation of OpenSSF model signing.

    python -m venv venv && venv/bin/pip install model-signing pyopenssl
    venv/bin/python vectors/hub/make.py

Writes `vectors/hub/signed/`: a folder that has the form of a model, and signatures of it by PyPI `model-signing`, with
the public halves of the keys. Private keys are made up, used once and thrown away, and ECDSA draws a random number for each
signature: every run writes other bytes that mean the same. `expected.json` lists what each is, with the reference's verdict.
"""

import base64
import datetime
import json
import pathlib
import shutil
import tempfile

import model_signing
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OUT = pathlib.Path(__file__).parent / "signed"
MODEL = OUT / "model"
START = datetime.datetime(2024, 1, 1)
END = datetime.datetime(2034, 1, 1)
PEM = serialization.Encoding.PEM


def public_pem(key):
    return key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_file(folder, key):
    path = folder / "key.pem"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(PEM, form, serialization.NoEncryption()))
    return path


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, authority, purposes=(), sign=True):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=sign and not authority,
                content_commitment=False,
                key_encipherment=not sign,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=authority,
                crl_sign=authority,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def hashing(method="files", **arguments):
    config = model_signing.hashing.Config()
    config = config.use_file_serialization(**arguments) if method == "files" else config.use_shard_serialization(**arguments)
    return config.set_ignored_paths(paths=["model.sig"], ignore_git_paths=True)


def sign_with_key(path, key, target, config=None):
    with tempfile.TemporaryDirectory() as folder:
        signer = model_signing.signing.Config().use_elliptic_key_signer(
            private_key=private_file(pathlib.Path(folder), key)
        )
        signer.set_hashing_config(config or hashing(hashing_algorithm="sha256")).sign(target, path)


def sign_with_chain(path, key, own, chain, target):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "own.pem").write_bytes(own.public_bytes(PEM))
        files = []
        for index, one in enumerate(chain):
            files.append(folder / f"{index}.pem")
            files[-1].write_bytes(one.public_bytes(PEM))
        signer = model_signing.signing.Config().use_certificate_signer(
            private_key=private_file(folder, key), signing_certificate=folder / "own.pem", certificate_chain=files
        )
        signer.set_hashing_config(hashing(hashing_algorithm="sha256")).sign(target, path)


def pae(payload):
    kind = b"application/vnd.in-toto+json"
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def resign_ed25519(source, path, key):
    """The reference signs with ECDSA only; the envelope allows Ed25519."""
    bundle = json.loads(source.read_text())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
    bundle["dsseEnvelope"]["signatures"] = [{"sig": base64.b64encode(key.sign(pae(payload))).decode(), "keyid": ""}]
    bundle["verificationMaterial"] = {"publicKey": {"hint": ""}, "tlogEntries": []}
    path.write_text(json.dumps(bundle))


def as_keyless(source, path):
    """The form of a keyless signature: one certificate, entries of a log. What is in the log is made up."""
    bundle = json.loads(source.read_text())
    chain = bundle["verificationMaterial"].pop("x509CertificateChain")
    bundle["verificationMaterial"]["certificate"] = chain["certificates"][0]
    bundle["verificationMaterial"]["tlogEntries"] = [{"logIndex": "1", "logId": {"keyId": "AAAA"}}]
    path.write_text(json.dumps(bundle))


def verdict(path, target, key=None, chain=None):
    verifier = model_signing.verifying.Config()
    if key:
        verifier = verifier.use_elliptic_key_verifier(public_key=key)
    else:
        verifier = verifier.use_certificate_verifier(certificate_chain=[chain])
    try:
        verifier.verify(target, path)
        return "good"
    except Exception as error:  # noqa: BLE001: whatever the reference raises is its verdict
        return f"bad: {type(error).__name__}"


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    MODEL.mkdir(parents=True)
    (MODEL / "config.json").write_text('{"architectures": ["MistralForCausalLM"]}\n')
    (MODEL / "model.safetensors").write_bytes(bytes(range(256)) * 20)
    (MODEL / "notes").mkdir()
    (MODEL / "notes" / "card.txt").write_text("not loaded, but signed\n")
    p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    ed = ed25519.Ed25519PrivateKey.generate()
    for label, key in [("p256", p256), ("p384", p384), ("ed25519", ed)]:
        (OUT / f"{label}.pub.pem").write_bytes(public_pem(key))
    (OUT / "stranger.pub.pem").write_bytes(public_pem(ec.generate_private_key(ec.SECP256R1())))

    root, between, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root_certificate = certificate("Tramontane test root", root, "Tramontane test root", root, True)
    between_certificate = certificate("Tramontane test authority", between, "Tramontane test root", root, True)
    code, web = ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH
    authority = "Tramontane test authority"
    leaves = {
        "chain": certificate("signer", own, authority, between, False, [code]),
        "chain-plain": certificate("signer", own, authority, between, False),
        "chain-web": certificate("signer", own, authority, between, False, [web]),
        "chain-no-signing": certificate("signer", own, authority, between, False, sign=False),
    }
    (OUT / "root.pem").write_bytes(root_certificate.public_bytes(PEM))
    other = ec.generate_private_key(ec.SECP256R1())
    other_root = certificate("Another root", other, "Another root", other, True)
    (OUT / "other-root.pem").write_bytes(other_root.public_bytes(PEM))

    sign_with_key(OUT / "p256.sig", p256, MODEL)
    sign_with_key(OUT / "p384.sig", p384, MODEL)
    sign_with_key(OUT / "shards.sig", p256, MODEL, hashing("shards", hashing_algorithm="sha256", shard_size=1000))
    sign_with_key(OUT / "blake3.sig", p256, MODEL, hashing(hashing_algorithm="blake3"))
    sign_with_key(OUT / "file.sig", p256, MODEL / "model.safetensors")
    resign_ed25519(OUT / "p256.sig", OUT / "ed25519.sig", ed)
    for label, leaf in leaves.items():
        sign_with_chain(OUT / f"{label}.sig", own, leaf, [between_certificate], MODEL)
    sign_with_chain(OUT / "chain-short.sig", own, leaves["chain"], [other_root], MODEL)
    direct = certificate("signer", own, "Tramontane test root", root, False, [code])
    sign_with_chain(OUT / "direct.sig", own, direct, [root_certificate], MODEL)
    as_keyless(OUT / "direct.sig", OUT / "keyless.sig")

    rows = []
    for label in ["p256", "p384", "shards", "blake3"]:
        key = OUT / ("p384.pub.pem" if label == "p384" else "p256.pub.pem")
        rows.append({"file": f"{label}.sig", "key": key.name, "reference": verdict(OUT / f"{label}.sig", MODEL, key=key)})
        rows.append(
            {
                "file": f"{label}.sig",
                "key": "stranger.pub.pem",
                "reference": verdict(OUT / f"{label}.sig", MODEL, key=OUT / "stranger.pub.pem"),
            }
        )
    for label in [*leaves, "chain-short", "direct"]:
        for trusted in ["root.pem", "other-root.pem"]:
            path = OUT / f"{label}.sig"
            rows.append({"file": path.name, "chain": trusted, "reference": verdict(path, MODEL, chain=OUT / trusted)})
    (OUT / "expected.json").write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
