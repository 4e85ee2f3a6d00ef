//! `timberline serve`: its flags, and the passphrase of encrypted data.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use timberline_disk::Cipher;
use timberline_server::Start;
use timberline_server::settings::WebUi;
use timberline_server::watchers::Companions;

use crate::config::{BaseDirs, Config, Overrides, WatcherSettings};
use crate::import;
use crate::passphrase;

/// The flags of `serve`. Those that the reference servers have mean what they mean there.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<String>,

    /// Port to listen on [default: 5600, with --testing 5666]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// Run a test instance: port 5666, its own data and configuration, laxer CORS
    #[arg(long)]
    pub(crate) testing: bool,

    /// Directory of the data [default: $XDG_DATA_HOME/timberline]
    #[arg(long, value_name = "DIR")]
    pub(crate) dbpath: Option<PathBuf>,

    /// Directory of the standard web UI (a dist of aw-webui), which is served at / unless --webui says otherwise
    #[arg(long, value_name = "DIR")]
    pub(crate) webpath: Option<PathBuf>,

    /// The web UI to serve at /, timberline or standard [default: as chosen in Settings; standard with --webpath]
    #[arg(long, value_name = "NAME")]
    pub(crate) webui: Option<WebUi>,

    /// Device id to give out instead of the one kept in the data directory
    #[arg(long, value_name = "ID")]
    pub(crate) device_id: Option<String>,

    /// Configuration file [default: $XDG_CONFIG_HOME/timberline/config.toml]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Directories to serve under /pages/NAME/
    #[arg(long, value_name = "NAME=DIR", value_delimiter = ',', value_parser = name_and_dir)]
    pub(crate) custom_static: Vec<(String, PathBuf)>,

    /// Encrypt the data; only for a new data directory. The command asks for the passphrase
    #[arg(long)]
    pub(crate) encrypt: bool,

    /// File with the passphrase of encrypted data [default: $TIMBERLINE_PASSPHRASE, or it is asked for]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Listen on an address beyond this machine without an API key and tokens: everyone can then do everything
    #[arg(long)]
    pub(crate) insecure_no_auth: bool,

    /// Certificate for TLS (PEM; the server reads it again at SIGHUP)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Log more: at debug level
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// If the store is empty, import the newest database of ActivityWatch on this machine before serving
    #[arg(long, conflicts_with = "no_legacy_import")]
    pub(crate) legacy_import: bool,

    /// Do not look for a database of ActivityWatch at the start (launchers of aw-server-rust pass this flag)
    #[arg(long)]
    pub(crate) no_legacy_import: bool,

    /// Origins of web pages that may use the API, besides those of the configuration
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    pub(crate) cors_origins: Vec<String>,

    /// Accepted for compatibility with aw-server; the log stays text
    #[arg(long, hide = true)]
    pub(crate) log_json: bool,

    /// Accepted for compatibility with aw-server; there is one way to store
    #[arg(long, hide = true, value_name = "NAME")]
    pub(crate) storage: Option<String>,

    /// Serve on this inherited socket instead of opening one (systemd's LISTEN_FDS needs no flag)
    #[arg(long, value_name = "FD")]
    pub(crate) listen_fd: Option<i32>,
}

impl ServeArgs {
    /// Flags of aw-server that are accepted and mean nothing here.
    fn warn_of_no_effect(&self) {
        let flags = [
            ("--storage", self.storage.is_some()),
            ("--log-json", self.log_json),
        ];
        for (flag, _) in flags.iter().filter(|(_, given)| *given) {
            eprintln!("timberline: {flag} has no effect; it is accepted because aw-server has it");
        }
    }

    fn overrides(self) -> Overrides {
        Overrides {
            config: self.config,
            testing: self.testing,
            host: self.host,
            port: self.port,
            data_dir: self.dbpath,
            webpath: self.webpath,
            webui: self.webui,
            device_id: self.device_id,
            custom_static: self.custom_static.into_iter().collect(),
            cors_origins: self.cors_origins,
            verbose: self.verbose,
            tls: self.tls_cert.zip(self.tls_key),
            insecure_no_auth: self.insecure_no_auth,
            encrypt: self.encrypt,
            passphrase_file: self.passphrase_file,
        }
    }
}

fn name_and_dir(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, dir)) if !name.is_empty() && !dir.is_empty() => Ok((name.to_owned(), PathBuf::from(dir))),
        _ => Err("expected NAME=DIR, such as my-watcher=/usr/share/my-watcher".to_owned()),
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Whatever keeps the server from starting, or from closing its store, as one line.
pub(crate) fn run(args: ServeArgs) -> anyhow::Result<()> {
    run_with(args, |_, _, _| Ok(None))
}

/// The same with watchers beside the server: `companions` starts them, after everything that may refuse a start.
///
/// # Errors
/// As [`run`]; and when the watchers cannot be started.
pub(crate) fn run_with(
    args: ServeArgs,
    companions: impl FnOnce(&mut Start, &WatcherSettings, Option<Arc<Cipher>>) -> anyhow::Result<Companions>,
) -> anyhow::Result<()> {
    let listen_fd = args.listen_fd;
    args.warn_of_no_effect();
    let (legacy_import, quiet) = (args.legacy_import, args.no_legacy_import);
    let config = Config::load(args.overrides(), &BaseDirs::from_env())?;
    let mut start = Start::prepare(config.server, listen_fd)?;
    let key = passphrase::unlock_or_create(&start.settings().data_dir, &config.encryption)?;
    let cipher = key.cipher();
    let store = start.open_store(cipher.clone())?;
    key.keep();
    let store = if quiet {
        store
    } else {
        import::first::import_or_announce(&start, store, legacy_import)
    };
    let watchers = match companions(&mut start, &config.watchers, cipher) {
        Ok(watchers) => watchers,
        Err(error) => {
            // The next start finds it as a stop leaves it. What refuses this one is the error to report.
            let _ = store.close();
            return Err(error);
        }
    };
    let served = start.serve(store, watchers.clone());
    // They have ended already, unless the server could not even begin to serve.
    watchers.iter().for_each(|watchers| watchers.stop());
    Ok(served?)
}
