//! `serve` as a process: how it starts, what it writes, how it ends.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::program::{argument, folder, tramontane, with};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server; it is killed with the test.
struct Serving {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Brise on a free port, with these flags besides.
fn serve(flags: &[&str]) -> Serving {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tramontane"));
    command.args(["serve", "brise", "--port", "0"]).args(flags);
    started(command)
}

/// Waits for the line that says where it listens.
fn started(mut command: Command) -> Serving {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRAMONTANE_")) {
        command.env_remove(name);
    }
    let home = folder("serve-home");
    command.env("HOME", &home).env_remove("XDG_CONFIG_HOME").stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("the binary runs");
    let (log, pipe) = (Arc::new(Mutex::new(String::new())), child.stderr.take().expect("piped"));
    let writing = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            writing.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    let mut serving = Serving { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), log };
    serving.waits_for("listening on ");
    let log = serving.log();
    let address = log.lines().find_map(|line| line.split_once("listening on http://")?.1.parse().ok());
    serving.address = address.unwrap_or(serving.address);
    serving
}

impl Serving {
    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn waits_for(&mut self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "{ended:?} {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// As a process manager does.
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        rest(sent(TcpStream::connect(self.address).unwrap(), &request))
    }

    /// A stream that goes on for `tokens`, answered as far as its headers.
    fn stream(&self, prompt: &str, tokens: usize) -> (TcpStream, String) {
        // Control tokens, the end of an answer among them, are made all but impossible.
        let bias: serde_json::Map<_, _> = (0..64).map(|id: u32| (id.to_string(), (-100).into())).collect();
        let body = serde_json::json!({
            "stream": true, "max_tokens": tokens, "logit_bias": bias,
            "messages": [{"role": "user", "content": prompt}],
        });
        let (body, mut seen) = (body.to_string(), Vec::new());
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
        let request = format!("{head}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let mut stream = sent(TcpStream::connect(self.address).unwrap(), &request);
        while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
            let mut piece = [0; 4096];
            let count = testkit::read_some(&mut stream, &mut piece);
            assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&piece[..count]);
        }
        (stream, String::from_utf8_lossy(&seen).into_owned())
    }
}

fn sent(mut stream: TcpStream, request: &str) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Fifty streams are under way: they end well-formed, by themselves or cut, and the code is 0.
#[test]
fn a_signal_drains_it() {
    for (drain, end) in [("60s", "data: [DONE]"), ("0", "shutting_down")] {
        let mut serving = serve(&["--drain", drain]);
        let streams: Vec<_> = (0..50).map(|i| serving.stream(&format!("Go on {i}"), 400)).collect();
        serving.signal("-TERM");
        let texts: Vec<_> = streams.into_iter().map(|(stream, seen)| seen + &rest(stream)).collect();
        let whole = texts.iter().filter(|text| text.ends_with("0\r\n\r\n")).count();
        assert_eq!(whole, 50, "bodies without their end: {:?}", texts.iter().find(|text| !text.ends_with("0\r\n\r\n")));
        let as_told = texts.iter().filter(|text| text.contains(end)).count();
        assert!(
            as_told == 50 || (drain == "0" && as_told > 0),
            "{as_told} of 50 end with {end}: {:?}",
            texts.iter().find(|text| !text.contains(end))
        );
        assert_eq!(serving.exit_code(), Some(0), "{}", serving.log());
        assert!(TcpStream::connect(serving.address).is_err(), "nobody listens any more");
    }
}

/// A laptop's lid, a debugger, a freezer of containers: answers under way go on where they were.
#[test]
fn a_stopped_process_goes_on() {
    let serving = serve(&[]);
    let streams: Vec<_> = (0..8).map(|i| serving.stream(&format!("Go on {i}"), 400)).collect();
    serving.signal("-STOP");
    std::thread::sleep(Duration::from_secs(2));
    serving.signal("-CONT");
    let texts: Vec<_> = streams.into_iter().map(|(stream, seen)| seen + &rest(stream)).collect();
    let cut = texts.iter().find(|text| !text.contains("data: [DONE]"));
    assert!(cut.is_none(), "{cut:?} {}", serving.log());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut serving = serve(&["--drain", "1h"]);
    let stream = serving.stream("Go on", 1900);
    serving.signal("-INT");
    serving.waits_for("told to end");
    serving.signal("-INT");
    assert!(matches!(serving.exit_code(), Some(0 | 1)), "{}", serving.log());
    drop(stream);
}

