//! What the command line says.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str = "usage: soak --server target/release/timberline [--minutes 30] [--seed 1] [--workers 4] \
                     [--rate 200] [--round-seconds 60] [--dir DIR] [--kills N [--clock-shim shift.so]] [--damage N] [--memory HEARTBEATS]";

/// How to run.
#[derive(Debug)]
pub(crate) struct Options {
    /// The program under test.
    pub(crate) server: PathBuf,
    pub(crate) minutes: u32,
    /// The same seed gives the same requests; when a kill meets them is up to the machine.
    pub(crate) seed: u64,
    /// Clients of each server.
    pub(crate) workers: u64,
    /// Requests per second of each client, at most.
    pub(crate) rate: u32,
    /// From one kill to the next.
    pub(crate) round: Duration,
    /// Where the data go: a directory on a real disk.
    pub(crate) dir: PathBuf,
    /// Instead of a soak: so many kills, a few seconds apart, see `kills`. 0 for a soak.
    pub(crate) kills: u32,
    /// Instead of a soak: so many trials with one damaged file each, see `damage`. 0 for a soak.
    pub(crate) damage: u32,
    /// Instead of a soak: so many distinct heartbeats, see `memory`. 0 for a soak.
    pub(crate) memory: u64,
    /// A library for `LD_PRELOAD` that shifts the wall clock by the seconds in the file `$SHIFT_FILE`
    /// (`benches/shift.c`). With it, the clock jumps in half of the runs with kills.
    pub(crate) clock_shim: Option<PathBuf>,
}

impl Options {
    pub(crate) fn of_arguments() -> io::Result<Options> {
        let mut options = Options {
            server: PathBuf::from("target/release/timberline"),
            minutes: 30,
            seed: 1,
            workers: 4,
            rate: 200,
            round: Duration::from_secs(60),
            dir: PathBuf::from("target"),
            kills: 0,
            damage: 0,
            memory: 0,
            clock_shim: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| usage(&name))?;
            let wrong = || usage(&format!("{name} {value}"));
            match name.as_str() {
                "--server" => options.server = PathBuf::from(&value),
                "--dir" => options.dir = PathBuf::from(&value),
                "--kills" => options.kills = value.parse().map_err(|_| wrong())?,
                "--damage" => options.damage = value.parse().map_err(|_| wrong())?,
                "--memory" => options.memory = value.parse().map_err(|_| wrong())?,
                "--clock-shim" => options.clock_shim = Some(PathBuf::from(&value).canonicalize()?),
                "--minutes" => options.minutes = value.parse().map_err(|_| wrong())?,
                "--seed" => options.seed = value.parse().map_err(|_| wrong())?,
                "--workers" => options.workers = value.parse().map_err(|_| wrong())?,
                "--rate" => options.rate = value.parse().ok().filter(|rate| *rate > 0).ok_or_else(wrong)?,
                "--round-seconds" => {
                    options.round = Duration::from_secs(value.parse().map_err(|_| wrong())?);
                }
                _ => return Err(wrong()),
            }
        }
        options.server = options.server.canonicalize().map_err(|error| {
            io::Error::other(format!(
                "{}: {error}; build it first (make build)",
                options.server.display()
            ))
        })?;
        Ok(options)
    }
}

fn usage(what: &str) -> io::Error {
    io::Error::other(format!("{what}: not understood\n{USAGE}"))
}
