//! A file for each bucket and month, in folders whose names say which: `bucket=aw-watcher-afk_host/month=2024-03/`.
//! Programs that know this layout ("hive partitioning") read only the folders that a query needs.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use timberline_model::{Bucket, NewEvent, Timestamp};

use super::{Columns, File};
use crate::export::{Sink, Totals, create_private, no_bucket};
use crate::{Error, Result};

/// Bytes that a folder's name may have in most file systems, less some.
const MAX_NAME: usize = 200;

/// Writes Parquet files into folders.
pub struct ParquetFolders {
    root: PathBuf,
    columns: Arc<Columns>,
    bucket: Option<(String, PathBuf)>,
    /// The month that is being written.
    open: Option<(String, PathBuf, File<fs::File>)>,
    /// How many files each folder has.
    parts: HashMap<PathBuf, u32>,
    totals: Totals,
}

impl ParquetFolders {
    /// Writes into `root`, which must be empty or not be there yet.
    ///
    /// # Errors
    ///
    /// When there is something in it, or it cannot be made.
    pub fn new(root: &Path, columns: Columns) -> Result<ParquetFolders> {
        fs::create_dir_all(root).map_err(Error::io("create", root))?;
        if fs::read_dir(root)
            .map_err(Error::io("read", root))?
            .next()
            .is_some()
        {
            return Err(Error::Unwritable(format!(
                "{} is not empty: name an empty directory",
                root.display()
            )));
        }
        Ok(ParquetFolders {
            root: root.to_owned(),
            columns: Arc::new(columns),
            bucket: None,
            open: None,
            parts: HashMap::new(),
            totals: Totals::default(),
        })
    }

    fn close(&mut self) -> Result<()> {
        if let Some((_, path, mut file)) = self.open.take() {
            file.finish()?;
            file.writer
                .inner()
                .sync_all()
                .map_err(Error::io("write", &path))?;
        }
        Ok(())
    }

    /// The file of a month. Events that are out of order may need several.
    fn file(&mut self, month: &str) -> Result<&mut File<fs::File>> {
        if self.open.as_ref().is_none_or(|(open, _, _)| open != month) {
            self.close()?;
            let (_, folder) = self.bucket.as_ref().ok_or_else(no_bucket)?;
            let folder = folder.join(format!("month={month}"));
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
            let part = self.parts.entry(folder.clone()).or_default();
            let path = folder.join(format!("part-{part}.parquet"));
            *part += 1;
            let out = create_private(&path)?;
            let file = File::new(out, Arc::clone(&self.columns), false)?;
            self.open = Some((month.to_owned(), path, file));
        }
        match &mut self.open {
            Some((_, _, file)) => Ok(file),
            None => Err(no_bucket()),
        }
    }
}

impl Sink for ParquetFolders {
    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        self.close()?;
        self.totals.buckets += 1;
        let folder = self.root.join(format!("bucket={}", folder_name(&bucket.id)));
        self.bucket = Some((bucket.id.clone(), folder));
        Ok(())
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        let bucket = self
            .bucket
            .as_ref()
            .map(|(bucket, _)| bucket.clone())
            .ok_or_else(no_bucket)?;
        for event in events {
            self.file(&month(event.start))?.push(&bucket, event)?;
        }
        self.totals.count(events);
        Ok(())
    }

    fn finish(&mut self) -> Result<Totals> {
        self.close()?;
        Ok(self.totals)
    }
}

/// `2024-03`, in UTC.
fn month(start: Timestamp) -> String {
    let mut text = Vec::new();
    start.write(&mut text);
    text.truncate("2024-03".len());
    String::from_utf8_lossy(&text).into_owned()
}

/// A bucket's id as (a part of) a folder's name: percent-encoded, and cut where it is too long.
fn folder_name(id: &str) -> String {
    let mut name = String::new();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(byte)),
            byte => name.push_str(&format!("%{byte:02X}")),
        }
    }
    if name.len() > MAX_NAME {
        // The name is ASCII now.
        name.truncate(MAX_NAME - 20);
        name.push('-');
        for byte in Sha256::digest(id).iter().take(8) {
            name.push_str(&format!("{byte:02x}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_id_is_a_safe_folder_name() {
        assert_eq!(folder_name("aw-watcher-afk_host.x"), "aw-watcher-afk_host.x");
        assert_eq!(folder_name("../a b/\u{e9}\0"), "..%2Fa%20b%2F%C3%A9%00");
        let long = "x/".repeat(500);
        assert!(folder_name(&long).len() <= MAX_NAME);
        assert_ne!(folder_name(&long), folder_name(&format!("{long}y")));
    }
}