/// What was asked and answered is in no log line, of whatever form and level; what comes from outside is quoted.
#[test]
fn logs_carry_no_text_of_anybody() {
    for format in ["json", "human"] {
        let mut serving = serve(&["--log-format", format, "--log-level", "debug"]);
        let (stream, seen) = serving.stream("the secret word is xylophone", 20);
        let answer = seen + &rest(stream);
        assert!(answer.contains("[DONE]"), "{answer}");
        let path = "/v1/models/evil%0d%0aname%1b[31m?key=xylophone";
        assert!(serving.get(path).contains(" 404 "), "{}", serving.log());
        let request = "GET /health HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer xylophone\r\nx-request-id: a\
                       \u{1b}[31m\r\nconnection: close\r\n\r\n";
        rest(sent(TcpStream::connect(serving.address).unwrap(), request));
        serving.waits_for("completion_tokens");
        serving.signal("-TERM");
        assert_eq!(serving.exit_code(), Some(0));
        let log = serving.log();
        assert!(!log.contains("xylophone") && !log.contains('\u{1b}') && !log.contains("evil"), "{log}");
        if format == "json" {
            let lines: Vec<serde_json::Value> =
                log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let answer = lines.iter().find(|line| line["message"] == "answer").unwrap_or_else(|| panic!("{log}"));
            assert_eq!((&answer["model"], &answer["completion_tokens"]), (&"brise".into(), &20.into()), "{answer}");
        }
    }
}

#[test]
fn systemd_passes_its_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // A connection that came before the server was started waits for it.
    let early = sent(
        TcpStream::connect(address).unwrap(),
        "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    );
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve brise 3<&0 </dev/null",
        env!("CARGO_BIN_EXE_tramontane"),
    ]);
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    let mut serving = started(command);
    assert_eq!(serving.address, address);
    assert!(rest(early).starts_with("HTTP/1.1 200"), "{}", serving.log());
    serving.signal("-TERM");
    assert_eq!(serving.exit_code(), Some(0), "{}", serving.log());
}

#[test]
fn a_unix_socket_alone() {
    let path = folder("serve-unix").join(format!("{}.socket", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_tramontane"));
    command.args(["serve", "brise", "--unix", argument(&path)]);
    let mut serving = started(command);
    let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!serving.log().contains("http://"), "{}", serving.log());
    serving.signal("-TERM");
    assert_eq!(serving.exit_code(), Some(0));
    assert!(!path.exists(), "the file goes with the server");
}

/// Out of file descriptors it waits for some, and goes on.
#[test]
fn file_descriptors_may_run_out() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 48; exec \"$0\" serve brise --port 0", env!("CARGO_BIN_EXE_tramontane")]);
    let mut serving = started(command);
    serving.waits_for("no key is needed");
    let many: Vec<_> = (0..100).filter_map(|_| TcpStream::connect(serving.address).ok()).collect();
    serving.waits_for("cannot be accepted");
    drop(many);
    assert!(serving.get("/health").starts_with("HTTP/1.1 200"), "{}", serving.log());
}

/// Threads and file descriptors after many answers that nobody waited for.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_clients_that_went() {
    let mut serving = serve(&[]);
    serving.waits_for("no key is needed");
    let count = |what: &str| {
        let folder = PathBuf::from(format!("/proc/{}/{what}", serving.child.id()));
        std::fs::read_dir(folder).unwrap().count()
    };
    let round = || drop((0..20).map(|_| serving.stream("Go on", 1000)).collect::<Vec<_>>());
    round();
    let threads = count("task");
    (0..20).for_each(|_| round());
    let start = Instant::now();
    while !serving.get("/metrics").contains("tramontane_requests_running{model=\"brise\"} 0.0") || count("fd") > 40 {
        assert!(start.elapsed() < PATIENCE, "{} descriptors", count("fd"));
        std::thread::sleep(Duration::from_millis(50));
    }
    // Threads that block come and go; they are bounded.
    assert!(count("task") <= threads.max(8) + 16, "{threads} threads before, {} after", count("task"));
}

