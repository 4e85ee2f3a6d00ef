//! The tables.

use indicatif::{BinaryBytes, HumanCount};
use timberline_server::status::{
    AccessStatus, BackupStatus, BucketStatus, DamageStatus, KnownBackup, MemoryStatus, Status, StoreStatus,
    TokenStatus, WatcherState,
};
use timberline_server::tokens::Scope;

use super::data::Found;
use crate::build::TEXT;
use crate::output::{Output, OutputError};
use crate::server_client::ServerClient;
use crate::table::{Table, printable};
use crate::watchers;

/// The report of a server.
pub(super) fn server(out: &mut Output, server: &ServerClient, status: &Status) -> Result<(), OutputError> {
    let build = [status.commit.as_deref(), status.date.as_deref()];
    let build: Vec<&str> = build.into_iter().flatten().collect();
    let testing = if status.testing { ", test instance" } else { "" };
    let mut facts = Facts::new();
    facts.add(
        "server",
        format!("{server}, process {}{testing}", status.process_id),
    );
    facts.add("version", format!("{} {}", status.version, build.join(" ")));
    facts.add(
        "up",
        format!("{}, since {}", span(status.uptime_seconds), status.started),
    );
    facts.add(
        "writes",
        match &status.not_ready {
            None => "go through".to_owned(),
            Some(why) => format!("wait: {why}"),
        },
    );
    facts.add("access", access(&status.access));
    if !status.access.tokens.is_empty() {
        facts.add("tokens", tokens(&status.access.tokens));
    }
    store(&mut facts, &status.store);
    backups(&mut facts, &status.backups);
    facts.add("damage", damage(&status.damage));
    facts.add("memory", memory(&status.memory));
    facts.print(out)?;
    buckets(out, &status.buckets)?;
    if !status.watchers.watchers.is_empty() {
        out.line("")?;
        watchers::show(out, &status.watchers, false)?;
    }
    lines(out, "needs attention:", &status.attention)
}

/// The status from the data directory.
pub(super) fn data(out: &mut Output, why: &str, found: &Found) -> Result<(), OutputError> {
    let mut facts = Facts::new();
    facts.add("server", format!("not running: {why}"));
    facts.add("version", TEXT.to_owned());
    match &found.store {
        Some(status) => store(&mut facts, status),
        None => facts.add("data", "there is no data directory yet".to_owned()),
    }
    if let Some(why) = &found.unreadable {
        facts.add("data", format!("cannot be read: {why}"));
    }
    facts.add("backups", known(&found.backups));
    facts.print(out)?;
    buckets(out, &found.buckets)?;
    lines(out, "the log is damaged:", &found.damage)
}

/// A table of names and facts.
struct Facts(Vec<(&'static str, String)>);

impl Facts {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn add(&mut self, name: &'static str, fact: String) {
        self.0.push((name, fact));
    }

    fn print(self, out: &mut Output) -> Result<(), OutputError> {
        for (name, fact) in self.0 {
            out.line(format_args!("{name:<9} {}", printable(&fact)))?;
        }
        Ok(())
    }
}

fn access(access: &AccessStatus) -> String {
    let who = if access.loopback_only {
        "only programs on this machine"
    } else {
        "everyone who reaches these addresses"
    };
    let key = if access.authentication == "none" {
        "without a key"
    } else {
        "with a key"
    };
    let pages = match access.cors.len() {
        0 => String::new(),
        count => format!("; {count} further origins of web pages (cors)"),
    };
    format!("{who}, {key}: {}{pages}", access.addresses.join(", "))
}

/// How many there are of each scope, and which was used last.
fn tokens(tokens: &[TokenStatus]) -> String {
    let count = |scope: Scope| tokens.iter().filter(|token| token.scope == scope).count();
    let counts = Scope::ALL.map(|scope| (count(scope), scope));
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, scope)| format!("{count} {scope}"))
        .collect();
    let expired = match tokens.iter().filter(|token| token.expired).count() {
        0 => String::new(),
        count => format!(", {count} expired"),
    };
    let newest = tokens.iter().max_by_key(|token| token.last_used.as_deref());
    let used = match newest.and_then(|token| Some((&token.name, token.last_used.as_ref()?))) {
        Some((name, time)) => format!("the last one used is {name}, {time}"),
        None => "none was used".to_owned(),
    };
    format!("{}{expired}; {used}", counts.join(", "))
}

