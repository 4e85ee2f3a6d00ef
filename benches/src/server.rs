//! A server under test: its directory, its configuration, its process.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::http::Connection;

/// Small segments, so that there are many changes from one to the next; and small caches, so that they are soon full
/// and memory shows what else grows.
const KEYS: &str = "[log]\nsegment_bytes = 1048576\n\n[limits]\nquery_cache_bytes = 8388608\n";
/// Keys that newer servers know, with values short enough that an hour sees them at work. What a server refuses is
/// left out.
const NEWER_KEYS: [&str; 3] = [
    "history = \"2 minutes\"",
    "erase_after = \"2 minutes\"",
    "maintain_every = \"10 s\"",
];
/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server lives, over many starts.
#[derive(Debug)]
pub struct Installation {
    program: PathBuf,
    root: PathBuf,
    /// The port that it listens on.
    pub port: u16,
    /// Whether its data are encrypted.
    encrypted: bool,
    /// The library that shifts its wall clock, if it is to jump.
    clock_shim: Option<PathBuf>,
}

/// What an encrypted store is opened with.
const PASSPHRASE: &str = "soak";

impl Installation {
    /// An empty one below `dir`. `keys` go to the front of its configuration.
    pub fn new(program: &Path, dir: &Path, name: &str, keys: &[&str]) -> io::Result<Installation> {
        Installation::with_config(program, dir, name, &format!("{}\n{KEYS}", keys.join("\n")))
    }

    /// One without a configuration of its own.
    pub fn with_defaults(program: &Path, dir: &Path, name: &str) -> io::Result<Installation> {
        Installation::with_config(program, dir, name, "")
    }

    fn with_config(program: &Path, dir: &Path, name: &str, config: &str) -> io::Result<Installation> {
        let root = dir.join(name);
        fs::create_dir_all(&root)?;
        fs::write(root.join("config.toml"), config)?;
        Ok(Installation {
            program: program.to_owned(),
            root,
            port: free_port()?,
            encrypted: false,
            clock_shim: None,
        })
    }

    /// Has the next first start make an encrypted store.
    pub fn encrypt(&mut self) {
        self.encrypted = true;
    }

    /// Has every start from now on use a wall clock that [`Installation::shift_clock`] can shift.
    pub fn use_clock_shim(&mut self, shim: &Path) {
        self.clock_shim = Some(shim.to_owned());
    }

    /// Shifts the wall clock of the server, running or not, against the real one.
    pub fn shift_clock(&self, seconds: i64) -> io::Result<()> {
        fs::write(self.root.join("shift"), seconds.to_string())
    }

    /// Adds sections to the end of the configuration.
    pub fn configure(&self, sections: &str) -> io::Result<()> {
        let path = self.root.join("config.toml");
        let configured = fs::read_to_string(&path)?;
        fs::write(path, configured + sections)
    }

    /// Where automatic backups go, if [`Installation::configure`] asks for them.
    pub fn backup_sets(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// The newer keys that this server knows.
    pub fn known_keys(program: &Path, dir: &Path) -> io::Result<Vec<&'static str>> {
        let mut known = Vec::new();
        for (number, key) in NEWER_KEYS.into_iter().enumerate() {
            let trial = Installation::new(program, dir, &format!("trial-{number}"), &[key])?;
            if let Ok(server) = trial.start() {
                known.push(key);
                server.stop()?;
            }
            fs::remove_dir_all(&trial.root)?;
        }
        Ok(known)
    }

