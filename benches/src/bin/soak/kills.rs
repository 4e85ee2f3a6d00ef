//! Kills, a few seconds apart, while everything that changes data is mixed: heartbeats, inserts, replacements, deletions,
//! imports, purges, redactions, undo, restore, retention, squashing, backups.
//!
//! Runs come one after the other, each with a store of its own: plain and encrypted, and with a clock shim also with a
//! wall clock that jumps, before a start and while the server runs. After each start everything is compared. In the end
//! the store and its backups are verified, and what was purged or redacted is looked for in all of them.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::client::Stats;
use crate::extras::Extras;
use crate::kept;
use crate::options::Options;
use crate::random::Random;
use crate::worker::Worker;
use timberline_benches::http::Connection;
use timberline_benches::server::{Installation, Server};

/// Where the wall clock jumps to, in seconds from the real time.
const JUMPS: [i64; 9] = [
    0,
    3_600,
    -3_600,
    8 * DAY,
    -8 * DAY,
    3_652 * DAY,
    -3_652 * DAY,
    27_028 * DAY,
    0,
];
const DAY: i64 = 86_400;
/// The shortest and the longest time from a start to the kill.
const ROUND: std::ops::Range<u64> = 300..4_300;

/// Of a thousand requests so many are purges, redactions, imports, restores and the like.
const MORE_EXTRAS: u64 = 100;

/// One run: a store that is killed again and again.
#[derive(Clone, Copy, Debug)]
struct Kind {
    encrypted: bool,
    jumps: bool,
}

/// What one run came to.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    acknowledged: u64,
    lost: u64,
    wrong: u64,
    forgotten: usize,
    erased: usize,
    backups: u32,
    complaints: Vec<String>,
}

/// Runs all of it. False when anything was lost or wrong.
///
/// # Errors
/// When it cannot be carried out.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    let mut kinds = vec![false, true]
        .into_iter()
        .map(|encrypted| Kind {
            encrypted,
            jumps: false,
        })
        .collect::<Vec<_>>();
    if options.clock_shim.is_some() {
        kinds.extend(kinds.clone().into_iter().map(|kind| Kind { jumps: true, ..kind }));
    }
    let mut good = true;
    let share = options.kills.div_ceil(u32::try_from(kinds.len()).unwrap_or(1));
    for kind in kinds {
        let tally = run_kind(options, kind, share)?;
        let sound = tally.lost == 0 && tally.wrong == 0 && tally.complaints.is_empty();
        good &= sound;
        println!(
            "{kind:?}: {} kills, {} acknowledged, {} lost, {} wrong, {} purged or redacted and found nowhere, {} erased by \
             retention, {} backups verified, {} complaints",
            tally.kills,
            tally.acknowledged,
            tally.lost,
            tally.wrong,
            tally.forgotten,
            tally.erased,
            tally.backups,
            tally.complaints.len()
        );
        for complaint in &tally.complaints {
            println!("  {complaint}");
        }
    }
    Ok(good)
}

fn run_kind(options: &Options, kind: Kind, kills: u32) -> io::Result<Tally> {
    let mut dir = tempfile::Builder::new()
        .prefix("kills-")
        .tempdir_in(&options.dir)?;
    let keys = Installation::known_keys(&options.server, dir.path())?;
    let mut installation = Installation::new(&options.server, dir.path(), "killed", &keys)?;
    installation.configure(&format!(
        "{}\n[backup]\ndir = {:?}\nevery = \"1 minute\"\nkeep = 3\n",
        kept::RULE,
        installation.backup_sets()
    ))?;
    if kind.encrypted {
        installation.encrypt();
    }
    let (stats, extras) = (Stats::default(), Extras::default());
    if let Some(shim) = options.clock_shim.as_ref().filter(|_| kind.jumps) {
        installation.use_clock_shim(shim);
        extras.leave_out_instants();
    }
    let mut workers: Vec<_> = (0..options.workers)
        .map(|number| Worker::new(number, options.seed, installation.port, &stats, &extras))
        .collect();
    workers
        .iter_mut()
        .for_each(|worker| worker.more_extras = MORE_EXTRAS);
    let mut random = Random::new(options.seed, u64::MAX - u64::from(kind.encrypted));
    let mut tally = Tally::default();
    let mut server = installation.start()?;
    for kill in 0..kills {
        round(
            &installation,
            server,
            &mut workers,
            &mut random,
            options,
            kind,
            &mut tally,
        )?;
        tally.kills += 1;
        if kind.jumps {
            jump(&installation, &mut random)?;
        }
        server = installation.start()?;
        for worker in &mut workers {
            worker.compare()?;
        }
        let acknowledged: u64 = workers
            .iter()
            .map(|worker| worker.client.ledger.acknowledged)
            .sum();
        println!(
            "{kind:?}: kill {} of {kills}, {acknowledged} acknowledged",
            kill + 1
        );
    }
    reckon(&installation, server, &mut workers, &mut tally)?;
    if tally.lost > 0 || tally.wrong > 0 || !tally.complaints.is_empty() {
        dir.disable_cleanup(true);
        println!("kept for a look: {}", dir.path().display());
    }
    Ok(tally)
}

