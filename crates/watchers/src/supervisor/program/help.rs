//! What programs print for `--help`.
//!
//! A program that ignores the flag runs as if it had been started without: until it is ended, it records, and sends to a server that
//! it was not told. So each version of a program is asked only once, or [`TRIES`] times if it does not answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;

use super::Process;

/// So many times a program is asked that does not answer. The machine may be busy, as it is just after a login.
const TRIES: u32 = 2;

/// What is known of programs, by path.
#[derive(Default)]
pub(in crate::supervisor) struct Helps(Mutex<BTreeMap<PathBuf, Known>>);

/// What is known of one version of a program.
#[derive(Clone)]
struct Known {
    version: Version,
    /// Why there is no help: so many times it has not answered.
    help: Result<String, u32>,
}

/// Another version of a program has another one of these.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    modified: SystemTime,
    bytes: u64,
}

impl Helps {
    /// What a program prints for `--help`. It is asked if that is not known, and may take until `patience` ends.
    ///
    /// # Errors
    /// Why it is not known, as a person reads it.
    pub(super) async fn of(
        &self,
        program: &Path,
        patience: impl Future<Output = ()>,
    ) -> Result<String, String> {
        let not_started = |error: std::io::Error| format!("it cannot be started: {error}");
        let version = Version::of(program).map_err(not_started)?;
        let tries = match self.known(program, version) {
            Some(Ok(help)) => return Ok(help),
            Some(Err(tries)) => tries,
            None => 0,
        };
        if tries >= TRIES {
            return Err(silent(tries));
        }
        let process = Process::start(program, &["--help".to_owned()]).map_err(not_started)?;
        let printed = process.print(patience).await;
        let help = printed
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .ok_or(tries + 1);
        let known = Known { version, help };
        self.0.lock().insert(program.to_owned(), known.clone());
        known.help.map_err(silent)
    }

    fn known(&self, program: &Path, version: Version) -> Option<Result<String, u32>> {
        let known = self.0.lock();
        let known = known.get(program).filter(|known| known.version == version);
        known.map(|known| known.help.clone())
    }
}

impl Version {
    fn of(program: &Path) -> std::io::Result<Version> {
        let metadata = std::fs::metadata(program)?;
        Ok(Version {
            modified: metadata.modified()?,
            bytes: metadata.len(),
        })
    }
}

fn silent(tries: u32) -> String {
    let reason =
        "it does not answer --help, so Timberline does not know how to pass it the address of the server";
    if tries < TRIES {
        return reason.to_owned();
    }
    format!("{reason}. It is not asked again until its file changes or Timberline is restarted")
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    struct Script {
        dir: tempfile::TempDir,
        path: PathBuf,
    }

    impl Script {
        /// A program that adds a line to the file `starts`, and then does something else.
        fn new(then: &str) -> Script {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("aw-watcher-test");
            let script = Script { dir, path };
            script.write(then);
            script
        }

        fn write(&self, then: &str) {
            let starts = self.dir.path().join("starts");
            let text = format!("#!/bin/sh\ndir='{}'\n{then}\n", self.dir.path().display());
            let text = text.replace("START", &format!("echo start >> '{}'", starts.display()));
            std::fs::write(&self.path, text).expect("a file");
            std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        }

        fn starts(&self) -> usize {
            self.lines("starts").len()
        }

        fn lines(&self, file: &str) -> Vec<String> {
            let text = std::fs::read_to_string(self.dir.path().join(file)).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        }

        /// Waits for the start of that number.
        async fn has_started(&self, number: usize) {
            while self.starts() < number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    #[tokio::test]
    async fn each_version_of_a_program_is_asked_once() {
        let script = Script::new("START\necho usage: --port");
        let helps = Helps::default();
        for _ in 0..2 {
            assert_eq!(
                helps.of(&script.path, pending()).await,
                Ok("usage: --port\n".to_owned())
            );
        }
        assert_eq!(script.starts(), 1);
        script.write("START\necho usage: --host --port");
        assert_eq!(
            helps.of(&script.path, pending()).await,
            Ok("usage: --host --port\n".to_owned())
        );
        assert_eq!(script.starts(), 2);
    }

    #[tokio::test]
    async fn one_that_ignores_the_flag_is_ended_with_its_children_and_not_started_for_ever() {
        let script = Script::new("sleep 600 & echo $! >> \"$dir/children\"\nSTART\nwait");
        let helps = Helps::default();
        for number in 1..=2 {
            let help = helps.of(&script.path, script.has_started(number)).await;
            assert!(help.expect_err("no answer").contains("does not answer --help"));
        }
        let help = helps.of(&script.path, pending()).await;
        assert!(help.expect_err("no answer").contains("not asked again"));
        assert_eq!(script.starts(), 2);
        let children = script.lines("children");
        assert_eq!(children.len(), 2);
        for child in children {
            while is_alive(&child) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_leaves_nobody_behind() {
        let script = Script::new("sleep 600 & echo $! >> \"$dir/children\"\nSTART\nwait");
        let helps = Helps::default();
        tokio::select! {
            _ = helps.of(&script.path, pending()) => panic!("it does not answer"),
            () = script.has_started(1) => {}
        }
        while is_alive(&script.lines("children")[0]) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn what_is_printed_without_an_end_is_not_kept() {
        let script = Script::new("START\nhead -c 1000000 /dev/zero | tr '\\0' x");
        let help = Helps::default().of(&script.path, pending()).await;
        assert_eq!(help.expect("an answer").len(), 64 << 10);
    }

    /// Whether a process lives; one that nobody has waited for does not.
    fn is_alive(process: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.trim().chars().next());
        state.is_some_and(|state| state != 'Z' && state != 'X')
    }
}
