//! A definition as a program of the query language: the statements that the standard web UI sends.

use serde_json::Value as Json;

use super::browsers::pattern;
use super::category_rules::quote;
use super::definition::{Definition, Device, Source};

/// The lines of a program.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }
}

/// How the events of a bucket are named: `query_bucket("id")` in the program that people see.
type Bucket<'a> = dyn FnMut(&str) -> String + 'a;

/// Whether pages get members for the parts of their URLs, as the standard web UI's do. Sums do without them: a year has a
/// hundred thousand different pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urls {
    Split,
    Whole,
}

fn query_bucket(id: &str) -> String {
    format!("query_bucket({})", quote(id))
}

impl Definition {
    /// The program that gives the same as the answers to this definition: for [`Source::Activity`] all events.
    #[must_use]
    pub fn program(&self, source: Source) -> String {
        let mut lines = Lines::default();
        self.events(source, &mut lines);
        lines.add("RETURN = events;");
        lines.0.join("\n")
    }

    /// The program whose events sums add up: the same, but only while events of the other sources count that something is filtered by.
    #[must_use]
    pub fn sum_program(&self, source: Source) -> String {
        let mut lines = Lines::default();
        let others: Vec<Source> = self.others(source).collect();
        for (i, other) in others.iter().enumerate() {
            self.events(*other, &mut lines);
            // Each stretch of time once, also where pages of two browsers overlap.
            lines.add(format!("while_{i} = period_union(events, []);"));
        }
        self.events(source, &mut lines);
        for i in 0..others.len() {
            lines.add(format!("events = filter_period_intersect(events, while_{i});"));
        }
        lines.add("RETURN = events;");
        lines.0.join("\n")
    }

    /// The statements that leave the events of a source in `events`.
    fn events(&self, source: Source, lines: &mut Lines) {
        let bucket: &mut Bucket<'_> = &mut query_bucket;
        match source {
            Source::Activity => self.activity(lines, bucket),
            Source::Browser => {
                lines.add("all_browser_events = [];");
                for device in &self.devices {
                    lines.add(format!("events = flood({});", bucket(&device.window)));
                    browsers(device, Urls::Split, lines, bucket);
                    lines.add("all_browser_events = concat(all_browser_events, browser_events);");
                }
                lines.add("events = sort_by_timestamp(all_browser_events);");
                self.filter(source, lines);
            }
            Source::Editor => {
                lines.add("events = [];");
                for editor in self.devices.iter().flat_map(|device| &device.editors) {
                    lines.add(format!("events = concat(events, flood({}));", bucket(editor)));
                }
                self.filter(source, lines);
            }
        }
    }

    fn activity(&self, lines: &mut Lines, bucket: &mut Bucket<'_>) {
        if let [only] = self.devices.as_slice() {
            self.device(only, Urls::Split, lines, bucket);
            self.stopwatch(lines, bucket);
            self.categorize("events", lines);
            self.filter(Source::Activity, lines);
            return;
        }
        for (i, device) in self.devices.iter().enumerate() {
            self.device(device, Urls::Split, lines, bucket);
            self.categorize("events", lines);
            self.filter(Source::Activity, lines);
            lines.add(format!("events_{} = events;", name(device, i)));
        }
        lines.add("events = [];");
        for (i, device) in self.devices.iter().enumerate() {
            lines.add(format!(
                "events = union_no_overlap(events, events_{});",
                name(device, i)
            ));
        }
        if self.stopwatch.is_some() {
            self.stopwatch(lines, bucket);
            self.categorize("events", lines);
            self.filter(Source::Activity, lines);
        }
    }

