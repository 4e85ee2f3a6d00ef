//! `timberline autostart`: starts `timberline up` with the desktop, through an XDG autostart entry or a systemd user unit.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use timberline_disk::{create_private_dir, write_atomically};
use timberline_watchers::desktop::Session;
use timberline_watchers::desktop::gnome::{self, ShellVersion};

use crate::config::BaseDirs;
use crate::verdict::Verdict;

/// How Timberline starts with the desktop.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --systemd, this writes ~/.config/autostart/timberline.desktop, which every desktop reads. With --systemd, it writes the user \
unit timberline-up.service. systemd starts it with the graphical session and restarts it if it fails; sway and others need a \
graphical-session.target for this. On GNOME, it also installs the extension that reports windows. Existing files that this command \
did not write are never changed.

Examples:
  timberline autostart on
  timberline autostart status
  timberline autostart off

Documentation: docs/watchers.md")]
pub(crate) struct AutostartArgs {
    #[command(subcommand)]
    command: AutostartCommand,
}

#[derive(Debug, Subcommand)]
enum AutostartCommand {
    /// Start Timberline with the desktop
    On {
        /// Use a systemd user unit instead of an autostart entry
        #[arg(long)]
        systemd: bool,
    },
    /// Stop starting Timberline with the desktop
    Off,
    /// Show whether and how Timberline starts with the desktop
    Status,
}

/// Each file of ours has this line.
const MARK: &str = "# Written by `timberline autostart`.\n";
const UNIT: &str = "timberline-up.service";

/// Runs the command.
pub(crate) fn run(args: AutostartArgs) -> ExitCode {
    Verdict::exit(carry_out(&args.command).map(|()| Verdict::Clean), 1)
}

fn carry_out(command: &AutostartCommand) -> anyhow::Result<()> {
    let dir = BaseDirs::from_env().config_dir();
    let dir = dir.context("neither XDG_CONFIG_HOME nor HOME is set")?;
    let places = Places::below(&dir);
    match command {
        AutostartCommand::On { systemd } => {
            let program = std::env::current_exe().context("cannot determine the path of this program")?;
            places.on(&program, *systemd)?;
            install_extension()
        }
        AutostartCommand::Off => {
            places.off()?;
            remove_extension()
        }
        AutostartCommand::Status => {
            for line in places.status()? {
                println!("{line}");
            }
            Ok(())
        }
    }
}

/// On GNOME, only an extension of the shell can say which window is in front.
fn install_extension() -> anyhow::Result<()> {
    if !Session::of_this_process()
        .desktop
        .iter()
        .any(|name| name == "gnome")
    {
        return Ok(());
    }
    let shell = ShellVersion::installed().context("cannot determine the version of GNOME Shell")?;
    let folder = gnome::install(&home()?, shell)?;
    println!(
        "installed the extension of GNOME Shell that reports windows ({})",
        folder.display()
    );
    println!(
        "log out and in again, then run: gnome-extensions enable {}",
        gnome::UUID
    );
    Ok(())
}

fn remove_extension() -> anyhow::Result<()> {
    Ok(gnome::uninstall(&home()?)?)
}

fn home() -> anyhow::Result<PathBuf> {
    std::env::home_dir().context("HOME is not set")
}

/// The files that start it.
struct Places {
    entry: PathBuf,
    unit: PathBuf,
    /// What `systemctl --user enable` makes.
    wanted: PathBuf,
}

impl Places {
    fn below(config: &Path) -> Places {
        let units = config.join("systemd/user");
        Places {
            entry: config.join("autostart/timberline.desktop"),
            unit: units.join(UNIT),
            wanted: units.join("graphical-session.target.wants").join(UNIT),
        }
    }

