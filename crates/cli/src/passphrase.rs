//! The passphrase of an encrypted data directory: where it comes from, and the key that it opens.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use timberline_disk::{Cipher, DataDir, FileStorage, KeyFile, Storage};
use zeroize::Zeroizing;

use crate::config::Encryption;

/// Where a passphrase may stand, if it is not to be typed.
const VARIABLE: &str = "TIMBERLINE_PASSPHRASE";
const NEW_VARIABLE: &str = "TIMBERLINE_NEW_PASSPHRASE";

/// Forgotten when dropped.
type Passphrase = Zeroizing<Vec<u8>>;

/// The key of a data directory; none if it is not encrypted.
///
/// # Errors
/// When it is, and no passphrase is given or it is the wrong one.
pub(crate) fn unlock(data_dir: &Path, encryption: &Encryption) -> anyhow::Result<Option<Arc<Cipher>>> {
    let file = KeyFile::of(data_dir);
    if !file.exists()? {
        return Ok(None);
    }
    let passphrase = current(data_dir, encryption)?;
    Ok(Some(Arc::new(file.open(&passphrase)?)))
}

/// The key that a server works with. If it was made for this start and the start is refused, its file is removed again: nothing
/// was encrypted with it.
pub(crate) struct Unlocked {
    cipher: Option<Arc<Cipher>>,
    /// The file, while it is not certain that it is needed.
    made: Option<PathBuf>,
}

impl Unlocked {
    /// What data are encrypted with, if they are.
    pub(crate) fn cipher(&self) -> Option<Arc<Cipher>> {
        self.cipher.clone()
    }

    /// The start goes on: the file stays.
    pub(crate) fn keep(mut self) {
        if let Some(path) = self.made.take() {
            tracing::info!(
                key = %path.display(),
                "the data directory is encrypted; keep a copy of its key file, and do not forget the passphrase"
            );
        }
    }
}

impl Drop for Unlocked {
    fn drop(&mut self) {
        if let Some(path) = self.made.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The same for a server, which with `--encrypt` makes the key of a new data directory.
///
/// # Errors
/// As [`unlock`]; and when there are data already that are not encrypted.
pub(crate) fn unlock_or_create(data_dir: &Path, encryption: &Encryption) -> anyhow::Result<Unlocked> {
    let file = KeyFile::of(data_dir);
    if !encryption.encrypt || file.exists()? {
        let cipher = unlock(data_dir, encryption)?;
        return Ok(Unlocked { cipher, made: None });
    }
    refuse_plain_data(data_dir)?;
    let given = given(encryption.passphrase_file.as_deref(), VARIABLE)?;
    let passphrase = given.map_or_else(|| chosen(data_dir, "--passphrase-file", VARIABLE), Ok)?;
    // Another process that starts meanwhile either holds this lock or finds the key.
    let lock = FileStorage::open(data_dir)?.lock_writer()?;
    refuse_plain_data(data_dir)?;
    ensure!(
        !file.exists()?,
        "{} has just been made by another process: start again",
        file.path().display()
    );
    let cipher = file.create(&passphrase)?;
    // The store takes it again.
    lock.undo();
    Ok(Unlocked {
        cipher: Some(Arc::new(cipher)),
        made: Some(file.path()),
    })
}

/// Replaces the passphrase; data stay as they are.
///
/// # Errors
/// As [`unlock`]; and when the directory is not encrypted.
pub(crate) fn change(
    data_dir: &Path,
    encryption: &Encryption,
    new_file: Option<&Path>,
) -> anyhow::Result<()> {
    let file = KeyFile::of(data_dir);
    ensure!(
        file.exists()?,
        "{} is not encrypted: it has no file {}",
        data_dir.display(),
        file.path().display()
    );
    let old = current(data_dir, encryption)?;
    // Told before a new one is asked for.
    file.open(&old)?;
    let given = given(new_file, NEW_VARIABLE)?;
    let new = given.map_or_else(|| chosen(data_dir, "--new-passphrase-file", NEW_VARIABLE), Ok)?;
    Ok(file.change(&old, &new)?)
}

fn refuse_plain_data(data_dir: &Path) -> anyhow::Result<()> {
    for dir in [DataDir::LOG, DataDir::VIEWS] {
        let entries = match std::fs::read_dir(data_dir.join(dir)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot list {}", data_dir.join(dir).display()));
            }
        };
        let files = entries
            .flatten()
            .filter(|entry| entry.file_name() != DataDir::LOCK);
        ensure!(
            files.count() == 0,
            "{} has data that are not encrypted, and --encrypt is for a new data directory: start without it, save \
             GET /api/0/export, then start with --encrypt and another --dbpath and import the file there",
            data_dir.display()
        );
    }
    Ok(())
}

/// That of an encrypted directory.
fn current(data_dir: &Path, encryption: &Encryption) -> anyhow::Result<Passphrase> {
    if let Some(passphrase) = given(encryption.passphrase_file.as_deref(), VARIABLE)? {
        return Ok(passphrase);
    }
    let dir = data_dir.display();
    if !std::io::stdin().is_terminal() {
        bail!(
            "{dir} is encrypted: give its passphrase with --passphrase-file or in {VARIABLE}, or on a terminal"
        );
    }
    typed(&format!("Passphrase of {dir}: "))
}

/// What a file or a variable says.
fn given(file: Option<&Path>, variable: &str) -> anyhow::Result<Option<Passphrase>> {
    if let Some(file) = file {
        let read = std::fs::read(file).map(Zeroizing::new);
        let bytes = read.with_context(|| format!("cannot read the passphrase file {}", file.display()))?;
        let line = without_newline(&bytes);
        ensure!(
            !line.is_empty(),
            "the passphrase file {} is empty",
            file.display()
        );
        return Ok(Some(Zeroizing::new(line.to_vec())));
    }
    let Some(text) = std::env::var_os(variable) else {
        return Ok(None);
    };
    let text = Zeroizing::new(text.as_encoded_bytes().to_vec());
    ensure!(
        !text.is_empty(),
        "{variable} is set to nothing: give a passphrase, or unset it"
    );
    Ok(Some(text))
}

/// Editors end the last line; that is not meant.
fn without_newline(bytes: &[u8]) -> &[u8] {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A new one, typed twice.
fn chosen(data_dir: &Path, flag: &str, variable: &str) -> anyhow::Result<Passphrase> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "a passphrase is needed to encrypt with: give it with {flag} or in {variable}, or on a terminal"
        );
    }
    let first = typed(&format!("New passphrase for {}: ", data_dir.display()))?;
    let second = typed("The same again: ")?;
    ensure!(first == second, "the two are not the same: nothing was changed");
    Ok(first)
}

fn typed(prompt: &str) -> anyhow::Result<Passphrase> {
    let text = rpassword::prompt_password(prompt).context("cannot read a passphrase from the terminal")?;
    let text = Zeroizing::new(text.into_bytes());
    ensure!(!text.is_empty(), "the passphrase must not be empty");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_at_the_end_is_not_meant() {
        for (written, meant) in [
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("secret", "secret"),
            (" two words \n\n", " two words \n"),
        ] {
            assert_eq!(without_newline(written.as_bytes()), meant.as_bytes());
        }
    }
}
