//! The same queries to Timberline and to aw-core 0.5.18, the engine of aw-server. They give the same but where a
//! difference is listed: `aw_core/differences.rs` has all of them, each with an example of what either answers.
//! `docs/query.md` tells users.

mod comparable;
mod differences;
mod events;
mod notation;
mod python;
mod shapes;

use self::comparable::draft;
use self::differences::DIFFERENCES;
use self::python::AwCore;
use self::shapes::Shape;
use crate::harness::{Stage, property};
use crate::reference::buckets::{Bucket, Buckets, Period};
use crate::reference::program::{Answer, Program};
use crate::reference::{Event, SECOND, equal};
use proptest::prelude::*;
use serde_json::Value as Json;
use timberline_model::{Duration, Timestamp};

/// aw-core's periods end a millisecond later than is said: the difference "a period ends a millisecond later".
fn a_millisecond_less(period: Period) -> Period {
    Period {
        end: period.end - SECOND / 1000,
        ..period
    }
}

/// New buckets of these events.
fn fill(stage: &Stage, lists: Vec<(&str, Vec<Event>)>) -> Buckets {
    stage.clear();
    let mut buckets = Buckets::new();
    for (name, mut events) in lists {
        stage.create(name, "host");
        let ids = stage.insert(name, &events);
        for (event, id) in events.iter_mut().zip(ids) {
            event.id = Some(id);
        }
        let hostname = "host".to_owned();
        buckets.insert(name.to_owned(), Bucket { hostname, events });
    }
    buckets
}

#[test]
fn two_thousand_random_programs_give_the_same_in_aw_core() {
    let stage = Stage::new();
    let aw_core = AwCore::start();
    let keys = ["app", "title", "n", "list"];
    let shapes = [
        ("window_host", Shape::tidy(&keys)),
        ("afk_host", Shape::tidy(&keys)),
        ("web_host", Shape::tidy(&["app", "title", "n", "list", "url"])),
        ("messy_host", Shape::messy()),
    ];
    let lists = (
        events::tidy(false),
        events::tidy(false),
        events::tidy(true),
        events::messy(),
    );
    let case = (draft(12), lists, events::period(), any::<bool>());
    property(
        2_000,
        case,
        |(draft, (window, afk, web, messy), period, found)| {
            let names = shapes.iter().map(|(name, _)| *name);
            let buckets = fill(&stage, names.zip([window, afk, web, messy]).collect());
            let (program, shapes) = draft.program(&shapes);
            let mut text = program.to_string();
            if found {
                text = text.replace(
                    "query_bucket(\"window_host\")",
                    "query_bucket(find_bucket(\"window_\"))",
                );
            }
            let ours = stage.ask(&text, &[period]);
            let theirs = aw_core.ask(&text, &buckets, a_millisecond_less(period));
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => same(&program, &shapes, &ours, &theirs, &text)?,
                (ours, theirs) => prop_assert!(false, "{ours:?}\n{theirs:?}\n{text}"),
            }
            Ok(())
        },
    );
}

/// Compares the answers of one program, each as its shape allows.
fn same(
    program: &Program,
    shapes: &[Option<Shape>],
    ours: &str,
    theirs: &Json,
    text: &str,
) -> Result<(), TestCaseError> {
    let ours: Vec<Json> = serde_json::from_str(ours).expect("JSON");
    let [ours] = ours.as_slice() else {
        panic!("one period, one result")
    };
    let list = |json: &Json| match program.answers.len() {
        1 => vec![json.clone()],
        _ => json.as_array().expect("a list").clone(),
    };
    let answers = list(ours).into_iter().zip(list(theirs));
    for (place, (ours, theirs)) in answers.enumerate() {
        match (&program.answers[place], &shapes[place]) {
            (Answer::Number(_), _) => {
                prop_assert_eq!(ours.as_f64(), theirs.as_f64(), "answer {}\n{}", place, text)
            }
            (Answer::Events(_), Some(shape)) => {
                let ours = comparable(
                    ours.as_array().expect("events").iter().map(event).collect(),
                    shape,
                );
                let theirs = theirs.as_array().expect("events").iter().map(python::event);
                let theirs = comparable(theirs.collect(), shape);
                let is_same =
                    ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| same_event(a, b));
                prop_assert!(
                    is_same,
                    "answer {}\nours {:#?}\ntheirs {:#?}\n{}",
                    place,
                    ours,
                    theirs,
                    text
                );
            }
            (Answer::Events(_), None) => panic!("events have a shape"),
        }
    }
    Ok(())
}

/// An event of ours.
fn event(json: &Json) -> Event {
    let start = Timestamp::parse(json["timestamp"].as_str().expect("a time"));
    let duration = Duration::parse(&json["duration"].to_string());
    Event {
        start: start.expect("a time").nanos(),
        duration: duration.expect("seconds").nanos(),
        id: json["id"].as_u64(),
        data: json["data"].as_object().expect("data").clone(),
    }
}

fn same_event(a: &Event, b: &Event) -> bool {
    let data = |event: &Event| Json::Object(event.data.clone());
    (a.start, a.duration, a.id) == (b.start, b.duration, b.id) && equal(&data(a), &data(b))
}

/// What is compared of events: what both agree in. Each line is named after the difference it is for.
fn comparable(mut events: Vec<Event>, shape: &Shape) -> Vec<Event> {
    for event in &mut events {
        // "the query of a URL"
        if event.data.remove("$identifier").is_some() {
            let query = event.data.remove("$options").expect("always with $identifier");
            event.data.insert("$params".to_owned(), query);
        }
        // "merged events keep only the keys", "chunks have subevents"
        if let Some(only) = &shape.only {
            event.data.retain(|key, _| only.iter().any(|shown| shown == key));
        }
        // "parts keep the id", "chunks have subevents", "flood does not join all that are equal"
        if !shape.ids {
            event.id = None;
        }
    }
    // "flood does not join all that are equal"
    if shape.joined {
        events.dedup_by(|next, last| {
            let joins = last.end() == next.start && last.data == next.data;
            last.duration += if joins { next.duration } else { 0 };
            joins
        });
    }
    events
}

/// Prints the list as Markdown, too, for `docs/query.md`.
#[test]
fn each_difference_is_as_it_is_listed() {
    let stage = Stage::new();
    let aw_core = AwCore::start();
    let mut wrong = Vec::new();
    for difference in DIFFERENCES.iter().copied().flatten() {
        println!(
            "| {} | {} | {} |",
            difference.name, difference.what, difference.compared
        );
        let [b, c] = [difference.b, difference.c].map(notation::events);
        let buckets = fill(
            &stage,
            vec![("b", b), ("c", c), ("aw-watcher-afk_host", Vec::new())],
        );
        let all = buckets.values().flat_map(|bucket| &bucket.events);
        let first = all.filter_map(|event| event.id).min().unwrap_or(1);
        let period = notation::period(difference.period);
        let ours = notation::ours(stage.ask(difference.program, &[period]), first);
        let theirs = notation::theirs(aw_core.ask(difference.program, &buckets, period), first);
        if (ours.as_str(), theirs.as_str()) != (difference.timberline, difference.aw_core) {
            wrong.push(format!(
                "{}\n  timberline: {ours}\n  aw_core:    {theirs}",
                difference.name
            ));
        }
        if ours == theirs {
            wrong.push(format!("{} is no difference: {ours}", difference.name));
        }
    }
    assert!(wrong.is_empty(), "these are not as listed:\n{}", wrong.join("\n"));
}
