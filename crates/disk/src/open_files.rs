//! How many files this process may keep open.

use crate::os;

/// Raises this process's limit of open files to `needed`, as far as the system allows. Returns the limit that holds then;
/// `u64::MAX` means that there is none.
pub fn allow_open_files(needed: u64) -> u64 {
    let (current, maximum) = os::open_files_limit();
    let (raised, allowed) = decide(needed, current, maximum);
    match raised {
        Some(raised) if !os::raise_open_files_limit(raised, maximum) => current.unwrap_or(allowed),
        _ => allowed,
    }
}

/// What to raise the limit to, if that is needed, and how many descriptors there are then. `None` stands for no limit.
fn decide(needed: u64, current: Option<u64>, maximum: Option<u64>) -> (Option<u64>, u64) {
    match current {
        None => (None, u64::MAX),
        Some(current) if current >= needed => (None, current),
        Some(current) => {
            let raised = needed.min(maximum.unwrap_or(u64::MAX));
            ((raised > current).then_some(raised), raised.max(current))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_needed_and_allowed() {
        assert_eq!(decide(768, Some(1_024), Some(4_096)), (None, 1_024));
        assert_eq!(decide(10_256, Some(1_024), Some(524_288)), (Some(10_256), 10_256));
        assert_eq!(decide(10_256, Some(1_024), None), (Some(10_256), 10_256));
        assert_eq!(decide(10_256, Some(1_024), Some(4_096)), (Some(4_096), 4_096));
        assert_eq!(decide(10_256, Some(1_024), Some(1_024)), (None, 1_024));
        assert_eq!(decide(10_256, None, None), (None, u64::MAX));
    }
}
