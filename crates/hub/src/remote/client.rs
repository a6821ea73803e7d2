//! The one place that sends requests: redirects by hand, the token to the hub alone, bodies as they are.

use std::io::{self, Read};
use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::TlsConfig;
use ureq::{Agent, BodyReader};

use super::address::{Address, escaped};
use super::endpoint::Endpoint;
use super::retry::Patience;
use crate::{Commit, Error, RepoId, RepoPath, limits};

/// A client of one hub.
pub(crate) struct Client {
    endpoint: Endpoint,
    direct: Agent,
    proxied: Option<Agent>,
}

/// An answer with a body to read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Who answered, after redirects.
    pub(crate) address: Address,
    /// What the first answer said, before redirects: the hub's own record of a large file is there.
    pub(crate) first_headers: HeaderMap,
    pub(crate) body: BodyReader<'static>,
}

/// Why there is no answer to work with.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It may go better next time.
    Passing {
        problem: String,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It will not.
    Lasting(Error),
}

impl Client {
    pub(crate) fn new(endpoint: Endpoint, connections: usize) -> Self {
        let agent = |proxy| {
            let tls = TlsConfig::builder().root_certs(endpoint.roots.clone()).build();
            let config = Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .proxy(proxy)
                .tls_config(tls)
                .user_agent(concat!("tramontane/", env!("CARGO_PKG_VERSION")))
                .accept_encoding("identity")
                .max_response_header_size(limits::HEADER_BYTES)
                .max_idle_connections_per_host(connections)
                .max_idle_connections(2 * connections)
                .timeout_connect(Some(endpoint.patience.silence))
                .timeout_recv_response(Some(2 * endpoint.patience.silence))
                .timeout_per_read(Some(endpoint.patience.silence))
                .timeout_per_write(Some(endpoint.patience.silence));
            config.build().new_agent()
        };
        let proxied = endpoint.proxy.clone().map(|proxy| agent(Some(proxy)));
        Self { direct: agent(None), proxied, endpoint }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn patience(&self) -> Patience {
        self.endpoint.patience
    }

    /// The hub's address with this path behind it, which has its `/` in front and is escaped.
    ///
    /// # Errors
    /// The whole is no address.
    pub(crate) fn address(&self, path: &str) -> Result<Address, Error> {
        let text = format!("{}{path}", self.endpoint.base);
        Address::parse(&text).map_err(|problem| Error::answer(&text, problem))
    }

    /// Where the hub has a file.
    ///
    /// # Errors
    /// The whole is no address.
    pub(crate) fn resolve(&self, repo: &RepoId, commit: &Commit, path: &RepoPath) -> Result<Address, Error> {
        let escaped: Vec<_> = path.names().iter().map(|name| escaped(name.as_str())).collect();
        self.address(&format!("/{repo}/resolve/{commit}/{}", escaped.join("/")))
    }

    /// Asks, follows redirects, and gives the last answer, whatever its status.
    ///
    /// `range` are the first and the last byte that are wanted. The body takes at most `body_limit` long.
    ///
    /// # Errors
    /// Nobody answers, or a redirect leads where we do not go.
    pub(crate) fn ask(
        &self,
        address: &Address,
        range: Option<(u64, u64)>,
        body_limit: Duration,
    ) -> Result<Answer, Fault> {
        if self.endpoint.offline {
            return Err(Fault::Lasting(Error::Offline));
        }
        let mut address = address.clone();
        let mut first_headers = None;
        for _ in 0..=limits::REDIRECTS {
            let response = self.send(&address, range, body_limit)?;
            let (parts, body) = response.into_parts();
            let location = parts.headers.get("location").filter(|_| is_redirect(parts.status));
            let Some(location) = location else {
                let first_headers = first_headers.unwrap_or_else(|| parts.headers.clone());
                let body = body.into_reader();
                return Ok(Answer {
                    status: parts.status.as_u16(),
                    headers: parts.headers,
                    address,
                    first_headers,
                    body,
                });
            };
            let wrong =
                |problem: &str| Fault::Lasting(Error::answer(&address, format_args!("it redirects, but {problem}")));
            let location = location.to_str().map_err(|_| wrong("not to an address"))?;
            let target =
                address.redirected(location).map_err(|problem| wrong(&format!("we do not follow: {problem}")))?;
            first_headers = first_headers.or(Some(parts.headers.clone()));
            address = target;
        }
        let problem = format!("it redirects more than {} times", limits::REDIRECTS);
        Err(Fault::Lasting(Error::answer(&address, problem)))
    }

    fn send(
        &self,
        address: &Address,
        range: Option<(u64, u64)>,
        body_limit: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>, Fault> {
        let agent = self.proxied.as_ref().filter(|_| !self.endpoint.is_direct(address)).unwrap_or(&self.direct);
        let mut request = agent.get(address.uri());
        if let Some((first, last)) = range {
            request = request.header("range", format!("bytes={first}-{last}"));
        }
        if let Some(token) = self.endpoint.token.as_ref().filter(|_| address.same_origin(&self.endpoint.base)) {
            request = request.header("authorization", format!("Bearer {}", token.0));
        }
        let sent = request.config().timeout_recv_body(Some(body_limit)).build().call();
        sent.map_err(|error| fault(address, error))
    }
}

impl Answer {
    /// A header's value as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it may go better next time, by its status.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
    }

    /// What went wrong, for an answer that [`Answer::is_passing`].
    pub(crate) fn passing(&self) -> Fault {
        let retry_after = self.header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let problem = match self.status {
            429 => format!("{} asks for fewer requests (429)", self.address),
            status => format!("{} is in trouble ({status})", self.address),
        };
        Fault::Passing { problem, retry_after }
    }

    /// How many bytes it says that it has.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }
}

/// Fills as much of the buffer as there is to read.
pub(crate) fn fill(reader: &mut impl Read, mut buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0_usize;
    while !buffer.is_empty() {
        match reader.read(buffer)? {
            0 => break,
            count => {
                filled = filled.saturating_add(count);
                buffer = buffer.get_mut(count..).unwrap_or_default();
            }
        }
    }
    Ok(filled)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Certificates do not become right by asking again; everything else may.
fn fault(address: &Address, error: ureq::Error) -> Fault {
    let host = address.host();
    match error {
        ureq::Error::Rustls(problem) => Fault::Lasting(Error::Unreachable {
            host: host.to_owned(),
            problem: format!("{problem}; a company's own certificates can be named by SSL_CERT_FILE"),
        }),
        ureq::Error::Tls(problem) => {
            Fault::Lasting(Error::Unreachable { host: host.to_owned(), problem: problem.into() })
        }
        ureq::Error::Io(error) if error.get_ref().is_some_and(|cause| cause.to_string().contains("certificate")) => {
            Fault::Lasting(Error::Unreachable {
                host: host.to_owned(),
                problem: format!("{error}; a company's own certificates can be named by SSL_CERT_FILE"),
            })
        }
        error => Fault::Passing { problem: format!("{host}: {error}"), retry_after: None },
    }
}
