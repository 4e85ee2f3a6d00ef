//! A log on a simulated disk, and a plain model of it: what was appended, in order, and how much of it was reported
//! durable. After every crash the two are compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use timberline_disk::{Cipher, SimDisk};
use timberline_log::{
    AppendError, Entry, Log, LogOptions, LogReader, Records, Recovery, Seq, with_unchecked_length,
};

/// What happens to the log.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A batch of records with payloads of these sizes.
    Append(Vec<usize>),
    /// Somebody waits for everything appended so far.
    Sync,
    /// The log is closed and opened again.
    Reopen,
    /// The power fails right now.
    PowerCut(u64),
    /// The power will fail after so many more disk operations, wherever that is.
    PowerCutAfter(u64),
    /// One sync will fail after so many more.
    FailSync(u64),
    /// The disk gets full, with so many bytes left.
    Fill(u64),
    /// Space is there again.
    Free,
}

/// Histories with records of all sizes, and such in which every record fills a sector: there, what is left of a lost
/// future lies exactly where new records end.
pub(crate) fn any_history() -> impl Strategy<Value = Vec<Action>> {
    let size = prop_oneof![4 => 0usize..120, 2 => 120usize..1500, 1 => 1500usize..9000];
    prop_oneof![
        2 => prop::collection::vec(any_action(size.boxed()), 1..120),
        1 => prop::collection::vec(any_action(Just(480).boxed()), 1..120),
    ]
}

fn any_action(size: BoxedStrategy<usize>) -> impl Strategy<Value = Action> {
    prop_oneof![
        30 => prop::collection::vec(size.clone(), 1).prop_map(Action::Append),
        8 => prop::collection::vec(size, 2..7).prop_map(Action::Append),
        10 => Just(Action::Sync),
        1 => Just(Action::Reopen),
        2 => any::<u64>().prop_map(Action::PowerCut),
        3 => (0u64..60).prop_map(Action::PowerCutAfter),
        1 => (0u64..6).prop_map(Action::FailSync),
        1 => (0u64..80_000).prop_map(Action::Fill),
        2 => Just(Action::Free),
    ]
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Appended {
    kind: u8,
    payload: Vec<u8>,
    ends_batch: bool,
}

/// A bug of the log that the harness must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlantedBug {
    /// Records are reported durable that are not on the platter.
    ReportsTooEarly,
    /// The checksums cover neither a frame's length nor the bytes that the length spans.
    LengthIsUnchecked,
}

/// The log under test and its model.
pub(crate) struct World {
    disk: SimDisk,
    log: Option<Log>,
    appended: Vec<Appended>,
    durable: Seq,
    bug: Option<PlantedBug>,
    fill: u8,
    encrypted: bool,
}

/// Why the log is wrong.
pub(crate) type Violation = String;

/// Runs a history and checks the log against the model all along.
pub(crate) fn run(seed: u64, actions: &[Action], bug: Option<PlantedBug>) -> Result<(), Violation> {
    let world = World {
        disk: SimDisk::new(seed),
        log: None,
        appended: Vec::new(),
        durable: Seq::NONE,
        bug,
        fill: 0,
        // A log with a bug is found out by what it says; encrypted, it would only be damaged.
        encrypted: bug.is_none() && seed % 2 == 1,
    };
    match bug {
        None => world.live(seed, actions),
        Some(PlantedBug::ReportsTooEarly) => {
            world.disk.ignore_syncs();
            world.live(seed, actions)
        }
        Some(PlantedBug::LengthIsUnchecked) => with_unchecked_length(|| world.live(seed, actions)),
    }
}

impl World {
    fn live(mut self, seed: u64, actions: &[Action]) -> Result<(), Violation> {
        self.open()?;
        for action in actions {
            self.act(action)?;
            if self.disk.has_crashed() {
                self.power_cut(seed)?;
            }
        }
        self.power_cut(seed ^ 1)?;
        self.disk.set_capacity(u64::MAX);
        self.append(&[17])?;
        self.sync()?;
        self.power_cut(seed ^ 2)
    }

    fn options(&self) -> LogOptions {
        let time = AtomicI64::new(0);
        LogOptions {
            segment_bytes: 32 << 10,
            clock: Arc::new(move || time.fetch_add(1, Ordering::Relaxed)),
            manual_sync: true,
            cipher: self.cipher(),
            ..LogOptions::default()
        }
    }

    fn cipher(&self) -> Option<Arc<Cipher>> {
        self.encrypted.then(|| Arc::new(Cipher::taken_into_use(&[7; 32])))
    }

