//! An installation of the real server: its directories, its configuration and its port, over many starts.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{http, poll};

/// Where one server lives: everything it reads and writes is below one temporary directory, which goes when
/// the test succeeds and stays, for a look, when it fails.
pub(crate) struct Installation {
    root: Option<TempDir>,
    /// The data directory, which is not made here.
    pub(crate) data: PathBuf,
    /// Where it listens.
    pub(crate) port: u16,
    config: Option<PathBuf>,
    /// What its data are encrypted with, if they are: every command is given it.
    passphrase: Option<&'static str>,
}

/// Whether an installation encrypts its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    Plain,
    Encrypted,
}

/// The passphrase of encrypted installations.
pub(crate) const PASSPHRASE: &str = "correct horse";

impl Installation {
    /// New and empty; its data will be encrypted, or not.
    pub(crate) fn with(data: Data) -> Installation {
        let mut installation = Installation::new();
        installation.passphrase = (data == Data::Encrypted).then_some(PASSPHRASE);
        installation
    }

    /// New and empty.
    pub(crate) fn new() -> Installation {
        // Not in /tmp, which may be in memory: the disk under `target` is a real one.
        let root = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary directory");
        let data = root.path().join("data");
        Installation {
            root: Some(root),
            data,
            port: free_port(),
            config: None,
            passphrase: None,
        }
    }

    /// The temporary directory that holds it all.
    pub(crate) fn root(&self) -> &Path {
        self.root.as_ref().expect("only gone when dropped").path()
    }

    /// Whether its data are encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.passphrase.is_some()
    }

    /// Has the server read this configuration at its next start.
    pub(crate) fn configure(&mut self, toml: &str) {
        let path = self.root().join("timberline.toml");
        fs::write(&path, toml).expect("the configuration to be written");
        self.config = Some(path);
    }

    /// What starts the server, for tests that add to it.
    pub(crate) fn command(&self) -> Command {
        self.command_on(self.port)
    }

    /// What starts the server on another port.
    pub(crate) fn command_on(&self, port: u16) -> Command {
        let mut command = self.program();
        command.args(["serve", "--testing", "--port", &port.to_string()]);
        command.arg("--dbpath").arg(&self.data);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        if self.passphrase.is_some() {
            command.arg("--encrypt");
        }
        command
    }

    /// The `timberline` command, without arguments, at home in this installation.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_timberline"));
        self.set_home(&mut command);
        command.stdin(Stdio::null());
        if let Some(passphrase) = self.passphrase {
            command.env("TIMBERLINE_PASSPHRASE", passphrase);
        }
        command
    }

    /// Gives a program the home directory of this installation, so that it finds nothing of the machine's own.
    pub(crate) fn set_home(&self, command: &mut Command) {
        let home = self.root().join("home");
        fs::create_dir_all(&home).expect("a home directory");
        command.env("HOME", &home);
        for (variable, directory) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_RUNTIME_DIR", ".run"),
        ] {
            command.env(variable, home.join(directory));
        }
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn start(&self) -> Server {
        self.start_as(self.command())
    }

    /// Starts the server with a command made by [`Installation::command`].
    pub(crate) fn start_as(&self, command: Command) -> Server {
        let mut server = self.spawn(command);
        poll("the server to answer", || {
            if let Some(status) = server.child.try_wait().expect("the server's state") {
                panic!("the server ended at its start ({status}): {}", server.log_tail());
            }
            http::get(self.port, "/api/0/info")
                .ok()
                .filter(|answer| answer.status == 200)
        });
        server
    }

    /// Starts the server and does not wait.
    pub(crate) fn spawn(&self, mut command: Command) -> Server {
        let log = self.root().join("stderr.log");
        let file: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a file for its log");
        let child = command
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the server to start");
        Server {
            child,
            log,
            port: self.port,
        }
    }

    /// Has `timberline log verify` go over all of the data: every checksum, and whether the views show what the
    /// log says.
    ///
    /// # Panics
    ///
    /// When it finds anything wrong.
    pub(crate) fn verify(&self) {
        let mut command = self.program();
        command.args(["log", "verify", "--dbpath"]).arg(&self.data);
        let (status, out, err) = self.run(command);
        assert!(status.success(), "log verify: {status}\n{out}\n{err}");
    }

    /// Runs a command that is to end by itself; gives its status, what it printed and what it complained.
    pub(crate) fn run(&self, mut command: Command) -> (ExitStatus, String, String) {
        let (out, err) = (self.root().join("run.out"), self.root().join("run.err"));
        command
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(&err).expect("a file"));
        let mut child = Ending(command.spawn().expect("the command to start"));
        let status = poll("the command to end", || {
            child.0.try_wait().expect("the command's state")
        });
        let read = |path| String::from_utf8_lossy(&fs::read(path).expect("its output")).into_owned();
        (status, read(&out), read(&err))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(root) = self.root.take()
        {
            eprintln!("kept for a look: {}", root.keep().display());
        }
    }
}

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// Where it listens.
    pub(crate) port: u16,
}

impl Server {
    /// Posts JSON: the status and the answer.
    pub(crate) fn post(&self, target: &str, body: &Value) -> (u16, Value) {
        let answer = http::post(self.port, target, body.to_string().as_bytes()).expect("an answer");
        (answer.status, answer.json().unwrap_or_default())
    }

    /// Asks it to stop, as a service manager does, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.ask_to_stop();
        let status = poll("the server to stop", || {
            self.child.try_wait().expect("the server's state")
        });
        assert!(
            status.success(),
            "the server stopped with {status}: {}",
            self.log_tail()
        );
    }

    /// Asks it to stop, and does not wait.
    pub(crate) fn ask_to_stop(&self) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, Signal::TERM).expect("to signal the server");
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("to kill the server");
        self.child.wait().expect("the server to be gone");
    }

    /// Its process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the server's state").is_none()
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
        if std::thread::panicking() {
            eprintln!("the server's log ended with:\n{}", self.log_tail());
        }
    }
}

/// A program that must not outlive the test.
pub(crate) struct Ending(pub(crate) Child);

impl Drop for Ending {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Both fail only on a process that is gone already.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// A port that nothing listens on. It lies below those that the system gives to outgoing connections, so
/// that no other test can get hold of it while a server is between two starts.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 20_000;
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    poll("a free port", || {
        // Spread by the process id, because other tests look for a port in this moment too.
        let start = std::process::id().wrapping_mul(37) % u32::from(COUNT);
        let step = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from((start + step) % u32::from(COUNT)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .is_ok()
            .then_some(port)
    })
}
