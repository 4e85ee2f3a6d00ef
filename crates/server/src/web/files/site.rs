//! A directory that is served, and the way from a URL to a file in it.

use std::io;
use std::path::{Path, PathBuf};

use crate::http::{ApiError, decode_segment};

#[derive(Clone, Debug)]
pub(super) struct Site {
    root: PathBuf,
}

/// What is at a path.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A file, by its real path.
    File(PathBuf),
    /// A directory that was asked for without a slash at its end.
    Directory,
}

impl Site {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// What the rest of a URL's path, still percent-encoded, stands for.
    ///
    /// # Errors
    /// 404 for everything that is not there, is hidden, or is not in the directory. What the path
    /// says is checked first, then, because of symbolic links, where it really leads.
    pub(super) fn find(&self, url_path: &str) -> Result<Found, ApiError> {
        let root = real(&self.root)?;
        let wanted = root.join(relative(url_path)?);
        let path = within(&root, &wanted)?;
        if !path.is_dir() {
            return Ok(Found::File(path));
        }
        if !url_path.is_empty() && !url_path.ends_with('/') {
            return Ok(Found::Directory);
        }
        within(&root, &path.join("index.html")).map(Found::File)
    }
}

fn relative(url_path: &str) -> Result<PathBuf, ApiError> {
    let mut path = PathBuf::new();
    for segment in url_path.split('/').filter(|segment| !segment.is_empty()) {
        let name = decode_segment(segment)?;
        // Also `.` and `..`: what begins with a dot is not for others to see.
        if name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return Err(ApiError::NoSuchRoute);
        }
        path.push(name.as_ref());
    }
    Ok(path)
}

fn within(root: &Path, wanted: &Path) -> Result<PathBuf, ApiError> {
    let path = real(wanted)?;
    if path.starts_with(root) {
        return Ok(path);
    }
    tracing::warn!(root = %root.display(), "a link leads out of a served directory: not followed");
    Err(ApiError::NoSuchRoute)
}

fn real(path: &Path) -> Result<PathBuf, ApiError> {
    path.canonicalize().map_err(|error| {
        // Not there, not to be read, a loop of links: to the outside that is one and the same.
        if error.kind() != io::ErrorKind::NotFound {
            tracing::debug!(%error, path = %path.display(), "cannot be served");
        }
        ApiError::NoSuchRoute
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    struct Fixture {
        _dir: tempfile::TempDir,
        root: PathBuf,
        site: Site,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let root = top.join("dist");
        fs::create_dir_all(root.join("assets")).unwrap();
        fs::write(root.join("index.html"), "index").unwrap();
        fs::write(root.join("assets/a b.js"), "js").unwrap();
        fs::write(root.join(".env"), "secret").unwrap();
        fs::write(top.join("secret"), "secret").unwrap();
        symlink(top.join("secret"), root.join("leak")).unwrap();
        symlink(&top, root.join("up")).unwrap();
        symlink("assets", root.join("static")).unwrap();
        Fixture {
            site: Site::new(root.clone()),
            root,
            _dir: dir,
        }
    }

    #[test]
    fn files_and_the_index_are_found() {
        let Fixture { root, site, _dir } = fixture();
        let file = |path: &str| Found::File(root.join(path));
        assert_eq!(site.find("").unwrap(), file("index.html"));
        assert_eq!(site.find("index.html").unwrap(), file("index.html"));
        assert_eq!(site.find("assets/a%20b.js").unwrap(), file("assets/a b.js"));
        assert_eq!(site.find("assets").unwrap(), Found::Directory);
        assert!(site.find("assets/").is_err());
    }

    #[test]
    fn a_link_inside_the_directory_is_followed() {
        let Fixture { root, site, _dir } = fixture();
        let found = site.find("static/a%20b.js").unwrap();
        assert_eq!(found, Found::File(root.join("assets/a b.js")));
    }

    #[test]
    fn there_is_no_way_out() {
        let Fixture { site, _dir, .. } = fixture();
        for path in [
            "../secret",
            "..%2fsecret",
            "%2e%2e/secret",
            "assets/../../secret",
            "leak",
            "up/secret",
            "..",
            "assets/%2e%2e%2f%2e%2e%2fsecret",
            "..%5csecret",
            "%00",
            ".env",
            "%2eenv",
            "//etc/passwd",
            "%2fetc%2fpasswd",
            "none",
        ] {
            let error = site.find(path).unwrap_err();
            assert_eq!(error.status(), 404, "{path}: {error}");
        }
    }

    #[test]
    fn a_site_that_is_not_there_is_404() {
        let error = Site::new("/nowhere".into()).find("").unwrap_err();
        assert_eq!(error.status(), 404);
    }
}
