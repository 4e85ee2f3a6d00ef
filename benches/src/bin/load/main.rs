//! The server under HTTP load: heartbeats, inserts, imports, reads, queries, starts.
//!
//!     make build
//!     cargo run --release -p timberline-benches --bin load
//!     cargo run --release -p timberline-benches --bin load -- --server old=PATH --server new=PATH
//!
//! Every round starts each server on an empty directory and fills it with the same generated history through the API. Several
//! servers take turns within a round, so that they meet the same conditions; the table gives the median of the rounds,
//! the range, and the ratio to the first server. `bare axum` is an HTTP server that answers a constant: the most that
//! this client can get out of an axum server on this machine.

mod bare;
mod batches;
mod heartbeats;
mod options;
mod queries;
mod reads;
mod starts;
mod table;
mod writes;

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use options::{Options, Subject};
use table::Table;
use timberline_benches::http::Connection;
use timberline_benches::server::{Installation, Server};
use writes::Prepared;

fn main() -> ExitCode {
    let outcome = match bare::asked_for() {
        Some(port) => bare::serve(port),
        None => Options::of_arguments().and_then(|options| run(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let prepared = Prepared::new(options.days)?;
    let mut table = Table::new(options.subjects.iter().map(|subject| subject.name.clone()));
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        for subject in &options.subjects {
            let dir = tempfile::tempdir_in(&options.dir)?;
            all_of(subject, dir.path(), options, &prepared, &mut table)?;
        }
        bare::measure(options, &mut table)?;
    }
    table.print();
    Ok(())
}

/// Measures one server once, on a new directory.
fn all_of(
    subject: &Subject,
    dir: &Path,
    options: &Options,
    prepared: &Prepared,
    table: &mut Table,
) -> io::Result<()> {
    let installation = Installation::with_defaults(&subject.program, dir, "filled")?;
    let server = installation.start()?;
    let mut on = On {
        name: &subject.name,
        port: installation.port,
        server: &server,
        table,
    };
    writes::fill(&mut on, prepared)?;
    queries::measure(&mut on, options.days)?;
    reads::measure(&mut on)?;
    heartbeats::measure(&mut on, options.seconds)?;
    batches::measure(&mut on, options.seconds)?;
    server.stop()?;
    starts::measure(&subject.name, &installation, table)?;
    let export = prepared.export(&installation)?;
    fs::remove_dir_all(installation.root())?;

    let importing = Installation::with_defaults(&subject.program, dir, "importing")?;
    let server = importing.start()?;
    let mut on = On {
        name: &subject.name,
        port: importing.port,
        server: &server,
        table,
    };
    writes::import(&mut on, &export, prepared.count)?;
    server.stop()?;

    let syncing = Installation::new(
        &subject.program,
        dir,
        "syncing",
        &["durability.heartbeat = \"always\""],
    )?;
    let server = syncing.start()?;
    let mut on = On {
        name: &subject.name,
        port: syncing.port,
        server: &server,
        table,
    };
    heartbeats::synced(&mut on, options.seconds)?;
    server.stop()
}

/// A server that is being measured, and where its figures go.
struct On<'a> {
    name: &'a str,
    port: u16,
    server: &'a Server,
    table: &'a mut Table,
}

impl On<'_> {
    fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.port)
    }

    fn note(&mut self, what: &str, value: f64, unit: &'static str) {
        self.table.add(self.name, what, value, unit);
    }
}
