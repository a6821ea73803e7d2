//! The flags of `serve`, and what they come to together with the environment and config.toml.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args as ClapArgs;
use clap::builder::BoolishValueParser;
use engine::{EngineOptions, Speculation};
use server::{Listen, LogFormat, Options, Tls};

use super::values;
use crate::commands::key;
use crate::exit::Usage;
use crate::flags::{CacheFlags, ModelFlags, TemplateFlags, speculation_named};
use crate::settings::Settings;

/// Where it listens, where nobody says otherwise.
const HOST: &str = "127.0.0.1";
const PORT: u16 = 8080;

/// Serve models over HTTP, to what already speaks to OpenAI, Mistral, Anthropic or Ollama
///
/// Answers /v1/chat/completions and its kin, /v1/messages, /api/chat; /openapi.json lists all paths, /docs shows them.
/// The first model is loaded at the start, others when they are asked for.
#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "\
Examples:
  tramontane serve mistral-7b.gguf
  tramontane serve small=ministral-3b.gguf large=models/mistral-small --keep-alive 10m
  tramontane serve mistral-7b.gguf --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem

  OPENAI_BASE_URL=http://127.0.0.1:8080/v1 is what most tools want to know.
  Off loopback a key is needed: tramontane key add NAME. Other names for models stand in config.toml:
    [aliases]
    \"gpt-4o\" = \"small\"")]
