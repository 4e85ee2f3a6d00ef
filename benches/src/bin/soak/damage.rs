//! Damage to every kind of file, one place at a time: a flipped bit, zeroed bytes, a truncated, a removed, a swapped file;
//! before a start, or while the server runs.
//!
//! A store is filled once: plain and encrypted, stopped in order and killed. Each trial works on a copy of it, damages one
//! file, starts the server, and reads every event. What the server shows must be what was stored. An event may be missing
//! only where the damage is reported: a line of the server's log, of `doctor` or of `log verify` names the file, or a value in
//! `/metrics` counts it, and an undamaged store says nothing of the kind (`reports`). A start may be refused if the reason is
//! printed. Damage that costs nothing and is not reported must lie where nothing is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::ledger::{Event, Events};
use crate::options::Options;
use crate::random::Random;
use crate::reports::Reports;
use timberline_benches::http::Connection;
use timberline_benches::server::Installation;

/// Events of one insert, and inserts of one bucket: enough for view segments, which have 32,768 rows.
const BATCH: u64 = 2_000;
const BATCHES: u64 = 20;
const BUCKETS: [&str; 3] = ["damage-a", "damage-b", "damage-small"];
/// So short that segments are squashed while the store is filled.
const KEYS: [&str; 3] = [
    "history = \"1 second\"",
    "erase_after = \"1 second\"",
    "maintain_every = \"1 second\"",
];
/// How long a server may take to put its views right.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    Flip,
    Zero,
    Truncate,
    Remove,
    Swap,
}

const HARMS: [Harm; 5] = [Harm::Flip, Harm::Zero, Harm::Truncate, Harm::Remove, Harm::Swap];

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Everything was shown, and the damage was reported.
    WholeReported,
    /// Everything was shown, nothing was reported, and nothing was to be: the bytes were not in use or did not change, or the
    /// file holds nothing that is to be kept.
    Harmless,
    /// Events are missing, and the damage was reported.
    MissingReported,
    /// The start was refused with a reason.
    Refused,
    /// Everything was shown, and nobody says that a file is damaged.
    WholeUnreported,
    /// Events are missing, and nobody says so.
    MissingUnreported,
    /// An event is not as it was stored.
    Wrong,
    /// The server ended, or an answer was an error to the last.
    Unavailable,
}

impl Outcome {
    fn is_good(self) -> bool {
        self < Outcome::WholeUnreported
    }
}

/// A filled store, and what it must show.
struct Template {
    name: &'static str,
    encrypted: bool,
    dir: PathBuf,
    expected: BTreeMap<String, Events>,
    /// What is said of it when nothing is damaged, without the numbers.
    baseline: BTreeSet<String>,
}

/// Runs all of it. False when any trial ended badly.
///
/// # Errors
/// When it cannot be carried out.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    let dir = tempfile::Builder::new()
        .prefix("damage-")
        .tempdir_in(&options.dir)?;
    let mut templates = Vec::new();
    for (name, encrypted, kill) in [
        ("plain", false, false),
        ("plain-killed", false, true),
        ("encrypted", true, false),
        ("encrypted-killed", true, true),
    ] {
        let mut template = fill(options, dir.path(), name, encrypted, kill)?;
        template.baseline = baseline(options, dir.path(), &template)?;
        templates.push(template);
    }
    let mut random = Random::new(options.seed, 0);
    let mut tally: BTreeMap<(String, Harm, Outcome), u32> = BTreeMap::new();
    let mut good = true;
    for number in 0..options.damage {
        let Some(template) = random.pick(templates.iter()) else {
            break;
        };
        let (file, harm, running, outcome, why) = trial(options, dir.path(), template, &mut random)?;
        good &= outcome.is_good();
        if !outcome.is_good() || outcome == Outcome::MissingReported {
            println!(
                "{number} {}: {harm:?} of {file}, running: {running}: {outcome:?}: {why}",
                template.name
            );
        }
        *tally.entry((kind_of(&file), harm, outcome)).or_default() += 1;
    }
    for ((kind, harm, outcome), count) in &tally {
        println!("{count:4} {kind:12} {harm:?}: {outcome:?}");
    }
    Ok(good)
}

