//! `timberline log explain`: what happened to an event, from the log alone.

use anyhow::bail;
use clap::Args;
use timberline_model::{EventId, Timestamp};
use timberline_views::history::Change;

use crate::data_dir::OpenDataDir;
use crate::output::Output;
use crate::table::printable;
use crate::verdict::Verdict;
use timberline_server::render::{change, name};

/// Which event.
#[derive(Debug, Args)]
#[command(after_help = "\
Every record that made the event what it is, oldest first: the heartbeats, edits, deletions and what took them back. Of \
records older than `history` only what they came to is left.

Example:
  timberline log explain aw-watcher-window_laptop 4711")]
pub(super) struct ExplainArgs {
    /// The bucket's id
    #[arg(value_name = "BUCKET")]
    bucket: String,
    /// The event's id
    #[arg(value_name = "EVENT")]
    event: u64,
    /// Print JSON, one change per line
    #[arg(long)]
    json: bool,
    /// Print only the newest N changes
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

/// Explains.
pub(super) fn run(data: &OpenDataDir, args: &ExplainArgs) -> anyhow::Result<Verdict> {
    let log = data.log()?;
    let Some(story) = timberline_views::tools::explain(&log, &args.bucket, EventId(args.event), args.limit)?
    else {
        bail!("the log has no bucket {}", printable(&args.bucket));
    };
    if story.changes.is_empty() {
        bail!(
            "the log says nothing of an event {} in bucket {}",
            args.event,
            printable(&args.bucket)
        );
    }
    let mut out = Output::new();
    if story.earlier > 0 && !args.json {
        out.line(format_args!("({} earlier changes, see --limit)", story.earlier))?;
    }
    for made in &story.changes {
        match args.json {
            true => out.line(change(made))?,
            false => out.line(line(made))?,
        }
    }
    out.flush()?;
    Ok(Verdict::faulty_if(false))
}

fn line(made: &Change) -> String {
    let time = |time: Timestamp| time.to_string();
    let mut line = format!("{:>10}  {}  {:<15}", made.seq, time(made.time), name(made.what));
    if let Some((start, duration)) = made.event {
        line.push_str(&format!("  {} + {} s", time(start), duration.as_secs_f64()));
    }
    if let Some(data) = &made.data {
        line.push_str(&format!("  {}", printable(data)));
    }
    line.trim_end().to_owned()
}