pub(crate) struct Args {
    /// .gguf files or folders, the default model first; NAME=MODEL gives one a name [default: brise]
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Read defaults from this file [default: config.toml in the configuration folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    listen: ListenFlags,
    #[command(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    work: WorkFlags,
    #[command(flatten)]
    template: TemplateFlags,
    #[command(flatten)]
    model_flags: ModelFlags,
    #[command(flatten)]
    cache: CacheFlags,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Address")]
struct ListenFlags {
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", env = "TRAMONTANE_HOST", hide_env = true)]
    host: Option<String>,
    /// Port to listen on; 0 takes a free one [default: 8080]
    #[arg(long, value_name = "PORT", env = "TRAMONTANE_PORT", hide_env = true)]
    port: Option<u16>,
    /// Listen on a Unix socket, which only you can open; on TCP too only with --host or --port
    #[arg(long, value_name = "PATH", env = "TRAMONTANE_UNIX", hide_env = true)]
    unix: Option<PathBuf>,
    /// Certificate chain of TLS, as a PEM file
    #[arg(long, value_name = "FILE", env = "TRAMONTANE_TLS_CERT", hide_env = true)]
    tls_cert: Option<PathBuf>,
    /// Private key of TLS, as a PEM file
    #[arg(long, value_name = "FILE", env = "TRAMONTANE_TLS_KEY", hide_env = true)]
    tls_key: Option<PathBuf>,
    /// Listen off loopback without TLS: something in front does it, or the network is trusted
    #[arg(long, env = "TRAMONTANE_INSECURE_PLAIN_HTTP", hide_env = true, value_parser = BoolishValueParser::new())]
    insecure_plain_http: bool,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Access")]
struct AccessFlags {
    /// Host name that requests may use, besides localhost and addresses; can be given several times
    #[arg(long, value_name = "NAME", env = "TRAMONTANE_ALLOW_HOST", hide_env = true, value_delimiter = ',')]
    allow_host: Vec<String>,
    /// Origin of web pages that may ask, like `https://chat.example.org`; can be given several times
    #[arg(long, value_name = "ORIGIN", env = "TRAMONTANE_ALLOW_ORIGIN", hide_env = true, value_delimiter = ',')]
    allow_origin: Vec<String>,
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Work")]
struct WorkFlags {
    /// How long an unused model stays in memory: 5m; 0 unloads it at once, -1 keeps it [default: -1]
    #[arg(long, value_name = "TIME", env = "TRAMONTANE_KEEP_ALIVE", hide_env = true)]
    keep_alive: Option<String>,
    /// Guess tokens ahead: ngram (what followed the same words before) or off; changes no result [default: ngram]
    #[arg(long, value_name = "HOW", env = "TRAMONTANE_SPECULATE", hide_env = true, value_parser = ["ngram", "off"])]
    speculate: Option<String>,
    /// How long answers under way may take when the server is told to end [default: 30s]
    #[arg(long, value_name = "TIME", env = "TRAMONTANE_DRAIN", hide_env = true)]
    drain: Option<String>,
    /// Most connections at once [default: 512]
    #[arg(long, value_name = "N", env = "TRAMONTANE_MAX_CONNECTIONS", hide_env = true)]
    max_connections: Option<usize>,
    /// How log lines look: human, json [default: human]
    #[arg(long, value_name = "FORMAT", env = "TRAMONTANE_LOG_FORMAT", hide_env = true, value_parser = ["human", "json"])]
    log_format: Option<String>,
    /// What is logged: error, warn, info (a line a request), debug [default: info]
    #[arg(long, value_name = "LEVEL", env = "TRAMONTANE_LOG_LEVEL", hide_env = true)]
    log_level: Option<String>,
}

impl Args {
    /// The file of settings that the command line names.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// # Errors
    /// There is no such form or level.
    pub(super) fn start_log(&self, settings: &Settings) -> anyhow::Result<()> {
        let format = self.work.log_format.as_ref().or(settings.log_format.as_ref()).map_or("human", String::as_str);
        let format = match format {
            "human" => LogFormat::Human,
            "json" => LogFormat::Json,
            _ => return Err(Usage::error(format!("log_format is {format}: it must be human or json"))),
        };
        let level = self.work.log_level.as_ref().or(settings.log_level.as_ref()).map_or("info", String::as_str);
        if server::start_log(format, level) {
            return Ok(());
        }
        Err(Usage::error(format!("--log-level is {level}: it must be error, warn, info or debug")))
    }

    /// What the flags, the environment and config.toml come to.
    ///
    /// # Errors
    /// A word that stands for nothing, or a model that is not there.
    pub(super) fn options(&self, settings: &Settings) -> anyhow::Result<Options> {
        let (access, work) = (&self.access, &self.work);
        let template = self.template.version(settings)?;
        let prefix_cache_dir = self.cache.folder(settings)?;
        let keep_alive = work.keep_alive.as_ref().or(settings.keep_alive.as_ref());
        let drain = work.drain.as_ref().or(settings.drain.as_ref());
        let engine = EngineOptions { template, prefix_cache_dir, ..self.model_flags.options(settings)? };
        let speculate = work.speculate.as_ref().or(settings.speculate.as_ref());
        let engine = match speculate.map(|how| speculation_named(how)).transpose()? {
            Some(true) => EngineOptions { speculate: Speculation::Ngram, ..engine },
            Some(false) => EngineOptions { speculate: Speculation::Off, ..engine },
            None => engine,
        };
        let default = Options::loopback();
        Ok(Options {
            listen: self.listen.places(settings)?,
            models: self.models(settings)?,
            aliases: settings.aliases.clone(),
            engine,
            keep_alive: keep_alive.map_or(Ok(default.keep_alive), |text| values::keep_alive(text))?,
            drain: drain.map_or(Ok(default.drain), |text| values::duration("drain", text))?,
            max_connections: work.max_connections.or(settings.max_connections).unwrap_or(default.max_connections),
            keys: Some(key::path()?),
            tls: self.listen.tls(settings)?,
            insecure_plain_http: self.listen.insecure_plain_http || settings.insecure_plain_http.unwrap_or(false),
            allow_hosts: given_or(&access.allow_host, settings.allow_host.as_ref()),
            allow_origins: given_or(&access.allow_origin, settings.allow_origin.as_ref()),
            signals: true,
            ..default
        })
    }

    fn models(&self, settings: &Settings) -> anyhow::Result<Vec<server::ModelSource>> {
        let words = given_or(&self.models, settings.models.as_ref());
        if words.is_empty() {
            return Ok(vec![values::model(None, settings)?]);
        }
        words.iter().map(|word| values::model(Some(word), settings)).collect()
    }
}

impl ListenFlags {
    fn places(&self, settings: &Settings) -> anyhow::Result<Vec<Listen>> {
        let host = self.host.as_ref().or(settings.host.as_ref());
        let port = self.port.or(settings.port);
        let unix = self.unix.as_ref().or(settings.unix.as_ref());
        let mut places: Vec<_> = unix.map(|path| Listen::Unix(path.clone())).into_iter().collect();
        if std::env::var_os("LISTEN_FDS").is_some() {
            places.push(Listen::Systemd);
        }
        if places.is_empty() || host.is_some() || port.is_some() {
            places.push(Listen::Tcp(address(host.map_or(HOST, String::as_str), port.unwrap_or(PORT))?));
        }
        Ok(places)
    }

    fn tls(&self, settings: &Settings) -> anyhow::Result<Option<Tls>> {
        let certificates = self.tls_cert.as_ref().or(settings.tls_cert.as_ref());
        let key = self.tls_key.as_ref().or(settings.tls_key.as_ref());
        match (certificates, key) {
            (None, None) => Ok(None),
            (Some(certificates), Some(key)) => Ok(Some(Tls { certificates: certificates.clone(), key: key.clone() })),
            _ => Err(Usage::error("TLS needs both --tls-cert and --tls-key")),
        }
    }
}

/// An address, or the first that a name such as `localhost` has on this machine.
fn address(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    if host == "localhost" {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let wrong = || format!("--host is {host}: an address of this machine is expected, like 127.0.0.1 or 0.0.0.0");
    let mut found = (host, port).to_socket_addrs().with_context(wrong)?;
    found.next().ok_or_else(|| Usage::error(wrong()))
}

fn given_or(flag: &[String], setting: Option<&Vec<String>>) -> Vec<String> {
    if flag.is_empty() { setting.cloned().unwrap_or_default() } else { flag.to_vec() }
}
