//! Whether a program runs already: aw-qt, aw-tauri or the person may have started it.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The number of a process of this person that runs a program.
pub(in crate::supervisor) fn process_of(program: &Path) -> Option<u32> {
    let program = fs::canonicalize(program).ok()?;
    let person = rustix::process::getuid().as_raw();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.find(|number| {
        let dir = PathBuf::from(format!("/proc/{number}"));
        let is_ours = fs::metadata(&dir).is_ok_and(|metadata| metadata.uid() == person);
        is_ours && runs(&dir, &program)
    })
}

/// Whether a process runs a program: its file, or a script that its file interprets. A process that ends meanwhile does not.
fn runs(process: &Path, program: &Path) -> bool {
    if fs::read_link(process.join("exe")).is_ok_and(|file| file == program) {
        return true;
    }
    let command = fs::read(process.join("cmdline")).unwrap_or_default();
    let mut words = command
        .split(|byte| *byte == 0)
        .map(|word| PathBuf::from(std::ffi::OsString::from_vec(word.to_vec())));
    // The kernel puts the path of a script behind its interpreter.
    let script = words.nth(1).filter(|script| script.is_absolute());
    script.is_some_and(|script| fs::canonicalize(script).is_ok_and(|file| file == program))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_script_and_a_binary_are_found_while_they_run() {
        let dir = tempfile::tempdir().expect("a directory");
        let script = dir.path().join("aw-watcher-script");
        fs::write(&script, "#!/bin/sh\nread line\n").expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
        let binary = dir.path().join("aw-watcher-binary");
        let cat = ["/usr/bin/cat", "/bin/cat"]
            .map(Path::new)
            .into_iter()
            .find(|cat| cat.exists());
        fs::copy(cat.expect("cat"), &binary).expect("a copy");
        for program in [script, binary] {
            assert_eq!(process_of(&program), None);
            let link = program.with_extension("link");
            symlink(&program, &link).expect("a link");
            let mut child = Command::new(&link)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("a process");
            // Between fork and exec it is still this process.
            while process_of(&program).is_none() {
                std::thread::yield_now();
            }
            assert_eq!(process_of(&link), Some(child.id()));
            drop(child.stdin.take());
            child.wait().expect("its end");
            assert_eq!(process_of(&program), None);
        }
    }
}
