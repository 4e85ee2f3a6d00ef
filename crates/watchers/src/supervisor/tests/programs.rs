//! Real programs: small shell scripts that behave as the worst watchers do.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::supervisor::{Supervisor, Which};

struct Programs {
    dir: tempfile::TempDir,
    supervisor: Supervisor,
}

impl Programs {
    /// Starts scripts, by name.
    fn start(scripts: &[(&str, &str)]) -> Programs {
        let names = scripts.iter().map(|(name, _)| (*name).to_owned()).collect();
        Programs::start_with(scripts, |options| options.programs_on = Some(names))
    }

    fn start_with(scripts: &[(&str, &str)], change: impl FnOnce(&mut SupervisorOptions)) -> Programs {
        let dir = tempfile::tempdir().expect("a directory");
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).expect("a directory");
        for (name, script) in scripts {
            let path = bin.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let mut options = runtime.block_on(async { options(dir.path(), &[]) });
        options.clock = Arc::new(SystemClock::new());
        options.places.directories = vec![bin];
        change(&mut options);
        Programs {
            supervisor: Supervisor::start(options).expect("a supervisor"),
            dir,
        }
    }

    fn status(&self, name: &str) -> WatcherStatus {
        let mut all = self.supervisor.handle().list().into_iter();
        all.find(|status| status.name == name).expect("a watcher")
    }

    fn until(&self, name: &str, such: impl Fn(&WatcherStatus) -> bool) -> WatcherStatus {
        for _ in 0..6000 {
            let status = self.status(name);
            if such(&status) {
                return status;
            }
            std::thread::sleep(StdDuration::from_millis(10));
        }
        panic!("not within a minute: {:?}", self.status(name));
    }

    /// A number that a script has written into a file.
    fn number(&self, file: &str) -> i32 {
        for _ in 0..6000 {
            let text = std::fs::read_to_string(self.dir.path().join(file)).unwrap_or_default();
            if text.ends_with('\n') {
                return text.trim().parse().expect("a number");
            }
            std::thread::sleep(StdDuration::from_millis(10));
        }
        panic!("no {file} within a minute");
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(format!("log/{name}.log"))).unwrap_or_default()
    }
}

fn runs(status: &WatcherStatus) -> bool {
    matches!(status.condition, Condition::Running { .. })
}

