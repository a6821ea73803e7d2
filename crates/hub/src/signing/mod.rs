//! Signatures of models as the OpenSSF model-signing specification makes them: `model.sig` beside the files.
//!
//! The file is a Sigstore bundle (JSON, version 0.3) around a DSSE envelope around an in-toto statement that lists the
//! model's files with their hashes. Three things are told apart, and none is taken for another:
//!
//! 1. the *statement* is well-formed and its list hashes to its own subject ([`Signed::read`]),
//! 2. the *signature* over it was made with a key that the caller trusts ([`Signed::check`]),
//! 3. the *files* hash to what the list says (the caller compares, `verify.rs`).
//!
//! Keyless signatures (Fulcio, Rekor) need certificates and a log that lie outside this machine: see [`Trust`].
//!
//! Formats: <https://github.com/sigstore/model-transparency>, <https://github.com/secure-systems-lab/dsse> (v1),
//! <https://docs.sigstore.dev/about/bundle/>.

mod der;
mod keys;
mod statement;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

pub use keys::Trust;
pub use statement::{Digest, Resource, Shard, Statement};

use crate::places::read_regular;
use crate::{Error, limits};

const MEDIA_TYPES: [&str; 2] =
    ["application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3"];
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signature file whose form is sound. Nothing in it is to be trusted before [`Signed::check`].
#[derive(Debug)]
pub struct Signed {
    file: PathBuf,
    material: Material,
    signature: Vec<u8>,
    payload: Vec<u8>,
    statement: Statement,
}

/// With what a signature says it can be checked.
#[derive(Debug)]
enum Material {
    /// A key that both sides know. Where the file says so, the SHA-256 of its PEM form.
    Key { hint: Option<String> },
    /// Certificates in DER, that of the signer first.
    Chain(Vec<Vec<u8>>),
    /// One short-lived certificate, and entries of a log.
    Keyless(Vec<u8>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    verification_material: RawMaterial,
    dsse_envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMaterial {
    public_key: Option<Hint>,
    x509_certificate_chain: Option<Chain>,
    certificate: Option<Certificate>,
}

#[derive(Deserialize)]
struct Hint {
    hint: Option<String>,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<Certificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    raw_bytes: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<RawSignature>,
}

#[derive(Deserialize)]
struct RawSignature {
    sig: String,
}

impl Signed {
    /// Reads a signature file: its form, and that its list of files hashes to what it calls the model's digest.
    ///
    /// # Errors
    /// It cannot be read, or is not a model signature of version 1.0.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let fault = |problem: String| Error::signature(path, problem);
        let text = read_regular(path, limits::SIGNATURE_BYTES).map_err(|cause| Error::io(path, cause))?;
        let bundle: Bundle =
            serde_json::from_str(&text).map_err(|problem| fault(format!("not a Sigstore bundle: {problem}")))?;
        if !MEDIA_TYPES.contains(&bundle.media_type.as_str()) {
            return Err(fault(format!("media type {:.100?} is not that of version 0.3", bundle.media_type)));
        }
        let Envelope { payload, payload_type, signatures } = bundle.dsse_envelope;
        if payload_type != PAYLOAD_TYPE {
            return Err(fault(format!("payload type {payload_type:.100?}, where {PAYLOAD_TYPE} is needed")));
        }
        let [RawSignature { sig }] = signatures.as_slice() else {
            return Err(fault(format!("{} signatures, where one is needed", signatures.len())));
        };
        let payload = decode(&payload).ok_or_else(|| fault("its payload is not base64".to_owned()))?;
        let signature = decode(sig).ok_or_else(|| fault("its signature is not base64".to_owned()))?;
        let material = material(bundle.verification_material).map_err(|problem| fault(problem.to_owned()))?;
        let statement = Statement::parse(&payload).map_err(fault)?;
        Ok(Self { file: path.to_owned(), material, signature, payload, statement })
    }

    /// What it says of the model. Who says so is another question: [`Signed::check`].
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// How it wants to be checked: `a public key`, `a certificate chain`, `Sigstore's keyless signing`.
    pub fn method(&self) -> &'static str {
        match &self.material {
            Material::Key { .. } => "a public key",
            Material::Chain(_) => "a certificate chain",
            Material::Keyless(_) => "Sigstore's keyless signing",
        }
    }

    /// What has to be given to check it.
    pub fn needs(&self) -> &'static str {
        match &self.material {
            Material::Key { .. } => "the public key (--public-key)",
            Material::Chain(_) => "the authority's certificates (--certificate-chain)",
            Material::Keyless(_) => {
                "the certificates of Sigstore's authority (--certificate-chain; its public log cannot be asked offline)"
            }
        }
    }

    /// Whether it was made with what the caller trusts. `Ok` says in a few words what exactly holds.
    ///
    /// # Errors
    /// The signature is not of this key, the chain does not lead to a trusted certificate, or one of another kind is needed.
    pub fn check(&self, trust: &Trust) -> Result<String, Error> {
        keys::check(&self.material, trust, &self.signed_bytes(), &self.signature)
            .map_err(|problem| Error::signature(&self.file, problem))
    }

    /// DSSE's pre-authentication encoding.
    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), self.payload.len()).into_bytes();
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

fn material(raw: RawMaterial) -> Result<Material, &'static str> {
    match (raw.public_key, raw.x509_certificate_chain, raw.certificate) {
        (Some(Hint { hint }), None, None) => Ok(Material::Key { hint: hint.filter(|hint| !hint.is_empty()) }),
        (None, Some(chain), None) => {
            if chain.certificates.is_empty() || chain.certificates.len() > limits::CERTIFICATES {
                return Err("its certificate chain is empty or too long");
            }
            let chain: Option<Vec<_>> = chain.certificates.iter().map(|one| decode(&one.raw_bytes)).collect();
            chain.map(Material::Chain).ok_or("a certificate is not base64")
        }
        (None, None, Some(one)) => decode(&one.raw_bytes).map(Material::Keyless).ok_or("its certificate is not base64"),
        (None, None, None) => Err("it names neither a key nor a certificate"),
        _ => Err("it names a key and a certificate: one of them is needed"),
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