#[test]
fn what_keeps_it_from_starting_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let config = folder("serve-config").join("config.toml");
    std::fs::write(&config, "port = 0\ndrian = \"5s\"\n").unwrap();
    let alias = folder("serve-config").join("alias.toml");
    std::fs::write(&alias, "port = 0\n[aliases]\n\"gpt-4o\" = \"large\"\n").unwrap();
    let rows: &[(&[&str], i32, &str)] = &[
        (&["--port", &port], 1, "is another server running there?"),
        (&["--host", "0.0.0.0", "--port", "0"], 1, "tramontane key add NAME"),
        (&["--host", "nowhere.invalid"], 1, "--host is nowhere.invalid"),
        (&["--config", argument(&config)], 2, "config.toml:2: unknown field `drian`"),
        (&["--config", argument(&alias)], 1, "the alias gpt-4o stands for large, which is not served: there are brise"),
        (&["--config", "missing.toml"], 1, "missing.toml cannot be read"),
        (&["--drain", "soon"], 2, "--drain is soon"),
        (&["--keep-alive", "x"], 2, "--keep-alive is x"),
        (&["--kv-memory", "lots"], 2, "--kv-memory is lots"),
        (&["--log-level", "loud"], 2, "--log-level is loud"),
        (&["--tls-cert", "x.pem"], 2, "both --tls-cert and --tls-key"),
        (&["--tls-cert", "x.pem", "--tls-key", "y.pem", "--port", "0"], 1, "x.pem"),
        (&["--allow-origin", "*", "--port", "0"], 1, "is no origin"),
        (&["a=brise", "a=brise", "--port", "0"], 1, "two models are called a"),
        (&["missing.gguf", "--port", "0"], 1, "missing.gguf"),
    ];
    testkit::check_table(rows.iter().map(|row| (row.0.join(" "), row)), |(flags, code, message)| {
        let run = tramontane(&[&["serve"], *flags].concat());
        if run.code == Some(*code) && run.stderr.contains(message) { Ok(()) } else { Err(format!("{run:?}")) }
    });
    let passed = with(&["serve", "brise"], "", &[("LISTEN_FDS", "1"), ("LISTEN_PID", "1")]);
    assert!(passed.code == Some(1) && passed.stderr.contains("LISTEN_PID is not this process"), "{passed:?}");
}

/// An alias in config.toml, a key made beside the running server, and the key's own limits.
#[test]
fn configuration_keys_and_aliases() {
    let home = folder(&format!("serve-keys-{}", std::process::id()));
    let config = home.join("config.toml");
    std::fs::write(
        &config,
        "host = \"127.0.0.1\"\nport = 0\nmodels = [\"small=brise\"]\n[aliases]\n\"gpt-4o\" = \"small\"\n",
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tramontane"));
    command.args(["serve", "--config", argument(&config)]).env("XDG_CONFIG_HOME", &home);
    let mut serving = started_in(command, &home);
    serving.waits_for("no key is needed");
    assert!(serving.get("/v1/models/gpt-4o").contains("200 OK"));
    let environment = [("XDG_CONFIG_HOME", argument(&home))];
    let secret = with(&["key", "add", "alice", "--streams", "1"], "", &environment).text().trim().to_owned();
    let start = Instant::now();
    while !serving.get("/v1/models").contains(" 401 ") {
        assert!(start.elapsed() < PATIENCE, "the key is not taken over");
        std::thread::sleep(Duration::from_millis(50));
    }
    let request = format!(
        "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\nconnection: close\r\n\r\n"
    );
    assert!(rest(sent(TcpStream::connect(serving.address).unwrap(), &request)).contains("200 OK"));
    let kept = std::fs::read_to_string(home.join("tramontane/keys.toml")).unwrap();
    assert!(!kept.contains(&secret) && kept.contains("sha256"), "{kept}");
}

/// The same with a configuration folder of its own.
fn started_in(mut command: Command, home: &std::path::Path) -> Serving {
    let line = command.get_args().map(ToOwned::to_owned).collect::<Vec<_>>();
    let mut shell = Command::new("env");
    shell.arg(format!("XDG_CONFIG_HOME={}", argument(home))).arg(command.get_program()).args(line);
    command = shell;
    started(command)
}
