//! The queries of the benchmark: what the standard web UI asks for when someone looks at a day, a week, a month or a
//! year. Their texts are in `queries/`; in braces stands what depends on whose data they are asked of.
//!
//! `timberline bench query` asks them of someone's own data; `benches/benches/query.rs`, which includes this file, of
//! generated data.

use timberline_model::{Duration, Timestamp};
use timberline_query::{Period, Query};

const DESKTOP: &str = include_str!("queries/desktop.aw");
const BROWSER: &str = include_str!("queries/browser.aw");
const USAGE: &str = include_str!("queries/usage.aw");
const EDITOR: &str = include_str!("queries/editor.aw");
const CATEGORIES: &str = include_str!("queries/categories.aw");
/// Those that the web UI comes with.
const RULES: &str = include_str!("queries/rules.json");

/// The browsers that the web UI knows, by what is in the ids of their buckets.
const BROWSERS: [&str; 12] = [
    "chrome", "firefox", "opera", "brave", "edge", "arc", "vivaldi", "orion", "yandex", "zen", "floorp",
    "helium",
];
/// How the windows of the first of them are called.
const CHROME_APPS: &str = r#"["com.google.Chrome","com.google.ChromeDev","org.chromium.Chromium"]"#;
const CHROME_PATTERN: &str = "(?i)^(google[-_ ]?chrome|chrome|chromium)";

/// Usage bars from the oldest that the web UI shows up to the one that is looked at.
const BARS: i64 = 16;

/// What the queries are about: ids of buckets.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    /// Of type `currentwindow`.
    pub(crate) window: String,
    /// Of type `afkstatus`.
    pub(crate) afk: String,
    /// Of type `web.tab.current`.
    pub(crate) web: Option<String>,
    /// Of type `app.editor.activity`.
    pub(crate) editor: Option<String>,
    /// Of type `general.stopwatch`.
    pub(crate) stopwatch: Option<String>,
}

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Day,
    Week,
    Month,
    Year,
}

/// What is asked for at once, or one request after the other, as the web UI does.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What it is called.
    pub(crate) name: &'static str,
    /// How much it looks at.
    pub(crate) span: Span,
    /// What it asks.
    pub(crate) requests: Vec<Query>,
}

impl Span {
    /// From the shortest to the longest.
    pub(super) const ALL: [Span; 4] = [Span::Day, Span::Week, Span::Month, Span::Year];

    pub(super) fn name(self) -> &'static str {
        match self {
            Span::Day => "day",
            Span::Week => "week",
            Span::Month => "month",
            Span::Year => "year",
        }
    }

    pub(super) fn length(self) -> Duration {
        days(match self {
            Span::Day => 1,
            Span::Week => 7,
            Span::Month => 30,
            Span::Year => 365,
        })
    }

    /// The bars of its chart of categories: hours, days, months.
    fn bars(self) -> i64 {
        match self {
            Span::Day => 24,
            Span::Week => 7,
            Span::Month => 30,
            Span::Year => 12,
        }
    }
}

impl Case {
    /// The same about as much time that ended earlier.
    pub(super) fn earlier(&self, by: Duration) -> Vec<Query> {
        let by = Duration::from_nanos(-by.nanos());
        let mut requests = self.requests.clone();
        for period in requests.iter_mut().flat_map(|request| &mut request.periods) {
            period.start = period.start.saturating_add(by);
            period.end = period.end.saturating_add(by);
        }
        requests
    }
}

/// So many days.
pub(crate) fn days(days: i64) -> Duration {
    Duration::from_nanos(days * 86_400 * 1_000_000_000)
}

/// All that is asked about a span that ends at an instant.
pub(crate) fn cases(subjects: &Subjects, span: Span, end: Timestamp) -> Vec<Case> {
    let case = |name, requests| Case { name, span, requests };
    let length = span.length();
    let one = |text: &str| vec![query(subjects, text, parts(end, length, 1))];
    let mut cases = vec![case("desktop", one(DESKTOP))];
    let bars = query(subjects, USAGE, parts(end, length, BARS));
    cases.push(case("usage bars", vec![bars]));
    if subjects.editor.is_some() {
        cases.push(case("editor", one(EDITOR)));
    }
    let bar = Duration::from_nanos(length.nanos() / span.bars());
    let bars = parts(end, bar, span.bars()).into_iter();
    let bars = bars.map(|bar| query(subjects, CATEGORIES, vec![bar]));
    cases.push(case("categories", bars.collect()));
    cases
}

/// So many periods of a length, one after the other, the last of which ends at `end`.
fn parts(end: Timestamp, length: Duration, count: i64) -> Vec<Period> {
    let before = |n: i64| end.saturating_add(Duration::from_nanos(length.nanos().saturating_mul(-n)));
    let period = |n| Period {
        start: before(n + 1),
        end: before(n),
    };
    (0..count).rev().map(period).collect()
}

fn query(subjects: &Subjects, text: &str, periods: Vec<Period>) -> Query {
    Query {
        program: filled(subjects, text),
        periods,
        name: String::new(),
        past: false,
    }
}

/// A text with everything put in that stands in braces.
fn filled(subjects: &Subjects, text: &str) -> String {
    let editor = subjects.editor.as_deref().unwrap_or_default();
    let stopwatch = match &subjects.stopwatch {
        Some(bucket) => format!("query_bucket({})", quoted(bucket)),
        None => "[]".to_owned(),
    };
    text.replace("{browser}", browser(subjects).trim_end())
        .replace("{rules}", RULES.trim_end())
        .replace("{stopwatch}", &stopwatch)
        .replace("{window}", &quoted(&subjects.window))
        .replace("{afk}", &quoted(&subjects.afk))
        .replace("{editor}", &quoted(editor))
}

/// What the web UI asks about a browser that it knows.
fn browser(subjects: &Subjects) -> String {
    let known = subjects.web.as_ref().and_then(|bucket| {
        let name = BROWSERS.into_iter().find(|name| bucket.contains(name))?;
        Some((bucket, name))
    });
    let Some((bucket, name)) = known else {
        return "browser_events = [];".to_owned();
    };
    let (apps, pattern) = match name {
        "chrome" => (CHROME_APPS.to_owned(), CHROME_PATTERN.to_owned()),
        _ => (format!("[{}]", quoted(name)), format!("(?i)^{name}")),
    };
    BROWSER
        .replace("{apps}", &apps)
        .replace("{pattern}", &quoted(&pattern))
        .replace("{web}", &quoted(bucket))
}

/// A text as a string of the language: only the quote is escaped in it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}
