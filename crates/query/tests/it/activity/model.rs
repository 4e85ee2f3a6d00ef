//! The definition of activity, said with the plain functions of the reference and nothing of the engine's.

use serde_json::{Value as Json, json};
use timberline_query::activity::{Dimension, Filter, Source};

use super::{Question, Span};
use crate::reference::Event;
use crate::reference::buckets::{Bucket, Period, query_bucket};
use crate::reference::data::{Rule, categorize, split_url_events};
use crate::reference::periods::{filter_period_intersect, flood, period_union, union_no_overlap};
use crate::reference::select::{concat, filter_keyvals, filter_keyvals_regex, sort_by_timestamp};

/// The names and the pattern of each browser in the test.
const BROWSERS: [(&str, &[&str], &str); 2] = [
    (
        "chrome",
        &["com.google.Chrome", "org.chromium.Chromium"],
        r"(?i)^(google[-_ ]?chrome|chrome|chromium|arc(\.exe)?$|dia(\.exe)?$|helium(\.exe)?$)",
    ),
    (
        "firefox",
        &["org.mozilla.firefox"],
        "(?i)(firefox|librewolf|waterfox|nightly)",
    ),
];

struct Device<'a> {
    read: &'a dyn Fn(&str) -> Vec<Event>,
    question: &'a Question,
    host: &'a str,
}

impl Device<'_> {
    fn bucket(&self, id: &str) -> Vec<Event> {
        let bucket = Bucket {
            hostname: self.host.to_owned(),
            events: (self.read)(id),
        };
        let (start, end) = self.question.period;
        query_bucket(&bucket, Period { start, end })
    }

    fn windows(&self) -> Vec<Event> {
        flood(&self.bucket(&format!("aw-watcher-window_{}", self.host)))
    }

    fn pages(&self) -> Vec<Event> {
        let mut pages = Vec::new();
        for (name, apps, pattern) in BROWSERS {
            let events = flood(&self.bucket(&format!("aw-watcher-web-{name}_{}", self.host)));
            let apps: Vec<Json> = apps.iter().map(|app| Json::from(*app)).collect();
            let named = filter_keyvals(&self.windows(), "app", &apps);
            let alike = filter_keyvals_regex(&self.windows(), "app", pattern);
            let windows = sort_by_timestamp(&concat(&[named, alike]));
            let events = split_url_events(&filter_period_intersect(&events, &windows));
            pages = sort_by_timestamp(&concat(&[pages, events]));
        }
        pages
    }

    fn activity(&self) -> Vec<Event> {
        let windows = self.windows();
        if !self.question.filter_afk {
            return windows;
        }
        let status = flood(&self.bucket(&format!("aw-watcher-afk_{}", self.host)));
        let mut there = filter_keyvals(&status, "status", &[json!("not-afk")]);
        if !self.question.always_active.is_empty() {
            for key in ["app", "title"] {
                let active = filter_keyvals_regex(&windows, key, self.question.always_active);
                there = period_union(&there, &active);
            }
        }
        if self.question.audible {
            there = period_union(&there, &filter_keyvals(&self.pages(), "audible", &[json!(true)]));
        }
        filter_period_intersect(&windows, &there)
    }
}

/// The spans of a source.
pub(super) fn spans(read: &dyn Fn(&str) -> Vec<Event>, question: &Question, source: Source) -> Vec<Span> {
    as_spans(&events(read, question, source))
}

/// The spans that are added up: each part of one that lies in an event of every other source that something is filtered by.
pub(super) fn summed(read: &dyn Fn(&str) -> Vec<Event>, question: &Question, source: Source) -> Vec<Span> {
    let mut all = events(read, question, source);
    for other in [Source::Activity, Source::Browser, Source::Editor] {
        let by_category = other == Source::Activity && !question.filter_categories.is_empty();
        let filters = question.filters.iter().any(|filter| filter.by.source() == other);
        if other != source && (by_category || filters) {
            let meanwhile = period_union(&events(read, question, other), &[]);
            all = filter_period_intersect(&all, &meanwhile);
        }
    }
    as_spans(&all)
}

fn as_spans(events: &[Event]) -> Vec<Span> {
    let span = |event: &Event| (event.start, event.duration, Json::Object(event.data.clone()));
    events.iter().map(span).collect()
}

fn events(read: &dyn Fn(&str) -> Vec<Event>, question: &Question, source: Source) -> Vec<Event> {
    let device = |host: &&'static str| Device { read, question, host };
    let devices: Vec<Device<'_>> = question.devices.iter().map(device).collect();
    match source {
        Source::Activity => activity(&devices, question),
        Source::Browser => {
            let pages = concat(&devices.iter().map(Device::pages).collect::<Vec<_>>());
            filtered(sort_by_timestamp(&pages), question, source)
        }
        Source::Editor => {
            let editors = devices.iter().filter(|device| device.host == "one");
            let files = concat(
                &editors
                    .map(|device| flood(&device.bucket("aw-watcher-vim_one")))
                    .collect::<Vec<_>>(),
            );
            filtered(files, question, source)
        }
    }
}

/// The events that pass all filters of their source.
fn filtered(mut events: Vec<Event>, question: &Question, source: Source) -> Vec<Event> {
    for Filter { by, values } in &question.filters {
        if by.source() == source {
            let key = match by {
                Dimension::App => "app",
                Dimension::Title => "title",
                Dimension::Domain => "$domain",
                Dimension::Url => "url",
                Dimension::Project => "project",
                Dimension::File => "file",
                _ => "language",
            };
            let values: Vec<Json> = values.iter().cloned().map(Json::from).collect();
            events = filter_keyvals(&events, key, &values);
        }
    }
    events
}

fn activity(devices: &[Device<'_>], question: &Question) -> Vec<Event> {
    let several = devices.len() > 1;
    let mut all = Vec::new();
    for device in devices {
        let mut events = device.activity();
        if several {
            events = wanted(&events, question);
        }
        all = union_no_overlap(&all, &events);
    }
    if question.stopwatch
        && let Some(device) = devices.first()
    {
        all = union_no_overlap(&device.bucket("aw-stopwatch"), &all);
    }
    wanted(&all, question)
}

fn wanted(events: &[Event], question: &Question) -> Vec<Event> {
    let rule = |pattern: &str, ignore_case| Rule {
        regex: Some(pattern.to_owned()),
        ignore_case: Some(ignore_case),
        ..Rule::default()
    };
    let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let rules = [
        (path(&["Work"]), rule(r"vim|\.rs", false)),
        (path(&["Work", "Code"]), rule("github", true)),
    ];
    let events = filtered(categorize(events, &rules), question, Source::Activity);
    if question.filter_categories.is_empty() {
        return events;
    }
    let values: Vec<Json> = question
        .filter_categories
        .iter()
        .map(|path| Json::from(path.clone()))
        .collect();
    filter_keyvals(&events, "$category", &values)
}
