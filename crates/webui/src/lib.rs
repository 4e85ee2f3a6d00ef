//! The files of the web UI (`webui/dist`), as part of the program: plain, and compressed by the build of the web UI.
//!
//! Without `webui/dist` there are none, and the server says at `/` how to get them. It is a crate of its own so that a new build of
//! the web UI compiles little.

/// A file.
#[derive(Debug)]
pub struct File {
    /// Its path below the directory, with slashes.
    pub path: &'static str,
    /// Another one for other content.
    pub tag: &'static str,
    /// What is in it.
    pub plain: &'static [u8],
    /// The same, compressed.
    pub brotli: Option<&'static [u8]>,
    /// The same, compressed.
    pub gzip: Option<&'static [u8]>,
}

/// All of them, in the order of their paths.
pub static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The file at a path.
#[must_use]
pub fn find(path: &str) -> Option<&'static File> {
    let at = FILES.binary_search_by(|file| file.path.cmp(path)).ok()?;
    FILES.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_by_its_path() {
        for file in FILES {
            assert!(
                find(file.path).is_some_and(|found| found.tag == file.tag),
                "{}",
                file.path
            );
        }
        assert!(find("none").is_none());
        // A web UI begins with its page.
        assert_eq!(FILES.is_empty(), find("index.html").is_none());
    }
}
