//! What a process takes, from `/proc`.

use std::fs;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// What a process takes at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Resident bytes, mapped files included.
    pub resident: u64,
    /// Those of them that are the process's own.
    pub anonymous: u64,
    /// Open files and sockets.
    pub handles: u64,
    /// Threads.
    pub threads: u64,
}

impl Sample {
    /// What the process takes now.
    ///
    /// # Errors
    /// When `/proc` has no such process.
    pub fn of(process: u32) -> io::Result<Sample> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':')
                .split_whitespace()
                .next()?
                .parse::<u64>()
                .ok()
        };
        Ok(Sample {
            resident: field("VmRSS").unwrap_or(0) << 10,
            anonymous: field("RssAnon").unwrap_or(0) << 10,
            handles: handles(process)?,
            threads: field("Threads").unwrap_or(0),
        })
    }
}

/// Processor time that a process has used, in user and kernel mode. The kernel counts it in steps of 10 ms.
///
/// # Errors
/// When `/proc` has no such process.
pub fn cpu(process: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name in parentheses, which may contain spaces.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Open files, sockets included; but for view segments, of which each has one and there are more or fewer of them, and
/// for the log's next segment, which is made ahead and at times not there yet. (A view segment that was removed and
/// is still open is called `… (deleted)`, and counts.)
fn handles(process: u32) -> io::Result<u64> {
    let handles = fs::read_dir(format!("/proc/{process}/fd"))?.flatten();
    let may_vary = |path: &Path| {
        let file = fs::read_link(path).unwrap_or_default();
        file.ends_with("next.seg.tmp") || file.extension().is_some_and(|extension| extension == "view")
    };
    Ok(handles.filter(|handle| !may_vary(&handle.path())).count() as u64)
}

/// Open files of a process when nobody asks anything of it: those that stay after connections have ended.
///
/// # Errors
/// When `/proc` has no such process.
pub fn idle_handles(process: u32) -> io::Result<u64> {
    let mut least = handles(process)?;
    for _ in 0..30 {
        sleep(Duration::from_millis(100));
        least = least.min(handles(process)?);
    }
    Ok(least)
}
