//! A quick check of the log: its formats, its segments, its times.

use timberline_disk::FileStorage;
use timberline_log::{LogReader, SegmentInfo, replaced_files};
use timberline_model::{Duration, Timestamp};
use timberline_views::OpenError;

use super::{Check, Subject};

/// A clock may be off by that much without anybody minding.
const TOLERANCE: Duration = Duration::from_nanos(300 * 1_000_000_000);
/// No record is older than this program: 2020-01-01T00:00:00Z.
const EARLIEST: Timestamp = Timestamp::from_nanos(1_577_836_800 * 1_000_000_000);

const FORMATS: &str = "formats";
const LOG: &str = "log";

pub(super) fn checks(subject: &Subject<'_>) -> Vec<Check> {
    let reader = match timberline_views::tools::log_files(&subject.settings.data_dir) {
        Ok(reader) => reader,
        Err(error @ OpenError::NoLog { .. }) => return vec![Check::warn(LOG, subject.say(&error))],
        Err(error) => return vec![Check::fail(LOG, subject.say(&error))],
    };
    let segments = match reader.segments() {
        Ok(segments) => segments,
        // A newer format, or a file that cannot be read: either way it says which and what to do.
        Err(error) => return vec![Check::fail(FORMATS, subject.say(&error))],
    };
    vec![
        formats(&segments),
        structure(&reader, &segments),
        clock(&reader, &segments, Timestamp::from(timberline_clock::wall())),
    ]
}

fn formats(segments: &[SegmentInfo]) -> Check {
    let squashed = segments.iter().filter(|segment| segment.squashed).count();
    let encrypted = segments.iter().filter(|segment| segment.encrypted).count();
    Check::ok(
        FORMATS,
        format!(
            "{} log segments, {squashed} of them squashed, {encrypted} encrypted: all of known formats",
            segments.len()
        ),
    )
}

/// Whether the segments follow one another, and say who wrote them.
fn structure(reader: &LogReader, segments: &[SegmentInfo]) -> Check {
    let name = "segments";
    let place = |file: &str| reader.path().join(file).display().to_string();
    for pair in segments.windows(2) {
        let [one, next] = pair else { continue };
        if one.last.is_some_and(|last| last.next() < next.first) {
            let text = format!(
                "records are missing before {}: put the file back from a backup, or run `timberline log repair`",
                place(&next.file)
            );
            return Check::fail(name, text);
        }
    }
    let unnamed = segments.iter().find(|segment| segment.device.is_none());
    if let Some(segment) = unnamed {
        let text = format!(
            "the header of {} does not hold: run `timberline log verify`, then `timberline log repair`",
            place(&segment.file)
        );
        return Check::fail(name, text);
    }
    if let Some(segment) = segments.iter().find(|segment| is_short(reader, segment)) {
        let text = format!(
            "{} is shorter than it was when it was full: put it back from a backup, or run `timberline log repair`",
            place(&segment.file)
        );
        return Check::fail(name, text);
    }
    match segments.first() {
        Some(first) if first.first.get() > 1 => Check::fail(
            name,
            format!(
                "everything before {} is missing: put it back from a backup",
                place(&first.file)
            ),
        ),
        _ => replaced(name, reader, segments.len()),
    }
}

/// Files that had taken the name of a segment while a server was running.
fn replaced(name: &'static str, reader: &LogReader, segments: usize) -> Check {
    let storage = FileStorage::open(reader.path());
    match storage.and_then(|storage| replaced_files(&storage)) {
        Ok(files) if files.is_empty() => Check::ok(name, format!("{segments}, none missing")),
        Ok(files) => Check::warn(
            name,
            format!(
                "somebody put files in the place of segments while a server was running; they were set aside in {}: {}. Look \
                 at them and remove them; the next purge removes them too",
                reader.path().display(),
                files.join(", ")
            ),
        ),
        Err(error) => Check::warn(
            name,
            format!("{} cannot be listed: {error}", reader.path().display()),
        ),
    }
}

fn is_short(reader: &LogReader, segment: &SegmentInfo) -> bool {
    let length = std::fs::metadata(reader.path().join(&segment.file)).map(|meta| meta.len());
    matches!((length, segment.used), (Ok(length), Some(used)) if length < used)
}

fn clock(reader: &LogReader, segments: &[SegmentInfo], now: Timestamp) -> Check {
    let name = "clock";
    if now < EARLIEST {
        return Check::fail(name, format!("it says {now}: set the clock"));
    }
    let ahead = |time: Timestamp| time > now.saturating_add(TOLERANCE);
    if let Some(newest) = newest_time(reader, segments)
        && ahead(newest)
    {
        return Check::fail(
            name,
            format!(
                "it says {now}, but the newest record is of {newest}: the clock is wrong now or was then; set it"
            ),
        );
    }
    let made: Vec<(&str, Timestamp)> = segments
        .iter()
        .filter_map(|segment| Some((segment.file.as_str(), Timestamp::from_nanos(segment.created?))))
        .collect();
    if let Some((file, time)) = made.iter().find(|(_, time)| ahead(*time)) {
        return Check::warn(
            name,
            format!("{file} was made at {time}, which is to come: the clock was wrong then"),
        );
    }
    let back = made.windows(2).find_map(|pair| match pair {
        [(_, before), (file, after)] if after.saturating_add(TOLERANCE) < *before => Some(format!(
            "it was set back before {file} was made ({before} to {after}): times of records jump there"
        )),
        _ => None,
    });
    match back {
        Some(text) => Check::warn(name, text),
        None => Check::ok(name, format!("{now}, and no record is ahead of it")),
    }
}

/// When the newest record was written.
fn newest_time(reader: &LogReader, segments: &[SegmentInfo]) -> Option<Timestamp> {
    segments.iter().rev().find_map(|segment| {
        let mut records = reader.read_from(segment.first).ok()?;
        let mut newest = None;
        while let Some(record) = records.next() {
            newest = record
                .ok()
                .map(|record| Timestamp::from_nanos(record.time))
                .or(newest);
        }
        newest
    })
}
