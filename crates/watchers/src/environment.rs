//! The environment of the programs that Timberline starts.

use std::process::Command;

/// What is in the environment for Timberline only: secrets, and what systemd says to its service.
const NOT_PASSED_ON: [&str; 7] = [
    "TIMBERLINE_API_KEY",
    "TIMBERLINE_PASSPHRASE",
    "TIMBERLINE_NEW_PASSPHRASE",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
];

/// Removes what is for Timberline only from the environment of a program. Every program that is started gets less by this.
pub(crate) fn withhold(command: &mut Command) {
    for name in NOT_PASSED_ON {
        command.env_remove(name);
    }
}

/// Whether a program would get none of it.
#[cfg(test)]
pub(crate) fn is_withheld(command: &Command) -> bool {
    let removed: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| value.is_none().then_some(name))
        .collect();
    NOT_PASSED_ON
        .iter()
        .all(|name| removed.contains(&std::ffi::OsStr::new(name)))
}