    fn act(&mut self, action: &Action) -> Result<(), Violation> {
        match action {
            Action::Append(sizes) => self.append(sizes),
            Action::Sync => self.sync(),
            Action::Reopen => self.reopen(),
            Action::PowerCut(seed) => self.power_cut(*seed),
            Action::PowerCutAfter(count) => {
                self.disk.crash_at(self.disk.operations() + count);
                Ok(())
            }
            Action::FailSync(count) => {
                self.disk.fail_one_sync_after(*count);
                Ok(())
            }
            Action::Fill(left) => {
                self.disk.set_capacity(self.disk.used() + left);
                Ok(())
            }
            Action::Free => {
                self.disk.set_capacity(u64::MAX);
                Ok(())
            }
        }
    }

    fn append(&mut self, sizes: &[usize]) -> Result<(), Violation> {
        // Frames are to be as long as they were meant to be, encrypted or not.
        let overhead = if self.encrypted { Cipher::OVERHEAD } else { 0 };
        let sizes: Vec<usize> = sizes.iter().map(|size| size.saturating_sub(overhead)).collect();
        let payloads: Vec<Vec<u8>> = sizes.iter().map(|&size| self.payload(size)).collect();
        let kind = self.fill;
        let entries: Vec<Entry<'_>> = payloads.iter().map(|payload| Entry { kind, payload }).collect();
        let files = self.files();
        let Some(log) = self.log.as_mut() else {
            return Ok(());
        };
        let next = log.next_seq();
        match log.append(&entries) {
            Ok(seqs) => {
                ensure(
                    *seqs.start() == next && seqs.end().get() == next.get() - 1 + sizes.len() as u64,
                    || {
                        format!(
                            "{} records appended as {seqs:?} instead of from {next}",
                            sizes.len()
                        )
                    },
                )?;
                let last = payloads.len() - 1;
                self.appended
                    .extend(payloads.into_iter().enumerate().map(|(index, payload)| Appended {
                        kind,
                        payload,
                        ends_batch: index == last,
                    }));
                Ok(())
            }
            Err(AppendError::NoSpace { .. }) => {
                ensure(log.next_seq() == next, || {
                    "NoSpace has used up a number".to_owned()
                })?;
                ensure(self.files() == files, || {
                    "NoSpace has left a file behind".to_owned()
                })
            }
            Err(AppendError::TooLarge { .. }) => ensure(log.next_seq() == next, || {
                "TooLarge has used up a number".to_owned()
            }),
            Err(AppendError::Failed(_)) => self.restart(),
            Err(error) => ensure(self.disk.has_crashed(), || format!("append: {error}")),
        }
    }

    fn sync(&mut self) -> Result<(), Violation> {
        let Some(log) = self.log.as_mut() else {
            return Ok(());
        };
        let outcome = log.sync_now();
        let reported = log.durability().durable();
        ensure(reported >= self.durable, || {
            format!("durable went back from {} to {reported}", self.durable)
        })?;
        self.durable = reported;
        match outcome {
            Ok(()) => ensure(reported.get() == self.appended.len() as u64, || {
                format!("synced, but {reported} of {} is durable", self.appended.len())
            }),
            Err(_) if self.disk.has_crashed() => Ok(()),
            Err(_) => self.restart(),
        }
    }

    fn reopen(&mut self) -> Result<(), Violation> {
        let Some(log) = self.log.take() else { return Ok(()) };
        let durability = log.durability();
        let closed = log.close();
        self.durable = durability.durable();
        if closed.is_ok() {
            ensure(self.durable.get() == self.appended.len() as u64, || {
                "closed, but not all durable".to_owned()
            })?;
        }
        self.open()
    }

    /// The process dies and is started again; the disk has not lost power.
    fn restart(&mut self) -> Result<(), Violation> {
        // What the failed process does while it dies is its affair; it must not harm what is there.
        self.log = None;
        self.open()
    }

    fn power_cut(&mut self, seed: u64) -> Result<(), Violation> {
        if let Some(log) = &self.log {
            self.durable = log.durability().durable();
        }
        let after = self.disk.crash(seed);
        // Dropped after the crash was taken: the old disk does not matter any more.
        self.log = None;
        self.disk = after;
        if seed.is_multiple_of(3) {
            // The power fails again while the log is being recovered.
            self.disk.crash_at(seed / 3 % 12);
        }
        let read_only = match self.bug {
            None => Some(self.check_read_only()?),
            Some(_) => None,
        };
        self.open()?;
        let last = Seq(self.appended.len() as u64);
        ensure(read_only.is_none_or(|seen| seen == last), || {
            format!("read-only the log ended at {read_only:?}, recovered it ends at {last}")
        })
    }

