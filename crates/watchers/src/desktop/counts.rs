//! How much keyboard and pointer were used.

use super::Report;

/// What a source has counted since it was started. Never which keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Keys that were pressed.
    pub presses: u64,
    /// Buttons that were pressed.
    pub clicks: u64,
    /// How far the pointer has moved, to the left and to the right.
    pub delta_x: u64,
    /// How far the pointer has moved, up and down.
    pub delta_y: u64,
    /// How far was scrolled, to the left and to the right.
    pub scroll_x: u64,
    /// How far was scrolled, up and down.
    pub scroll_y: u64,
}

impl Report for Counts {
    fn replaces(&self, _: &Counts) -> bool {
        true
    }
}

impl Counts {
    /// What was counted since.
    #[must_use]
    pub fn since(self, earlier: Counts) -> Counts {
        self.with(earlier, u64::saturating_sub)
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Counts) -> Counts {
        self.with(other, u64::saturating_add)
    }

    fn with(self, other: Counts, operation: fn(u64, u64) -> u64) -> Counts {
        Counts {
            presses: operation(self.presses, other.presses),
            clicks: operation(self.clicks, other.clicks),
            delta_x: operation(self.delta_x, other.delta_x),
            delta_y: operation(self.delta_y, other.delta_y),
            scroll_x: operation(self.scroll_x, other.scroll_x),
            scroll_y: operation(self.scroll_y, other.scroll_y),
        }
    }
}
