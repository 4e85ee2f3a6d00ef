//! `timberline shadow`: a trial beside a running ActivityWatch server. What that server stores is stored here, too.
//!
//! | file | what it does |
//! |---|---|
//! | `peer` | the requests that both servers answer |
//! | `changes` | what makes the events here equal to the events there |
//! | `walk` | comparing the history of a bucket, window by window |
//! | `follow` | keeping all buckets in step |
//! | `here` | which Timberline server stores the copy |
//! | `compare` | the totals of both servers, side by side |

mod changes;
mod compare;
mod follow;
mod here;
mod peer;
mod walk;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use timberline_model::Timestamp;

use self::follow::Follower;
use self::here::Here;
use self::peer::Peer;
use crate::data_dir::DataDirArgs;
use crate::known_server::TrustArgs;
use crate::moment::local_moment;
use crate::server_client::ServerClient;
use crate::verdict::Verdict;

/// Whom to shadow, and where the copy goes.
#[derive(Debug, Args)]
#[command(after_help = "\
Copies everything that the ActivityWatch server at URL has, then asks it for changes every few seconds: new events, events that \
have grown, deleted and edited events, new and deleted buckets. The command only reads from that server, and watchers continue \
to send to it.

The copy goes to the Timberline server that runs on the data directory. If none runs, this command serves the data directory \
itself, so that you can look at the copy in a browser.

Exit code of --compare: 0 the totals are equal, 1 they differ, 2 the comparison could not be carried out.

Examples:
  timberline shadow http://127.0.0.1:5600
  timberline shadow http://127.0.0.1:5600 --compare
  timberline shadow http://127.0.0.1:5600 --compare --day yesterday

Documentation: docs/shadow.md")]
pub(crate) struct ShadowArgs {
    #[command(flatten)]
    place: DataDirArgs,
    /// The ActivityWatch server
    #[arg(value_name = "URL", value_parser = ServerClient::parse)]
    source: ServerClient,
    /// Print the totals of both servers side by side, and exit
    #[arg(long, conflicts_with = "once")]
    compare: bool,
    /// The day of --compare: a date, today or yesterday
    #[arg(long, value_name = "DAY", requires = "compare", value_parser = local_moment)]
    day: Option<Timestamp>,
    /// Print JSON
    #[arg(long, requires = "compare")]
    json: bool,
    /// Copy what the server has now, and exit
    #[arg(long)]
    once: bool,
    /// Seconds between two requests for changes
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    interval: u32,
    /// The Timberline server that stores the copy [default: the one that runs on the data directory]
    #[arg(long, value_name = "URL", value_parser = ServerClient::parse)]
    server: Option<ServerClient>,
    /// Port to serve the copy on, if no server runs on the data directory [default: the first free one from 5601 on]
    #[arg(long, value_name = "PORT", conflicts_with = "server")]
    port: Option<u16>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Shadows a server.
pub(crate) fn run(args: ShadowArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 2)
}

fn carry_out(args: ShadowArgs) -> anyhow::Result<Verdict> {
    let source = Peer::new(args.source);
    let device = source.device_id()?;
    let know = |server| args.trust.know(server, args.place.config_file());
    let server = args.server.map(know).transpose()?;
    let config = args.place.config()?;
    let interval = Duration::from_secs(args.interval.into());
    match Here::find(config, server)? {
        Here::Server(here) => {
            let here = Peer::new(here);
            ensure!(
                here.device_id()? != device,
                "{source} is the server that stores the copy: name the ActivityWatch server that is to be copied"
            );
            if args.compare {
                return compare::print(&source, &here, args.day, args.json);
            }
            let mut follower = Follower::new(source, device, here);
            follower.begin()?;
            if !args.once {
                follower.go_on(interval);
            }
            Ok(Verdict::Clean)
        }
        Here::Own(config) => {
            ensure!(
                !args.compare && !args.once,
                "no Timberline server runs on {}. Start one that copies from {source}, and leave it running: timberline shadow {source}",
                config.server.data_dir.display()
            );
            here::serve(*config, args.port, move |here| {
                let mut follower = Follower::new(source, device, Peer::new(here));
                follower.begin_when_both_answer(interval);
                follower.go_on(interval);
            })?;
            Ok(Verdict::Clean)
        }
    }
}
