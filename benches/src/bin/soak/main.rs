//! Hours of mixed load against the real server, which is killed every minute, next to one that never is.
//!
//! `make soak` builds and runs it. Two servers get the same mix of requests (`worker`, `extras`, each by its `client`). One is killed
//! with SIGKILL every minute and started again; what it then shows is compared with what it had acknowledged
//! (`ledger`). The other runs through, and shows whether memory, threads and open files stay where they are
//! (`sample`). In the end both are stopped, `timberline log verify` goes over what they leave, and a report says what was
//! lost, what was wrong and what grew; the exit code is 1 if any of it did.
//!
//! With `--kills N` it does something else: one server at a time is killed N times, a few seconds apart, while everything
//! that changes data is mixed. Half of the runs use an encrypted store; with `--clock-shim` the wall clock jumps in half
//! of the runs (`kills`). With `--damage N` it damages one file at a time and looks what the server makes of it
//! (`damage`). With `--memory N` it measures the memory of one server: N distinct heartbeats beside queries, then large
//! imports at once, and a rest after each (`memory`).

mod client;
mod damage;
mod extras;
mod kept;
mod kills;
mod ledger;
mod memory;
mod options;
mod random;
mod report;
mod reports;
mod run;
mod secrets;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = options::Options::of_arguments().and_then(|options| {
        if options.damage > 0 {
            return damage::run(&options);
        }
        if options.memory > 0 {
            return memory::run(&options);
        }
        if options.kills > 0 {
            return kills::run(&options);
        }
        let report = run::soak(&options)?;
        println!("{report}");
        println!("{}", report.json());
        Ok(report.is_good())
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}
