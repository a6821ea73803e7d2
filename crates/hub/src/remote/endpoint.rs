//! What the environment says of the hub: where it is, who we are to it, and the way there.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;

use ureq::Proxy;
use ureq::tls::RootCerts;

use super::address::Address;
use super::retry::Patience;
use super::roots;
use crate::{Error, Folders, limits};

const HUB: &str = "https://huggingface.co";

/// The hub, and how to speak with it.
#[derive(Clone)]
pub struct Endpoint {
    pub(super) base: Address,
    pub(super) token: Option<Token>,
    pub(super) proxy: Option<Proxy>,
    /// Hosts that are asked without the proxy, as `NO_PROXY` lists them.
    pub(super) direct: Vec<String>,
    pub(super) roots: RootCerts,
    pub(super) patience: Patience,
    pub(super) offline: bool,
}

/// A secret that is never shown.
#[derive(Clone)]
pub(super) struct Token(pub(super) String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("base", &self.base).field("token", &self.token).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// `HF_ENDPOINT`, `HF_TOKEN` or the file that `hf auth login` wrote, `HTTPS_PROXY` and `NO_PROXY`, `HF_HUB_OFFLINE`, and
    /// the certificates of the system or of `SSL_CERT_FILE`. An empty variable is not set.
    ///
    /// # Errors
    /// A variable is set to something that cannot be meant.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>, folders: &Folders) -> Result<Self, Error> {
        let text = |name: &str| -> Result<Option<String>, Error> {
            let value = variable(name).filter(|value| !value.is_empty());
            let value = value.map(|value| value.into_string().map_err(|_| environment(name, "is not Unicode text")));
            value.transpose()
        };
        let base = text("HF_ENDPOINT")?.unwrap_or_else(|| HUB.to_owned());
        let mut endpoint = Self::at(&base)?;
        endpoint.token = token(text("HF_TOKEN")?.or(text("HUGGING_FACE_HUB_TOKEN")?), folders)?;
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            if let Some(value) = text(name)?.filter(|_| endpoint.proxy.is_none()) {
                endpoint.proxy = Some(proxy(name, &value)?);
            }
        }
        let direct = text("NO_PROXY")?.or(text("no_proxy")?).unwrap_or_default();
        endpoint.direct = direct.split(',').map(|host| host.trim().to_ascii_lowercase()).collect();
        endpoint.direct.retain(|host| !host.is_empty());
        let offline = text("HF_HUB_OFFLINE")?.or(text("TRANSFORMERS_OFFLINE")?).unwrap_or_default();
        endpoint.offline = ["1", "true", "yes", "on"].contains(&offline.to_ascii_lowercase().as_str());
        endpoint.roots = roots::roots(variable)?;
        Ok(endpoint)
    }

    /// A hub at this address, without a token or proxy: a mirror, or a test.
    ///
    /// # Errors
    /// The address is neither `https` nor on this machine.
    pub fn at(base: &str) -> Result<Self, Error> {
        let base = base.trim_end_matches('/');
        let base = Address::parse(base)
            .map_err(|problem| Error::Environment(format!("HF_ENDPOINT={base} cannot be used: {problem}")))?;
        Ok(Self {
            base,
            token: None,
            proxy: None,
            direct: Vec::new(),
            roots: RootCerts::WebPki,
            patience: Patience::default(),
            offline: false,
        })
    }

    /// With this token, which goes to the hub's own address only.
    ///
    /// # Errors
    /// The text is no token.
    pub fn with_token(self, token: &str) -> Result<Self, Error> {
        Ok(Self { token: Some(checked(token, "the token")?), ..self })
    }

    /// With other waits.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The hub's address, as manifests record it.
    pub fn address(&self) -> String {
        self.base.to_string()
    }

    /// Whether the environment forbids connections.
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// Whether a host is asked without the proxy: those of this machine, those that `NO_PROXY` names, and their subdomains.
    pub(super) fn is_direct(&self, address: &Address) -> bool {
        let host = address.host();
        address.is_local()
            || self.direct.iter().any(|entry| {
                let domain = entry.trim_start_matches('*').trim_start_matches('.');
                entry == "*" || host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
            })
    }
}

fn token(given: Option<String>, folders: &Folders) -> Result<Option<Token>, Error> {
    if let Some(token) = given {
        return checked(token.trim(), "HF_TOKEN").map(Some);
    }
    let path = folders.token_file();
    let Ok(file) = File::open(path) else { return Ok(None) };
    let mut text = String::new();
    let read = file.take(limits::TOKEN_BYTES).read_to_string(&mut text);
    read.map_err(|cause| Error::io(path, cause))?;
    match text.trim() {
        "" => Ok(None),
        token => checked(token, &path.display().to_string()).map(Some),
    }
}

/// What may stand in a header.
fn checked(token: &str, source: &str) -> Result<Token, Error> {
    if token.is_empty()
        || token.len() as u64 > limits::TOKEN_BYTES
        || !token.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(environment(source, "holds no token: it should be one word, such as hf_…"));
    }
    Ok(Token(token.to_owned()))
}

fn proxy(name: &str, value: &str) -> Result<Proxy, Error> {
    // What the text says is not repeated: a password may stand in it.
    let proxy = Proxy::new(value).map_err(|_| environment(name, "is no address of a proxy (http://host:port)"))?;
    if value.to_ascii_lowercase().starts_with("socks") {
        return Err(environment(name, "names a SOCKS proxy; only http:// and https:// proxies are spoken with"));
    }
    Ok(proxy)
}

fn environment(name: &str, problem: &str) -> Error {
    Error::Environment(format!("{name} {problem}"))
}
