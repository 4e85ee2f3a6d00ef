//! The first reading of an export: which buckets it has, and whether it is whole.

use std::collections::HashMap;
use std::path::Path;

use timberline_model::json;

use super::scan::ScanError;
use super::walk::{Item, Walk};
use crate::import::input::Input;
use crate::import::report::{BucketReport, Reason, Report};
use crate::import::{Kind, Options, Setting, SourceBucket, bucket_of_file};
use crate::{Error, Result};

/// The fields that are read of a bucket.
const FIELDS: [&[u8]; 7] = [
    b"\"id\"",
    b"\"type\"",
    b"\"client\"",
    b"\"hostname\"",
    b"\"created\"",
    b"\"data\"",
    b"\"last_updated\"",
];
/// Buckets in one file. A person has some ten.
const MAX_BUCKETS: usize = 100_000;
/// Bytes of all buckets' fields, and of all settings.
const MAX_BYTES: usize = 32 << 20;
/// Settings in one file.
const MAX_SETTINGS: usize = 10_000;

/// What an export has in addition to its events.
pub(super) struct Layout {
    pub(super) kind: Kind,
    pub(super) buckets: Vec<SourceBucket>,
    pub(super) settings: Vec<Setting>,
    /// For each bucket in the order of the file, which of `buckets` it is.
    pub(super) order: Vec<usize>,
    pub(super) report: Report,
}

/// A bucket in the file.
#[derive(Default)]
struct Entry {
    key: Vec<u8>,
    /// Its fields, as the inside of a JSON object.
    fields: Vec<u8>,
    too_large: bool,
}

/// Everything in the file.
#[derive(Default)]
struct Entries {
    buckets: Vec<Entry>,
    outermost: Entry,
    /// Members of the outermost object, in case they turn out to be settings.
    settings: Vec<Setting>,
    in_bucket: bool,
    /// What all of that takes.
    bytes: usize,
}

impl Layout {
    pub(super) fn read(path: &Path, options: &Options) -> Result<Layout> {
        let mut walk = Walk::without_events(Input::open(path)?);
        let mut entries = Entries::default();
        let mut report = Report::default();
        loop {
            match walk.next() {
                Ok(Some(item)) => {
                    entries
                        .take(item, walk.key(), walk.text())
                        .map_err(|reason| Error::Unrecognised {
                            path: path.to_owned(),
                            reason,
                        })?
                }
                Ok(None) => break,
                Err(error) => {
                    note_damage(error, path, &entries, &mut report)?;
                    break;
                }
            }
        }
        if walk.is_export {
            Ok(entries.into_layout(path, options, report))
        } else {
            settings(path, entries, report)
        }
    }
}

fn note_damage(error: ScanError, path: &Path, entries: &Entries, report: &mut Report) -> Result<()> {
    let damage = error.into_damage(path)?;
    let bucket = entries.buckets.last().map(|entry| text_of(&entry.key));
    report.left_out.note(Reason::Damaged, || match bucket {
        Some(Some(bucket)) => format!("{damage}, in bucket {bucket}; what comes after is not read"),
        _ => format!("{damage}; what comes after is not read"),
    });
    Ok(())
}

/// A file that is no export may be the settings of aw-server.
fn settings(path: &Path, entries: Entries, report: Report) -> Result<Layout> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    if name.is_some_and(|name| name.starts_with("settings")) && report.left_out.is_empty() {
        return Ok(Layout {
            kind: Kind::Settings,
            buckets: Vec::new(),
            settings: entries.settings,
            order: Vec::new(),
            report,
        });
    }
    let mut reason = "this is JSON, but no export: expected `buckets`, or `events` of one bucket".to_owned();
    for note in report.left_out.iter() {
        reason = format!("{reason}; {}", note.first);
    }
    Err(Error::Unrecognised {
        path: path.to_owned(),
        reason,
    })
}

