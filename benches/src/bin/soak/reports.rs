//! What a server and its tools say about damage, and whether they name the file that was damaged.
//!
//! A store that nothing happened to says something, too. Those lines are the baseline: only what is new counts.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use timberline_benches::http::Connection;
use timberline_benches::server::Installation;

/// Metrics that say by their value that a file of this kind is damaged.
const METRICS: [(&str, &str); 5] = [
    ("checkpoint", "timberline_checkpoints_damaged_total"),
    (".view", "timberline_view_segments_damaged_total"),
    (".seg", "timberline_log_segments_missing"),
    (".seg", "timberline_log_segments_restored_total"),
    (".seg", "timberline_log_held"),
];

/// Lines of warnings and errors.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    lines: Vec<String>,
}

impl Reports {
    /// What `/metrics` says of damage. A server that does not answer says nothing.
    pub(crate) fn add_metrics(&mut self, port: u16) {
        let answer = Connection::open(port).and_then(|mut c| c.exchange("GET", "/metrics", None));
        let Ok(answer) = answer else { return };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let telling = |line: &&str| METRICS.iter().any(|(_, name)| line.starts_with(name));
        self.lines.extend(text.lines().filter(telling).map(str::to_owned));
    }

    /// What the server logged, and what `doctor` and `log verify` find afterwards.
    ///
    /// # Errors
    /// When they cannot be run.
    pub(crate) fn add_stopped(&mut self, server: &Installation) -> io::Result<()> {
        let log = fs::read_to_string(server.log()).unwrap_or_default();
        let telling = |line: &&str| line.contains("WARN") || line.contains("ERROR");
        self.lines.extend(log.lines().filter(telling).map(str::to_owned));
        let doctor = server.doctor()?;
        let telling = |line: &&str| !line.starts_with("ok ");
        self.lines
            .extend(doctor.lines().filter(telling).map(str::to_owned));
        if let Some(complaint) = server.verify(&server.data())? {
            self.lines.extend(complaint.lines().map(str::to_owned));
        }
        Ok(())
    }

    /// Without numbers: times, sizes and process ids differ from run to run.
    pub(crate) fn shapes(&self) -> BTreeSet<String> {
        self.lines.iter().map(|line| shape(line)).collect()
    }

    /// Whether a line that the baseline does not have names this file.
    pub(crate) fn name(&self, file: &str, baseline: &BTreeSet<String>) -> bool {
        let name = file.rsplit('/').next().unwrap_or(file);
        self.lines.iter().any(|line| {
            let metric = METRICS.iter().find(|(_, metric)| line.starts_with(metric));
            match metric {
                Some((ending, _)) => name.ends_with(ending) && !line.ends_with(" 0"),
                None => !baseline.contains(&shape(line)) && speaks_of(line, name),
            }
        })
    }

    /// The lines that the baseline does not have.
    pub(crate) fn news(&self, baseline: &BTreeSet<String>) -> Vec<&str> {
        let new = |line: &&String| !baseline.contains(&shape(line));
        self.lines.iter().filter(new).map(String::as_str).collect()
    }
}

/// Whether a line names a file, or says what the file is where there is only one of its kind.
fn speaks_of(line: &str, name: &str) -> bool {
    let kind = match name {
        "KEY" => "key file",
        "device_id" => "device id",
        "CLOCK" => "clock",
        _ => name,
    };
    line.contains(name) || line.contains(kind)
}

fn shape(line: &str) -> String {
    let mut shape = String::with_capacity(line.len());
    for c in line.chars() {
        match c.is_ascii_digit() {
            true if shape.ends_with('#') => {}
            true => shape.push('#'),
            false => shape.push(c),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(lines: &[&str]) -> Reports {
        Reports {
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    #[test]
    fn a_warning_counts_only_if_it_is_new_and_names_the_file() {
        let baseline = reports(&["2026 WARN backups none, log/00000000000000000001.seg is young"]).shapes();
        let name = |line: &str, file: &str| reports(&[line]).name(file, &baseline);
        assert!(!name(
            "2027 WARN backups none, log/00000000000000000001.seg is young",
            "log/00000000000000000001.seg"
        ));
        assert!(!name(
            "2027 ERROR log/00000000000000000002.seg is damaged",
            "log/00000000000000000001.seg"
        ));
        assert!(name(
            "2027 ERROR log/00000000000000000001.seg is damaged",
            "log/00000000000000000001.seg"
        ));
        assert!(!name(
            "timberline_view_segments_damaged_total 0",
            "views/00000-0000000001.view"
        ));
        assert!(name(
            "timberline_view_segments_damaged_total 1",
            "views/00000-0000000001.view"
        ));
        assert!(!name(
            "timberline_view_segments_damaged_total 1",
            "log/00000000000000000001.seg"
        ));
    }
}
