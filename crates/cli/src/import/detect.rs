//! `timberline import --detect`: where ActivityWatch keeps its data.

use std::fmt::Write as _;

use indicatif::BinaryBytes;
use timberline_exchange::import::{Found, Kind};
use timberline_server::merge::{changed, detected, detected_json};

use crate::moment::local_text;
use crate::output::Output;
use crate::table::{Table, printable};
use crate::verdict::Verdict;

/// The databases that a server with or without `--testing` imports, newest first.
pub(crate) fn databases(testing: bool) -> Vec<Found> {
    let mut found = detected();
    found.retain(|found| {
        let database = found.kind.is_some_and(|kind| kind != Kind::Settings);
        database && found.testing == testing && found.buckets > 0
    });
    found
}

/// Prints what there is.
pub(super) fn print(json: bool) -> anyhow::Result<Verdict> {
    let found = detected();
    let mut out = Output::new();
    if json {
        out.line(detected_json(&found))?;
        out.flush()?;
        return Ok(Verdict::faulty_if(false));
    }
    if found.is_empty() {
        out.line("No data of ActivityWatch was found in the usual places.")?;
        out.flush()?;
        return Ok(Verdict::faulty_if(false));
    }
    let mut table = Table::new(&[
        ("file", false),
        ("what it is", false),
        ("buckets", true),
        ("size", true),
        ("changed", false),
    ]);
    for found in &found {
        let what = match (&found.kind, &found.problem) {
            (Some(kind), _) => kind.to_string(),
            (None, Some(problem)) => problem.clone(),
            (None, None) => "cannot be read".to_owned(),
        };
        table.row([
            found.path.display().to_string(),
            if found.testing {
                format!("{what}, testing")
            } else {
                what
            },
            found.buckets.to_string(),
            BinaryBytes(found.size).to_string(),
            changed(found).map(local_text).unwrap_or_default(),
        ]);
    }
    table.print(&mut out)?;
    if let Some(first) = found.iter().find(|found| found.kind.is_some() && !found.testing) {
        out.line("")?;
        out.line(format_args!("To import it: {}", command(first)))?;
    }
    out.flush()?;
    Ok(Verdict::faulty_if(false))
}

/// The command that imports it.
pub(crate) fn command(found: &Found) -> String {
    let path = printable(&found.path.display().to_string());
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%,:".contains(c);
    if path.chars().all(plain) {
        return format!("timberline import {path}");
    }
    format!("timberline import '{}'", path.replace('\'', r"'\''"))
}

/// What was found, in a few words.
pub(crate) fn describe(found: &Found) -> String {
    let mut text = printable(&found.path.display().to_string());
    if let Some(kind) = found.kind {
        // Writing into a string does not fail.
        let _ = write!(
            text,
            " ({kind}, {} buckets, {})",
            found.buckets,
            BinaryBytes(found.size)
        );
    }
    text
}
