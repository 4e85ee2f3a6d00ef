//! The open windows, and which one is in front. Knows no protocol.

/// What a compositor says of a window. `K` identifies monitors.
#[derive(Clone, Debug)]
pub(super) struct Look<K> {
    /// The program.
    pub(super) app: String,
    /// The title.
    pub(super) title: String,
    /// Whether it has the focus. `None`: not said yet.
    pub(super) active: Option<bool>,
    /// Whether it fills the screen. `None`: not said.
    pub(super) full_screen: Option<bool>,
    /// The monitors that it is on, in the order in which it came there.
    pub(super) monitors: Vec<K>,
}

/// All open windows. `K` identifies windows and monitors.
#[derive(Debug)]
pub(super) struct Windows<K> {
    open: Vec<Window<K>>,
    /// How often a window became active.
    activations: u64,
}

#[derive(Debug)]
struct Window<K> {
    id: K,
    /// What holds. `None`: the compositor has not yet described it completely.
    current: Option<Look<K>>,
    /// What will hold when the compositor says that its description is complete.
    next: Look<K>,
    /// Which activation was its last.
    activation: u64,
}

impl<K> Default for Windows<K> {
    fn default() -> Windows<K> {
        Windows {
            open: Vec::new(),
            activations: 0,
        }
    }
}

impl<K: Clone + PartialEq> Windows<K> {
    /// A window has appeared.
    pub(super) fn opened(&mut self, id: K) {
        self.open.push(Window {
            id,
            current: None,
            next: Look {
                app: String::new(),
                title: String::new(),
                active: None,
                full_screen: None,
                monitors: Vec::new(),
            },
            activation: 0,
        });
    }

    /// A part of a window's description, which holds from the next [`done`](Windows::done) on. `None`: there is no such window.
    pub(super) fn next(&mut self, id: &K) -> Option<&mut Look<K>> {
        let window = self.open.iter_mut().find(|window| window.id == *id)?;
        Some(&mut window.next)
    }

    /// The description of a window is complete.
    pub(super) fn done(&mut self, id: &K) {
        let window = self.open.iter_mut().find(|window| window.id == *id);
        window
            .into_iter()
            .for_each(|window| window.done(&mut self.activations));
    }

    /// The descriptions of all windows are complete.
    pub(super) fn all_done(&mut self) {
        for window in &mut self.open {
            window.done(&mut self.activations);
        }
    }

    /// A window has gone.
    pub(super) fn closed(&mut self, id: &K) {
        self.open.retain(|window| window.id != *id);
    }

    /// Whether the compositor has said of each window whether it is active.
    pub(super) fn all_known(&self) -> bool {
        self.open.iter().all(|window| window.next.active.is_some())
    }

    /// The window in front: the active one; if there are several (each seat has its own), the one that became so last.
    pub(super) fn front(&self) -> Option<&Look<K>> {
        let active = self.open.iter().filter(|window| window.is_active());
        active.max_by_key(|window| window.activation)?.current.as_ref()
    }
}

impl<K: Clone> Window<K> {
    fn is_active(&self) -> bool {
        self.current
            .as_ref()
            .is_some_and(|look| look.active == Some(true))
    }

    fn done(&mut self, activations: &mut u64) {
        let was_active = self.is_active();
        self.current = Some(self.next.clone());
        if self.is_active() && !was_active {
            *activations += 1;
            self.activation = *activations;
        }
    }
}

impl<K: PartialEq> Look<K> {
    /// The states of a window, as both protocols send them: an array of 32-bit numbers in the order of this machine's bytes.
    pub(super) fn set_states(&mut self, states: &[u8], knows_full_screen: bool) {
        const ACTIVATED: u32 = 2;
        const FULL_SCREEN: u32 = 3;
        let (numbers, _) = states.as_chunks::<4>();
        let has = |state| numbers.iter().any(|bytes| u32::from_ne_bytes(*bytes) == state);
        self.active = Some(has(ACTIVATED));
        self.full_screen = knows_full_screen.then(|| has(FULL_SCREEN));
    }

