//! Edits of events: each is one unit that an undo takes back, whatever came before, also from an encrypted and reopened
//! store, and none is based on what an event no longer is. `edit_crashes` has squashed logs and power cuts.

use std::sync::Arc;

use crate::plain::{Command, Plain, command, same, tell};
use proptest::prelude::*;
use timberline_cancel::Cancel;
use timberline_disk::{Cipher, SimDisk};
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::history::Undoing;
use timberline_views::{
    Edit, EditPlan, HistoryError, Rebuild, Snapshot, Store, StoreOptions, TimeRange, as_part, as_put,
};

const SECOND: i64 = 1_000_000_000;

/// An edit of some of the events of a bucket.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Data,
    Move(i64),
    Split,
    Merge,
    Delete,
}

pub(crate) fn change() -> impl Strategy<Value = (Change, prop::sample::Index, Vec<prop::sample::Index>)> {
    let change = prop_oneof![
        Just(Change::Data),
        (-3i64..4).prop_map(|seconds| Change::Move(seconds * SECOND)),
        Just(Change::Split),
        Just(Change::Merge),
        Just(Change::Delete),
    ];
    (
        change,
        any::<prop::sample::Index>(),
        prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    )
}

fn open(disk: &SimDisk, seed: u64) -> Store {
    let options = StoreOptions {
        background: false,
        segment_bytes: 64 << 10,
        cipher: (seed % 2 == 1).then(|| Arc::new(Cipher::taken_into_use(&[7; 32]))),
        ..StoreOptions::default()
    };
    let opened = Store::open_on(
        disk.dir("log"),
        disk.dir("views"),
        options,
        Rebuild::No,
        &mut |_, _| {},
    );
    opened.expect("opens").0
}

fn plan(change: &Change, events: &[timberline_model::Event]) -> EditPlan {
    let mut plan = EditPlan::default();
    for event in events {
        match change {
            Change::Data => {
                let mut put = as_put(event);
                put.data = r#"{"edited":true}"#.into();
                plan.put.push(put);
            }
            Change::Move(by) => {
                let mut put = as_put(event);
                put.start = put.start.saturating_add(Duration::from_nanos(*by));
                plan.put.push(put);
            }
            Change::Split => {
                let middle = Timestamp::from_nanos(event.start.nanos() + event.duration.nanos() / 2);
                let mut first = as_part(event, event.start, middle);
                first.id = Some(event.id);
                plan.put.extend([first, as_part(event, middle, event.end())]);
            }
            Change::Merge | Change::Delete => plan.removed.push(event.id),
        }
    }
    if let (Change::Merge, Some(first)) = (change, events.first()) {
        plan.removed.remove(0);
        let end = events.iter().map(timberline_model::Event::end).max();
        let mut put = as_part(first, first.start, end.unwrap_or(first.start).max(first.start));
        put.id = Some(first.id);
        plan.put.push(put);
    }
    plan
}

/// The first and the last record of an edit.
pub(crate) type Records = (timberline_log::Seq, timberline_log::Seq);

