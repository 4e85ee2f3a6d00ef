//! `timberline fake`: weeks of a person who does not exist, in the data directory, on a server, or in a file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::{Value, json};
use timberline_cancel::Cancel;
use timberline_fake::{Plan, Profile, Wanted, write_export};
use timberline_model::Timestamp;
use timberline_server::merge::{self, Merge, OwnStore, fake_buckets};

use crate::data_dir::DataDirArgs;
use crate::export::destination::Destination;
use crate::import::target::Target;
use crate::known_server::TrustArgs;
use crate::output::Output;
use crate::server_client::{ServerClient, refusal};
use crate::table::Table;
use crate::verdict::Verdict;

/// How often a server is asked how far it is.
const POLL: Duration = Duration::from_millis(100);

/// What is to be invented.
#[derive(Debug, Args)]
#[command(after_help = "\
The events go to buckets of their own, of the devices fake-laptop and fake-desktop, which are marked with \"fake\": true in \
their data. --remove erases these buckets and nothing else. If a server runs on the data directory, it does the work; if \
not, the command opens the data directory itself.

The same arguments give the same events, on every machine. Without --start the last day is today and ends now.

Exit code: 0 done, 2 it could not be carried out.

Examples:
  timberline fake --days 365 --profile developer
  timberline fake --remove
  timberline fake --days 30 --start 2026-03-01 --zone Europe/Berlin --output march.json

Documentation: docs/fake.md")]
pub(crate) struct FakeArgs {
    #[command(flatten)]
    place: DataDirArgs,
    /// How many days
    #[arg(long, value_name = "N", default_value_t = 90, conflicts_with = "remove")]
    days: u32,
    /// Another seed gives other days
    #[arg(long, value_name = "S", default_value_t = 1, conflicts_with = "remove")]
    seed: u64,
    /// How many devices: 1 or 2
    #[arg(long, value_name = "N", default_value_t = 2, conflicts_with = "remove")]
    devices: u32,
    /// Who the person is: developer, student or manager
    #[arg(
        long,
        value_name = "NAME",
        default_value = "developer",
        conflicts_with = "remove"
    )]
    profile: Profile,
    /// The first day, such as 2026-03-01 [default: such that the last one is today]
    #[arg(long, value_name = "DATE", conflicts_with = "remove")]
    start: Option<String>,
    /// Where the person lives, such as Europe/Berlin [default: the zone of this machine]
    #[arg(long, value_name = "ZONE", conflicts_with = "remove")]
    zone: Option<String>,
    /// Erase the fake data
    #[arg(long)]
    remove: bool,
    /// Store nothing, and write an ActivityWatch export to this file; - is standard output
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["remove", "server"])]
    output: Option<PathBuf>,
    /// Replace the file if it is there already
    #[arg(long, requires = "output")]
    force: bool,
    /// Send the request to this server [default: the one that runs on the data directory, if any]
    #[arg(long, value_name = "URL", value_parser = ServerClient::parse)]
    server: Option<ServerClient>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Invents, or removes.
pub(crate) fn run(args: FakeArgs) -> ExitCode {
    Verdict::exit(carry_out(args).map(|()| Verdict::Clean), 2)
}

fn carry_out(mut args: FakeArgs) -> anyhow::Result<()> {
    if let Some(path) = args.output.take() {
        let path = (path.as_os_str() != "-").then_some(path);
        return export(&args.plan()?, path, args.force);
    }
    let plan = (!args.remove).then(|| args.plan()).transpose()?;
    let request = args.request();
    let know = |server| args.trust.know(server, args.place.config_file());
    let server = args.server.map(know).transpose()?;
    let target = Target::find(args.place.config()?, server, false)?;
    let done = match (&target, &plan) {
        (Target::Server(server), Some(_)) => store_on(server, &request),
        (Target::Server(server), None) => remove_from(server),
        (Target::Own(store), Some(plan)) => store_in(store, plan),
        (Target::Own(store), None) => remove_in(store),
        (Target::Dry(_), _) => bail!("fake data have no dry run"),
    };
    target.close()?;
    done
}

impl FakeArgs {
    fn zone(&self) -> String {
        let local = || iana_time_zone::get_timezone().unwrap_or_else(|_| "UTC".to_owned());
        self.zone.clone().unwrap_or_else(local)
    }

