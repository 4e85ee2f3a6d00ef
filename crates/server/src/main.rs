//! The `timberline` command. All of it is in the library, where tests can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    timberline_server::command::run(std::env::args_os())
}
