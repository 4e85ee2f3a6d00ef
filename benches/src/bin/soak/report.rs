//! What came of it, for people and for programs.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::options::Options;
use timberline_benches::sample::Sample;

/// From this minute on memory should stay where it is.
const SETTLED: Duration = Duration::from_secs(5 * 60 - 10);
/// What it may still grow by, to the end: caches that fill, and noise.
const GROWTH: f64 = 1.25;
const GROWTH_BYTES: u64 = 16 << 20;

/// Both servers in one minute.
#[derive(Debug)]
pub(crate) struct Minute {
    pub(crate) at: Duration,
    pub(crate) steady: Sample,
    /// Bytes of log and views.
    pub(crate) steady_disk: (u64, u64),
    pub(crate) steady_rate: f64,
    /// Nanoseconds of the slowest heartbeat.
    pub(crate) steady_slowest: u64,
    pub(crate) killed: Sample,
    pub(crate) killed_disk: (u64, u64),
    pub(crate) killed_rate: f64,
    pub(crate) killed_slowest: u64,
}

/// What was found about one server in the end.
#[derive(Debug, Default)]
pub(crate) struct Reckoning {
    pub(crate) acknowledged: u64,
    pub(crate) lost: u64,
    pub(crate) wrong: u64,
    /// What concerns no event: an end without a kill, a complaint of `log verify`.
    pub(crate) complaints: Vec<String>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Report {
    seed: u64,
    pub(crate) minutes: Vec<Minute>,
    pub(crate) kills: u64,
    pub(crate) backups: u64,
    pub(crate) extras: Vec<&'static str>,
    /// Open files of the steady server when it was idle, before and after.
    pub(crate) handles_before: u64,
    pub(crate) handles_after: u64,
    pub(crate) steady: Reckoning,
    pub(crate) killed: Reckoning,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Report {
        Report {
            seed: options.seed,
            minutes: Vec::new(),
            kills: 0,
            backups: 0,
            extras: Vec::new(),
            handles_before: 0,
            handles_after: 0,
            steady: Reckoning::default(),
            killed: Reckoning::default(),
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        let sound = |r: &Reckoning| r.lost == 0 && r.wrong == 0 && r.complaints.is_empty();
        sound(&self.steady) && sound(&self.killed) && self.leaked_handles() <= 0 && !self.grows()
    }

    fn leaked_handles(&self) -> i64 {
        self.handles_after.cast_signed() - self.handles_before.cast_signed()
    }

    /// The steady server when it should have settled (or the first time, of a short run), and the last time.
    fn settled_and_last(&self) -> Option<(&Minute, &Minute)> {
        let settled = self.minutes.iter().find(|minute| minute.at >= SETTLED);
        Some((settled.or(self.minutes.first())?, self.minutes.last()?))
    }

    /// Whether memory has not stayed where it was; of a run that is too short to tell, no.
    fn grows(&self) -> bool {
        let Some((settled, last)) = self.settled_and_last() else {
            return false;
        };
        let most = settled.steady.anonymous as f64 * GROWTH + GROWTH_BYTES as f64;
        last.at >= 2 * SETTLED && last.steady.anonymous as f64 > most
    }

    /// One line for programs.
    pub(crate) fn json(&self) -> Value {
        let server = |r: &Reckoning| json!({"acknowledged": r.acknowledged, "lost": r.lost, "wrong": r.wrong, "complaints": r.complaints});
        let memory = |minute: &Minute| {
            json!({"second": minute.at.as_secs(), "rss": minute.steady.resident, "anonymous": minute.steady.anonymous,
                "threads": minute.steady.threads, "log": minute.steady_disk.0, "views": minute.steady_disk.1})
        };
        let (settled, last) = self
            .settled_and_last()
            .map(|(a, b)| (memory(a), memory(b)))
            .unzip();
        let slowest = |of: fn(&Minute) -> u64| self.minutes.iter().map(of).max().unwrap_or(0) as f64 / 1e6;
        let rates = |of: fn(&Minute) -> f64| {
            self.minutes.iter().map(of).sum::<f64>() / self.minutes.len().max(1) as f64
        };
        json!({
            "good": self.is_good(), "seed": self.seed, "rounds": self.minutes.len(), "kills": self.kills,
            "backups": self.backups, "extras": self.extras,
            "lost": self.steady.lost + self.killed.lost, "wrong": self.steady.wrong + self.killed.wrong,
            "leaked_handles": self.leaked_handles(), "handles": [self.handles_before, self.handles_after],
            "settled": settled, "last": last,
            "steady": server(&self.steady), "killed": server(&self.killed),
            "requests_per_second": [rates(|m| m.steady_rate), rates(|m| m.killed_rate)],
            "slowest_heartbeat_ms": [slowest(|m| m.steady_slowest), slowest(|m| m.killed_slowest)],
        })
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut server = |name: &str, sample: &Sample, disk: (u64, u64), rate: f64, slowest: u64| {
            writeln!(
                f,
                "  {name}: RSS {:.1} MiB ({:.1} its own), {} files, {} threads, log {:.1} MiB, views {:.1} MiB, \
                 {rate:.0}/s, slowest heartbeat {:.1} ms",
                mib(sample.resident),
                mib(sample.anonymous),
                sample.handles,
                sample.threads,
                mib(disk.0),
                mib(disk.1),
                slowest as f64 / 1e6
            )
        };
        server(
            "steady",
            &self.steady,
            self.steady_disk,
            self.steady_rate,
            self.steady_slowest,
        )?;
        server(
            "killed",
            &self.killed,
            self.killed_disk,
            self.killed_rate,
            self.killed_slowest,
        )?;
        write!(f, "  at {:.0} s", self.at.as_secs_f64())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, server) in [("killed", &self.killed), ("steady", &self.steady)] {
            writeln!(
                f,
                "{name} server: {} writes acknowledged, {} lost, {} wrong",
                server.acknowledged, server.lost, server.wrong
            )?;
            server
                .complaints
                .iter()
                .try_for_each(|words| writeln!(f, "  {words}"))?;
        }
        writeln!(
            f,
            "{} kills, {} backups, newer requests: {:?}",
            self.kills, self.backups, self.extras
        )?;
        writeln!(
            f,
            "open files of the steady server when idle: {} before, {} after, {} leaked",
            self.handles_before,
            self.handles_after,
            self.leaked_handles()
        )?;
        if let Some((settled, last)) = self.settled_and_last() {
            for minute in [settled, last] {
                writeln!(
                    f,
                    "steady server at {:.0} s: RSS {:.1} MiB, {:.1} MiB its own",
                    minute.at.as_secs_f64(),
                    mib(minute.steady.resident),
                    mib(minute.steady.anonymous)
                )?;
            }
        }
        let verdict = match (self.is_good(), self.grows()) {
            (true, _) => "nothing lost, nothing wrong, nothing leaked",
            (false, true) => "NOT GOOD: its memory grows",
            (false, false) => "NOT GOOD",
        };
        write!(f, "{verdict}")
    }
}