/// Whether a process lives; one that nobody has waited for does not.
fn is_alive(process: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

fn ends(process: i32) {
    for _ in 0..6000 {
        if !is_alive(process) {
            return;
        }
        std::thread::sleep(StdDuration::from_millis(10));
    }
    panic!("process {process} is still there");
}

#[test]
fn a_program_that_crashes_is_restarted_and_its_last_line_is_kept() {
    let programs = Programs::start(&[("aw-crash", "echo 'Traceback'; echo 'ValueError: no' >&2; exit 3")]);
    let status = programs.until("aw-crash", |status| status.restarts >= 2);
    let exit = status.last_exit.expect("an exit");
    assert_eq!(exit.reason, "exit status: 3: ValueError: no");
    programs.supervisor.stop();
    let log = std::fs::read_to_string(programs.dir.path().join("log/aw-crash.log")).expect("a log");
    assert!(log.contains("Traceback\nValueError: no\n"), "{log}");
}

#[test]
fn a_program_that_floods_its_output_is_read_and_goes_on() {
    let script = "i=0; while [ $i -lt 300 ]; do head -c 100000 /dev/zero | tr '\\0' x; echo; i=$((i+1)); done\n\
                  echo $$ > \"$(dirname \"$0\")/../done\"; exec sleep 600";
    let programs = Programs::start(&[("aw-flood", script)]);
    let process = programs.number("done");
    assert!(is_alive(process));
    assert!(runs(&programs.status("aw-flood")));
    assert!(programs.log("aw-flood").len() < 1 << 20);
    programs.supervisor.stop();
    ends(process);
}

#[test]
fn a_program_that_ignores_sigterm_is_killed() {
    let script = "trap '' TERM; echo $$ > \"$(dirname \"$0\")/../pid\"; while :; do sleep 1; done";
    let programs = Programs::start(&[("aw-deaf", script)]);
    let process = programs.number("pid");
    let handle = programs.supervisor.handle();
    handle.disable(Which::One("aw-deaf")).expect("done");
    programs.until("aw-deaf", |status| status.condition == Condition::Stopping);
    programs.until("aw-deaf", |status| status.condition == Condition::Off);
    assert!(!is_alive(process));
    assert_eq!(programs.status("aw-deaf").last_exit, None);
}

#[test]
fn a_program_that_forks_is_ended_with_all_its_children() {
    let script = "dir=\"$(dirname \"$0\")/..\"\n\
                  (sh -c 'sleep 600' & echo $! > \"$dir/grandchild\"; wait) &\n\
                  echo $! > \"$dir/child\"; wait";
    let programs = Programs::start(&[("aw-fork", script)]);
    let (child, grandchild) = (programs.number("child"), programs.number("grandchild"));
    assert!(is_alive(child) && is_alive(grandchild));
    programs
        .supervisor
        .handle()
        .disable(Which::One("aw-fork"))
        .expect("done");
    programs.until("aw-fork", |status| status.condition == Condition::Off);
    ends(child);
    ends(grandchild);
}

#[test]
fn child_processes_of_a_program_that_daemonizes_are_ended_before_the_next_start() {
    let script = "dir=\"$(dirname \"$0\")/..\"\n\
                  if [ -e \"$dir/first\" ]; then exec sleep 600; fi\n\
                  sleep 600 & echo $! > \"$dir/first\"";
    let programs = Programs::start(&[("aw-daemon", script)]);
    let left_behind = programs.number("first");
    programs.until("aw-daemon", |status| status.restarts == 1 && runs(status));
    ends(left_behind);
}

#[test]
fn a_program_that_comes_later_can_be_switched_on() {
    let programs = Programs::start(&[]);
    let handle = programs.supervisor.handle();
    assert!(handle.enable(Which::One("aw-late")).is_err());
    let path = programs.dir.path().join("bin/aw-late");
    std::fs::write(&path, "#!/bin/sh\nexec sleep 600\n").expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    handle.enable(Which::One("aw-late")).expect("done");
    let Condition::Running { pid } = programs.until("aw-late", runs).condition else {
        unreachable!()
    };
    programs.supervisor.stop();
    ends(i32::try_from(pid).expect("a number"));
}

#[test]
fn a_program_that_already_runs_elsewhere_is_not_started() {
    let programs = Programs::start(&[("aw-watcher-spotify", "exec sleep 600")]);
    programs.until("aw-watcher-spotify", runs);
    programs
        .supervisor
        .handle()
        .disable(Which::One("aw-watcher-spotify"))
        .expect("done");
    let lock = programs
        .dir
        .path()
        .join("locks/aw-watcher-spotify-at-127.0.0.1-on-5600");
    let mut elsewhere = std::process::Command::new("python3")
        .args(["-c", "import fcntl,sys,time\nf=open(sys.argv[1],'w')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint(1,flush=True)\ntime.sleep(600)"])
        .arg(&lock)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python3");
    let mut byte = [0];
    let output = elsewhere.stdout.as_mut().expect("its output");
    std::io::Read::read_exact(output, &mut byte).expect("a byte");
    programs
        .supervisor
        .handle()
        .enable(Which::One("aw-watcher-spotify"))
        .expect("done");
    let back = programs.until("aw-watcher-spotify", |status| {
        matches!(status.condition, Condition::StandingBack(_))
    });
    assert!(format!("{back:?}").contains("was not started by Timberline"));
    programs.supervisor.stop();
    elsewhere.kill().expect("killed");
    elsewhere.wait().expect("ended");
}

#[test]
fn programs_that_aw_qt_and_aw_tauri_start_are_on_unless_a_module_replaces_them() {
    let says = r#"for word; do echo "$word" >> "$0.words"; done; echo >> "$0.words"; exec sleep 600"#;
    let names = ["aw-watcher-afk", "aw-watcher-other", "aw-watcher-x"];
    let programs = Programs::start_with(&names.map(|name| (name, says)), |options| {
        let afk: Arc<dyn Module> = Arc::new(Puppet::new("afk", Way::Error));
        options.modules.push((afk, true));
        let started = [
            ("aw-watcher-afk", "aw-qt"),
            ("aw-watcher-x", "aw-tauri"),
            ("aw-watcher-gone", "aw-qt"),
        ];
        options.autostart.started_by = started.map(|(name, by)| (name.to_owned(), by)).into();
        let words = ["--poll", "every minute"].map(str::to_owned).to_vec();
        options
            .autostart
            .arguments
            .insert("aw-watcher-x".to_owned(), words);
    });
    let status = programs.until("aw-watcher-x", |status| {
        matches!(status.condition, Condition::Running { .. })
    });
    assert_eq!(status.note.as_deref(), Some("on because aw-tauri starts it"));
    let path = programs.dir.path().join("bin/aw-watcher-x.words");
    let words = loop {
        let words = std::fs::read_to_string(&path).unwrap_or_default();
        if words.ends_with("\n\n") {
            break words;
        }
        std::thread::sleep(StdDuration::from_millis(10));
    };
    assert_eq!(words, "--poll\nevery minute\n\n");
    let replaced = programs.status("aw-watcher-afk");
    assert!(!replaced.enabled);
    assert_eq!(replaced.note.as_deref(), Some("replaced by afk"));
    let other = programs.status("aw-watcher-other");
    assert_eq!((other.enabled, other.note), (false, None));
    programs.supervisor.stop();
}
