//! Where the server listens besides plain TCP: TLS, Unix sockets.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use server::{Listen, Options, Server, Tls};

use crate::testing::{Answer, connect, serve_with, tiny, vector_model};

const ASK: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A certificate of nobody, for `localhost`; `tls/make.py` made it.
fn tls() -> Tls {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls");
    Tls { certificates: folder.join("certificate.pem"), key: folder.join("key.pem") }
}

fn over_tls(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(tls().certificates).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), connect(to));
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // How the end is marked is not what is tested here.
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn over_tls_as_without_it() {
    let server = serve_with(Options { tls: Some(tls()), ..tiny(vector_model()) });
    assert_eq!(Answer::parse(&over_tls(server.address, ASK)).status, 200);
    let plain = server.raw_once(ASK);
    assert!(!String::from_utf8_lossy(&plain).contains("200 OK"), "plain HTTP on a port of TLS");
    // Whoever says nothing of TLS costs nobody else anything.
    let silent: Vec<_> = (0..8).map(|_| connect(server.address)).collect();
    assert_eq!(Answer::parse(&over_tls(server.address, ASK)).status, 200);
    drop(silent);
}

#[test]
fn certificates_that_cannot_be_used_are_said() {
    let refused = |tls: Tls| {
        let started = Server::start(Options { tls: Some(tls), ..tiny(vector_model()) });
        started.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused(Tls { certificates: tls().key, ..tls() }).contains("no certificates"));
    assert!(refused(Tls { key: tls().certificates, ..tls() }).contains("no private key"));
    assert!(refused(Tls { key: "/nowhere.pem".into(), ..tls() }).contains("/nowhere.pem"));
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixStream;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("unix-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("socket");
    let options = Options { listen: vec![Listen::Unix(path.clone())], ..tiny(vector_model()) };
    let ask = || {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(ASK).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Answer::parse(&answer).status
    };
    let server = Server::start(options.clone()).unwrap();
    assert_eq!(ask(), 200);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let second = Server::start(options.clone()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(second.contains("cannot be made"), "{second}");
    server.stop();
    assert!(!path.exists(), "the file goes with the server");
    // What a killed server leaves behind is nobody's.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let server = Server::start(options.clone()).unwrap();
    assert_eq!(ask(), 200);
    server.stop();
    std::fs::write(&path, "precious").unwrap();
    assert!(Server::start(options).is_err(), "a file is never taken for a socket");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}