/// A name without the number in it.
fn kind_of(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    match name.rsplit_once('.') {
        Some((_, ending @ ("seg" | "view"))) => format!("*.{ending}"),
        _ => name.to_owned(),
    }
}

fn installation(options: &Options, dir: &Path, name: &str, encrypted: bool) -> io::Result<Installation> {
    let mut installation = Installation::new(&options.server, dir, name, &KEYS)?;
    if encrypted {
        installation.encrypt();
    }
    Ok(installation)
}

fn fill(
    options: &Options,
    dir: &Path,
    name: &'static str,
    encrypted: bool,
    kill: bool,
) -> io::Result<Template> {
    let made = installation(options, dir, name, encrypted)?;
    let server = made.start()?;
    let mut connection = Connection::open(made.port)?;
    for bucket in BUCKETS {
        let body = r#"{"client":"soak","type":"soak","hostname":"soak"}"#;
        connection.exchange("POST", &format!("/api/0/buckets/{bucket}"), Some(body.as_bytes()))?;
        let batches = if bucket == "damage-small" { 1 } else { BATCHES };
        for batch in 0..batches {
            let events: Vec<_> = (batch * BATCH..(batch + 1) * BATCH)
                .map(|n| {
                    let second = 1_709_251_200 + n;
                    let time = timberline_model::Timestamp::from_nanos(second.cast_signed() * 1_000_000_000);
                    json!({"timestamp": time.to_string(), "duration": 1, "data": {"app": format!("app-{}", n % 13), "title": format!("title {}", n * 7 % 1_999)}})
                })
                .collect();
            let body = serde_json::to_vec(&events)?;
            let answer =
                connection.exchange("POST", &format!("/api/0/buckets/{bucket}/events"), Some(&body))?;
            if !answer.is_success() {
                return Err(io::Error::other(format!("an insert: {}", answer.excerpt())));
            }
        }
        connection.exchange("POST", "/api/0/settings/damage", Some(b"{\"value\":1}"))?;
    }
    // Time for squashing and for view segments.
    std::thread::sleep(Duration::from_secs(4));
    let target = format!("/api/0/buckets/{}/heartbeat?pulsetime=5", BUCKETS[2]);
    for second in 0..200 {
        let body = format!(
            r#"{{"timestamp":"2025-01-01T00:{:02}:{:02}Z","duration":0,"data":{{"n":{}}}}}"#,
            second / 60,
            second % 60,
            second / 9
        );
        connection.exchange("POST", &target, Some(body.as_bytes()))?;
    }
    let expected = read_all(&mut connection)?.map_err(io::Error::other)?;
    std::thread::sleep(Duration::from_secs(2));
    if kill {
        server.kill()?
    } else {
        server.stop()?
    }
    Ok(Template {
        name,
        encrypted,
        dir: dir.join(name),
        expected,
        baseline: BTreeSet::new(),
    })
}

/// Every event of every bucket; or why not.
fn read_all(connection: &mut Connection) -> io::Result<Result<BTreeMap<String, Events>, String>> {
    let mut all = BTreeMap::new();
    let answer = connection.exchange("GET", "/api/0/buckets/", None)?;
    let Some(buckets) = answer.json().as_object().cloned().filter(|_| answer.is_success()) else {
        return Ok(Err(format!("the list of buckets: {}", answer.excerpt())));
    };
    for bucket in buckets.keys() {
        let answer = connection.exchange("GET", &format!("/api/0/buckets/{bucket}/events"), None)?;
        match Event::read_all(&answer.json()).filter(|_| answer.is_success()) {
            Some(events) => all.insert(bucket.clone(), events.into_iter().collect()),
            None => return Ok(Err(format!("{bucket}: {}", answer.excerpt()))),
        };
    }
    Ok(Ok(all))
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_dir(&source, &target)?
        } else {
            fs::copy(&source, &target).map(|_| ())?
        }
    }
    Ok(())
}

