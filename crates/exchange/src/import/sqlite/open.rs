//! Opens a database in whatever state it is, without changing it or the files next to it.
//!
//! | the database | how it is opened |
//! |---|---|
//! | has no write-ahead log (`-wal`) | read-only, with SQLite's locks; if it is in WAL mode all the same, as immutable: nobody has it open, and SQLite would create files beside it |
//! | has one, and another program has it open | read-only, as one more reader of that program's index (`-shm`), in one transaction |
//! | has one that a crash has left | read-only, with the index of the log in memory instead of a file |
//! | has a journal of an interrupted transaction (`-journal`) | not at all: only a writer can undo that transaction |

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{Error, Result};

/// Bytes of one row. Events have some hundred.
const MAX_ROW_BYTES: i32 = 16 << 20;
/// Memory for pages.
const CACHE_KIB: i32 = 16 << 10;
/// SQLite's VFS without locks, which is all right for files that nobody else has open.
#[cfg(unix)]
const VFS_WITHOUT_LOCKS: &str = "unix-none";
#[cfg(windows)]
const VFS_WITHOUT_LOCKS: &str = "win32-none";

/// An opened database.
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// What `PRAGMA data_version` said at first.
    version: Option<i64>,
    /// What SQLite said before it was made to open a damaged database.
    pub(super) damage: Option<String>,
}

/// Whether a database that is visibly damaged is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Whole,
    Damaged,
}

/// How a database has to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Locked,
    Immutable,
    Live,
    LeftOver,
}

impl Database {
    pub(super) fn open(path: &Path) -> Result<Database> {
        // SQLite finds the files next to a database by the name that links lead to.
        let path = fs::canonicalize(path).map_err(Error::io("open", path))?;
        let way = way(&path)?;
        let opened = connect(&path, way, Trust::Whole);
        let (connection, damage) = match opened {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
                let connection =
                    connect(&path, way, Trust::Damaged).map_err(|error| refused(&path, error))?;
                (connection, Some(error.to_string()))
            }
            opened => (opened.map_err(|error| refused(&path, error))?, None),
        };
        Ok(Database {
            version: data_version(&connection),
            connection,
            path,
            damage,
        })
    }

    /// Whether another program has written to it since it was opened.
    pub(super) fn has_changed(&self) -> bool {
        self.version != data_version(&self.connection)
    }
}

fn data_version(connection: &Connection) -> Option<i64> {
    connection
        .query_row("PRAGMA data_version", [], |row| row.get(0))
        .ok()
}

/// An error of opening, as what a person can do about it.
fn refused(path: &Path, source: rusqlite::Error) -> Error {
    let in_use = |reason: &str| Error::InUse {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            in_use("another program is writing to this database")
        }
        Some(ErrorCode::NotADatabase) => Error::Unrecognised {
            path: path.to_owned(),
            reason: "the beginning of this database is damaged, so nothing in it can be found".to_owned(),
        },
        _ => Error::sqlite("open the database", path)(source),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

fn way(path: &Path) -> Result<Way> {
    let mut header = Vec::new();
    let mut file = fs::File::open(path).map_err(Error::io("open", path))?;
    (&mut file)
        .take(100)
        .read_to_end(&mut header)
        .map_err(Error::io("read", path))?;
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(Error::Unrecognised {
            path: path.to_owned(),
            reason: "this database is compressed: decompress it first".to_owned(),
        });
    }
    if is_hot_journal(&beside(path, "-journal")) && !is_locked(path) {
        return Err(Error::Unrecognised {
            path: path.to_owned(),
            reason: "a crash has interrupted the last transaction of this database, and only a program that may write \
                to it can undo that. Start the old server once and stop it, then try again"
                .to_owned(),
        });
    }
    // The versions that may write and read the file: 2 stands for WAL mode.
    let is_wal = header.get(18..20).is_some_and(|versions| versions.contains(&2));
    Ok(match (is_wal, has_content(&beside(path, "-wal"))) {
        (false, _) => Way::Locked,
        (true, false) => Way::Immutable,
        (true, true) if is_open_elsewhere(&beside(path, "-shm")) => Way::Live,
        (true, true) => Way::LeftOver,
    })
}

/// Whether a journal is that of a transaction: its header is zero once the transaction is complete.
fn is_hot_journal(journal: &Path) -> bool {
    let mut start = [0; 8];
    fs::File::open(journal)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start != [0; 8])
}

/// The byte of the index of a write-ahead log on which everyone has a lock who has the database open.
#[cfg(unix)]
const DEAD_MAN_SWITCH: u64 = 128;
/// The byte of a database on which its writer has a lock.
#[cfg(unix)]
const RESERVED_BYTE: u64 = 0x4000_0001;

/// Whether another process has the database open to which this index of a write-ahead log belongs.
#[cfg(unix)]
fn is_open_elsewhere(index: &Path) -> bool {
    is_byte_locked(index, DEAD_MAN_SWITCH)
}

/// Whether another process is writing to a database.
#[cfg(unix)]
fn is_locked(path: &Path) -> bool {
    is_byte_locked(path, RESERVED_BYTE)
}

#[cfg(unix)]
fn is_byte_locked(path: &Path, byte: u64) -> bool {
    use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

    let Ok(file) = fs::File::open(path) else {
        return false;
    };
    let lock = Flock {
        start: byte,
        length: 1,
        pid: None,
        typ: FlockType::WriteLock,
        offset_type: FlockOffsetType::Set,
    };
    matches!(fcntl_getlk(&file, &lock), Ok(Some(_)))
}

/// Elsewhere an index that is there may be in use.
#[cfg(not(unix))]
fn is_open_elsewhere(index: &Path) -> bool {
    index.exists()
}

#[cfg(not(unix))]
fn is_locked(_path: &Path) -> bool {
    false
}

fn connect(path: &Path, way: Way, trust: Trust) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = match way {
        Way::Locked | Way::Live => Connection::open_with_flags(uri(path, "mode=ro"), flags)?,
        Way::Immutable => Connection::open_with_flags(uri(path, "mode=ro&immutable=1"), flags)?,
        Way::LeftOver => {
            let connection =
                Connection::open_with_flags_and_vfs(uri(path, "mode=ro"), flags, VFS_WITHOUT_LOCKS)?;
            // Before the first access: then the index is in memory.
            connection.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
            connection
        }
    };
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    // The database may come from anywhere.
    match trust {
        Trust::Whole => {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        }
        // Then SQLite also opens a file that is shorter than its header says. Nothing is written, so nothing else of
        // this pragma matters.
        Trust::Damaged => connection.pragma_update(None, "writable_schema", true)?,
    }
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_ROW_BYTES)?;
    if way == Way::Live {
        // One state of the database from the first row to the last. Its writer is not kept from writing.
        connection.execute_batch("BEGIN")?;
    }
    // SQLite opens a file with the first read.
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(connection)
}

/// The file as a URI, in which SQLite takes parameters.
fn uri(path: &Path, parameters: &str) -> String {
    let mut uri = String::from("file:");
    #[cfg(windows)]
    uri.push_str("///");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(*byte))
            }
            #[cfg(windows)]
            b'\\' => uri.push('/'),
            #[cfg(windows)]
            b':' => uri.push(':'),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push('?');
    uri.push_str(parameters);
    uri
}
