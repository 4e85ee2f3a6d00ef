//! What was read, stored and left out.

use std::path::PathBuf;

use serde_json::{Value, json};
use timberline_exchange::import::{BucketReport, Note, Report, Source};
use timberline_server::merge::{Merged, Sum, is_usable_id};

use crate::output::Output;
use crate::table::{Table, printable};

/// What became of a source.
pub(crate) struct Tally {
    path: PathBuf,
    kind: String,
    buckets: Vec<BucketTally>,
    settings: SettingTally,
    left_out: Vec<Note>,
    remarks: Vec<String>,
    /// What reading back has found wrong.
    wrong: Option<String>,
}

/// What became of a bucket.
pub(super) struct BucketTally {
    id: String,
    created: bool,
    read: BucketReport,
    merged: Merged,
    /// Whether the durations in `merged` are known: a server only says counts.
    durations: bool,
}

/// What became of the settings: their keys.
#[derive(Debug, Default)]
pub(super) struct SettingTally {
    pub(super) set: Vec<String>,
    pub(super) same: Vec<String>,
    pub(super) kept: Vec<String>,
    pub(super) refused: Vec<String>,
}

impl BucketTally {
    pub(super) fn new(id: &str, created: bool, read: BucketReport, merged: Merged) -> BucketTally {
        BucketTally {
            id: id.to_owned(),
            created,
            read,
            merged,
            durations: true,
        }
    }

    pub(super) fn durations_known(mut self, known: bool) -> BucketTally {
        self.durations = known;
        self
    }

    /// The duration of the source's events that are here now.
    fn here(&self) -> Option<i128> {
        self.durations
            .then_some(self.merged.stored.total + self.merged.known.total)
    }

    fn left_out(&self) -> u64 {
        let unusable = if is_usable_id(&self.id) {
            0
        } else {
            self.read.events
        };
        self.read.left_out.count() + self.merged.dropped.events + unusable
    }

    /// Whether the events that were read are all accounted for.
    fn adds_up(&self) -> bool {
        let Merged {
            stored,
            known,
            dropped,
        } = self.merged;
        let events = stored.events + known.events + dropped.events == self.read.events;
        let total = stored.total + known.total + dropped.total == self.read.total;
        !is_usable_id(&self.id) || events && (total || !self.durations)
    }

    /// Why the source has more than is here, a line for each reason.
    fn reasons(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .read
            .left_out
            .iter()
            .map(|note| line(note, "left out"))
            .collect();
        lines.extend(self.read.changed.iter().map(|note| line(note, "changed")));
        let Sum { events, total } = self.merged.dropped;
        if events > 0 && self.durations {
            lines.push(format!("{events} dropped by privacy filters, {}", seconds(total)));
        } else if events > 0 {
            lines.push(format!("{events} dropped by privacy filters"));
        }
        if !is_usable_id(&self.id) {
            lines.push("left out: no address can name this bucket".to_owned());
        }
        lines
    }

    fn to_json(&self) -> Value {
        json!({
            "bucket": self.id,
            "created": self.created,
            "read": self.read.events,
            "stored": self.merged.stored.events,
            "known": self.merged.known.events,
            "left_out": self.left_out(),
            "dropped": self.merged.dropped.events,
            "reasons": self.reasons(),
            // As text: the sum may be larger than what a JSON number holds exactly.
            "duration_ns_source": self.read.total.to_string(),
            "duration_ns_here": self.here().map(|total| total.to_string()),
        })
    }
}

impl Tally {
    pub(super) fn new(source: &Source, buckets: Vec<BucketTally>, settings: SettingTally) -> Tally {
        let Report {
            left_out, remarks, ..
        } = source.report();
        Tally {
            path: source.path().to_owned(),
            kind: source.kind().to_string(),
            buckets,
            settings,
            left_out: left_out.iter().cloned().collect(),
            remarks: remarks.clone(),
            wrong: None,
        }
    }

    /// Has `check` read back each bucket into which something was stored; it gives back what is wrong.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn with_check(
        mut self,
        check: impl Fn(&str, Sum) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<Tally> {
        for bucket in &self.buckets {
            if self.wrong.is_none() && bucket.merged.stored.events > 0 {
                self.wrong = check(&bucket.id, bucket.merged.stored)?;
            }
        }
        Ok(self)
    }

