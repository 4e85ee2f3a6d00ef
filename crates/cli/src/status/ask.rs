//! Asks the server.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use timberline_server::status::Status;

use crate::server_client::{ServerClient, refusal};

/// How long the server may take. It only counts and looks into directories.
const PATIENCE: Duration = Duration::from_secs(30);
/// A report of a hundred thousand buckets is smaller.
const MAX_BYTES: u64 = 64 << 20;

/// What came of asking.
pub(super) enum Asked {
    /// A server runs: its report, and the JSON that it is made of.
    Runs(Box<Status>, Vec<u8>),
    /// None runs, for this reason.
    Nobody(String),
}

/// Asks a server, which must serve `own_data` if that is given.
///
/// # Errors
/// When another program answers, or the server refuses.
pub(super) fn ask(server: &ServerClient, own_data: Option<&Path>) -> anyhow::Result<Asked> {
    let mut answer = match server.get("/api/1/status", Some(PATIENCE)) {
        Ok(answer) => answer,
        Err(error) => return Ok(Asked::Nobody(format!("no server answers at {server}: {error}"))),
    };
    let code = answer.status();
    let mut text = Vec::new();
    let mut body = answer.body_mut().with_config().limit(MAX_BYTES).reader();
    body.read_to_end(&mut text)
        .with_context(|| format!("the answer of {server} is incomplete"))?;
    if code.as_u16() == 404 {
        bail!("the server at {server} is not Timberline, or an older version");
    }
    if !code.is_success() {
        bail!("{server} answered {}", refusal(code, &text));
    }
    let status: Status = serde_json::from_slice(&text)
        .with_context(|| format!("the answer of {server} is not the report of this version of Timberline"))?;
    if let Some(own) = own_data.filter(|own| !is_same(own, &status.store.data_dir)) {
        return Ok(Asked::Nobody(format!(
            "no server answers for {}: the one at {server} serves {}",
            own.display(),
            status.store.data_dir.display()
        )));
    }
    Ok(Asked::Runs(Box::new(status), text))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}
