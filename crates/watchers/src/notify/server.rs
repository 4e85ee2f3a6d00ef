//! Whether the server answers, for a person who wants to be told if it does not (`server_monitoring`).
//!
//! The server is in the same process, so that it is gone is never told. What can happen is that it hangs, or refuses to answer.

use super::service::Notification;

/// Nobody is told of a single look without an answer.
const TOO_MANY: u32 = 2;

/// How many looks were without an answer.
#[derive(Debug, Default)]
pub(super) struct Answers {
    missed: u32,
    is_told: bool,
}

impl Answers {
    /// It has answered. Returns what there is to tell.
    pub(super) fn came(&mut self) -> Option<Notification> {
        self.missed = 0;
        let was_told = std::mem::take(&mut self.is_told);
        was_told.then(|| Notification::new("Server available", "Timberline's server answers again."))
    }

    /// It has not answered, for this reason. `is_wanted`: whether the person wants to be told. Returns what there is to tell.
    pub(super) fn missed(&mut self, reason: &str, is_wanted: bool) -> Option<Notification> {
        self.missed = self.missed.saturating_add(1);
        if self.missed < TOO_MANY || self.is_told || !is_wanted {
            return None;
        }
        self.is_told = true;
        Some(Notification {
            stays: true,
            ..Notification::new(
                "Server unavailable",
                format!("Timberline's server does not answer: {reason}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_and_so_is_its_end() {
        let mut answers = Answers::default();
        assert_eq!(answers.came(), None);
        assert_eq!(answers.missed("late", true), None);
        assert_eq!(answers.came(), None);
        assert_eq!(answers.missed("late", true), None);
        let told = answers.missed("late", true).expect("a notification");
        assert!(told.stays && told.text.ends_with("late"), "{told:?}");
        assert_eq!(answers.missed("late", true), None);
        assert!(answers.came().is_some());
        assert_eq!(answers.came(), None);
    }

    #[test]
    fn nobody_is_told_who_does_not_want_to() {
        let mut answers = Answers::default();
        assert!((0..5).all(|_| answers.missed("late", false).is_none()));
        assert_eq!(answers.came(), None);
    }
}
