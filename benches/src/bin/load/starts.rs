//! Starts on a directory that is in use: from the start of the process to the first answer.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Instant;

use rustix::fs::{Advice, fadvise, fsync};
use timberline_benches::sample::Sample;
use timberline_benches::server::Installation;

use crate::table::Table;

pub(crate) fn measure(name: &str, installation: &Installation, table: &mut Table) -> io::Result<()> {
    for (what, cold) in [("start, warm", false), ("start, files not in memory", true)] {
        if cold {
            forget_files(&installation.data())?;
        }
        let begun = Instant::now();
        let server = installation.start()?;
        table.add(name, what, begun.elapsed().as_secs_f64() * 1e3, "ms");
        if !cold {
            let memory = Sample::of(server.process())?.anonymous as f64 / 1e6;
            table.add(name, "memory after the start", memory, "MB");
        }
        server.stop()?;
    }
    let (log, views) = installation.disk();
    table.add(
        name,
        "log and views on the disk",
        (log + views) as f64 / 1e6,
        "MB",
    );
    Ok(())
}

/// Removes the files from the page cache, so that they have to be read from the disk.
fn forget_files(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            forget_files(&entry.path())?;
        } else {
            let file = File::open(entry.path())?;
            fsync(&file)?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}