    /// The directory with everything that the server has.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The command with the arguments that say which installation is meant.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--dbpath").arg(self.data());
        command
            .env("HOME", &self.root)
            .env("XDG_STATE_HOME", self.root.join("state"));
        command.stdin(Stdio::null());
        self.give_passphrase(&mut command);
        command
    }

    fn give_passphrase(&self, command: &mut Command) {
        if self.encrypted {
            command.env("TIMBERLINE_PASSPHRASE", PASSPHRASE);
        }
    }

    /// Starts the server and waits until it answers.
    pub fn start(&self) -> io::Result<Server> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut command = self.command(&["serve", "--port", &self.port.to_string()]);
        command.arg("--config").arg(self.root.join("config.toml"));
        if self.encrypted {
            command.arg("--encrypt");
        }
        if let Some(shim) = &self.clock_shim {
            command.env("LD_PRELOAD", shim);
            command.env("SHIFT_FILE", self.root.join("shift"));
        }
        let child = command.stdout(Stdio::null()).stderr(log).spawn()?;
        let mut server = Server { child };
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = server.ended()? {
                let said = fs::read_to_string(self.log()).unwrap_or_default();
                let last = said.lines().last().unwrap_or_default();
                return Err(io::Error::other(format!(
                    "the server ended at its start ({status}): {last}"
                )));
            }
            let answer = Connection::open(self.port).and_then(|mut c| c.exchange("GET", "/api/0/info", None));
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(io::Error::other("the server does not answer"))
    }

    /// What the server has logged, in all of its starts.
    pub fn log(&self) -> PathBuf {
        self.root.join("stderr.log")
    }

    /// `timberline log verify` on its data, or on a copy. What it complains about, if anything.
    pub fn verify(&self, data: &Path) -> io::Result<Option<String>> {
        let (out, err) = (self.root.join("verify.out"), self.root.join("verify.err"));
        let mut command = Command::new(&self.program);
        command
            .args(["log", "verify", "--dbpath"])
            .arg(data)
            .stdin(Stdio::null());
        self.give_passphrase(&mut command);
        let status = command
            .stdout(File::create(&out)?)
            .stderr(File::create(&err)?)
            .status()?;
        let said = fs::read_to_string(out)? + &fs::read_to_string(err)?;
        Ok((!status.success()).then(|| format!("log verify ended with {status}: {said}")))
    }

    /// What `timberline doctor` prints.
    pub fn doctor(&self) -> io::Result<String> {
        let output = self.command(&["doctor"]).output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    /// `timberline backup`, checked. `None` when the program does not know it.
    pub fn back_up(&self) -> io::Result<Option<Result<(), String>>> {
        let copy = self.root.join("backup");
        let _ = fs::remove_dir_all(&copy);
        let mut command = self.command(&["backup"]);
        let output = command.arg(&copy).output()?;
        if output.status.code() == Some(2) {
            return Ok(None);
        }
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return Ok(Some(Err(format!("backup ended with {}: {why}", output.status))));
        }
        let complaint = self.verify(&copy)?.map(|why| format!("of a backup: {why}"));
        Ok(Some(complaint.map_or(Ok(()), Err)))
    }

    /// The automatic backups that there are.
    pub fn sets(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(self.backup_sets()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let sets = entries.flatten().map(|entry| entry.path());
        Ok(sets
            .filter(|path| path.is_dir() && !path.ends_with("unfinished"))
            .collect())
    }

    /// Everything that `timberline log dump` prints of a data directory.
    pub fn dump(&self, data: &Path) -> io::Result<String> {
        let out = self.root.join("dump.out");
        let mut command = Command::new(&self.program);
        command
            .args(["log", "dump", "--dbpath"])
            .arg(data)
            .stdin(Stdio::null());
        self.give_passphrase(&mut command);
        command
            .stdout(File::create(&out)?)
            .stderr(Stdio::null())
            .status()?;
        fs::read(out).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Bytes of log and views on the disk.
    pub fn disk(&self) -> (u64, u64) {
        let size = |name: &str| {
            let entries = fs::read_dir(self.data().join(name)).into_iter().flatten();
            let lengths = entries
                .filter_map(|entry| entry.ok()?.metadata().ok())
                .map(|m| m.len());
            lengths.sum()
        };
        (size("log"), size("views"))
    }
}

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
}

impl Server {
    /// A process that is a server.
    #[must_use]
    pub fn of(child: Child) -> Server {
        Server { child }
    }

    /// The id of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> io::Result<Option<std::process::ExitStatus>> {
        self.child.try_wait()
    }

    /// `kill -9`.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> io::Result<()> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(io::Error::other(format!("the server stopped with {status}"))),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        Err(io::Error::other("the server does not stop"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only on a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Below those that the system gives to outgoing connections, so that it is still free after a kill.
fn free_port() -> io::Result<u16> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let turn = std::process::id() + 200 * TAKEN.fetch_add(1, Ordering::Relaxed);
    let start = 10_000 + u16::try_from(turn % 20_000).unwrap_or(0);
    (start..start + 200)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| io::Error::other("no port is free"))
}
