//! A stretch of wall time that agrees with the running time of the machine.

use timberline_model::{Duration, Timestamp};

use super::DAY;

/// How far the clocks may be apart: corrections over the network and drift are less, and no harm comes of so little.
const TOLERANCE: Duration = Duration::from_secs(300);
/// How long the machine may have been off without anybody doubting the clock. Nothing can tell how long it was off; a
/// clock that is wrong by less than this erases things a day early at most.
const MAX_OFF: Duration = DAY;
/// Of a day that was lived through, the machine must have been running so long.
const MIN_RAN: Duration = Duration::from_secs(6 * 3_600);
/// And so long since it was last started: the clock of the hardware may be hours off until the network has set it.
const MIN_RAN_SINCE_START: Duration = Duration::from_secs(900);

/// Wall time from a certain instant on, with how much of it the boot clock has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The wall clock when the line began.
    pub(super) start: Timestamp,
    /// How long the machine was seen running since then.
    pub(super) ran: Duration,
    /// The same since its last start.
    pub(super) ran_since_start: Duration,
    /// Whether the machine was started again since the line began.
    pub(super) restarted: bool,
}

impl Line {
    pub(super) fn beginning(wall: Timestamp) -> Line {
        Line {
            start: wall,
            ran: Duration::ZERO,
            ran_since_start: Duration::ZERO,
            restarted: false,
        }
    }

    /// The machine went on running for so long; `None`: it was started again, and was off for an unknown time.
    pub(super) fn go_on(&mut self, elapsed: Option<Duration>) {
        match elapsed {
            Some(elapsed) => {
                self.ran = self.ran.saturating_add(elapsed);
                self.ran_since_start = self.ran_since_start.saturating_add(elapsed);
            }
            None => {
                self.restarted = true;
                self.ran_since_start = Duration::ZERO;
            }
        }
    }

    /// How far the wall clock is ahead of what the running time explains; negative if it is behind.
    pub(super) fn unexplained(&self, wall: Timestamp) -> Duration {
        wall.since(self.start).saturating_sub(self.ran)
    }

    /// Whether the wall clock may be right, if it was right when the line began.
    pub(super) fn holds(&self, wall: Timestamp) -> bool {
        let off = if self.restarted { MAX_OFF } else { Duration::ZERO };
        let least = Duration::ZERO.saturating_sub(TOLERANCE);
        (least..=off.saturating_add(TOLERANCE)).contains(&self.unexplained(wall))
    }

    /// Whether a day of the line was lived through.
    pub(super) fn is_lived_through(&self, wall: Timestamp) -> bool {
        wall.since(self.start) >= DAY && self.ran >= MIN_RAN && self.ran_since_start >= MIN_RAN_SINCE_START
    }

    /// The earliest wall time at which a day of the line can have been lived through.
    pub(super) fn lived_through_at(&self) -> Timestamp {
        self.start.saturating_add(DAY)
    }
}
