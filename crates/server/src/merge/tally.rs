//! What was read, stored and left out.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use timberline_exchange::import::{BucketReport, Note, Report, Source};

use super::{Merged, SettingMerged, Sum, is_usable_id};

/// What became of a source.
#[derive(Clone, Debug)]
pub struct Tally {
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
#[derive(Clone, Debug)]
pub struct BucketTally {
    id: String,
    created: bool,
    read: BucketReport,
    merged: Merged,
    /// Whether the durations in `merged` are known: a server only says counts.
    durations: bool,
}

/// What became of the settings: their keys.
#[derive(Clone, Debug, Default)]
pub struct SettingTally {
    /// Stored.
    pub set: Vec<String>,
    /// They have this value already.
    pub same: Vec<String>,
    /// They keep their value here.
    pub kept: Vec<String>,
    /// They cannot be stored.
    pub refused: Vec<String>,
}

impl SettingTally {
    /// Counts what became of a setting.
    pub fn count(&mut self, key: &str, outcome: SettingMerged) {
        let list = match outcome {
            SettingMerged::Set => &mut self.set,
            SettingMerged::Same => &mut self.same,
            SettingMerged::Kept => &mut self.kept,
            SettingMerged::TooLarge => &mut self.refused,
        };
        list.push(key.to_owned());
    }
}

impl BucketTally {
    /// What became of the events of a bucket.
    #[must_use]
    pub fn new(id: &str, created: bool, read: BucketReport, merged: Merged) -> BucketTally {
        BucketTally {
            id: id.to_owned(),
            created,
            read,
            merged,
            durations: true,
        }
    }

    /// Whether the durations in what was merged are known.
    #[must_use]
    pub fn durations_known(mut self, known: bool) -> BucketTally {
        self.durations = known;
        self
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What was read.
    #[must_use]
    pub fn read(&self) -> &BucketReport {
        &self.read
    }

    /// What became of it.
    #[must_use]
    pub fn merged(&self) -> Merged {
        self.merged
    }

    /// The duration of the source's events that are here now, if it is known.
    #[must_use]
    pub fn here(&self) -> Option<i128> {
        self.durations
            .then_some(self.merged.stored.total + self.merged.known.total)
    }

    /// How many events of it are not here.
    #[must_use]
    pub fn left_out(&self) -> u64 {
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
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .read
            .left_out
            .iter()
            .map(|note| note_line(note, "left out"))
            .collect();
        lines.extend(self.read.changed.iter().map(|note| note_line(note, "changed")));
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
    /// What became of a source that has been read to its end.
    #[must_use]
    pub fn new(source: &Source, buckets: Vec<BucketTally>, settings: SettingTally) -> Tally {
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

    /// What became of something that is no file.
    #[must_use]
    pub fn made(kind: &str, buckets: Vec<BucketTally>) -> Tally {
        Tally {
            path: PathBuf::from(kind),
            kind: kind.to_owned(),
            buckets,
            settings: SettingTally::default(),
            left_out: Vec::new(),
            remarks: Vec::new(),
            wrong: None,
        }
    }

    /// Has `check` read back each bucket into which something was stored; it gives back what is wrong.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn with_check<E>(
        mut self,
        check: impl Fn(&str, Sum) -> Result<Option<String>, E>,
    ) -> Result<Tally, E> {
        for bucket in &self.buckets {
            if self.wrong.is_none() && bucket.merged.stored.events > 0 {
                self.wrong = check(&bucket.id, bucket.merged.stored)?;
            }
        }
        Ok(self)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its buckets.
    #[must_use]
    pub fn buckets(&self) -> &[BucketTally] {
        &self.buckets
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &SettingTally {
        &self.settings
    }

    /// What belongs to no bucket and is not here.
    #[must_use]
    pub fn left_out(&self) -> &[Note] {
        &self.left_out
    }

    /// What happened to the file as a whole.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// What does not add up, if anything.
    #[must_use]
    pub fn unexplained(&self) -> Option<String> {
        let bucket = self.buckets.iter().find(|bucket| !bucket.adds_up());
        let counts =
            bucket.map(|bucket| format!("{}: {:?} of {}", bucket.id, bucket.merged, bucket.read.events));
        self.wrong.clone().or(counts)
    }

    /// Whether nothing of the source was left out. What privacy filters drop is meant to be.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let complete = |bucket: &BucketTally| bucket.read.left_out.is_empty() && is_usable_id(&bucket.id);
        self.left_out.is_empty() && self.buckets.iter().all(complete) && self.settings.refused.is_empty()
    }

    /// How many events were stored.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.buckets
            .iter()
            .map(|bucket| bucket.merged.stored.events)
            .sum()
    }

    /// All of it as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let notes: Vec<String> = self
            .left_out
            .iter()
            .map(|note| note_line(note, "left out"))
            .collect();
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
}

/// A note as a line of text.
#[must_use]
pub fn note_line(note: &Note, what: &str) -> String {
    format!("{} {what}: {} (first: {})", note.count, note.reason, note.first)
}

/// Nanoseconds as seconds, to the last digit.
#[must_use]
pub fn seconds(total: i128) -> String {
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
