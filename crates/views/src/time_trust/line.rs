//! A stretch of wall time that agrees with the running time of the machine.

use super::{DAY, SECOND};

/// How far the clocks may be apart: corrections over the network and drift are less, and no harm comes of so little.
const TOLERANCE: i64 = 300 * SECOND;
/// How long the machine may have been off without anybody doubting the clock. Nothing can tell how long it was off; a
/// clock that is wrong by less than this erases things a day early at most.
const MAX_OFF: i64 = DAY;
/// Of a day that was lived through, the machine must have been running so long.
const MIN_RAN: i64 = DAY / 4;
/// And so long since it was last started: the clock of the hardware may be hours off until the network has set it.
const MIN_RAN_SINCE_START: i64 = 900 * SECOND;

/// Wall time from a certain instant on, with how much of it the boot clock has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The wall clock when the line began, ns since 1970.
    pub(super) start: i64,
    /// How long the machine was seen running since then, ns.
    pub(super) ran: i64,
    /// The same since its last start.
    pub(super) ran_since_start: i64,
    /// Whether the machine was started again since the line began.
    pub(super) restarted: bool,
}

impl Line {
    pub(super) fn beginning(wall: i64) -> Line {
        Line {
            start: wall,
            ran: 0,
            ran_since_start: 0,
            restarted: false,
        }
    }

    /// The machine went on running for so long; `None`: it was started again, and was off for an unknown time.
    pub(super) fn go_on(&mut self, elapsed: Option<i64>) {
        match elapsed {
            Some(elapsed) => {
                self.ran = self.ran.saturating_add(elapsed);
                self.ran_since_start = self.ran_since_start.saturating_add(elapsed);
            }
            None => {
                self.restarted = true;
                self.ran_since_start = 0;
            }
        }
    }

    /// How far the wall clock is ahead of what the running time explains; negative if it is behind.
    pub(super) fn unexplained(&self, wall: i64) -> i64 {
        wall.saturating_sub(self.start).saturating_sub(self.ran)
    }

    /// Whether the wall clock may be right, if it was right when the line began.
    pub(super) fn holds(&self, wall: i64) -> bool {
        let off = if self.restarted { MAX_OFF } else { 0 };
        (-TOLERANCE..=off + TOLERANCE).contains(&self.unexplained(wall))
    }

    /// Whether a day of the line was lived through.
    pub(super) fn is_lived_through(&self, wall: i64) -> bool {
        wall.saturating_sub(self.start) >= DAY
            && self.ran >= MIN_RAN
            && self.ran_since_start >= MIN_RAN_SINCE_START
    }

    /// The earliest wall time at which a day of the line can have been lived through.
    pub(super) fn lived_through_at(&self) -> i64 {
        self.start.saturating_add(DAY)
    }
}
