//! A process of a program: its start, its end, and the end of all that it has started.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, set_parent_process_death_signal,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use super::output::{self, LastLine, Log};
use crate::environment;

/// How long a program may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process that runs, in a process group of its own. If this is dropped before its end, the whole group is killed.
pub(in crate::supervisor) struct Process {
    child: Child,
    /// The process, and its group while it has not been waited for.
    pid: Pid,
    /// Readable when it has ended.
    ended: AsyncFd<OwnedFd>,
    output: Option<pipe::Receiver>,
    last_line: LastLine,
}

impl Process {
    /// Starts a program. The calling thread must live as long as the program is to: when it ends, however it ends, the kernel
    /// sends the program a SIGTERM.
    ///
    /// # Errors
    /// When the system refuses.
    pub(in crate::supervisor) fn start(path: &Path, arguments: &[String]) -> io::Result<Process> {
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(path);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true);
        environment::withhold(command.as_std_mut());
        let parent = rustix::process::getpid();
        // SAFETY: between fork and exec only system calls without allocation or locks are made.
        unsafe {
            command.pre_exec(move || {
                set_parent_process_death_signal(Some(Signal::TERM))?;
                // It may have gone before this.
                if rustix::process::getppid() != Some(parent) {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Ok(())
            });
        }
        let child = command.spawn()?;
        // The command holds the writing end of the pipe.
        drop(command);
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let pid = id.and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
        let ended = pidfd_open(pid, PidfdFlags::empty())?;
        // SAFETY: an owned descriptor is open, and nobody replaces it.
        let ended = unsafe { AsyncFd::register_with_interest(ended, Interest::READABLE)? };
        Ok(Process {
            child,
            pid,
            ended,
            output: Some(pipe::Receiver::from_owned_fd(reader.into())?),
            last_line: LastLine::default(),
        })
    }

    pub(in crate::supervisor) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Reads its output until it ends by itself, or `stop` says that it is to end. Then it ends all that it has started as well.
    /// Returns how it has ended, if it has done so by itself.
    pub(in crate::supervisor) async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        log: &mut Log,
    ) -> Option<String> {
        let output = self.output.take()?;
        let last_line = LastLine::clone(&self.last_line);
        let (by_itself, status) = self.finish(stop, log.read(output, last_line)).await;
        by_itself.then(|| {
            let how = match status {
                Ok(status) => status.to_string(),
                Err(error) => format!("for an unknown reason: {error}"),
            };
            let last_line = self.last_line.lock();
            if last_line.is_empty() {
                how
            } else {
                format!("{how}: {last_line}")
            }
        })
    }

    /// The same for a program that prints something short: returns the beginning of it, if the program has ended by itself.
    pub(super) async fn print(mut self, stop: impl Future<Output = ()>) -> Option<Vec<u8>> {
        let output = self.output.take()?;
        let mut text = Vec::new();
        let (by_itself, _) = self.finish(stop, output::read_beginning(output, &mut text)).await;
        by_itself.then_some(text)
    }

    /// Reads until it ends by itself, or is to end. Then it ends all that it has started as well. Returns whether it has ended
    /// by itself, and how.
    async fn finish(
        &mut self,
        stop: impl Future<Output = ()>,
        reading: impl Future<Output = ()>,
    ) -> (bool, io::Result<ExitStatus>) {
        tokio::pin!(reading);
        let mut all_read = false;
        let by_itself = {
            let main = async {
                tokio::select! {
                    // An error of the descriptor would be one of epoll; then the process is asked to end below.
                    _ = self.ended.readable() => true,
                    () = stop => false,
                }
            };
            tokio::pin!(main);
            loop {
                tokio::select! {
                    by_itself = &mut main => break by_itself,
                    () = &mut reading, if !all_read => all_read = true,
                }
            }
        };
        let rest = async {
            if !all_read {
                reading.await;
            }
        };
        self.end_group(rest).await;
        // The group has been killed: it has ended.
        (by_itself, self.child.wait().await)
    }

    /// Ends the process and all others of its group: first they are asked. The process has not been waited for yet, so that its
    /// number, which is that of the group, belongs to nobody else.
    async fn end_group(&self, reading: impl Future<Output = ()>) {
        self.signal(Signal::TERM);
        // Everyone of the group has the pipe as output, unless it has closed it.
        let all_ended = async {
            let _ = self.ended.readable().await;
            reading.await;
        };
        let _ = tokio::time::timeout(PATIENCE, all_ended).await;
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.pid, signal) {
            tracing::debug!(%error, "a program could not be sent a signal");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // While it has not been waited for, its number is that of its group.
        if self.child.id().is_some() {
            self.signal(Signal::KILL);
        }
    }
}
