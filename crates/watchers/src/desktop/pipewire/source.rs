//! The source `pipewire`.

use std::io::ErrorKind;
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::graph::{Graph, Sound};
use crate::desktop::{Lost, Reports, Session, Source, Watching};
use crate::environment;

/// The longest list of objects that is read.
const MAX_LIST: usize = 16 << 20;

/// What programs do with sound.
#[derive(Debug)]
pub struct PipeWire {
    session: Arc<Session>,
}

impl PipeWire {
    /// The sound of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> PipeWire {
        PipeWire { session }
    }

    /// Reads until `pw-dump` ends, and says why it has.
    async fn listen(&self, reports: &Reports<Sound>) -> std::io::Result<Lost> {
        let socket = self
            .session
            .runtime_dir
            .as_ref()
            .map(|dir| dir.join("pipewire-0"));
        if !socket.is_some_and(|socket| socket.exists()) {
            return Ok(Lost::Missing("PipeWire is not running".to_owned()));
        }
        let mut command = Command::new("pw-dump");
        command
            .arg("--monitor")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        environment::withhold(command.as_std_mut());
        if let Some(dir) = &self.session.runtime_dir {
            command.env("XDG_RUNTIME_DIR", dir);
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Lost::Missing(
                    "pw-dump is not installed (it comes with PipeWire: package pipewire-bin)".to_owned(),
                ));
            }
            Err(error) => return Err(error),
        };
        let Some(output) = child.stdout.take() else {
            return Ok(Lost::Ended("pw-dump has no output".to_owned()));
        };
        let mut lines = BufReader::new(output).lines();
        let (mut graph, mut list, mut reported) = (Graph::default(), String::new(), None);
        while let Some(line) = lines.next_line().await? {
            list.push_str(&line);
            if list.len() > MAX_LIST {
                return Ok(Lost::Ended("the output of pw-dump does not end".to_owned()));
            }
            // Each list is printed with indentation: a bracket alone ends it.
            if line != "]" {
                continue;
            }
            if let Err(error) = graph.update(&list) {
                return Ok(Lost::Ended(format!(
                    "pw-dump prints something unexpected: {error}"
                )));
            }
            list = String::new();
            let sound = graph.sound();
            if reported.as_ref() != Some(&sound) {
                reports.send(sound.clone());
                reported = Some(sound);
            }
        }
        let status = child.wait().await?;
        Ok(match reported {
            Some(_) => Lost::Ended(format!("PipeWire has ended ({status})")),
            None => Lost::Missing("PipeWire is not running".to_owned()),
        })
    }
}

impl Source<Sound> for PipeWire {
    fn name(&self) -> &'static str {
        "pipewire"
    }

    fn watch(&mut self, reports: Reports<Sound>) -> Watching<'_> {
        Box::pin(async move {
            let lost = self.listen(&reports).await;
            lost.unwrap_or_else(|error| Lost::Ended(format!("pw-dump failed: {error}")))
        })
    }
}