fn jump(installation: &Installation, random: &mut Random) -> io::Result<()> {
    let to = random.pick(JUMPS.iter().copied()).unwrap_or(0);
    installation.shift_clock(to)
}

/// Load, now and then a backup or a jump of the clock, then the kill.
fn round(
    installation: &Installation,
    mut server: Server,
    workers: &mut [Worker<'_>],
    random: &mut Random,
    options: &Options,
    kind: Kind,
    tally: &mut Tally,
) -> io::Result<()> {
    let stop = AtomicBool::new(false);
    let length = Duration::from_millis(ROUND.start + random.below(ROUND.end - ROUND.start));
    let (with_backup, with_jump) = (random.below(4) == 0, kind.jumps && random.below(3) == 0);
    thread::scope(|scope| {
        for worker in workers {
            let stop = &stop;
            // A client ends with an error when the server is killed.
            scope.spawn(move || worker.run(stop, options.rate));
        }
        let backup = with_backup.then(|| scope.spawn(|| installation.back_up()));
        if with_jump {
            thread::sleep(length / 2);
            jump(installation, random)?;
            thread::sleep(length / 2);
        } else {
            thread::sleep(length);
        }
        let ended = server.ended()?;
        server.kill()?;
        stop.store(true, Ordering::Relaxed);
        if let Some(status) = ended {
            tally
                .complaints
                .push(format!("the server ended by itself: {status}"));
        }
        if let Some(outcome) = backup.and_then(|backup| backup.join().ok()) {
            tally.backups += 1;
            tally.complaints.extend(outcome?.and_then(Result::err));
        }
        Ok(())
    })
}

/// What was ordered right before the last kill is erased after the start, which is only a moment ago: waits for that.
/// What takes longer than a minute is found in the files.
fn await_purges(port: u16) -> io::Result<()> {
    let mut connection = Connection::open(port)?;
    for _ in 0..600 {
        let answer = connection.exchange("GET", "/metrics", None)?;
        let text = String::from_utf8_lossy(&answer.body);
        let is_done = |name| text.lines().any(|line| line == format!("{name} 0"));
        if is_done("timberline_purges_pending") && is_done("timberline_backups_waiting_for_erasure") {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Compares once more, stops the server, verifies the store and its backups, and looks for what was forgotten.
fn reckon(
    installation: &Installation,
    server: Server,
    workers: &mut [Worker<'_>],
    tally: &mut Tally,
) -> io::Result<()> {
    let mut forgotten = Vec::new();
    for worker in workers {
        worker.compare()?;
        worker.client.disconnect();
        tally.acknowledged += worker.client.ledger.acknowledged;
        tally.lost += worker.client.ledger.lost;
        tally.wrong += worker.client.ledger.wrong;
        tally.erased += worker.own.kept.erased();
        forgotten.append(&mut worker.own.secrets.forgotten);
    }
    await_purges(installation.port)?;
    if let Err(error) = server.stop() {
        tally.complaints.push(error.to_string());
    }
    let sets = installation.sets()?;
    tally.backups += u32::try_from(sets.len()).unwrap_or(u32::MAX);
    for place in sets.into_iter().chain([installation.data()]) {
        let complaint = installation.verify(&place)?;
        tally
            .complaints
            .extend(complaint.map(|why| format!("{}: {why}", place.display())));
        let dump = installation.dump(&place)?;
        for title in forgotten.iter().filter(|title| dump.contains(title.as_str())) {
            tally
                .complaints
                .push(format!("{title} was forgotten and is in {}", place.display()));
        }
    }
    tally.forgotten = forgotten.len();
    Ok(())
}
