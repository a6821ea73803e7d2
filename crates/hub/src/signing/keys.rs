//! Who made a signature: a known key, or one that known certificates vouch for.

use std::time::Duration;

use ring::digest;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime,
};
use webpki::{EndEntityCert, KeyUsage, RawPublicKeyEntity, anchor_from_trusted_cert, ring as algorithms};

use super::{Material, der};
use crate::limits;

/// What the caller trusts.
#[derive(Clone, Debug)]
pub enum Trust {
    /// A public key in PEM: ECDSA on P-256 or P-384, or Ed25519.
    PublicKey(String),
    /// Certificates in PEM that a chain has to lead to.
    Certificates(String),
}

/// For signatures: as the keys go with the hashes (ECDSA with the hash of its own size).
fn for_signatures() -> [&'static dyn SignatureVerificationAlgorithm; 3] {
    [algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA384, algorithms::ED25519]
}

/// Between certificates: what authorities use.
fn for_certificates() -> [&'static dyn SignatureVerificationAlgorithm; 8] {
    [
        algorithms::ECDSA_P256_SHA256,
        algorithms::ECDSA_P256_SHA384,
        algorithms::ECDSA_P384_SHA256,
        algorithms::ECDSA_P384_SHA384,
        algorithms::ED25519,
        algorithms::RSA_PKCS1_2048_8192_SHA256,
        algorithms::RSA_PKCS1_2048_8192_SHA384,
        algorithms::RSA_PKCS1_2048_8192_SHA512,
    ]
}

/// What holds of a signature, in a few words; or what is wrong with it.
pub(super) fn check(material: &Material, trust: &Trust, signed: &[u8], signature: &[u8]) -> Result<String, String> {
    match (material, trust) {
        (Material::Key { hint }, Trust::PublicKey(pem)) => by_key(hint.as_deref(), pem, signed, signature),
        (Material::Chain(chain), Trust::Certificates(pem)) => {
            by_chain(chain, pem, signed, signature)?;
            Ok("signed by a certificate that leads to the given ones".to_owned())
        }
        (Material::Keyless(one), Trust::Certificates(pem)) => {
            by_chain(std::slice::from_ref(one), pem, signed, signature)?;
            Ok("signed by a certificate that leads to the given ones; that the signature stands in the public log, and so was \
                made while its short-lived certificate was valid, cannot be checked without that log"
                .to_owned())
        }
        (Material::Key { .. }, Trust::Certificates(_)) => {
            Err("it was made with a bare key, not a certificate: give its public key (--public-key)".to_owned())
        }
        (Material::Chain(_) | Material::Keyless(_), Trust::PublicKey(_)) => Err(
            "it was made with a certificate, not a bare key: give the authority's certificates (--certificate-chain)"
                .to_owned(),
        ),
    }
}

fn by_key(hint: Option<&str>, pem: &str, signed: &[u8], signature: &[u8]) -> Result<String, String> {
    let key = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| "the given key is not a public key in PEM (-----BEGIN PUBLIC KEY-----)".to_owned())?;
    // The hint is for finding the key, not for trusting it: a wrong one explains a failure, a right one proves nothing.
    let expected = hint.is_none_or(|hint| hint == fingerprint(&key));
    let entity = RawPublicKeyEntity::try_from(&key).map_err(|_| "the given public key is damaged".to_owned())?;
    let verdict = one_of(&|algorithm| entity.verify_signature(algorithm, signed, signature));
    match verdict {
        Ok(()) => Ok(format!("signed with the given key (SHA-256 of it: {})", fingerprint(&key))),
        Err(Refusal::Key) => {
            Err("the given key is of a kind that is not read: ECDSA on P-256 or P-384, or Ed25519".to_owned())
        }
        Err(Refusal::Signature) if expected => {
            Err("the signature is wrong: its text was changed after signing".to_owned())
        }
        Err(Refusal::Signature) => Err("it was made with another key than the given one".to_owned()),
    }
}

enum Refusal {
    /// No algorithm for such a key.
    Key,
    /// The key is fine, the signature is not.
    Signature,
}

fn one_of(verify: &dyn Fn(&dyn SignatureVerificationAlgorithm) -> Result<(), webpki::Error>) -> Result<(), Refusal> {
    let mut refusal = Refusal::Key;
    for algorithm in for_signatures() {
        match verify(algorithm) {
            Ok(()) => return Ok(()),
            Err(webpki::Error::InvalidSignatureForPublicKey) => refusal = Refusal::Signature,
            Err(_) => {}
        }
    }
    Err(refusal)
}

/// SHA-256 of the key's PEM text, as `model-signing` writes hints.
fn fingerprint(key: &SubjectPublicKeyInfoDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(key);
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PUBLIC KEY-----\n");
    let hash = digest::digest(&digest::SHA256, pem.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first certificate made the signature, may sign, and leads to a trusted one. When it was signed is not known, so
/// that is asked for the moment at which the certificate began to be valid, as `model-signing` does.
fn by_chain(chain: &[Vec<u8>], trusted: &str, signed: &[u8], signature: &[u8]) -> Result<(), String> {
    let trusted: Vec<_> = CertificateDer::pem_slice_iter(trusted.as_bytes())
        .take(limits::CERTIFICATES)
        .collect::<Result<_, _>>()
        .map_err(|_| "the given certificates are not PEM (-----BEGIN CERTIFICATE-----)".to_owned())?;
    let anchors: Vec<TrustAnchor<'_>> = trusted.iter().filter_map(|one| anchor_from_trusted_cert(one).ok()).collect();
    if anchors.is_empty() {
        return Err("the given file holds no certificate that can be trusted".to_owned());
    }
    let chain: Vec<_> = chain.iter().map(|one| CertificateDer::from(one.as_slice())).collect();
    let Some((own, between)) = chain.split_first() else { return Err("it has no certificate".to_owned()) };
    let fields = der::fields(own).ok_or("the signer's certificate is damaged")?;
    if !fields.may_sign && !fields.signs_code {
        return Err("the signer's certificate is not for signing".to_owned());
    }
    let entity = EndEntityCert::try_from(own).map_err(|_| "the signer's certificate is damaged")?;
    let when = UnixTime::since_unix_epoch(Duration::from_secs(fields.not_before));
    // A certificate for web servers does not vouch for models.
    let purpose = KeyUsage::required_if_present(der::CODE_SIGNING);
    entity
        .verify_for_usage(&for_certificates(), &anchors, between, when, purpose, None, None)
        .map_err(|problem| format!("the signer's certificate does not lead to a given one: {problem}"))?;
    one_of(&|algorithm| entity.verify_signature(algorithm, signed, signature)).map_err(|refusal| match refusal {
        Refusal::Key => {
            "the signer's key is of a kind that is not read: ECDSA on P-256 or P-384, or Ed25519".to_owned()
        }
        Refusal::Signature => "the signature is wrong: its text was changed after signing".to_owned(),
    })
}