    fn plan(&self) -> anyhow::Result<Plan> {
        Ok(Plan::new(&Wanted {
            days: self.days,
            seed: self.seed,
            devices: self.devices,
            profile: self.profile,
            start: self.start.as_deref(),
            zone: &self.zone(),
            now: Timestamp::from(timberline_clock::wall()),
        })?)
    }

    /// The same for a server, which checks it again.
    fn request(&self) -> Value {
        json!({
            "days": self.days,
            "seed": self.seed,
            "devices": self.devices,
            "profile": self.profile.name(),
            "start": self.start,
            "zone": self.zone(),
        })
    }
}

fn export(plan: &Plan, path: Option<PathBuf>, force: bool) -> anyhow::Result<()> {
    let destination = Destination::open(path, force)?;
    write_export(plan, &mut destination.writer()?).map_err(|error| destination.cannot_write(error))?;
    destination.complete()
}

fn store_in(store: &OwnStore, plan: &Plan) -> anyhow::Result<()> {
    let before = store.snapshot();
    merge::check_free(&before, plan)?;
    let merge = Merge::into_store(&before, store);
    let tally = merge::store_plan(plan, merge, &Cancel::new(), &|_, _| {})?;
    store.settle()?;
    print(&tally.to_json())
}

fn remove_in(store: &OwnStore) -> anyhow::Result<()> {
    let keys = fake_buckets(&store.snapshot());
    if !keys.is_empty() {
        store.erase_buckets(&keys)?;
    }
    say_removed(keys.len())
}

fn store_on(server: &ServerClient, request: &Value) -> anyhow::Result<()> {
    let answer = server.post("/api/1/fake", request.to_string().as_bytes(), None);
    let mut run = read(server, answer)?;
    loop {
        match run["phase"].as_str() {
            Some("done") => return print(&run["result"]),
            Some("waiting" | "reading") => {}
            Some("cancelled") => bail!("{server}: somebody cancelled it"),
            _ => bail!("{server}: {}", run["error"].as_str().unwrap_or("it failed")),
        }
        timberline_clock::sleep(POLL);
        let id = run["id"].as_str().unwrap_or_default();
        let path = format!("/api/1/import/run/{}", crate::server_client::encoded(id));
        run = read(server, server.get(&path, None))?;
    }
}

fn remove_from(server: &ServerClient) -> anyhow::Result<()> {
    let receipt = read(server, server.delete("/api/1/fake", None))?;
    say_removed(receipt["buckets"].as_array().map_or(0, Vec::len))
}

/// The answer of a server, if it is one of success.
fn read(
    server: &ServerClient,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> anyhow::Result<Value> {
    let lost = || format!("no answer from {server}");
    let mut answer = answer.with_context(lost)?;
    let status = answer.status();
    let text = answer.body_mut().read_to_vec().with_context(lost)?;
    ensure!(
        status.is_success(),
        "{server} answered {}",
        refusal(status, &text)
    );
    serde_json::from_slice(&text).with_context(|| format!("{server} did not answer with JSON"))
}

/// What was stored, as the result of an import says it.
fn print(result: &Value) -> anyhow::Result<()> {
    let mut out = Output::new();
    let mut table = Table::new(&[("bucket", false), ("events", true)]);
    let buckets = result["buckets"].as_array().map_or(&[][..], Vec::as_slice);
    for bucket in buckets {
        let name = bucket["bucket"].as_str().unwrap_or_default();
        table.row([name.to_owned(), bucket["stored"].to_string()]);
    }
    table.print(&mut out)?;
    let stored = buckets.iter().filter_map(|bucket| bucket["stored"].as_u64());
    out.line(format_args!(
        "{} events that are not real; `timberline fake --remove` erases them",
        stored.sum::<u64>()
    ))?;
    Ok(out.flush()?)
}

fn say_removed(buckets: usize) -> anyhow::Result<()> {
    let mut out = Output::new();
    match buckets {
        0 => out.line("There were no fake data")?,
        count => out.line(format_args!("{count} fake buckets are erased"))?,
    }
    Ok(out.flush()?)
}
