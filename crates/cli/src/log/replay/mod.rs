//! `timberline log replay`: the state as it was once, or the recorded traffic once more.

mod pace;
mod send;
mod state;
mod target;

use std::path::Path;

use clap::Args;
use timberline_model::Timestamp;

use crate::data_dir::OpenDataDir;
use crate::known_server::TrustArgs;
use crate::moment::{FORMS, moment};
use crate::verdict::Verdict;
use pace::Speed;
use target::Target;

/// What to replay.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Without --to it prints the state after the last record, or after the one that --to-seq or --to-time names. {FORMS}; it \
is compared with when records were written.

With --to it sends what watchers and other clients once sent to another server: heartbeats as they came (timestamp, \
duration, pulsetime, data), inserted events, and new buckets; buckets that were there before --from are made first. \
Deletions, replaced events, changed buckets and settings are not sent, and are counted. Exit code 1 if the server \
refused anything.

Examples:
  timberline log replay --to-time 2h
  timberline log replay --to-seq 1000 --bucket aw-watcher-afk_laptop --events
  timberline log replay --to http://127.0.0.1:5666 --speed max"))]
pub(super) struct ReplayArgs {
    /// Stop after this record
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["to_time", "to"])]
    to_seq: Option<u64>,

    /// Stop before the first record that was written later
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "to")]
    to_time: Option<Timestamp>,

    /// Print the events too
    #[arg(long, conflicts_with = "to")]
    events: bool,

    /// Print one JSON object
    #[arg(long, conflicts_with = "to")]
    json: bool,

    /// Only this bucket
    #[arg(long, value_name = "ID")]
    bucket: Option<String>,

    /// Send to this server, such as http://127.0.0.1:5666
    #[arg(long, value_name = "URL", value_parser = Target::parse)]
    to: Option<Target>,

    #[command(flatten)]
    trust: TrustArgs,

    /// How many times faster than recorded, or `max`
    #[arg(long, value_name = "N", default_value = "1", requires = "to")]
    speed: Speed,

    /// Begin with this record
    #[arg(long, value_name = "SEQ", requires = "to")]
    from: Option<u64>,

    /// End with this record [default: the newest when it begins]
    #[arg(long, value_name = "SEQ", requires = "to")]
    until: Option<u64>,

    /// Move all times by as much as lies between the first record sent and now
    #[arg(long, requires = "to")]
    rewrite_times: bool,
}

/// Replays. `config` is the configuration file that was named: it may have the key of the server.
pub(super) fn run(
    data: &OpenDataDir,
    mut args: ReplayArgs,
    config: Option<&Path>,
) -> anyhow::Result<Verdict> {
    match args.to.take() {
        None => state::run(data, &args),
        Some(target) => send::run(data, &args, &target.known_by(&args.trust, config)?),
    }
}