    /// One of the two ways, never both: a second instance would find the port taken.
    fn on(&self, program: &Path, systemd: bool) -> anyhow::Result<()> {
        if systemd {
            write(&self.unit, &unit(program)?)?;
            self.enable()?;
            remove(&self.entry)?;
            println!(
                "systemd starts {} with the graphical session ({})",
                program.display(),
                self.unit.display()
            );
            println!("to use it before the next login, run: systemctl --user daemon-reload");
        } else {
            write(&self.entry, &entry(program)?)?;
            self.disable()?;
            remove(&self.unit)?;
            println!(
                "the desktop starts {} ({})",
                program.display(),
                self.entry.display()
            );
        }
        Ok(())
    }

    fn off(&self) -> anyhow::Result<()> {
        let removed = [self.disable()?, remove(&self.unit)?, remove(&self.entry)?];
        if removed.contains(&true) {
            println!("Timberline does not start with the desktop any more");
        } else {
            println!("Timberline did not start with the desktop");
        }
        Ok(())
    }

    /// Does what `systemctl --user enable` does.
    fn enable(&self) -> anyhow::Result<()> {
        let failed = || format!("cannot write {}", self.wanted.display());
        create_private_dir(self.wanted.parent().with_context(failed)?).with_context(failed)?;
        match std::os::unix::fs::symlink(&self.unit, &self.wanted) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => ensure!(
                self.is_enabled(),
                "{} was not written by this command: move it away first",
                self.wanted.display()
            ),
            done => done.with_context(failed)?,
        }
        Ok(())
    }

    /// Takes it back, if it enables a unit of ours or one that is not there. False: there is nothing to take back.
    fn disable(&self) -> anyhow::Result<bool> {
        if !self.is_enabled() || matches!(owner(&self.unit)?, Owner::Another) {
            return Ok(false);
        }
        fs::remove_file(&self.wanted).with_context(|| format!("cannot remove {}", self.wanted.display()))?;
        Ok(true)
    }

    /// Whether the link leads to the place of the unit.
    fn is_enabled(&self) -> bool {
        let (Ok(target), Some(dir)) = (fs::read_link(&self.wanted), self.wanted.parent()) else {
            return false;
        };
        let target = dir.join(target);
        target == self.unit
            || fs::canonicalize(target)
                .is_ok_and(|target| fs::canonicalize(&self.unit).is_ok_and(|unit| unit == target))
    }

    fn status(&self) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        for (path, who) in [(&self.entry, "the desktop"), (&self.unit, "systemd")] {
            match owner(path)? {
                Owner::Nobody => {}
                Owner::Us => lines.push(format!("on: {who} starts it ({})", path.display())),
                Owner::Another => lines.push(format!("{} was not written by this command", path.display())),
            }
        }
        if lines.is_empty() {
            lines.push("off".to_owned());
        }
        Ok(lines)
    }
}

/// Who wrote a file.
enum Owner {
    Nobody,
    Us,
    Another,
}

fn owner(path: &Path) -> anyhow::Result<Owner> {
    match fs::read_to_string(path) {
        Ok(text) if text.contains(MARK) => Ok(Owner::Us),
        Ok(_) => Ok(Owner::Another),
        // A link that leads nowhere is somebody's.
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => Ok(Owner::Nobody),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Owner::Another),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    ensure!(
        !matches!(owner(path)?, Owner::Another),
        "{} was not written by this command: move it away first",
        path.display()
    );
    let failed = || format!("cannot write {}", path.display());
    let dir = path.parent().with_context(failed)?;
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .with_context(failed)?;
    create_private_dir(dir).with_context(failed)?;
    write_atomically(dir, name, text.as_bytes()).with_context(failed)
}

/// Removes a file that this command wrote. False: there is none.
fn remove(path: &Path) -> anyhow::Result<bool> {
    if !matches!(owner(path)?, Owner::Us) {
        return Ok(false);
    }
    fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    Ok(true)
}

fn entry(program: &Path) -> anyhow::Result<String> {
    let program = plain(program)?;
    Ok(format!(
        "[Desktop Entry]\n{MARK}Type=Application\nName=Timberline\nComment=Records what you do on this machine\n\
         Exec=\"{program}\" up\nTerminal=false\nX-GNOME-Autostart-enabled=true\n"
    ))
}