fn store(facts: &mut Facts, store: &StoreStatus) {
    let encrypted = if store.encrypted { ", encrypted" } else { "" };
    facts.add("data", format!("{}{encrypted}", store.data_dir.display()));
    let mut size = format!(
        "{} (log {}, views {})",
        BinaryBytes(store.bytes),
        BinaryBytes(store.log_bytes),
        BinaryBytes(store.view_bytes)
    );
    if let Some(free) = store.free_bytes {
        size.push_str(&format!(", {} free", BinaryBytes(free)));
    }
    if let Some(change) = store.bytes_since_start {
        let sign = if change < 0 { "-" } else { "+" };
        size.push_str(&format!(
            ", {sign}{} since the start",
            BinaryBytes(change.unsigned_abs())
        ));
    }
    facts.add("size", size);
    let mut events = HumanCount(store.events).to_string();
    if let (Some(day), Some(week)) = (store.events_last_day, store.events_last_week) {
        events.push_str(&format!(
            ", {} in the last 24 hours, {} in the last 7 days",
            HumanCount(day),
            HumanCount(week)
        ));
    }
    facts.add("events", events);
    let durable = match store.durable_seq {
        Some(durable) => format!(", durable up to {}", HumanCount(durable)),
        None => String::new(),
    };
    facts.add("records", format!("{}{durable}", HumanCount(store.seq)));
}

fn backups(facts: &mut Facts, backups: &BackupStatus) {
    let automatic = match (&backups.automatic_dir, backups.automatic_every_seconds) {
        (Some(dir), Some(every)) => format!(
            "; automatic every {} to {}, the newest {}",
            span(every),
            dir.display(),
            backups.last_automatic.as_deref().unwrap_or("none yet")
        ),
        _ => "; none automatic".to_owned(),
    };
    facts.add("backups", known(&backups.known) + &automatic);
}

fn known(known: &[KnownBackup]) -> String {
    let newest = known.iter().max_by(|a, b| a.time.cmp(&b.time));
    match newest {
        None => "none known".to_owned(),
        Some(newest) => format!(
            "{} known, the newest {} of {}",
            known.len(),
            newest.path.display(),
            newest.time
        ),
    }
}

fn damage(damage: &DamageStatus) -> String {
    let scrubbed = match &damage.scrub_finished {
        Some(time) => format!("everything was read last at {time}"),
        None => "not everything was read yet".to_owned(),
    };
    if damage.is_any() {
        format!("found, see below; {scrubbed}")
    } else {
        format!("none known; {scrubbed}")
    }
}

fn memory(memory: &MemoryStatus) -> String {
    format!(
        "{}, and {} of mapped files; queries have cached {}",
        BinaryBytes(memory.anonymous_bytes),
        BinaryBytes(memory.file_bytes),
        BinaryBytes(memory.query_cache_bytes + memory.query_catalog_bytes)
    )
}

fn buckets(out: &mut Output, buckets: &[BucketStatus]) -> Result<(), OutputError> {
    out.line("")?;
    if buckets.is_empty() {
        return out.line("no buckets");
    }
    let mut table = Table::new(&[
        ("bucket", false),
        ("events", true),
        ("last event", false),
        ("lag", true),
        ("watcher", false),
    ]);
    for bucket in buckets {
        table.row([
            bucket.id.clone(),
            HumanCount(bucket.events).to_string(),
            bucket.last_event.clone().unwrap_or_default(),
            bucket.lag_seconds.map(lag).unwrap_or_default(),
            match bucket.state {
                WatcherState::Empty => "no events",
                WatcherState::Reporting => "reports",
                WatcherState::Quiet => "quiet",
                WatcherState::Stopped => "STOPPED",
            }
            .to_owned(),
        ]);
    }
    table.print(out)
}

fn lines(out: &mut Output, heading: &str, lines: &[String]) -> Result<(), OutputError> {
    if lines.is_empty() {
        return Ok(());
    }
    out.line("")?;
    out.line(heading)?;
    for line in lines {
        out.line(format_args!("  {}", printable(line)))?;
    }
    Ok(())
}

fn lag(seconds: i64) -> String {
    match u64::try_from(seconds) {
        Ok(seconds) => span(seconds),
        Err(_) => "future".to_owned(),
    }
}

/// A time in the two largest units that it has.
fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::{lag, span};

    #[test]
    fn a_time_has_two_units() {
        assert_eq!(span(59), "59 s");
        assert_eq!(span(60), "1 min");
        assert_eq!(span(3_660), "1 h 1 min");
        assert_eq!(span(90_000), "1 d 1 h");
        assert_eq!(lag(-1), "future");
    }
}