    /// What does not add up, if anything.
    pub(super) fn unexplained(&self) -> Option<String> {
        let bucket = self.buckets.iter().find(|bucket| !bucket.adds_up());
        let counts =
            bucket.map(|bucket| format!("{}: {:?} of {}", bucket.id, bucket.merged, bucket.read.events));
        self.wrong.clone().or(counts)
    }

    /// Whether nothing of the source was left out. What privacy filters drop is meant to be.
    pub(super) fn is_complete(&self) -> bool {
        let complete = |bucket: &BucketTally| bucket.read.left_out.is_empty() && is_usable_id(&bucket.id);
        self.left_out.is_empty() && self.buckets.iter().all(complete) && self.settings.refused.is_empty()
    }

    /// How many events were stored.
    pub(crate) fn stored(&self) -> u64 {
        self.buckets
            .iter()
            .map(|bucket| bucket.merged.stored.events)
            .sum()
    }

    pub(super) fn to_json(&self) -> Value {
        let notes: Vec<String> = self.left_out.iter().map(|note| line(note, "left out")).collect();
        json!({
            "path": self.path.display().to_string(),
            "kind": self.kind,
            "complete": self.is_complete(),
            "buckets": self.buckets.iter().map(BucketTally::to_json).collect::<Vec<_>>(),
            "left_out": notes,
            "remarks": self.remarks,
            "settings": {
                "set": self.settings.set,
                "same": self.settings.same,
                "kept": self.settings.kept,
                "refused": self.settings.refused,
            },
        })
    }

    pub(super) fn print(&self, out: &mut Output) -> anyhow::Result<()> {
        out.line(format_args!(
            "{}: {}",
            printable(&self.path.display().to_string()),
            self.kind
        ))?;
        let mut table = Table::new(&[
            ("bucket", false),
            ("read", true),
            ("stored", true),
            ("already there", true),
            ("left out", true),
            ("duration in the source", true),
            ("duration here", true),
        ]);
        for bucket in &self.buckets {
            table.row([
                bucket.id.clone(),
                bucket.read.events.to_string(),
                bucket.merged.stored.events.to_string(),
                bucket.merged.known.events.to_string(),
                bucket.left_out().to_string(),
                seconds(bucket.read.total),
                bucket.here().map_or_else(|| "not known".to_owned(), seconds),
            ]);
        }
        table.print(out)?;
        for bucket in &self.buckets {
            for reason in bucket.reasons() {
                out.line(printable(&format!("{}: {reason}", bucket.id)))?;
            }
        }
        for note in &self.left_out {
            out.line(printable(&line(note, "left out")))?;
        }
        for remark in &self.remarks {
            out.line(printable(remark))?;
        }
        self.print_settings(out)
    }

    fn print_settings(&self, out: &mut Output) -> anyhow::Result<()> {
        for (what, keys) in [
            ("settings imported", &self.settings.set),
            ("settings that have this value already", &self.settings.same),
            (
                "settings that keep their value here (--settings replace)",
                &self.settings.kept,
            ),
            ("settings that cannot be stored", &self.settings.refused),
        ] {
            if !keys.is_empty() {
                out.line(printable(&format!("{what}: {}", keys.join(", "))))?;
            }
        }
        Ok(())
    }
}

fn line(note: &Note, what: &str) -> String {
    format!("{} {what}: {} (first: {})", note.count, note.reason, note.first)
}

/// Nanoseconds as seconds, to the last digit.
fn seconds(total: i128) -> String {
    let sign = if total < 0 { "-" } else { "" };
    let total = total.unsigned_abs();
    format!("{sign}{}.{:09} s", total / 1_000_000_000, total % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn seconds_are_exact() {
        assert_eq!(seconds(0), "0.000000000 s");
        assert_eq!(seconds(-1), "-0.000000001 s");
        assert_eq!(seconds(90_000_000_000_000_000_001), "90000000000.000000001 s");
    }
}
