//! What to type about an error. The crates below know neither flags nor commands: they say what happened, and this adds
//! what to do.

use std::error::Error;

use timberline_backup::BackupError;
use timberline_disk::LockError;
use timberline_log::LogError;
use timberline_server::identity::IdentityError;
use timberline_server::{ListenError, ServeError};
use timberline_views::{OpenError, SegmentError};

/// What to type about a data directory that another process uses.
const IN_USE: &str = "stop it or choose another --dbpath";
const NO_AUTHENTICATION: &str = "set api_key in [auth] of the configuration, or create a token (`timberline token create`), or listen on 127.0.0.1 (--host), or accept it with --insecure-no-auth";

/// What to type about an error, if there is something. Causes are looked at one by one by the caller; an error that stands
/// for another (`transparent`) is no cause of it and is looked into here.
pub(crate) fn hint(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref() {
        return of_serve(error);
    }
    if let Some(error) = error.downcast_ref() {
        return of_identity(error);
    }
    if let Some(error) = error.downcast_ref() {
        return of_listen(error);
    }
    if let Some(error) = error.downcast_ref() {
        return of_backup(error);
    }
    if let Some(error) = error.downcast_ref() {
        return of_open(error);
    }
    let lock = matches!(error.downcast_ref(), Some(LockError::Locked { .. }));
    let log = matches!(error.downcast_ref(), Some(LogError::Locked { .. }));
    (lock || log).then_some(IN_USE)
}

fn of_serve(error: &ServeError) -> Option<&'static str> {
    match error {
        ServeError::Open(error) => of_open(error),
        ServeError::Listen(error) => of_listen(error),
        ServeError::Identity(error) => of_identity(error),
        ServeError::NoAuthentication { .. } => Some(NO_AUTHENTICATION),
        _ => None,
    }
}

fn of_identity(error: &IdentityError) -> Option<&'static str> {
    match error {
        IdentityError::DataDir(_) => Some("change its owner or mode, or choose another --dbpath"),
        IdentityError::Log(error) => of_open(error),
        IdentityError::Broken { .. } | IdentityError::Given(_) => None,
    }
}

fn of_listen(error: &ListenError) -> Option<&'static str> {
    match error {
        ListenError::InUse { .. } => Some("stop it, or choose another --port"),
        ListenError::NotHandedOver { .. } | ListenError::NotASocket { .. } => {
            Some("--listen-fd must be the number of a listening socket that this process inherits")
        }
        ListenError::Refused { .. } | ListenError::HandedOver(_) => None,
    }
}

fn of_open(error: &OpenError) -> Option<&'static str> {
    match error {
        OpenError::Log(LogError::Locked { .. }) => Some(IN_USE),
        OpenError::NoLog { .. } => Some("name the data directory with --dbpath"),
        OpenError::LogBehindViews { .. } => Some("`timberline log rebuild` rebuilds the views"),
        OpenError::Segment(SegmentError::Damaged { .. } | SegmentError::Newer { .. }) => {
            Some("stop the server and run `timberline log rebuild`")
        }
        _ => None,
    }
}

fn of_backup(error: &BackupError) -> Option<&'static str> {
    match error {
        BackupError::Log(LogError::Locked { .. }) => Some("stop it or choose another directory"),
        BackupError::Source(error) => of_open(error),
        BackupError::HasLog(_) => Some("choose another directory with --dbpath, or move that one away"),
        BackupError::Unfinished(_) => Some("run `timberline backup` again"),
        BackupError::DamagedSegment(_) => Some("run `timberline log verify`"),
        BackupError::Damaged { .. } => Some(
            "restore another one, or this one with --despite-damage and then run `timberline log repair`",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::verdict::{advise, describe};

    use super::*;

    fn shown(error: impl Error + Send + Sync + 'static) -> String {
        let advice = advise(&error);
        assert_eq!(describe(&anyhow::Error::new(error)), advice);
        advice
    }

    #[test]
    fn an_error_says_what_happened_to_what_and_what_to_type() {
        let backup = shown(BackupError::HasLog("/data".into()));
        assert_eq!(
            backup,
            "/data has a log, which is never overwritten: choose another directory with --dbpath, or move that one away"
        );
        let damaged = shown(BackupError::Damaged {
            path: "/backup".into(),
            count: 2,
            first: "one".to_owned(),
        });
        for words in [
            "/backup is damaged (one; and 1 more)",
            "--despite-damage",
            "`timberline log repair`",
        ] {
            assert!(damaged.contains(words), "{damaged}");
        }
        let unfinished = shown(BackupError::Unfinished("/backup".into()));
        assert!(
            unfinished.ends_with("never finished: run `timberline backup` again"),
            "{unfinished}"
        );
        let segment = shown(BackupError::DamagedSegment("/log/1.seg".into()));
        assert!(
            segment.ends_with("over its backup: run `timberline log verify`"),
            "{segment}"
        );
        let in_use = shown(ServeError::Listen(ListenError::InUse {
            host: "127.0.0.1".to_owned(),
            port: 5600,
        }));
        assert_eq!(
            in_use,
            "port 5600 on 127.0.0.1 is in use: another server is running there: stop it, or choose another --port"
        );
        let no_socket = shown(ListenError::NotHandedOver { fd: 9, count: 1 });
        assert!(
            no_socket.contains("descriptor 9") && no_socket.contains("--listen-fd"),
            "{no_socket}"
        );
        let open = shown(ServeError::NoAuthentication {
            address: ([0, 0, 0, 0], 5600).into(),
        });
        for words in [
            "0.0.0.0:5600",
            "api_key",
            "timberline token create",
            "--host",
            "--insecure-no-auth",
        ] {
            assert!(open.contains(words), "{open}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named_with_its_cause() {
        let error = IdentityError::DataDir(timberline_disk::IoError {
            op: "write to the data directory",
            path: "/data".into(),
            source: std::io::ErrorKind::PermissionDenied.into(),
        });
        let text = shown(ServeError::Identity(error));
        assert_eq!(
            text,
            "cannot write to the data directory /data: permission denied: change its owner or mode, or choose another --dbpath"
        );
    }
}
