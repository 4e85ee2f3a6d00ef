//! The browsers whose watchers the standard web UI knows, and by which names their windows are recognised.

/// A browser.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Browser {
    /// Part of the ids of its buckets, and of the names in programs.
    pub(super) name: &'static str,
    /// Names of its windows' application, letter by letter.
    pub(super) apps: &'static [&'static str],
    /// A pattern of further names.
    pattern: &'static str,
}

/// In the order in which the web UI looks for them.
static BROWSERS: [Browser; 12] = [
    Browser {
        name: "chrome",
        apps: &[
            "com.google.Chrome",
            "com.google.ChromeDev",
            "org.chromium.Chromium",
            "company.thebrowser.dia",
            "com.android.chrome",
            "com.chrome.beta",
            "com.chrome.dev",
            "com.chrome.canary",
            "org.bromite.cromite",
        ],
        pattern: "",
    },
    Browser {
        name: "firefox",
        apps: &[
            "org.mozilla.firefox",
            "io.gitlab.librewolf-community",
            "net.waterfox.waterfox",
            "org.mozilla.fenix",
            "org.mozilla.firefox_beta",
            "org.mozilla.focus",
        ],
        pattern: "(?i)(firefox|librewolf|waterfox|nightly)",
    },
    Browser {
        name: "opera",
        apps: &["com.opera.Opera", "com.opera.browser", "com.opera.browser.beta"],
        pattern: "(?i)(opera)",
    },
    Browser {
        name: "brave",
        apps: &[
            "com.brave.Browser",
            "com.brave.browser",
            "com.brave.browser_beta",
            "com.brave.browser_nightly",
        ],
        pattern: "(?i)(brave)",
    },
    Browser {
        name: "edge",
        apps: &[
            "com.microsoft.Edge",
            "com.microsoft.EdgeDev",
            "com.microsoft.emmx",
            "com.microsoft.emmx.beta",
        ],
        pattern: "(?i)^(microsoft[-_ ]?edge|msedge)",
    },
    Browser {
        name: "arc",
        apps: &[],
        pattern: r"(?i)^arc(\.exe)?$",
    },
    Browser {
        name: "vivaldi",
        apps: &["com.vivaldi.Vivaldi", "com.vivaldi.browser"],
        pattern: "(?i)(vivaldi)",
    },
    Browser {
        name: "orion",
        apps: &["Orion"],
        pattern: "(?i)(orion)",
    },
    Browser {
        name: "yandex",
        apps: &["ru.yandex.Browser"],
        pattern: "(?i)(yandex)",
    },
    Browser {
        name: "zen",
        apps: &["app.zen_browser.zen"],
        pattern: "(?i)(zen)",
    },
    Browser {
        name: "floorp",
        apps: &["one.ablaze.floorp"],
        pattern: "(?i)(floorp)",
    },
    Browser {
        name: "helium",
        apps: &["net.imput.helium"],
        pattern: "(?i)(helium)",
    },
];

/// Browsers that send their events to the bucket of Chrome, unless they have a bucket of their own.
const FORKS: [(&str, &str); 3] = [
    ("arc", r"arc(\.exe)?$"),
    ("dia", r"dia(\.exe)?$"),
    ("helium", r"helium(\.exe)?$"),
];

/// For each browser the first of these buckets whose id contains its name.
pub(super) fn browsers_of(buckets: &[&str]) -> Vec<(&'static Browser, String)> {
    let bucket = |browser: &'static Browser| {
        let found = buckets.iter().find(|id| id.contains(browser.name))?;
        Some((browser, (*found).to_owned()))
    };
    BROWSERS.iter().filter_map(bucket).collect()
}

/// The pattern of a browser's windows, beside those of others that have buckets, too.
pub(super) fn pattern(browser: &Browser, beside: &[(&'static Browser, String)]) -> String {
    if browser.name != "chrome" {
        return browser.pattern.to_owned();
    }
    let mut names = vec!["google[-_ ]?chrome", "chrome", "chromium"];
    let apart = |fork: &str| beside.iter().any(|(other, _)| other.name == fork);
    let forks = FORKS.iter().filter(|(fork, _)| !apart(fork));
    names.extend(forks.map(|(_, pattern)| *pattern));
    format!("(?i)^({})", names.join("|"))
}
