//! The locks by which watchers of ActivityWatch keep a second instance of themselves away.
//!
//! A watcher that is called `NAME` and sends to `HOST` on `PORT` locks the file `NAME-at-HOST-on-PORT` in
//! `~/.cache/activitywatch/client_locks`. Those in Python lock it with `fcntl`, those in Rust with `flock`, and the kernel keeps
//! these two kinds apart. So both are taken here.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rustix::fs::{FlockOperation, fcntl_lock};

/// The locks of clients of one server.
pub(super) struct Locks {
    dir: Option<PathBuf>,
    /// The ways to spell the server, as `-at-127.0.0.1-on-5600`.
    suffixes: Vec<String>,
    /// What this process holds. Locks of `fcntl` belong to the process, and closing any descriptor of the file gives them back:
    /// so each file is open at most once.
    held: Mutex<HashMap<PathBuf, Weak<File>>>,
}

/// Locks that are held; given back when dropped.
pub(super) type Held = Vec<Arc<File>>;

/// Why a lock cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// This process holds it for another watcher.
    Us,
    /// Another process.
    Another,
}

/// How often a file is opened again because somebody has removed it meanwhile.
const ATTEMPTS: usize = 20;

impl Locks {
    /// `dir`: the directory of the locks; without one, there are none.
    pub(super) fn new(dir: Option<PathBuf>, host: &str, port: u16) -> Locks {
        let mut hosts = vec![host];
        if ["127.0.0.1", "localhost"].contains(&host) {
            hosts = vec!["127.0.0.1", "localhost"];
        }
        let suffixes = hosts.iter().map(|host| format!("-at-{host}-on-{port}")).collect();
        Locks {
            dir,
            suffixes,
            held: Mutex::new(HashMap::new()),
        }
    }

    /// Takes the locks of a module, which may share them with other modules.
    ///
    /// # Errors
    /// The name whose lock another process holds.
    pub(super) fn take<'a>(&self, names: &[&'a str]) -> Result<Held, &'a str> {
        let mut all = Held::new();
        for (name, path) in self.paths(names) {
            let mut held = self.held.lock();
            if let Some(file) = held.get(&path).and_then(Weak::upgrade) {
                all.push(file);
                continue;
            }
            match lock(&path) {
                Ok(Some(file)) => {
                    let file = Arc::new(file);
                    held.insert(path, Arc::downgrade(&file));
                    all.push(file);
                }
                Ok(None) => return Err(name),
                // Without the lock, another watcher may start too. That is no reason not to record.
                Err(error) => {
                    tracing::debug!(file = %path.display(), %error, "the lock of a client cannot be taken");
                }
            }
        }
        Ok(all)
    }

    /// Who holds the lock of a program, if anybody.
    pub(super) fn holder(&self, name: &str) -> Option<Holder> {
        let held = self.held.lock();
        for (_, path) in self.paths(&[name]) {
            if held.get(&path).is_some_and(|file| file.strong_count() > 0) {
                return Some(Holder::Us);
            }
            // Locked and given back at once.
            if matches!(lock(&path), Ok(None)) {
                return Some(Holder::Another);
            }
        }
        None
    }

    fn paths<'a>(&self, names: &[&'a str]) -> Vec<(&'a str, PathBuf)> {
        let Some(dir) = &self.dir else {
            return Vec::new();
        };
        names
            .iter()
            .flat_map(|name| self.suffixes.iter().map(move |suffix| (name, suffix)))
            .map(|(name, suffix)| (*name, dir.join(format!("{name}{suffix}"))))
            .collect()
    }
}

/// Locks a file in both ways. `None`: another process holds one of them.
fn lock(path: &Path) -> std::io::Result<Option<File>> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    for _ in 0..ATTEMPTS {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // ActivityWatch's watchers remove the file when they exit. A lock on a removed file keeps nobody away.
        let there = std::fs::metadata(path);
        let ours = file.metadata()?;
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            return Ok(Some(file));
        }
    }
    Err(std::io::Error::other("somebody removes it again and again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    const NAME: &str = "aw-watcher-window";

    fn locks(dir: &Path) -> Locks {
        Locks::new(Some(dir.to_path_buf()), "127.0.0.1", 5600)
    }

    /// A Python program that holds a lock of this kind until it is killed.
    fn holder(dir: &Path, kind: &str, host: &str) -> Child {
        let program = format!(
            "import fcntl,sys,time\nf=open(sys.argv[1],'w')\nfcntl.{kind}(f,fcntl.LOCK_EX)\nprint('held',flush=True)\ntime.sleep(600)"
        );
        let path = dir.join(format!("{NAME}-at-{host}-on-5600"));
        let mut child = Command::new("python3")
            .args(["-c", &program])
            .arg(path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        let output = child.stdout.as_mut().expect("its output");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("a line");
        assert_eq!(line, "held\n");
        child
    }

    #[test]
    fn both_kinds_of_locks_of_another_process_are_seen_under_both_names_of_this_machine() {
        for kind in ["lockf", "flock"] {
            for host in ["127.0.0.1", "localhost"] {
                let dir = tempfile::tempdir().expect("a directory");
                let locks = locks(dir.path());
                let mut other = holder(dir.path(), kind, host);
                assert_eq!(locks.take(&["awatcher", NAME]).err(), Some(NAME), "{kind}");
                assert_eq!(locks.holder(NAME), Some(Holder::Another));
                other.kill().expect("killed");
                other.wait().expect("ended");
                assert!(locks.take(&["awatcher", NAME]).is_ok(), "{kind}");
                assert_eq!(locks.holder(NAME), None);
            }
        }
    }

    #[test]
    fn modules_share_a_lock_and_other_processes_see_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let locks = locks(dir.path());
        let window = locks.take(&["awatcher", NAME]).expect("free");
        let afk = locks.take(&["awatcher"]).expect("shared");
        drop(window);
        assert_eq!(locks.holder(NAME), None);
        assert_eq!(locks.holder("awatcher"), Some(Holder::Us));
        for kind in ["lockf", "flock"] {
            let path = dir.path().join("awatcher-at-localhost-on-5600");
            let program =
                format!("import fcntl,sys\nfcntl.{kind}(open(sys.argv[1],'w'),fcntl.LOCK_EX|fcntl.LOCK_NB)");
            let status = Command::new("python3")
                .args(["-c", &program])
                .arg(path)
                .stderr(Stdio::null())
                .status()
                .expect("python3");
            assert!(!status.success(), "{kind} excludes nobody");
        }
        drop(afk);
        assert_eq!(locks.holder("awatcher"), None);
    }

    #[test]
    fn without_a_directory_nothing_is_locked() {
        let locks = Locks::new(None, "127.0.0.1", 5600);
        assert!(locks.take(&[NAME]).expect("free").is_empty());
        assert_eq!(locks.holder(NAME), None);
    }
}
