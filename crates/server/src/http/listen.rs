//! Where connections come from: TCP, a Unix socket, the sockets that systemd passes.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::gate::Peer;
use crate::{Error, Listen};

/// Something that connections come from.
#[derive(Debug)]
pub(crate) enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket; the file goes when the listener does, if it made it.
    #[cfg(unix)]
    Unix {
        /// Where they come from.
        listener: tokio::net::UnixListener,
        /// Held, so that the file goes with it.
        _file: Option<SocketFile>,
    },
}

/// A stream of bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Listener {
    /// Must be called within the runtime. systemd may pass several.
    ///
    /// # Errors
    /// It cannot be listened there.
    pub(crate) async fn open(listen: &Listen) -> Result<Vec<Self>, Error> {
        match listen {
            Listen::Tcp(address) => {
                let bound = TcpListener::bind(address).await;
                Ok(vec![Self::Tcp(bound.map_err(|cause| Error::Bind { address: *address, cause })?)])
            }
            Listen::Unix(path) => Ok(vec![unix(path)?]),
            Listen::Systemd => systemd(),
        }
    }

    /// Its TCP address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix { .. } => None,
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // A small answer goes out at once.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Peer::Address(address.ip().to_canonical())))
            }
            #[cfg(unix)]
            Self::Unix { listener, .. } => Ok((Box::new(listener.accept().await?.0), Peer::Local)),
        }
    }
}

/// The file of a Unix socket.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Only its owner may open it: it is made in a folder that nobody else may enter, and moved to its place.
#[cfg(unix)]
fn unix(path: &Path) -> Result<Listener, Error> {
    use std::fs;
    use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
    let failed = |cause| Error::Unix { path: path.to_owned(), cause };
    if let Ok(data) = fs::symlink_metadata(path) {
        let alive = std::os::unix::net::UnixStream::connect(path).is_ok();
        if alive || !data.file_type().is_socket() {
            return Err(failed(io::ErrorKind::AddrInUse.into()));
        }
    }
    let folder = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
    let made = (|| {
        let beside = folder.join("s");
        let listener = tokio::net::UnixListener::bind(&beside)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
        fs::rename(&beside, path)?;
        Ok(listener)
    })();
    let _ = fs::remove_dir_all(&folder);
    Ok(Listener::Unix { listener: made.map_err(failed)?, _file: Some(SocketFile(path.to_owned())) })
}

#[cfg(not(unix))]
fn unix(path: &Path) -> Result<Listener, Error> {
    Err(Error::Unix { path: path.to_owned(), cause: io::ErrorKind::Unsupported.into() })
}

/// `sd_listen_fds(3)`: `LISTEN_PID` is this process, and `LISTEN_FDS` sockets begin at descriptor 3. They are duplicated by
/// way of a handle of this process: what an integer means cannot be known otherwise without `unsafe`.
#[cfg(target_os = "linux")]
fn systemd() -> Result<Vec<Listener>, Error> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let failed = |why: String| Error::Systemd { why };
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u32>().ok());
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Err(failed("LISTEN_PID is not this process: this has to be started by a socket unit".to_owned()));
    }
    let count = number("LISTEN_FDS").filter(|count| (1..=16).contains(count));
    let count = count.ok_or_else(|| failed("LISTEN_FDS is not a number from 1 to 16".to_owned()))?;
    let this = pidfd_open(getpid(), PidfdFlags::empty()).map_err(|error| failed(error.to_string()))?;
    let sockets = (3..).take(count as usize).map(|descriptor| {
        let socket = pidfd_getfd(&this, descriptor, PidfdGetfdFlags::empty());
        passed(socket.map_err(|error| failed(format!("descriptor {descriptor}: {error}")))?)
            .map_err(|error| failed(format!("descriptor {descriptor}: {error}")))
    });
    sockets.collect()
}

/// A socket that has an Internet address is one of TCP.
#[cfg(target_os = "linux")]
fn passed(socket: std::os::fd::OwnedFd) -> io::Result<Listener> {
    let tcp = std::net::TcpListener::from(socket.try_clone()?);
    if tcp.local_addr().is_ok() {
        tcp.set_nonblocking(true)?;
        return Ok(Listener::Tcp(TcpListener::from_std(tcp)?));
    }
    let unix = std::os::unix::net::UnixListener::from(socket);
    unix.local_addr()?;
    unix.set_nonblocking(true)?;
    Ok(Listener::Unix { listener: tokio::net::UnixListener::from_std(unix)?, _file: None })
}

#[cfg(not(target_os = "linux"))]
fn systemd() -> Result<Vec<Listener>, Error> {
    Err(Error::Systemd { why: "they exist on Linux only".to_owned() })
}
