//! Which addresses are asked: `https` anywhere, plain `http` only on this machine.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// An absolute address without user or password, over TLS or on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    uri: Uri,
    scheme: String,
    host: String,
    port: u16,
}

impl Address {
    /// # Errors
    /// What keeps the text from being such an address.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|problem| format!("it is no address ({problem})"))?;
        let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        if authority.contains('@') {
            return Err("it has a user name in it".to_owned());
        }
        let default_port = match scheme.as_str() {
            "https" => 443,
            "http" if is_loopback(&host) => 80,
            "http" => return Err("it is not encrypted: plain http is for this machine only".to_owned()),
            _ => return Err("it does not begin with https://".to_owned()),
        };
        if host.is_empty() {
            return Err("it names no host".to_owned());
        }
        let port = uri.port_u16().unwrap_or(default_port);
        Ok(Self { uri, scheme, host, port })
    }

    /// Where a redirect leads from here: to TLS anywhere, or from this machine to this machine.
    ///
    /// # Errors
    /// The place is none that we go to.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, String> {
        let same_host = location.starts_with('/') && !location.starts_with("//") && !location.contains('\\');
        let target = match same_host {
            true => Self::parse(&format!("{}{location}", self.root()))?,
            false => Self::parse(location)?,
        };
        if target.scheme == "http" && self.scheme != "http" {
            return Err("it leads from an encrypted to a plain connection".to_owned());
        }
        Ok(target)
    }

    /// Whether credentials for one may go to the other: scheme, host and port are the same.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        (&self.scheme, &self.host, self.port) == (&other.scheme, &other.host, other.port)
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn is_local(&self) -> bool {
        is_loopback(&self.host)
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// `https://host:port`.
    fn root(&self) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}", self.scheme)
    }
}

/// Without the query: signed addresses carry secrets there.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.root(), self.uri.path().trim_end_matches('/'))
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Text inside one component of a path.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let rows = [
            ("https://huggingface.co", Ok(443)),
            ("https://HF.example:8443/mirror", Ok(8443)),
            ("http://127.0.0.1:8080/x", Ok(8080)),
            ("http://[::1]:80/", Ok(80)),
            ("http://localhost", Ok(80)),
            ("http://huggingface.co", Err("not encrypted")),
            ("http://169.254.169.254/latest", Err("not encrypted")),
            ("http://127.0.0.1.evil.example/", Err("not encrypted")),
            ("https://good.example@evil.example/", Err("user name")),
            ("https://user:secret@good.example/", Err("user name")),
            ("file:///etc/passwd", Err("")),
            ("ftp://a/b", Err("https")),
            ("huggingface.co", Err("https")),
            ("/x", Err("https")),
            ("https://", Err("")),
            ("https://a\\b/", Err("")),
            ("https://a b/", Err("")),
            ("", Err("")),
        ];
        for (text, expected) in rows {
            match (Address::parse(text), expected) {
                (Ok(address), Ok(port)) => assert_eq!(address.port, port, "{text}"),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{text}: {problem}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }

    #[test]
    fn redirects() {
        let (secure, local) = ("https://hub.example/a", "http://127.0.0.1:1/a");
        let rows = [
            (secure, "https://cdn.example/x?sig=1", Some(false)),
            (secure, "/api/x", Some(true)),
            (secure, "https://hub.example:443/x", Some(true)),
            (secure, "https://hub.example:444/x", Some(false)),
            (secure, "https://hub.example.evil/x", Some(false)),
            (secure, "http://hub.example/x", None),
            (secure, "http://127.0.0.1/x", None),
            (secure, "//evil.example/x", None),
            (secure, "/\\evil.example/x", None),
            (secure, "x", None),
            (secure, "file:///x", None),
            (local, "http://127.0.0.1:2/x", Some(false)),
            (local, "http://10.0.0.1/x", None),
        ];
        for (from, location, expected) in rows {
            let from = Address::parse(from).unwrap();
            let same = from.redirected(location).ok().map(|to| to.same_origin(&from));
            assert_eq!(same, expected, "{from} → {location}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let address = Address::parse("https://cdn.example/x/?X-Amz-Signature=abc").unwrap();
        assert_eq!(address.to_string(), "https://cdn.example/x");
        assert_eq!(escaped("refs/pr/1 +"), "refs%2Fpr%2F1%20%2B");
    }
}
