//! Export files: what servers, web UIs and Android write, of every vintage.
//!
//! A file may be larger than memory, and the fields of a bucket may come after its events. So it is read twice: once
//! to learn its buckets ([`layout`]), once for the events. Either way only one event is held at a time.
//!
//! | file | what it does |
//! |---|---|
//! | `scan` | passes over JSON, byte by byte |
//! | `walk` | finds buckets and events in it |
//! | `layout` | first reading: buckets, settings |

mod layout;
mod scan;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use timberline_model::{NewEvent, ParseError, json};

use self::layout::Layout;
use self::walk::{Item, Walk};
use super::gather::Gather;
use super::input::Input;
use super::report::{BucketReport, Reason, Report};
use super::{Batch, Kind, Options, Progress, Reader, Setting, SourceBucket};
use crate::Result;

/// Reads an export file.
pub(super) struct JsonReader {
    path: PathBuf,
    kind: Kind,
    buckets: Vec<SourceBucket>,
    settings: Vec<Setting>,
    /// For each bucket in the order of the file, which of `buckets` it is.
    order: Vec<usize>,
    walk: Option<Walk<Input>>,
    /// How many buckets of the file have begun, and events of the current one.
    begun: usize,
    event: u64,
    gather: Gather,
    report: Report,
    done: Arc<AtomicU64>,
    size: u64,
}

impl JsonReader {
    pub(super) fn open(path: &Path, options: &Options) -> Result<JsonReader> {
        let layout = Layout::read(path, options)?;
        let input = Input::open(path)?;
        let (done, size) = input.progress();
        Ok(JsonReader {
            path: path.to_owned(),
            kind: layout.kind,
            buckets: layout.buckets,
            settings: layout.settings,
            order: layout.order,
            walk: (layout.kind != Kind::Settings).then(|| Walk::new(input)),
            begun: 0,
            event: 0,
            gather: Gather::default(),
            report: layout.report,
            done,
            size,
        })
    }

    /// Takes what comes next in the file; false at its end.
    fn advance(&mut self) -> Result<bool> {
        let Some(walk) = &mut self.walk else {
            return Ok(false);
        };
        match walk.next() {
            Ok(Some(Item::Bucket)) => {
                self.begun += 1;
                self.event = 0;
            }
            Ok(Some(Item::Event { too_large })) => {
                let Some(bucket) = self
                    .begun
                    .checked_sub(1)
                    .and_then(|at| self.order.get(at))
                    .copied()
                else {
                    return Ok(true);
                };
                let Some(report) = self.report.buckets.get_mut(bucket) else {
                    return Ok(true);
                };
                let event = self.event;
                self.event += 1;
                if too_large {
                    report
                        .left_out
                        .note(Reason::TooLarge, || format!("event {event}"));
                } else if let Some(event) = read_event(walk.text(), report, event) {
                    self.gather.push(bucket, event);
                }
            }
            Ok(Some(Item::Field { .. })) => {}
            Ok(None) => self.walk = None,
            Err(error) => {
                // The first reading has noted it, unless the file has changed since or the disk fails.
                self.walk = None;
                let path = self.path.clone();
                error.into_damage(&path)?;
            }
        }
        Ok(self.walk.is_some())
    }
}

impl Reader for JsonReader {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn buckets(&self) -> &[SourceBucket] {
        &self.buckets
    }

    fn settings(&self) -> &[Setting] {
        &self.settings
    }

    fn next_batch(&mut self) -> Result<Option<Batch>> {
        loop {
            if let Some(batch) = self.gather.next() {
                return Ok(Some(batch));
            }
            if !self.advance()? {
                self.gather.complete_all();
                return Ok(self.gather.next());
            }
        }
    }

    fn report(&self) -> &Report {
        &self.report
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.done.load(Ordering::Relaxed),
            total: self.size,
        }
    }
}

/// Reads one event. Its number is its place in its bucket's list.
fn read_event(text: &[u8], report: &mut BucketReport, number: u64) -> Option<NewEvent<'static>> {
    let at = || format!("event {number}");
    match json::salvage_event(text) {
        Ok((event, changes)) => {
            for change in changes {
                report.changed.note(Reason::Field, || {
                    format!("{}: {}: {}", at(), change.field, change.reason)
                });
            }
            Some(keep(event, report))
        }
        Err(error) => mended_event(text, error, report, at),
    }
}

#[cold]
fn mended_event(
    text: &[u8],
    error: ParseError,
    report: &mut BucketReport,
    at: impl Fn() -> String,
) -> Option<NewEvent<'static>> {
    let (mended, what) = json::mend(text);
    match json::salvage_event(&mended) {
        Ok((event, changes)) if !what.is_nothing() => {
            report.changed.note(Reason::Text, || format!("{}: {error}", at()));
            for change in changes {
                report.changed.note(Reason::Field, || {
                    format!("{}: {}: {}", at(), change.field, change.reason)
                });
            }
            Some(keep(event, report))
        }
        _ => {
            let error = error.to_string();
            report
                .left_out
                .note(reason_of(&error), || format!("{}: {error}", at()));
            None
        }
    }
}

fn keep(event: NewEvent<'_>, report: &mut BucketReport) -> NewEvent<'static> {
    report.count(&event);
    NewEvent {
        id: None,
        start: event.start,
        duration: event.duration,
        data: event.data.into_owned().into(),
    }
}

/// The model names the field first.
fn reason_of(error: &str) -> Reason {
    match error.split(':').next() {
        Some("timestamp") => Reason::Time,
        Some("duration") => Reason::Duration,
        Some("data") => Reason::Data,
        _ => Reason::Field,
    }
}
