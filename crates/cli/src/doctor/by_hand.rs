//! What a person alone can know: that the clock is right after it has jumped, and that a retention rule may erase what it
//! holds back.

use std::fs::TryLockError;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use timberline_disk::DataDir;
use timberline_server::inspect::{Holds, confirm, is_waiting};
use timberline_server::settings::Settings;
use timberline_views::time_trust::{Clock, TimeTrust, clock_confirmation_waits, clock_trust, confirm_clock};

/// A running server looks for confirmations every ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// `--trust-clock`.
pub(super) fn trust_clock(settings: &Settings) -> anyhow::Result<ExitCode> {
    let data_dir = &settings.data_dir;
    let clock = Clock::system();
    let Some(TimeTrust::Suspended(_)) = clock_trust(data_dir, &clock)? else {
        println!("The clock is trusted: there is nothing to confirm.");
        return Ok(ExitCode::SUCCESS);
    };
    confirm_clock(data_dir, &clock)?;
    println!(
        "You confirmed that the time is now {}. What is old enough by this time is erased.",
        timberline_model::Timestamp::from(timberline_clock::wall())
    );
    Ok(wait(data_dir, || clock_confirmation_waits(data_dir), "the clock"))
}

/// `--confirm-retention BUCKET`.
pub(super) fn confirm_retention(settings: &Settings, bucket: &str) -> anyhow::Result<ExitCode> {
    let data_dir = &settings.data_dir;
    let holds = Holds::read(data_dir)?;
    let Some((_, held)) = holds.held().find(|(id, _)| *id == bucket) else {
        let others: Vec<&str> = holds.held().map(|(id, _)| id).collect();
        anyhow::bail!(
            "retention holds nothing back in the bucket {bucket}; {}",
            match others.as_slice() {
                [] => "nor in any other".to_owned(),
                others => format!("it does in {}", others.join(", ")),
            }
        );
    };
    confirm(data_dir, bucket, held)?;
    println!(
        "You confirmed that keep = \"{}\" erases {} of the {} events of {bucket}.",
        held.keep, held.events, held.of
    );
    Ok(wait(data_dir, || is_waiting(data_dir), "retention"))
}

/// Waits until a running server has taken a confirmation.
fn wait(data_dir: &Path, waits: impl Fn() -> bool, of_what: &str) -> ExitCode {
    if !is_served(data_dir) {
        println!("No server is running here. The next one takes note when it starts.");
        return ExitCode::SUCCESS;
    }
    let begun = timberline_clock::monotonic();
    while waits() {
        if begun.elapsed() > PATIENCE {
            println!(
                "The server has not taken note of it yet: it is busy, or it does not trust its own clock. See `timberline doctor` and its log for {of_what}."
            );
            return ExitCode::FAILURE;
        }
        timberline_clock::sleep(Duration::from_millis(50));
    }
    println!("The server has taken note.");
    ExitCode::SUCCESS
}

fn is_served(data_dir: &Path) -> bool {
    DataDir::at(data_dir)
        .open_lock()
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
