//! What became of a source, for people.

use timberline_server::merge::{SettingTally, Tally, note_line, seconds};

use crate::output::Output;
use crate::table::{Table, printable};

/// Prints a table of the buckets, and below it what was left out and why.
pub(super) fn print(tally: &Tally, out: &mut Output) -> anyhow::Result<()> {
    out.line(format_args!(
        "{}: {}",
        printable(&tally.path().display().to_string()),
        tally.kind()
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
    for bucket in tally.buckets() {
        let (read, merged) = (bucket.read(), bucket.merged());
        table.row([
            bucket.id().to_owned(),
            read.events.to_string(),
            merged.stored.events.to_string(),
            merged.known.events.to_string(),
            bucket.left_out().to_string(),
            seconds(read.total),
            bucket.here().map_or_else(|| "not known".to_owned(), seconds),
        ]);
    }
    table.print(out)?;
    for bucket in tally.buckets() {
        for reason in bucket.reasons() {
            out.line(printable(&format!("{}: {reason}", bucket.id())))?;
        }
    }
    for note in tally.left_out() {
        out.line(printable(&note_line(note, "left out")))?;
    }
    for remark in tally.remarks() {
        out.line(printable(remark))?;
    }
    print_settings(tally.settings(), out)
}

fn print_settings(settings: &SettingTally, out: &mut Output) -> anyhow::Result<()> {
    for (what, keys) in [
        ("settings imported", &settings.set),
        ("settings that have this value already", &settings.same),
        (
            "settings that keep their value here (--settings replace)",
            &settings.kept,
        ),
        ("settings that cannot be stored", &settings.refused),
    ] {
        if !keys.is_empty() {
            out.line(printable(&format!("{what}: {}", keys.join(", "))))?;
        }
    }
    Ok(())
}
