//! What the command line says.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str =
    "usage: load [--server NAME=PATH]... [--days 365] [--rounds 3] [--seconds 3] [--dir target]";

/// A server to be measured.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
}

/// How to measure.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) subjects: Vec<Subject>,
    /// Days of history that the servers are filled with.
    pub(crate) days: i64,
    pub(crate) rounds: u32,
    /// How long each kind of heartbeats is sent.
    pub(crate) seconds: Duration,
    /// Where the data go: a directory on a real disk.
    pub(crate) dir: PathBuf,
}

impl Options {
    pub(crate) fn of_arguments() -> io::Result<Options> {
        let mut options = Options {
            subjects: Vec::new(),
            days: 365,
            rounds: 3,
            seconds: Duration::from_secs(3),
            dir: PathBuf::from("target"),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| usage(&name))?;
            let wrong = || usage(&format!("{name} {value}"));
            match name.as_str() {
                "--server" => {
                    let (name, path) = value.split_once('=').ok_or_else(wrong)?;
                    options.subjects.push(subject(name, path)?);
                }
                "--days" => options.days = value.parse().ok().filter(|days| *days > 0).ok_or_else(wrong)?,
                "--rounds" => options.rounds = value.parse().map_err(|_| wrong())?,
                "--seconds" => options.seconds = Duration::from_secs(value.parse().map_err(|_| wrong())?),
                "--dir" => options.dir = PathBuf::from(&value),
                _ => return Err(wrong()),
            }
        }
        if options.subjects.is_empty() {
            options
                .subjects
                .push(subject("timberline", "target/release/timberline")?);
        }
        Ok(options)
    }
}

fn subject(name: &str, path: &str) -> io::Result<Subject> {
    let program = PathBuf::from(path).canonicalize();
    let program =
        program.map_err(|error| io::Error::other(format!("{path}: {error}; build it first (make build)")))?;
    Ok(Subject {
        name: name.to_owned(),
        program,
    })
}

fn usage(what: &str) -> io::Error {
    io::Error::other(format!("{what}: not understood\n{USAGE}"))
}