    /// What a reader sees before recovery has changed anything.
    fn check_read_only(&self) -> Result<Seq, Violation> {
        let reader = LogReader::open(self.disk.dir("log")).map_err(|error| error.to_string())?;
        let reader = reader.with_cipher(self.cipher());
        let seen = self.check(reader.read_from(Seq::FIRST).map_err(|error| error.to_string())?)?;
        self.check_end(seen)?;
        Ok(seen)
    }

    fn open(&mut self) -> Result<(), Violation> {
        let recovery = loop {
            match Log::open(self.disk.dir("log"), self.options()) {
                Ok((log, _)) if self.disk.has_crashed() => {
                    self.durable = self.durable.max(log.durability().durable());
                    drop(log);
                    self.disk = self.disk.crash(0);
                }
                Ok((log, recovery)) => {
                    self.log = Some(log);
                    break recovery;
                }
                Err(_) if self.disk.has_crashed() => self.disk = self.disk.crash(0),
                // A sync has failed while opening; what was planned to fail has failed now.
                Err(timberline_log::LogError::SyncFailed(_)) => {}
                Err(timberline_log::LogError::Io(error)) if error.source.raw_os_error() == Some(5) => {}
                Err(error) => return Err(format!("cannot open: {error}")),
            }
        };
        self.check_recovery(&recovery)
    }

    fn check_recovery(&mut self, recovery: &Recovery) -> Result<(), Violation> {
        let last = recovery.last_seq;
        ensure(recovery.damage.is_empty(), || {
            format!("a crash passed for damage: {:?}", recovery.damage)
        })?;
        self.check_end(last)?;
        let Some(log) = &self.log else { return Ok(()) };
        let seen = self.check(
            log.reader()
                .read_from(Seq::FIRST)
                .map_err(|error| error.to_string())?,
        )?;
        ensure(seen == last, || format!("recovered {last}, read {seen}"))?;
        ensure(log.next_seq() == last.next(), || {
            format!("recovered {last}, next is {}", log.next_seq())
        })?;
        self.appended.truncate(last.get() as usize);
        self.durable = log.durability().durable();
        ensure(self.durable == last, || {
            format!("recovered {last}, durable {}", self.durable)
        })
    }

    /// The log may end only behind what is durable, and between batches.
    fn check_end(&self, last: Seq) -> Result<(), Violation> {
        let durable = self.durable;
        ensure(last >= durable, || {
            format!("record {durable} was durable, the log ends at {last}")
        })?;
        let Some(index) = (last.get() as usize).checked_sub(1) else {
            return Ok(());
        };
        let end = self
            .appended
            .get(index)
            .ok_or_else(|| format!("record {last} was never appended"))?;
        ensure(end.ends_batch, || {
            format!("record {last} is there, the rest of its batch is not")
        })
    }

    fn check(&self, mut records: Records) -> Result<Seq, Violation> {
        let mut last = Seq::NONE;
        while let Some(record) = records.next() {
            let record = record.map_err(|damage| format!("a crash passed for damage: {damage}"))?;
            last = last.next();
            let expected = self.appended.get(last.get() as usize - 1);
            let same = expected.is_some_and(|expected| {
                (expected.kind, &expected.payload[..], expected.ends_batch)
                    == (record.kind, record.payload, record.ends_batch)
            });
            ensure(same && record.seq == last, || {
                format!("record {last} is not what was appended")
            })?;
        }
        Ok(last)
    }

    fn payload(&mut self, size: usize) -> Vec<u8> {
        // Different in every record and every sector, so that a stale or swapped sector shows.
        self.fill = self.fill.wrapping_add(1);
        let seed = u64::from(self.fill) << 32 | self.appended.len() as u64;
        let words = (0..).map(|index: u64| (seed ^ index).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        words.flat_map(u64::to_le_bytes).take(size).collect()
    }

    fn files(&self) -> Vec<String> {
        self.disk.dir("log").list().unwrap_or_default()
    }
}

fn ensure(holds: bool, violation: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(violation()) }
}

/// How many cases a property test runs: `TIMBERLINE_CASES`, or a number that keeps the tests quick.
pub(crate) fn cases(modest: u32) -> u32 {
    std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(modest)
}