/// Edits events of the so-manieth bucket. Gives back the records.
pub(crate) fn edit(
    store: &Store,
    change: &Change,
    bucket: prop::sample::Index,
    which: &[prop::sample::Index],
) -> Result<Option<Records>, HistoryError> {
    let snapshot: Arc<Snapshot> = store.snapshot();
    let views: Vec<_> = snapshot.buckets().filter(|view| !view.is_empty()).collect();
    if views.is_empty() {
        return Ok(None);
    }
    let view = views[bucket.index(views.len())];
    let all: Vec<EventId> = view
        .events(TimeRange::ALL)
        .expect("is read")
        .map(|event| event.expect("is read").id())
        .collect();
    let mut ids: Vec<EventId> = which.iter().map(|index| all[index.index(all.len())]).collect();
    ids.sort_unstable();
    ids.dedup();
    let edits = [Edit {
        bucket: view.key(),
        ids,
    }];
    let edited = store.edit_events::<HistoryError>(&edits, &|_, events| Ok(plan(change, events)))?;
    Ok(edited.records.map(|(first, receipt)| (first, receipt.seq)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn every_edit_is_undone_whatever_was_before_and_after_it(
        commands in prop::collection::vec((command(), 0u8..10), 1..40),
        edits in prop::collection::vec(change(), 1..5),
        restarts in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let disk = SimDisk::new(seed);
        let (mut store, mut plain) = (open(&disk, seed), Plain::new());
        for (command, then) in commands {
            tell(&store, &plain, &command).expect("is stored");
            plain.apply(&command);
            match then {
                0 => store.flush(1).expect("is flushed"),
                1 => store.checkpoint().expect("is written"),
                _ => {}
            }
        }
        let mut done = Vec::new();
        for (change, bucket, which) in &edits {
            done.extend(edit(&store, change, *bucket, which).expect("is edited"));
        }
        if restarts {
            drop(store);
            store = open(&disk, seed);
        }
        for (from, to) in done.into_iter().rev() {
            let (undone, _) = store.undo(from, to, Undoing::All, &Cancel::new()).expect("is undone");
            prop_assert!(undone.conflicts.is_empty(), "{undone:?}");
        }
        same(&store.snapshot(), &plain, 0, 10 * SECOND)?;
        // Heartbeats go on with the same event as before.
        for bucket in 0..3 {
            let beat = Command::Heartbeat { bucket, start: 30 * SECOND, duration: 0, pulsetime: 60 * SECOND, data: 1 };
            plain.next = plain.next.max(next_event(&store));
            tell(&store, &plain, &beat).expect("is stored");
            plain.apply(&beat);
        }
        same(&store.snapshot(), &plain, 0, 40 * SECOND)?;
    }
}

/// Ids that an edit gave stay used.
fn next_event(store: &Store) -> u64 {
    let id = "probe";
    store.create_bucket(&crate::plain::bucket(id)).expect("is made");
    let event = timberline_model::NewEvent {
        id: None,
        start: Timestamp::EPOCH,
        duration: Duration::ZERO,
        data: "{}".into(),
    };
    let (ids, _) = store.insert_events(id, &[event]).expect("is stored");
    store.delete_bucket(id).expect("is deleted");
    ids[0].0 + 1
}

/// The event is extended after it was looked at: the edit is made of what it is then.
#[test]
fn an_edit_of_an_event_that_changes_meanwhile_is_made_again() {
    let disk = SimDisk::new(0);
    let (store, mut plain) = (Arc::new(open(&disk, 0)), Plain::new());
    let beat = |second: i64| Command::Heartbeat {
        bucket: 0,
        start: second * SECOND,
        duration: 0,
        pulsetime: 5 * SECOND,
        data: 1,
    };
    for command in [Command::Create(0), beat(1)] {
        tell(&store, &plain, &command).expect("is stored");
        plain.apply(&command);
    }
    let key = store.snapshot().buckets().next().expect("is there").key();
    let edits = [Edit {
        bucket: key,
        ids: vec![EventId(1)],
    }];
    let seen = std::cell::RefCell::new(Vec::new());
    let edited = store.edit_events::<HistoryError>(&edits, &|_, events| {
        if seen.borrow().is_empty() {
            tell(&store, &plain, &beat(3)).expect("is stored");
        }
        seen.borrow_mut().push(events[0].duration.nanos() / SECOND);
        Ok(plan(&Change::Data, events))
    });
    assert!(edited.expect("is edited").records.is_some());
    assert_eq!(seen.into_inner(), [0, 2]);
    let snapshot = store.snapshot();
    let view = snapshot.bucket_of(key).expect("is there");
    let event = view.event(EventId(1)).expect("is read").expect("is there");
    assert_eq!(
        (event.duration.nanos(), event.data.as_str()),
        (2 * SECOND, r#"{"edited":true}"#)
    );
}
