//! Tells a program where the server is.
//!
//! aw-qt passes `--testing` at most, so every watcher knows that flag; not all know `--port` and `--host`. So a program is asked
//! with `--help`, but only if it would look in the wrong place otherwise.

use std::path::Path;
use std::time::Duration;

use super::Helps;

/// The server, as programs are to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is a server for tests.
    pub testing: bool,
    /// Why programs cannot use it, if they cannot: most of them only speak HTTP, and know no key.
    pub closed: Option<String>,
}

/// How long a program may take to say which flags it has. Those in Python take half a second.
const PATIENCE: Duration = Duration::from_secs(20);

impl Target {
    /// The port that a watcher sends to if it is not told.
    fn usual_port(&self) -> u16 {
        if self.testing { 5666 } else { 5600 }
    }

    fn is_on_this_machine(&self) -> bool {
        ["127.0.0.1", "localhost"].contains(&self.host.as_str())
    }

    /// The flags that must be passed, with their values.
    fn needed(&self) -> Vec<(&'static str, Option<String>)> {
        let mut needed = Vec::new();
        if self.testing {
            needed.push(("--testing", None));
        }
        if !self.is_on_this_machine() {
            needed.push(("--host", Some(self.host.clone())));
        }
        if self.port != self.usual_port() {
            needed.push(("--port", Some(self.port.to_string())));
        }
        needed
    }
}

/// The arguments for a program that is to send to a server.
///
/// # Errors
/// When the program cannot be given the address.
pub(in crate::supervisor) async fn arguments(
    program: &Path,
    target: &Target,
    helps: &Helps,
) -> Result<Vec<String>, String> {
    if let Some(why) = &target.closed {
        return Err(why.clone());
    }
    let needed = target.needed();
    if needed.is_empty() {
        return Ok(Vec::new());
    }
    let help = helps.of(program, tokio::time::sleep(PATIENCE)).await?;
    let missing = needed.iter().find(|(flag, _)| !mentions(&help, flag));
    if let Some((flag, _)) = missing {
        return Err(format!(
            "it has no flag {flag}, so Timberline cannot pass it the address of the server, {}:{}",
            target.host, target.port
        ));
    }
    let arguments = needed
        .into_iter()
        .flat_map(|(flag, value)| [Some(flag.to_owned()), value]);
    Ok(arguments.flatten().collect())
}

/// Whether a text has a flag, and not only as the beginning of another one.
fn mentions(help: &str, flag: &str) -> bool {
    help.match_indices(flag).any(|(at, _)| {
        let next = help.get(at + flag.len()..).and_then(|rest| rest.chars().next());
        !next.is_some_and(|next| next.is_alphanumeric() || next == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn target(port: u16, testing: bool) -> Target {
        Target {
            host: "127.0.0.1".to_owned(),
            port,
            testing,
            closed: None,
        }
    }

    fn script(dir: &Path, text: &str) -> std::path::PathBuf {
        let path = dir.join("aw-watcher-test");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    #[tokio::test]
    async fn a_program_gets_only_the_flags_that_it_needs_and_supports() {
        let helps = Helps::default();
        let dir = tempfile::tempdir().expect("a directory");
        let all = script(
            dir.path(),
            "echo 'usage: [--testing] [--host HOST] [--port PORT]' >&2",
        );
        assert_eq!(arguments(&all, &target(5600, false), &helps).await, Ok(vec![]));
        assert_eq!(
            arguments(&all, &target(5666, true), &helps).await,
            Ok(vec!["--testing".to_owned()])
        );
        assert_eq!(
            arguments(&all, &target(5700, true), &helps).await,
            Ok(["--testing", "--port", "5700"].map(str::to_owned).to_vec())
        );
        let dir = tempfile::tempdir().expect("a directory");
        let few = script(dir.path(), "echo 'usage: [--testing] [--port-file FILE]'");
        let refused = arguments(&few, &target(5700, true), &helps)
            .await
            .expect_err("no flag");
        assert!(refused.contains("no flag --port"), "{refused}");
    }

    #[tokio::test]
    async fn a_program_that_cannot_be_started_is_refused() {
        let refused = arguments(
            Path::new("/nowhere/aw-watcher"),
            &target(5700, false),
            &Helps::default(),
        )
        .await;
        assert!(
            refused
                .expect_err("nothing there")
                .starts_with("it cannot be started")
        );
    }
}
