//! The file of the choices.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::choices::Choices;

/// Where the choices are kept.
#[derive(Clone, Debug)]
pub(super) struct ChoicesFile {
    dir: PathBuf,
}

const NAME: &str = "choices.json";

impl ChoicesFile {
    pub(super) fn in_dir(dir: &Path) -> ChoicesFile {
        ChoicesFile {
            dir: dir.to_path_buf(),
        }
    }

    /// The choices. If the file cannot be read, there are none. Then too much is recorded instead of nothing, and a user who has
    /// paused watchers sees that they run.
    pub(super) fn read(&self) -> Choices {
        let path = self.dir.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Choices::default(),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "cannot read which watchers were switched or paused: the configuration applies to all of them");
                return Choices::default();
            }
        };
        serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!(file = %path.display(), %error, "the file of switched and paused watchers is not valid: the configuration applies to all of them");
            Choices::default()
        })
    }

    /// Writes them; durable on return.
    pub(super) fn write(&self, choices: &Choices) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(choices).map_err(std::io::Error::other)?;
        timberline_disk::create_private_dir(&self.dir)?;
        timberline_disk::write_atomically(&self.dir, NAME, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_kept_and_a_damaged_file_is_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = ChoicesFile::in_dir(&dir.path().join("watchers"));
        assert_eq!(file.read(), Choices::default());
        let mut choices = Choices::default();
        choices.switch("input", true);
        file.write(&choices).expect("written");
        assert_eq!(file.read(), choices);
        std::fs::write(dir.path().join("watchers").join(NAME), "{").expect("written");
        assert_eq!(file.read(), Choices::default());
    }
}