/// The files below a directory, by their path in it.
fn files(dir: &Path, below: &str, into: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files(&entry.path(), &format!("{name}/"), into)?
        } else {
            into.push(name)
        }
    }
    into.sort();
    Ok(())
}

/// What was done to a file.
struct Hit {
    file: String,
    harm: Harm,
    /// Whether nothing is lost by it: the bytes did not change or were zeroes of free space, or it is a file that says nothing
    /// about data.
    unused: bool,
}

fn damage(data: &Path, random: &mut Random) -> io::Result<Hit> {
    let mut all = Vec::new();
    files(data, "", &mut all)?;
    // Each kind of file as often as the others.
    let mut kinds: Vec<String> = all.iter().map(|file| kind_of(file)).collect();
    kinds.sort();
    kinds.dedup();
    let kind = random.pick(kinds.iter()).cloned().unwrap_or_default();
    let of_kind: Vec<&String> = all.iter().filter(|file| kind_of(file) == kind).collect();
    let file = random
        .pick(of_kind.iter())
        .map(|file| (*file).clone())
        .unwrap_or_default();
    let harm = random.pick(HARMS.iter().copied()).unwrap_or(Harm::Flip);
    let path = data.join(&file);
    let before = fs::read(&path)?;
    let mut bytes = before.clone();
    let at = random.below(bytes.len().max(1) as u64) as usize;
    match harm {
        Harm::Remove => fs::remove_file(&path)?,
        Harm::Truncate => bytes.truncate(at),
        Harm::Swap => {
            let other = random.pick(of_kind.iter()).map(|other| data.join(other));
            if let Some(other) = other.filter(|other| *other != path) {
                bytes = fs::read(&other)?;
                fs::copy(&path, &other)?;
            }
        }
        Harm::Flip => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        Harm::Zero => bytes.iter_mut().skip(at).take(64).for_each(|byte| *byte = 0),
    }
    if harm != Harm::Remove {
        // In place: a mapping must see it.
        let mut open = fs::OpenOptions::new().write(true).open(&path)?;
        io::Write::write_all(&mut open, &bytes)?;
        open.set_len(bytes.len() as u64)?;
    }
    let unused = holds_nothing(&file)
        || is_left_over(&file, &all)
        || harm != Harm::Remove && is_free_space(&before, &bytes);
    Ok(Hit { file, harm, unused })
}

/// Files that a server makes again and that say nothing about data.
fn holds_nothing(file: &str) -> bool {
    matches!(kind_of(file).as_str(), "LOCK" | "CLOCK")
}

/// View segments without a checkpoint that names them: a crash left them, and the next start removes them.
fn is_left_over(file: &str, all: &[String]) -> bool {
    kind_of(file) == "*.view" && !all.iter().any(|other| kind_of(other).starts_with("checkpoint"))
}

/// Whether only the zeroes changed that follow everything stored.
fn is_free_space(before: &[u8], after: &[u8]) -> bool {
    let used = before
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    after.len() >= used && before.get(..used) == after.get(..used)
}

type Trial = (String, Harm, bool, Outcome, String);

/// A copy of a filled store.
fn copy_of(options: &Options, dir: &Path, template: &Template) -> io::Result<Installation> {
    let copy = installation(options, dir, "trial", template.encrypted)?;
    fs::remove_dir_all(copy.data()).or_else(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            Ok(())
        } else {
            Err(error)
        }
    })?;
    let _ = fs::remove_file(copy.log());
    copy_dir(&template.dir.join("data"), &copy.data())?;
    Ok(copy)
}

