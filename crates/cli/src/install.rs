//! `timberline install --as aw-server`: a launcher, so that what starts `aw-server` (aw-qt above all) starts Timberline.
//!
//! aw-qt runs the first executable called `aw-server` that it finds, with no argument or with `--testing`, and ends it with
//! SIGTERM. The launcher is a small shell script that hands its arguments to `timberline serve` and becomes that process.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;
use timberline_disk::os::modes;

use crate::verdict::Verdict;

/// What a launcher of ours begins with. Everything else is somebody else's file.
const MARK: &[u8] = b"#!/bin/sh\n# A launcher of Timberline, made by `timberline install`.\n";

/// What to install, and where.
#[derive(Debug, Args)]
#[command(after_help = "\
The launcher hands its arguments to `timberline serve`, which knows the flags of both reference servers. A file that is not a \
launcher of Timberline is left alone; with --force it is kept beside the launcher, and --remove puts it back.

Examples:
  timberline install --as aw-server
  timberline install --as aw-server --dir /opt/activitywatch/aw-server --force
  timberline install --as aw-server --remove

Documentation: docs/install.md")]
pub(crate) struct InstallArgs {
    /// The program whose place Timberline takes
    #[arg(long = "as", value_name = "NAME", value_enum)]
    name: Name,
    /// Directory of the launcher [default: ~/.local/bin]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Replace a program of that name that is there already, and keep it
    #[arg(long, conflicts_with = "remove")]
    force: bool,
    /// Remove the launcher
    #[arg(long)]
    remove: bool,
}

/// A server whose place Timberline can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    AwServer,
    AwServerRust,
}

impl Name {
    fn file(self) -> &'static str {
        match self {
            Self::AwServer => "aw-server",
            Self::AwServerRust => "aw-server-rust",
        }
    }
}

/// Installs a launcher, or removes it.
pub(crate) fn run(args: InstallArgs) -> ExitCode {
    Verdict::exit(carry_out(&args).map(|()| Verdict::Clean), 1)
}

fn carry_out(args: &InstallArgs) -> anyhow::Result<()> {
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => usual_dir()?,
    };
    let place = Place {
        launcher: dir.join(args.name.file()),
        // aw-qt takes every executable whose name begins with "aw-" for one of its modules.
        kept: dir.join(format!("replaced-{}", args.name.file())),
    };
    if args.remove {
        return place.remove();
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let program = std::env::current_exe().context("cannot determine the path of this program")?;
    place.install(&dir, &program, args.force)?;
    println!("{} starts {}", place.launcher.display(), program.display());
    if !is_in_path(&dir) {
        println!("{} is not in PATH: aw-qt does not find it there", dir.display());
    }
    Ok(())
}

fn usual_dir() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.context("HOME is not set: name a directory with --dir")?;
    Ok(Path::new(&home).join(".local/bin"))
}

fn is_in_path(dir: &Path) -> bool {
    let path: OsString = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|entry| entry == dir)
}

/// What is at the launcher's path.
enum There {
    Nothing,
    Launcher,
    Foreign,
}

struct Place {
    launcher: PathBuf,
    /// Where a foreign program is kept.
    kept: PathBuf,
}

impl Place {
    fn look(&self) -> anyhow::Result<There> {
        let path = self.launcher.display();
        let metadata = match fs::symlink_metadata(&self.launcher) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(There::Nothing),
            Err(error) => return Err(error).with_context(|| format!("cannot look at {path}")),
        };
        ensure!(
            !metadata.is_dir(),
            "{path} is a directory: name it with --dir if the program is in it"
        );
        if !metadata.is_file() {
            return Ok(There::Foreign);
        }
        let start = read_start(&self.launcher).with_context(|| format!("cannot read {path}"))?;
        Ok(if start == MARK {
            There::Launcher
        } else {
            There::Foreign
        })
    }

    fn install(&self, dir: &Path, program: &Path, force: bool) -> anyhow::Result<()> {
        let path = self.launcher.display();
        let foreign = match self.look()? {
            There::Nothing | There::Launcher => false,
            There::Foreign if force => true,
            There::Foreign => {
                bail!(
                    "{path} is another program: --force replaces it, and keeps it as {}",
                    self.kept.display()
                )
            }
        };
        let failed = || format!("cannot write {path}");
        let mut file = NamedTempFile::new_in(dir).with_context(failed)?;
        file.write_all(&script(program)).with_context(failed)?;
        modes::make_executable(file.path()).with_context(failed)?;
        if foreign {
            self.keep()?;
        }
        file.persist(&self.launcher).with_context(failed)?;
        Ok(())
    }

    fn keep(&self) -> anyhow::Result<()> {
        let (from, to) = (self.launcher.display(), self.kept.display());
        ensure!(
            fs::symlink_metadata(&self.kept).is_err(),
            "{to} is there already, from an earlier replacement: move it away first"
        );
        fs::rename(&self.launcher, &self.kept).with_context(|| format!("cannot rename {from} to {to}"))
    }

    fn remove(&self) -> anyhow::Result<()> {
        let path = self.launcher.display();
        match self.look()? {
            There::Nothing => bail!("there is no {path}"),
            There::Foreign => bail!("{path} is not a launcher of Timberline"),
            There::Launcher => {}
        }
        if fs::symlink_metadata(&self.kept).is_ok() {
            fs::rename(&self.kept, &self.launcher)
                .with_context(|| format!("cannot put {} back", self.kept.display()))?;
            println!("{path} is again what it was");
        } else {
            fs::remove_file(&self.launcher).with_context(|| format!("cannot remove {path}"))?;
            println!("removed {path}");
        }
        Ok(())
    }
}

/// As much of a file as the mark is long.
fn read_start(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    let file = fs::File::open(path)?;
    io::Read::read_to_end(&mut io::Read::take(file, MARK.len() as u64), &mut start)?;
    Ok(start)
}

fn script(program: &Path) -> Vec<u8> {
    let mut script = MARK.to_vec();
    script.extend_from_slice(b"exec '");
    for &byte in program.as_os_str().as_encoded_bytes() {
        match byte {
            b'\'' => script.extend_from_slice(b"'\\''"),
            byte => script.push(byte),
        }
    }
    script.extend_from_slice(b"' serve \"$@\"\n");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted() {
        let script = String::from_utf8(script(Path::new("/o'k/$HOME/tl"))).unwrap();
        assert!(
            script.ends_with("\nexec '/o'\\''k/$HOME/tl' serve \"$@\"\n"),
            "{script}"
        );
    }
}