impl Entries {
    fn take(&mut self, item: Item, key: &[u8], text: &[u8]) -> Result<(), String> {
        match item {
            Item::Event { .. } => return Ok(()),
            Item::Bucket => self.bytes += key.len(),
            Item::Field { outermost, .. } if outermost || FIELDS.contains(&key) => {
                self.bytes += key.len() + text.len();
            }
            Item::Field { .. } => return Ok(()),
        }
        if self.bytes > MAX_BYTES {
            return Err(format!(
                "this file has more than {} MiB beside its events",
                MAX_BYTES >> 20
            ));
        }
        match item {
            Item::Bucket => {
                if self.buckets.len() == MAX_BUCKETS {
                    return Err(format!("this file has more than {MAX_BUCKETS} buckets"));
                }
                self.in_bucket = true;
                self.buckets.push(Entry {
                    key: key.to_owned(),
                    ..Entry::default()
                });
            }
            Item::Field {
                outermost: false,
                too_large,
            } => {
                if let Some(bucket) = self.buckets.last_mut() {
                    bucket.take(key, text, too_large);
                }
            }
            Item::Field {
                outermost: true,
                too_large,
            } => {
                self.outermost.take(key, text, too_large);
                if let Some(key) = text_of(key)
                    && !too_large
                    && self.settings.len() < MAX_SETTINGS
                    && !self.in_bucket
                {
                    self.settings.push(Setting {
                        key,
                        value: String::from_utf8_lossy(text).into_owned(),
                    });
                }
            }
            Item::Event { .. } => {}
        }
        Ok(())
    }

    fn into_layout(mut self, path: &Path, options: &Options, mut report: Report) -> Layout {
        let mut buckets: Vec<SourceBucket> = Vec::new();
        let mut order = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let is_list = self.outermost.fields.is_empty();
        let mut kind = Kind::Export;
        // A bucket without a key is the bare one, whose fields are those of the outermost object, or one in a list.
        if let [only] = self.buckets.as_mut_slice()
            && only.key.is_empty()
            && only.fields.is_empty()
        {
            only.fields = std::mem::take(&mut self.outermost.fields);
            only.too_large = self.outermost.too_large;
            if is_list {
                kind = Kind::EventList;
            }
        }
        for entry in self.buckets {
            let mut notes = BucketReport::default();
            let bucket = entry.into_bucket(path, options, &mut notes);
            let at = *known.entry(bucket.id.clone()).or_insert(buckets.len());
            order.push(at);
            if at == buckets.len() {
                buckets.push(bucket);
                report.buckets.push(notes);
            }
        }
        Layout {
            kind,
            buckets,
            settings: Vec::new(),
            order,
            report,
        }
    }
}

impl Entry {
    fn take(&mut self, key: &[u8], text: &[u8], too_large: bool) {
        if !FIELDS.contains(&key) {
            return;
        }
        if too_large {
            self.too_large = true;
            return;
        }
        if !self.fields.is_empty() {
            self.fields.push(b',');
        }
        self.fields.extend_from_slice(key);
        self.fields.push(b':');
        self.fields.extend_from_slice(text);
    }

    fn into_bucket(self, path: &Path, options: &Options, notes: &mut BucketReport) -> SourceBucket {
        let key = text_of(&self.key).filter(|key| !key.is_empty());
        let fallback = || {
            key.clone()
                .or_else(|| options.bucket.clone())
                .unwrap_or_else(|| bucket_of_file(path))
        };
        if self.too_large {
            notes.changed.note(Reason::TooLarge, || {
                "a field of the bucket: it is left out".to_owned()
            });
        }
        // A list of events says nothing of its bucket, and that is how it is.
        if self.fields.is_empty() && key.is_none() {
            return SourceBucket::named(fallback());
        }
        let object = [b"{".as_slice(), &self.fields, b"}"].concat();
        let (object, mended) = match json::salvage_bucket(&object) {
            Ok(_) => (std::borrow::Cow::Borrowed(object.as_slice()), false),
            Err(_) => (json::mend(&object).0, true),
        };
        match json::salvage_bucket(&object) {
            Ok((bucket, changes)) => {
                for change in changes {
                    notes
                        .changed
                        .note(Reason::Field, || format!("{}: {}", change.field, change.reason));
                }
                if mended {
                    notes
                        .changed
                        .note(Reason::Text, || "a field of the bucket".to_owned());
                }
                SourceBucket {
                    id: bucket.id.filter(|id| !id.is_empty()).unwrap_or_else(fallback),
                    type_: bucket.type_,
                    client: bucket.client,
                    hostname: bucket.hostname,
                    created: bucket.created,
                    data: bucket.data,
                    last_updated: bucket.last_updated,
                    device: None,
                }
            }
            Err(error) => {
                notes
                    .changed
                    .note(Reason::Field, || format!("the fields of the bucket: {error}"));
                SourceBucket::named(fallback())
            }
        }
    }
}

/// A JSON string as the text it stands for.
fn text_of(raw: &[u8]) -> Option<String> {
    serde_json::from_slice(raw)
        .ok()
        .or_else(|| serde_json::from_slice(&json::mend(raw).0).ok())
}
