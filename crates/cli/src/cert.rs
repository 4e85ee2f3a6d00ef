//! `timberline cert`: a certificate that nobody has signed, for a server in one's own house.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use clap::Args;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use timberline_disk::{create_private_dir, write_atomically};
use timberline_server::identity::hostname;
use timberline_server::tls;

use crate::config::BaseDirs;
use crate::verdict::Verdict;

const DAY: Duration = Duration::from_secs(86_400);
/// Clocks differ.
const EARLIER: Duration = DAY;
/// What some clients accept at most.
const MAX_DAYS: u32 = 825;

/// What the certificate is to be.
#[derive(Debug, Args)]
#[command(after_help = "\
The certificate is self-signed. Clients verify it by its fingerprint, or with the file cert.pem.

Examples:
  timberline cert
  timberline cert nas.lan 192.168.1.5 --dir /etc/timberline
  timberline status --server https://nas.lan:5600 --cert-fingerprint AB:CD:…

Documentation: docs/access.md")]
pub(crate) struct CertArgs {
    /// Names and addresses of the server [default: this machine's name, alone and with .local, localhost, 127.0.0.1, ::1]
    names: Vec<String>,
    /// Directory for the files cert.pem and key.pem [default: the directory of the configuration file]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Number of days for which the certificate is valid
    #[arg(long, value_name = "DAYS", default_value_t = MAX_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Replace existing files
    #[arg(long)]
    force: bool,
    /// Print the fingerprint of the certificate in this file, and create nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["names", "dir", "days", "force"])]
    show: Option<PathBuf>,
}

/// Makes one, or shows one.
pub(crate) fn run(args: CertArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 1)
}

fn carry_out(args: CertArgs) -> anyhow::Result<Verdict> {
    if let Some(file) = &args.show {
        println!("{}", fingerprint_of(file)?);
        return Ok(Verdict::Clean);
    }
    let dir = match args.dir {
        Some(dir) => dir,
        None => usual_dir()?,
    };
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    if let Some(there) = [&cert, &key]
        .into_iter()
        .find(|path| path.exists() && !args.force)
    {
        bail!(
            "{} exists already: --force replaces it, --show prints its fingerprint",
            there.display()
        );
    }
    let names = if args.names.is_empty() {
        usual_names()
    } else {
        args.names
    };
    let made = make(&names, args.days)?;
    create_private_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    // A key without its certificate is of no use; a certificate without its key looks like one that works.
    for (name, text) in [("key.pem", &made.key), ("cert.pem", &made.cert)] {
        let path = dir.join(name);
        write_atomically(&dir, name, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{}", fingerprint_of(&cert)?);
    eprintln!(
        "This is the SHA-256 fingerprint of {}, a certificate for {}.",
        cert.display(),
        names.join(", ")
    );
    eprintln!(
        "Add these lines to the configuration file:\n\n[tls]\ncert = {:?}\nkey = {:?}",
        cert, key
    );
    Ok(Verdict::Clean)
}

fn usual_dir() -> anyhow::Result<PathBuf> {
    let file = BaseDirs::from_env().config_file(false);
    let dir = file.as_deref().and_then(Path::parent).map(Path::to_owned);
    dir.context("neither XDG_CONFIG_HOME nor HOME is set: name the directory with --dir")
}

fn usual_names() -> Vec<String> {
    let host = hostname().to_lowercase();
    let local = format!("{host}.local");
    let own = [host, local].into_iter().filter(|name| !name.starts_with('.'));
    let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let names: BTreeSet<String> = own.chain(loopback).collect();
    names.into_iter().collect()
}

fn fingerprint_of(file: &Path) -> anyhow::Result<String> {
    let certificates = tls::certificates(file)?;
    let first = certificates.first().context("there is no certificate")?;
    Ok(tls::fingerprint(first))
}

/// Both files, as PEM.
struct Made {
    cert: String,
    key: String,
}

fn make(names: &[String], days: u32) -> anyhow::Result<Made> {
    let unusable = || format!("{} cannot be in a certificate", names.join(", "));
    ensure!(
        names.iter().all(|name| !name.is_empty()),
        "a name must not be empty"
    );
    let bare = names.iter().map(|name| name.trim_matches(['[', ']']).to_owned());
    let mut params = CertificateParams::new(bare.collect::<Vec<_>>()).with_context(unusable)?;
    let now = timberline_clock::wall();
    params.not_before = time(now.checked_sub(EARLIER))?;
    params.not_after = time(now.checked_add(DAY * days))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Timberline");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().context("cannot make a key")?;
    let cert = params.self_signed(&key).with_context(unusable)?;
    Ok(Made {
        cert: cert.pem(),
        key: key.serialize_pem(),
    })
}

fn time<T: From<SystemTime>>(at: Option<SystemTime>) -> anyhow::Result<T> {
    Ok(at.context("--days is too far in the future")?.into())
}
