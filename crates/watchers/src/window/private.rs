//! Windows that browsers open for what is not to be recorded.

use std::sync::LazyLock;

use regex::Regex;

use super::Front;

/// What is done with private windows of browsers. They are known by their titles, in English only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateWindows {
    /// Their time counts for the browser; their title is recorded as `(private window)`.
    #[default]
    HideTitle,
    /// They are not recorded at all.
    Drop,
    /// They are recorded like all others.
    Record,
}

/// The title that is recorded.
const HIDDEN: &str = "(private window)";

#[allow(clippy::expect_used, reason = "a constant; a test uses it")]
static BROWSERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("(?i)firefox|librewolf|waterfox|floorp|zen|navigator|chrom|brave|edge|opera|vivaldi|epiphany|tor[ -]?browser")
        .expect("a valid pattern")
});

#[allow(clippy::expect_used, reason = "a constant; a test uses it")]
static PRIVATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)((private browsing|incognito mode)\)?|\((incognito|private)\)|\[?inprivate\]?( [-–—] microsoft.edge.*)?|tor browser)$",
    )
    .expect("a valid pattern")
});

impl PrivateWindows {
    pub(super) fn apply(self, front: Front) -> Option<Front> {
        if self == PrivateWindows::Record || !BROWSERS.is_match(&front.app) || !PRIVATE.is_match(&front.title)
        {
            return Some(front);
        }
        (self == PrivateWindows::HideTitle).then(|| Front {
            title: HIDDEN.to_owned(),
            ..front
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(app: &str, title: &str) -> Front {
        Front {
            app: app.to_owned(),
            title: title.to_owned(),
        }
    }

    #[test]
    fn private_windows_of_browsers_are_known_by_their_titles() {
        for (app, title) in [
            ("firefox", "Secret — Mozilla Firefox Private Browsing"),
            ("Navigator", "Secret - Mozilla Firefox (Private Browsing)"),
            ("Google-chrome", "Secret - Google Chrome (Incognito)"),
            ("Brave-browser", "Secret - Brave (Private)"),
            ("Microsoft-edge", "Secret - [InPrivate] - Microsoft Edge"),
            ("msedge", "Secret - [InPrivate]"),
            ("Tor Browser", "Secret — Tor Browser"),
        ] {
            let hidden = PrivateWindows::HideTitle.apply(front(app, title));
            assert_eq!(hidden, Some(front(app, HIDDEN)), "{title}");
            assert_eq!(PrivateWindows::Drop.apply(front(app, title)), None);
            assert_eq!(
                PrivateWindows::Record.apply(front(app, title)),
                Some(front(app, title))
            );
        }
    }

    #[test]
    fn windows_that_are_not_private_are_left_alone() {
        for (app, title) in [
            ("firefox", "News — Mozilla Firefox"),
            ("firefox", "What is private browsing? — Mozilla Firefox"),
            ("code", "notes (private)"),
        ] {
            let left = PrivateWindows::Drop.apply(front(app, title));
            assert_eq!(left, Some(front(app, title)));
        }
    }
}