    /// What was done on a device: `events`.
    fn device(&self, device: &Device, urls: Urls, lines: &mut Lines, bucket: &mut Bucket<'_>) {
        lines.add(format!("events = flood({});", bucket(&device.window)));
        let Some(afk) = &device.afk else {
            return;
        };
        if !self.filter_afk {
            return;
        }
        lines.add(format!("not_afk = flood({});", bucket(afk)));
        lines.add(r#"not_afk = filter_keyvals(not_afk, "status", ["not-afk"]);"#);
        if !self.always_active_pattern.is_empty() {
            for key in ["app", "title"] {
                let pattern = quote(&self.always_active_pattern);
                lines.add(format!(
                    r#"not_treat_as_afk = filter_keyvals_regex(events, "{key}", {pattern});"#
                ));
                lines.add("not_afk = period_union(not_afk, not_treat_as_afk);");
            }
        }
        if self.include_audible {
            browsers(device, urls, lines, bucket);
            lines.add(r#"audible_events = filter_keyvals(browser_events, "audible", [true]);"#);
            lines.add("not_afk = period_union(not_afk, audible_events);");
        }
        lines.add("events = filter_period_intersect(events, not_afk);");
    }

    fn stopwatch(&self, lines: &mut Lines, bucket: &mut Bucket<'_>) {
        if let Some(stopwatch) = &self.stopwatch {
            lines.add(format!("stopwatch_events = {};", bucket(stopwatch)));
            lines.add("events = union_no_overlap(stopwatch_events, events);");
        }
    }

    fn categorize(&self, events: &str, lines: &mut Lines) {
        if let Some(categories) = &self.categories {
            lines.add(format!("{events} = categorize({events}, {});", categories.text()));
        }
    }

    fn filter(&self, source: Source, lines: &mut Lines) {
        for (by, values) in self.conditions(source) {
            let key = by.key().unwrap_or("$domain");
            let values: Vec<String> = values.iter().map(literal).collect();
            let values = values.join(", ");
            lines.add(format!(
                r#"events = filter_keyvals(events, "{key}", [{values}]);"#
            ));
        }
    }

    /// The program that gives, for a part of a period, what its answers are put together from: first the events of each
    /// bucket that it reads, then a list for each [`Definition::origins`]. The filters, the other devices and the
    /// stopwatch are still missing, and unless
    /// `categorized` the categories. `urls` is for those who are shown pages; who asks for windows sees none.
    pub(super) fn parts_program(&self, source: Source, categorized: bool, urls: Urls) -> String {
        let (mut reads, mut lines, mut lists) = (Lines::default(), Lines::default(), Vec::new());
        let mut count = 0;
        let bucket: &mut Bucket<'_> = &mut |id: &str| {
            let name = format!("bucket_{count}");
            count += 1;
            reads.add(format!("{name} = {};", query_bucket(id)));
            name
        };
        match source {
            Source::Activity => {
                for (i, device) in self.devices.iter().enumerate() {
                    self.device(device, Urls::Whole, &mut lines, bucket);
                    if categorized {
                        self.categorize("events", &mut lines);
                    }
                    lines.add(format!("list_{i} = events;"));
                    lists.push(format!("list_{i}"));
                }
            }
            Source::Browser => {
                for (i, device) in self.devices.iter().enumerate() {
                    lines.add(format!("events = flood({});", bucket(&device.window)));
                    browsers(device, urls, &mut lines, bucket);
                    for (browser, _) in &device.browsers {
                        lines.add(format!("list_{i}_{0} = events_{0};", browser.name));
                        lists.push(format!("list_{i}_{}", browser.name));
                    }
                }
            }
            Source::Editor => {
                for (i, editor) in self.devices.iter().flat_map(|device| &device.editors).enumerate() {
                    lines.add(format!("list_{i} = flood({});", bucket(editor)));
                    lists.push(format!("list_{i}"));
                }
            }
        }
        let buckets: Vec<String> = (0..count).map(|i| format!("bucket_{i}")).collect();
        reads.0.append(&mut lines.0);
        reads.add(format!(
            "RETURN = [[{}], [{}]];",
            buckets.join(", "),
            lists.join(", ")
        ));
        reads.0.join("\n")
    }

    /// The program that gives the events of the stopwatch.
    pub(super) fn stopwatch_program(&self) -> Option<String> {
        let stopwatch = self.stopwatch.as_ref()?;
        Some(format!("RETURN = {};", query_bucket(stopwatch)))
    }

    /// The program that gives `events` with their categories.
    pub(super) fn categories_program(&self) -> Option<String> {
        let categories = self.categories.as_ref()?;
        Some(format!("RETURN = categorize(events, {});", categories.text()))
    }
}

/// A string, or a list of strings.
fn literal(value: &Json) -> String {
    match value {
        Json::Array(names) => {
            let names: Vec<String> = names.iter().map(literal).collect();
            format!("[{}]", names.join(", "))
        }
        other => quote(other.as_str().unwrap_or_default()),
    }
}

/// Pages that were in front: `browser_events`, and `events_BROWSER` for each browser. Expects the windows in `events`.
fn browsers(device: &Device, urls: Urls, lines: &mut Lines, bucket: &mut Bucket<'_>) {
    lines.add("browser_events = [];");
    for (browser, id) in &device.browsers {
        let name = browser.name;
        let apps: Vec<String> = browser.apps.iter().map(|app| quote(app)).collect();
        let pattern = quote(&pattern(browser, &device.browsers));
        lines.add(format!("events_{name} = flood({});", bucket(id)));
        lines.add(format!(
            r#"window_{name} = filter_keyvals(events, "app", [{}]);"#,
            apps.join(", ")
        ));
        lines.add(format!(
            r#"window_{name}_re = filter_keyvals_regex(events, "app", {pattern});"#
        ));
        lines.add(format!(
            "window_{name} = sort_by_timestamp(concat(window_{name}, window_{name}_re));"
        ));
        lines.add(format!(
            "events_{name} = filter_period_intersect(events_{name}, window_{name});"
        ));
        if urls == Urls::Split {
            lines.add(format!("events_{name} = split_url_events(events_{name});"));
        }
        lines.add(format!("browser_events = concat(browser_events, events_{name});"));
        lines.add("browser_events = sort_by_timestamp(browser_events);");
    }
}

/// The name of a device in a program.
fn name(device: &Device, i: usize) -> String {
    let kept: String = device
        .hostname
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    format!("{kept}_{i}")
}
