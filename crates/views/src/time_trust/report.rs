//! The clock of a data directory, looked at from outside; and its confirmation by a person, which needs the right to
//! write there, so that nothing that comes over the network can give it.

use std::io::{self, ErrorKind};
use std::path::Path;

use timberline_disk::{FileStorage, Storage};
use timberline_model::{Duration, Timestamp};

use super::clock::{BootTime, Clock};
use super::file::{self, FILE};
use super::state::{Reading, TimeTrust};

/// The file with a confirmation, until a server takes it.
const CONFIRMATION: &str = timberline_disk::DataDir::CLOCK_CONFIRMATION;
/// A confirmation holds for the time that it was given for, as that goes on; so far may it be off.
const MAX_DRIFT: Duration = Duration::from_secs(300);

/// Whether a server in this data directory would believe the clock now. `None` if none has run there yet.
///
/// # Errors
/// When the file cannot be read.
pub fn clock_trust(data_dir: &Path, clock: &Clock) -> io::Result<Option<TimeTrust>> {
    let bytes = match std::fs::read(data_dir.join(FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(mut state) = file::decode(&bytes) else {
        let what = format!(
            "{} is damaged; the next start makes it again",
            data_dir.join(FILE).display()
        );
        return Err(io::Error::new(ErrorKind::InvalidData, what));
    };
    state.observe(Reading {
        wall: clock.now(),
        boot: clock.boot(),
        newest: state.sound,
    });
    Ok(Some(state.trust()))
}

/// Says that the clock is right. The server takes note within seconds, or when it starts.
///
/// # Errors
/// When the data directory cannot be written.
pub fn confirm_clock(data_dir: &Path, clock: &Clock) -> io::Result<()> {
    let boot = clock.boot();
    let text = format!("{} {:032x} {}\n", clock.now().nanos(), boot.boot, boot.up.nanos());
    FileStorage::open(data_dir)?.write_file(CONFIRMATION, text.as_bytes())
}

/// Whether a confirmation waits for a server to take it.
pub fn clock_confirmation_waits(data_dir: &Path) -> bool {
    data_dir.join(CONFIRMATION).exists()
}

/// Takes a confirmation, if there is one: whether it is of the time that it is now.
pub(super) fn take_confirmation(dir: &dyn Storage, reading: &Reading) -> Option<bool> {
    let bytes = dir.read_file(CONFIRMATION).ok()?;
    if let Err(error) = dir.remove(CONFIRMATION) {
        // It would be taken again and again, also after another jump.
        tracing::error!(%error, file = CONFIRMATION, "the confirmation of the clock cannot be removed and is not taken");
        return Some(false);
    }
    Some(parse(&bytes).is_some_and(|confirmed| is_now(confirmed, reading)))
}

fn parse(bytes: &[u8]) -> Option<(Timestamp, BootTime)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut words = text.trim_end().split(' ');
    let wall = Timestamp::from_nanos(words.next()?.parse().ok()?);
    let boot = u128::from_str_radix(words.next()?, 16).ok()?;
    let up = Duration::from_nanos(words.next()?.parse().ok()?);
    Some((wall, BootTime { boot, up }))
}

/// Whether the confirmed time has gone on to be the time of the reading. A confirmation that was given before another
/// jump confirms nothing.
fn is_now((wall, boot): (Timestamp, BootTime), reading: &Reading) -> bool {
    let passed = reading.wall.since(wall);
    if boot.boot == reading.boot.boot {
        let ran = reading.boot.up.saturating_sub(boot.up);
        passed.saturating_sub(ran).abs() <= MAX_DRIFT
    } else {
        (Duration::ZERO.saturating_sub(MAX_DRIFT)..=super::DAY).contains(&passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_is_of_a_time_that_goes_on() {
        let day = super::super::DAY.nanos();
        let time = |days: i64| Timestamp::from_nanos((1_000 + days) * day);
        let boot = |boot: u128, nanos: i64| BootTime {
            boot,
            up: Duration::from_nanos(nanos),
        };
        let confirmed = (time(0), boot(1, 5));
        let at = |days: i64, start: u128, nanos: i64| Reading {
            wall: time(days),
            boot: boot(start, nanos),
            newest: timberline_log::Seq::NONE,
        };
        assert!(is_now(confirmed, &at(0, 1, 6)));
        assert!(is_now(confirmed, &at(3, 1, 3 * day)));
        assert!(!is_now(confirmed, &at(3, 1, 6)));
        assert!(!is_now(confirmed, &at(-3_000, 1, 6)));
        // After another start of the machine nobody knows how long it was off.
        assert!(is_now(confirmed, &at(1, 2, 6)));
        assert!(!is_now(confirmed, &at(2, 2, 6)));
        assert!(!is_now(confirmed, &at(-1, 2, 6)));
    }

    #[test]
    fn a_strange_confirmation_confirms_nothing() {
        for bytes in ["", "1", "1 x 3", "1 2", "\u{fffd}"] {
            assert_eq!(parse(bytes.as_bytes()), None, "{bytes:?}");
        }
        assert_eq!(
            parse(b"7 ff 9\n"),
            Some((
                Timestamp::from_nanos(7),
                BootTime {
                    boot: 255,
                    up: Duration::from_nanos(9)
                }
            ))
        );
    }
}