fn unit(program: &Path) -> anyhow::Result<String> {
    let program = plain(program)?;
    Ok(format!(
        "{MARK}[Unit]\nDescription=Timberline, which records what you do on this machine\nPartOf=graphical-session.target\n\
         After=graphical-session.target\n\n[Service]\nType=notify\nExecStart=\"{program}\" up\nRestart=on-failure\nRestartSec=2\n\
         TimeoutStopSec=90\nUMask=0077\n\n[Install]\nWantedBy=graphical-session.target\n"
    ))
}

/// A path that needs no escaping in either kind of file.
fn plain(program: &Path) -> anyhow::Result<&str> {
    let text = program.to_str();
    let is_plain = |text: &&str| !text.contains(['"', '\\', '$', '`', '%', '\n']);
    text.filter(is_plain).with_context(|| {
        format!(
            "the path {} has a character that cannot be written to this file",
            program.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(places: &Places) -> String {
        places.status().unwrap().join("; ")
    }

    #[test]
    fn it_is_on_by_one_way_at_a_time_and_off_again() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        let program = Path::new("/opt/time line/timberline");
        assert_eq!(status(&places), "off");
        places.on(program, false).unwrap();
        assert!(status(&places).starts_with("on: the desktop"));
        let entry = fs::read_to_string(&places.entry).unwrap();
        assert!(
            entry.contains("\nExec=\"/opt/time line/timberline\" up\n"),
            "{entry}"
        );
        places.on(program, true).unwrap();
        assert!(status(&places).starts_with("on: systemd"));
        assert!(!places.entry.exists());
        assert!(places.wanted.exists());
        places.off().unwrap();
        assert_eq!(status(&places), "off");
        assert!(fs::symlink_metadata(&places.wanted).is_err());
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        fs::create_dir_all(places.entry.parent().unwrap()).unwrap();
        fs::write(&places.entry, "[Desktop Entry]\nExec=other\n").unwrap();
        assert!(places.on(Path::new("/usr/bin/timberline"), false).is_err());
        places.off().unwrap();
        assert!(fs::read_to_string(&places.entry).unwrap().contains("other"));
        assert!(status(&places).contains("not written by this command"));
    }

    #[test]
    fn links_of_others_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        let theirs = dir.path().join("theirs");
        fs::write(&theirs, "[Unit]\nDescription=another\n").unwrap();
        let nowhere = dir.path().join("nowhere");
        let link = |target: &Path, path: &Path| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, path).unwrap();
        };
        let program = Path::new("/usr/bin/timberline");
        for target in [&theirs, &nowhere] {
            for path in [&places.entry, &places.unit, &places.wanted] {
                link(target, path);
                places.off().unwrap();
                assert_eq!(&fs::read_link(path).unwrap(), target, "{}", path.display());
                assert!(places.on(program, path != &places.entry).is_err());
                assert_eq!(&fs::read_link(path).unwrap(), target, "{}", path.display());
                fs::remove_file(path).unwrap();
            }
            places.off().unwrap();
        }
        // It enables a unit of somebody else.
        link(&theirs, &places.unit);
        link(&places.unit, &places.wanted);
        places.off().unwrap();
        assert!(places.wanted.is_symlink());
    }

    #[test]
    fn a_relative_link_to_our_unit_is_removed_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        places.on(Path::new("/usr/bin/timberline"), true).unwrap();
        fs::remove_file(&places.wanted).unwrap();
        std::os::unix::fs::symlink(Path::new("..").join(UNIT), &places.wanted).unwrap();
        places.off().unwrap();
        assert!(!places.wanted.is_symlink());
    }

    #[test]
    fn a_path_that_would_mean_something_else_is_refused() {
        assert!(entry(Path::new("/opt/$HOME/timberline")).is_err());
        assert!(unit(Path::new("/opt/50%/timberline")).is_err());
    }
}
