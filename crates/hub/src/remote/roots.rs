//! Whom we believe: the certificates of this system, so that a company's own authority counts; Mozilla's where the system
//! keeps them elsewhere than in files.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::{Error, limits};

/// What other programs take a file of certificates from, the first that is set.
const VARIABLES: [&str; 4] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"];
/// Where the systems keep theirs: Debian, Fedora, openSUSE, Alpine and FreeBSD.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// # Errors
/// The environment names certificates that cannot be read.
pub(super) fn roots(variable: impl Fn(&str) -> Option<OsString>) -> Result<RootCerts, Error> {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some((name, path)) = VARIABLES.iter().find_map(|name| Some((name, set(name)?))) {
        let found = if path.is_dir() { folder(&path) } else { file(&path) };
        return match found {
            Some(certificates) => Ok(RootCerts::from(certificates)),
            None => Err(Error::Environment(format!("{name} names {}, which holds no certificates", path.display()))),
        };
    }
    let system = BUNDLES.iter().find_map(|path| file(Path::new(path)));
    Ok(system.map_or(RootCerts::WebPki, RootCerts::from))
}

fn folder(path: &Path) -> Option<Vec<Certificate<'static>>> {
    let entries = fs::read_dir(path).ok()?.take(limits::CERTIFICATE_FILES).flatten();
    let all: Vec<_> = entries.filter_map(|entry| file(&entry.path())).flatten().collect();
    (!all.is_empty()).then_some(all)
}

fn file(path: &Path) -> Option<Vec<Certificate<'static>>> {
    let mut pem = Vec::new();
    File::open(path).ok()?.take(limits::CERTIFICATE_BYTES).read_to_end(&mut pem).ok()?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    (!certificates.is_empty()).then_some(certificates)
}
