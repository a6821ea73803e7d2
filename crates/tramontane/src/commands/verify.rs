//! `verify`: is a model what it was, byte for byte, and by whom it claims to be?

use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use hub::{FileVerdict, Found, Signature, Trust, Verdict, Verification};
use serde_json::{Value, json};

use crate::progress::Bytes;
use crate::settings::Settings;
use crate::terminal::{bold, for_stdout};
use crate::{commands, machine, store};

/// The most that is read of a key or of certificates.
const PEM_BYTES: u64 = 1 << 20;

/// Hash a model again, and check its signature
///
/// Compares with everything that is written of the files: the manifest that `pull` wrote, the hub's hashes in the Hugging
/// Face cache, Ollama's manifest, and an OpenSSF model signature (model.sig) where one is there.
///
/// The key or the certificates say whom you trust. Without them a signature is compared with the files, but anybody may
/// have made it. Signatures made without keys (Sigstore) also stand in a public log, which is not asked: verify opens no
/// connection.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane verify ministral-3:3b
  tramontane verify ./model --public-key publisher.pem --json")]
pub(crate) struct Args {
    /// A name that `list` shows, a .gguf file or a folder
    model: String,
    /// The signer's public key in PEM: ECDSA on P-256 or P-384, or Ed25519
    #[arg(long, value_name = "FILE", conflicts_with = "certificate_chain")]
    public_key: Option<PathBuf>,
    /// Certificates in PEM that the signer's certificate has to lead to
    #[arg(long, value_name = "FILE")]
    certificate_chain: Option<PathBuf>,
    /// The signature [default: model.sig in the model's folder, or FILE.sig]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// # Errors
/// Something is not what it should be.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let model = store::find(&args.model, settings)?;
    let trust = match (&args.public_key, &args.certificate_chain) {
        (Some(key), _) => Some(Trust::PublicKey(read_pem(key)?)),
        (None, Some(chain)) => Some(Trust::Certificates(read_pem(chain)?)),
        (None, None) => None,
    };
    let progress = Bytes::new("hashing", hub::bytes_to_verify(&model))?;
    let verified = hub::verify(&model, trust.as_ref(), args.signature.as_deref(), &|bytes| progress.add(bytes));
    drop(progress);
    let verified = verified.map_err(store::stopped)?;
    if args.json {
        commands::print_json(&as_json(&model, &verified))?
    } else {
        print(&model, &verified)?
    }
    if !verified.is_good() {
        bail!("{} is not what it should be", model.name);
    }
    Ok(())
}

fn read_pem(path: &Path) -> anyhow::Result<String> {
    let name = || path.display().to_string();
    let data = fs::metadata(path).with_context(name)?;
    if !data.is_file() || data.len() > PEM_BYTES {
        bail!("{} is no file of keys or certificates: PEM is expected", name());
    }
    fs::read_to_string(path).with_context(name)
}

fn as_json(model: &Found, verified: &Verification) -> Value {
    let (signature, file, told) = match &verified.signature {
        Signature::None => ("none", None, None),
        Signature::Unchecked { file, problem } => ("unchecked", Some(file), Some(problem)),
        Signature::Good { file, what } => ("good", Some(file), Some(what)),
        Signature::Bad { file, problem } => ("bad", Some(file), Some(problem)),
    };
    json!({
        "name": model.name,
        "place": model.place.to_string(),
        "path": model.path,
        "good": verified.is_good(),
        "files": verified.files.iter().map(file_json).collect::<Vec<_>>(),
        "signature": { "verdict": signature, "file": file, "told": told },
    })
}

fn file_json(file: &FileVerdict) -> Value {
    let (verdict, problem) = match &file.verdict {
        Verdict::Same => ("same", None),
        Verdict::Unrecorded => ("unrecorded", None),
        Verdict::Differs(problem) => ("differs", Some(problem)),
    };
    json!({
        "name": file.name,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "verdict": verdict,
        "records": file.records.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "problem": problem,
    })
}

fn print(model: &Found, verified: &Verification) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{} ({})", bold(for_stdout(&model.name)), model.place)?;
    for file in &verified.files {
        let sha256 = file.sha256.map_or_else(String::new, |digest| format!("\n          sha256 {digest}"));
        let (word, why) = match &file.verdict {
            Verdict::Same => {
                let records: Vec<_> = file.records.iter().map(ToString::to_string).collect();
                ("same", format!("as in {}", records.join(", ")))
            }
            Verdict::Unrecorded => ("unknown", "nobody wrote down what it should be".to_owned()),
            Verdict::Differs(problem) => ("DIFFERS", problem.clone()),
        };
        let line = format!("{word:8}  {}, {}: {why}{sha256}", file.name, machine::readable(file.size_bytes));
        writeln!(out, "{}", for_stdout(&line))?;
    }
    let told = match &verified.signature {
        Signature::None => "there is none".to_owned(),
        Signature::Unchecked { file, problem } => format!("{}: not checked: {problem}", file.display()),
        Signature::Good { file, what } => format!("{}: good: {what}", file.display()),
        Signature::Bad { file, problem } => format!("{}: BAD: {problem}", file.display()),
    };
    writeln!(out, "{}", for_stdout(&format!("signature {told}")))?;
    Ok(())
}