/// What is said of a store that nothing happened to.
fn baseline(options: &Options, dir: &Path, template: &Template) -> io::Result<BTreeSet<String>> {
    let copy = copy_of(options, dir, template)?;
    let server = copy.start()?;
    patiently(copy.port).map_err(io::Error::other)?;
    let mut reports = Reports::default();
    reports.add_metrics(copy.port);
    server.stop()?;
    reports.add_stopped(&copy)?;
    Ok(reports.shapes())
}

fn trial(options: &Options, dir: &Path, template: &Template, random: &mut Random) -> io::Result<Trial> {
    let copy = copy_of(options, dir, template)?;
    let running = random.below(3) == 0;
    let early = if running {
        None
    } else {
        Some(damage(&copy.data(), random)?)
    };
    let server = copy.start();
    let hit = match early {
        Some(done) => done,
        None => damage(&copy.data(), random)?,
    };
    let Hit { file, harm, unused } = hit;
    let server = match server {
        Ok(server) => server,
        Err(error) => return Ok((file, harm, running, Outcome::Refused, error.to_string())),
    };
    let shown = patiently(copy.port);
    let mut reports = Reports::default();
    reports.add_metrics(copy.port);
    let stopped = server.stop();
    reports.add_stopped(&copy)?;
    let reported = reports.name(&file, &template.baseline);
    let (mut outcome, mut why) = match shown {
        Err(why) => (Outcome::Unavailable, why),
        Ok(shown) => judge(&template.expected, &shown, reported),
    };
    if outcome == Outcome::WholeUnreported && unused {
        outcome = Outcome::Harmless;
    }
    if let Err(error) = stopped
        && !reported
    {
        (outcome, why) = (Outcome::Unavailable, error.to_string());
    }
    if !outcome.is_good() {
        why = format!(
            "{why}; new in the reports: {:#?}",
            reports.news(&template.baseline)
        );
    }
    Ok((file, harm, running, outcome, why))
}

fn patiently(port: u16) -> Result<BTreeMap<String, Events>, String> {
    let begun = Instant::now();
    loop {
        let read = Connection::open(port).and_then(|mut connection| read_all(&mut connection));
        match read {
            Ok(Ok(shown)) => return Ok(shown),
            Ok(Err(why)) if begun.elapsed() > PATIENCE => return Err(why),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error.to_string()),
            _ => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

fn judge(
    expected: &BTreeMap<String, Events>,
    shown: &BTreeMap<String, Events>,
    reported: bool,
) -> (Outcome, String) {
    let none = Events::new();
    let (mut missing, mut wrong) = (0, 0);
    for (bucket, events) in expected {
        let there = shown.get(bucket).unwrap_or(&none);
        missing += events.keys().filter(|id| !there.contains_key(id)).count();
        // The last heartbeats may be lost with the record that held them: the event is shorter then.
        wrong += there
            .iter()
            .filter(|(id, event)| {
                events.get(id).is_none_or(|stored| {
                    stored.start != event.start
                        || stored.data != event.data
                        || stored.duration < event.duration
                })
            })
            .count();
        missing += there
            .iter()
            .filter(|(id, event)| {
                events
                    .get(id)
                    .is_some_and(|stored| stored.duration > event.duration)
            })
            .count();
    }
    // A bucket whose creation was lost has another name.
    let renamed: usize = shown
        .iter()
        .filter(|(bucket, _)| !expected.contains_key(*bucket))
        .map(|(_, events)| events.len())
        .sum();
    let why = format!("{missing} missing, {wrong} wrong, {renamed} in buckets of other names");
    let outcome = match (missing, wrong, reported) {
        (_, 1.., _) => Outcome::Wrong,
        (0, 0, true) => Outcome::WholeReported,
        (0, 0, false) => Outcome::WholeUnreported,
        (_, 0, true) => Outcome::MissingReported,
        (_, 0, false) => Outcome::MissingUnreported,
    };
    (outcome, why)
}
