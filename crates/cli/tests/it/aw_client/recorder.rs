//! The Python side: a virtual environment with the real client, and `record_day.py` in it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use timberline_test_support::python_with;

use super::day::Day;
use crate::harness::server::{Ending, Installation};

/// The client that is deployed.
const CLIENT: &str = "aw-client==0.5.15";

/// `record_day.py` at work.
pub(crate) struct Recorder {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Ending,
}

/// Its answer to every order.
#[derive(Deserialize)]
pub(crate) struct State {
    /// Requests in the clients' queues.
    pub(crate) waiting: usize,
    /// What the clients logged when they gave up on a request.
    pub(crate) thrown_away: Vec<String>,
}

impl Recorder {
    /// Starts it with the plan of a day.
    pub(crate) fn start(installation: &Installation, day: &Day) -> Recorder {
        let plan = installation.root().join("plan.json");
        fs::write(&plan, day.to_json().to_string()).expect("the plan to be written");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/aw_client/record_day.py");
        let log =
            fs::File::create(installation.root().join("clients.log")).expect("a file for the clients' log");
        let mut command = Command::new(python_with_client());
        installation.set_home(&mut command);
        command.env_remove("AW_PROFILE").env("NO_PROXY", "127.0.0.1");
        command.arg(script).arg(plan).arg(installation.port.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut process = Ending(command.spawn().expect("python to start"));
        let orders = process.0.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.0.stdout.take().expect("a pipe"));
        Recorder {
            orders,
            answers,
            _process: process,
        }
    }

    /// Has it hand the heartbeats of a part of the day to the clients.
    pub(crate) fn record(&mut self, part: usize) {
        self.order(&format!("record {part}"));
    }

    /// Asks how far the clients are.
    pub(crate) fn state(&mut self) -> State {
        self.order("state")
    }

    /// Ends it.
    pub(crate) fn stop(mut self) -> State {
        self.order("stop")
    }

    fn order(&mut self, order: &str) -> State {
        let mut answer = String::new();
        writeln!(self.orders, "{order}").expect("record_day.py takes orders; else see clients.log");
        self.answers
            .read_line(&mut answer)
            .expect("an answer from record_day.py");
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("record_day.py: {error}: {answer:?}, see clients.log"))
    }
}

/// The interpreter of a virtual environment that has the client.
pub(crate) fn python_with_client() -> PathBuf {
    python_with(&[CLIENT], "aw-client", env!("CARGO_TARGET_TMPDIR"))
}