    /// The window is on this monitor.
    pub(super) fn enter(&mut self, monitor: K) {
        self.leave(&monitor);
        self.monitors.push(monitor);
    }

    /// The window is no longer on this monitor.
    pub(super) fn leave(&mut self, monitor: &K) {
        self.monitors.retain(|known| known != monitor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(states: &[u32]) -> Vec<u8> {
        states.iter().flat_map(|state| state.to_ne_bytes()).collect()
    }

    fn windows(titles: &[&str]) -> Windows<usize> {
        let mut windows = Windows::default();
        for (id, title) in titles.iter().enumerate() {
            windows.opened(id);
            windows.next(&id).unwrap().title = (*title).to_owned();
            windows.done(&id);
        }
        windows
    }

    fn activate(windows: &mut Windows<usize>, id: usize, active: bool) {
        let states = states(if active { &[0, 2] } else { &[0] });
        windows.next(&id).unwrap().set_states(&states, true);
    }

    fn title(windows: &Windows<usize>) -> Option<&str> {
        windows.front().map(|look| look.title.as_str())
    }

    #[test]
    fn a_description_holds_when_it_is_complete() {
        let mut windows = windows(&["notes", "mail"]);
        assert_eq!(title(&windows), None);
        activate(&mut windows, 1, true);
        assert_eq!(title(&windows), None);
        windows.done(&1);
        assert_eq!(title(&windows), Some("mail"));
        windows.next(&1).unwrap().title = "inbox".to_owned();
        assert_eq!(title(&windows), Some("mail"));
        windows.all_done();
        assert_eq!(title(&windows), Some("inbox"));
    }

    #[test]
    fn of_several_active_windows_the_last_one_is_in_front() {
        let mut windows = windows(&["notes", "mail"]);
        for id in [1, 0] {
            activate(&mut windows, id, true);
            windows.done(&id);
        }
        assert_eq!(title(&windows), Some("notes"));
        windows.done(&1);
        assert_eq!(
            title(&windows),
            Some("notes"),
            "it stays active, so it is no activation"
        );
        windows.closed(&0);
        assert_eq!(title(&windows), Some("mail"));
        activate(&mut windows, 1, false);
        windows.done(&1);
        assert_eq!(title(&windows), None);
    }

    #[test]
    fn states_are_numbers_of_four_bytes_and_the_latest_ones_count() {
        let mut windows = windows(&["notes"]);
        let look = windows.next(&0).unwrap();
        // The bytes 2 and 3 occur, but not as a number.
        look.set_states(&states(&[0x0302_0100]), true);
        assert_eq!((look.active, look.full_screen), (Some(false), Some(false)));
        look.set_states(&states(&[3, 2]), true);
        assert_eq!((look.active, look.full_screen), (Some(true), Some(true)));
        look.set_states(&states(&[2])[..3], true);
        assert_eq!((look.active, look.full_screen), (Some(false), Some(false)));
        look.set_states(&[], false);
        assert_eq!(look.full_screen, None);
    }

    #[test]
    fn a_window_is_on_the_monitors_that_it_has_not_left() {
        let mut windows = windows(&["notes"]);
        let look = windows.next(&0).unwrap();
        for monitor in [7, 8, 7] {
            look.enter(monitor);
        }
        assert_eq!(look.monitors, [8, 7]);
        look.leave(&8);
        look.leave(&9);
        assert_eq!(look.monitors, [7]);
    }

    #[test]
    fn all_windows_are_known_when_each_has_its_states() {
        let mut windows = windows(&["notes", "mail"]);
        assert!(!windows.all_known());
        for id in [0, 1] {
            activate(&mut windows, id, false);
        }
        assert!(windows.all_known());
    }
}
