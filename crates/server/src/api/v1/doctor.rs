//! `GET /api/1/doctor`: what `timberline doctor` finds, as far as a running server can look.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::Response;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::api::json_body::json_text;
use crate::app::App;
use crate::causes::with_causes;
use crate::doctor::{Check, Outcome, Subject};
use crate::http::{ApiError, json_answer, run_blocking};

/// Who asks meanwhile waits: each looks through files and at backups on other disks.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// What is left to the command, and why.
const LEFT_OUT: [LeftOut; 5] = [
    LeftOut {
        check: "configuration",
        why: "the server runs with what it read at its start; the command reads the file as it is now",
    },
    LeftOut {
        check: "file system",
        why: "it is tried out by writing to the data directory",
    },
    LeftOut {
        check: "lock",
        why: "this server holds it",
    },
    LeftOut {
        check: "log",
        why: "the server has read the newest records itself at its start; the status says what it found",
    },
    LeftOut {
        check: "views",
        why: "reading all view files takes long; the scrub does it regularly",
    },
];

/// What was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct DoctorReport {
    /// The data directory.
    data_dir: String,
    /// The version of the server.
    version: &'static str,
    /// Whether no check has failed; there may be warnings.
    ok: bool,
    /// The checks that were made.
    checks: Vec<Check>,
    /// Checks that only `timberline doctor` makes.
    left_out: &'static [LeftOut],
}

/// A check that is not made here.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckLeftOut)]
struct LeftOut {
    /// What is not looked at.
    check: &'static str,
    /// Why.
    why: &'static str,
}

/// Check the installation
///
/// Disk, permissions, identity, whether a server would start, the log's segments and times, damage that was found, backups, and whether old
/// events are erased. It only reads, and does not read all events. `timberline doctor` checks more.
#[utoipa::path(
    get,
    path = "/api/1/doctor",
    operation_id = "get_doctor",
    tag = "Server",
    responses((status = 200, description = "What was found", body = DoctorReport)),
)]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    let turn = ONE_AT_A_TIME
        .acquire()
        .await
        .map_err(|error| ApiError::Internal(format!("The check cannot begin: {error}")))?;
    let report = run_blocking(move |_| {
        // Until the work ends, not until the client has lost its patience.
        let _turn = turn;
        Ok::<_, ApiError>(examine(&app))
    });
    Ok(json_answer(json_text(Ok(report.await?))?))
}

fn examine(app: &App) -> DoctorReport {
    let subject = Subject {
        settings: &app.settings,
        cipher: Ok(app.started.opened.cipher.as_ref()),
        explain: &|error| with_causes(error),
    };
    let checks = subject.examine();
    DoctorReport {
        data_dir: app.settings.data_dir.display().to_string(),
        version: env!("CARGO_PKG_VERSION"),
        ok: checks.iter().all(|check| check.outcome != Outcome::Fail),
        checks,
        left_out: &LEFT_OUT,
    }
}
