//! Writes prepare on a snapshot what takes long, and other writes come between that and their decision: the outcome is
//! that of the same writes one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::plain::{Command, Plain, command, data_text, list, tell_once as tell};
use parking_lot::Mutex;
use proptest::prelude::*;
use timberline_cancel::Cancel;
use timberline_disk::{Cipher, SimDisk};
use timberline_log::Seq;
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::erasure::{Selected, Selection};
use timberline_views::history::{Undoing, Undone};
use timberline_views::tools::{check, differences};
use timberline_views::{BucketKey, Rebuild, Snapshot, Store, StoreOptions, TimeRange};

/// What comes between, or before.
#[derive(Clone, Debug)]
enum Other {
    Do(Command),
    Seal,
    Compact,
}

/// What is prepared without the lock.
#[derive(Clone, Debug)]
enum Act {
    Do(Command),
    /// The last command before is taken back.
    Undo(bool),
    /// What has this data gets another.
    Redact(u8),
    /// What has this data goes for good.
    Purge(u8),
}

/// All in one bucket, so that commands meet.
fn meeting() -> impl Strategy<Value = Command> {
    command().prop_map(|mut command| {
        match &mut command {
            Command::Create(b)
            | Command::Update(b, _)
            | Command::DeleteBucket(b)
            | Command::Archive(b, _) => *b = 0,
            // It names its buckets by their keys, which are looked up before.
            Command::Merge(from, into) => (*from, *into) = (0, 0),
            Command::Rename { bucket, .. }
            | Command::Heartbeat { bucket, .. }
            | Command::Insert { bucket, .. }
            | Command::Put { bucket, .. }
            | Command::Import { bucket, .. }
            | Command::DeleteEvent { bucket, .. } => *bucket = 0,
            Command::Heartbeats(beats) => beats.iter_mut().for_each(|beat| beat.0 = 0),
            Command::Set(..) | Command::Unset(_) => {}
        }
        command
    })
}

fn other() -> impl Strategy<Value = Other> {
    prop_oneof![
        8 => meeting().prop_map(Other::Do),
        1 => Just(Other::Seal),
        1 => Just(Other::Compact),
    ]
}

/// Mostly what changes events that are there.
fn meddling() -> impl Strategy<Value = Other> {
    let put = (any::<u8>(), (0i64..40).prop_map(|s| s * 500_000_000), 0u8..5);
    prop_oneof![
        4 => any::<u8>().prop_map(|rank| Other::Do(Command::DeleteEvent { bucket: 0, rank })),
        4 => put.prop_map(|(rank, start, data)| {
            let events = vec![(Some(rank), start, 0, data)];
            Other::Do(Command::Put { bucket: 0, events })
        }),
        4 => other(),
        1 => Just(Other::Seal),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => meeting().prop_map(Act::Do),
        4 => any::<bool>().prop_map(Act::Undo),
        3 => (0u8..5).prop_map(Act::Redact),
        2 => (0u8..5).prop_map(Act::Purge),
    ]
}

const REDACTED: &str = r#"{"app":"redacted"}"#;

/// A store, and the model that tells which events commands mean.
struct World {
    disk: SimDisk,
    store: Arc<Store>,
    plain: Plain,
}

/// What came of an act.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Undone(Undone),
    Erased(bool),
}

/// What an act is about, found before anything comes between.
enum Aim {
    Command(Command, Plain),
    Undo(Seq, Seq, Undoing),
    Redact(Selected, String),
    Purge(Selected),
}

impl World {
    fn new(seed: u64) -> World {
        let disk = SimDisk::new(seed);
        let store = Arc::new(open(&disk, false));
        World {
            disk,
            store,
            plain: Plain::new(),
        }
    }

    fn act(&mut self, other: &Other) {
        act_on(&self.store, &mut self.plain, other);
    }

    fn aim(&self, act: &Act, last: (Seq, Seq)) -> Option<Aim> {
        let select = |data: u8| {
            let text = data_text(data);
            let selection = Selection {
                buckets: Vec::new(),
                ids: None,
                range: TimeRange::ALL,
                data: &|data| data == text,
            };
            self.store.select(&selection, 0, &Cancel::new()).expect("is read")
        };
        Some(match act {
            Act::Do(command) => Aim::Command(command.clone(), self.plain.clone()),
            Act::Undo(_) if last.0 > last.1 => return None,
            Act::Undo(all) => Aim::Undo(
                last.0,
                last.1,
                if *all { Undoing::All } else { Undoing::Possible },
            ),
            Act::Redact(data) => Aim::Redact(select(*data), data_text(*data)),
            Act::Purge(data) => Aim::Purge(select(*data)),
        })
    }

    fn hit(&mut self, aim: &Aim) -> Outcome {
        match aim {
            Aim::Command(command, before) => {
                tell(&self.store, before, command).expect("is stored");
                Outcome::Done
            }
            Aim::Undo(from, to, undoing) => Outcome::Undone(
                self.store
                    .undo(*from, *to, *undoing, &Cancel::new())
                    .expect("is undone")
                    .0,
            ),
            Aim::Redact(selected, data) => {
                let new = |text: &str| (text == data).then(|| REDACTED.to_owned());
                Outcome::Erased(self.store.redact(selected, &new).expect("is redacted").is_some())
            }
            Aim::Purge(selected) => {
                Outcome::Erased(self.store.purge(selected.purges()).expect("is purged").is_some())
            }
        }
    }
}

fn act_on(store: &Store, plain: &mut Plain, other: &Other) {
    match other {
        Other::Do(command) => {
            tell(store, plain, command).expect("is stored");
            plain.apply(command);
        }
        Other::Seal => store.flush(1).expect("seals"),
        Other::Compact => drop(store.compact().expect("compacts")),
    }
}

fn open(disk: &SimDisk, anew: bool) -> Store {
    let options = StoreOptions {
        background: false,
        segment_bytes: 64 << 10,
        cipher: Some(Arc::new(Cipher::taken_into_use(&[7; 32]))),
        ..StoreOptions::default()
    };
    let (log, views) = (disk.dir("log"), disk.dir("views"));
    Store::open_on(
        log,
        views,
        options,
        if anew { Rebuild::Yes } else { Rebuild::No },
        &mut |_, _| {},
    )
    .expect("opens")
    .0
}

type Shown = Vec<(String, BucketKey, u64, Vec<crate::plain::Event>)>;

/// Everything but what the next heartbeat is compared with: an undo leaves that alone if others came between.
fn shown(snapshot: &Snapshot) -> (Shown, Vec<BucketKey>, Vec<(String, String)>) {
    let buckets = snapshot.buckets().map(|view| {
        (
            format!("{:?}", view.bucket()),
            view.key(),
            view.len(),
            list(view, TimeRange::ALL),
        )
    });
    let settings = snapshot.settings().iter();
    (
        buckets.collect(),
        snapshot.trashed().map(|trashed| trashed.view().key()).collect(),
        settings
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|c| c.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(400),
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn what_comes_between_counts_as_before(
        before in prop::collection::vec(other(), 1..60),
        undone in meeting(),
        act in act(),
        between in prop::collection::vec(prop::collection::vec(meddling(), 1..6), 1..4),
        seed in any::<u64>(),
    ) {
        let (mut one, mut two) = (World::new(seed), World::new(seed));
        let mut last = (Seq::NONE, Seq::NONE);
        for world in [&mut one, &mut two] {
            world.act(&Other::Do(Command::Create(0)));
            before.iter().for_each(|step| world.act(step));
            let from = world.store.snapshot().seq().next();
            world.act(&Other::Do(undone.clone()));
            last = (from, world.store.snapshot().seq());
        }
        let (Some(aim), Some(same_aim)) = (one.aim(&act, last), two.aim(&act, last)) else {
            return Ok(());
        };

        // A redaction is decided event by event if others come between: what comes later is after it.
        let most = if matches!(act, Act::Redact(..)) { 1 } else { between.len() };
        let mut left: VecDeque<_> = between.into_iter().take(most).collect();
        // An undo that was tried twice in vain holds off view segments. A hook that makes one would wait for itself.
        for steps in left.iter_mut().skip(2) {
            steps.retain(|step| matches!(step, Other::Do(_)));
        }
        let came = Arc::new(Mutex::new((left, Vec::new(), one.plain.clone())));
        let (store, hook_came) = (Arc::downgrade(&one.store), came.clone());
        one.store.interleave(Some(Box::new(move || {
            let (left, done, plain) = &mut *hook_came.lock();
            if let (Some(store), Some(steps)) = (store.upgrade(), left.pop_front()) {
                steps.iter().for_each(|step| act_on(&store, plain, step));
                done.extend(steps);
            }
        })));
        let outcome = one.hit(&aim);
        one.store.interleave(None);

        came.lock().1.iter().for_each(|step| two.act(step));
        prop_assert_eq!(&outcome, &two.hit(&same_aim), "{:?}", act);
        prop_assert_eq!(shown(&one.store.snapshot()), shown(&two.store.snapshot()), "{:?}", act);

        // What was looked up before the lock makes the same of the records as reading does.
        let snapshot = one.store.snapshot();
        prop_assert_eq!(check(&snapshot), Vec::<String>::new());
        drop(came);
        drop(one.store);
        let anew = open(&one.disk, true);
        prop_assert_eq!(differences(&snapshot, &anew.snapshot()), Vec::<String>::new());
    }
}

/// Three events, sealed; the hook does something to them each time a write is about to be decided, so many times.
fn meddled(times: usize, meddle: fn(&Store, usize)) -> (World, (Seq, Seq)) {
    let mut world = World::new(1);
    world.act(&Other::Do(Command::Create(0)));
    let from = world.store.snapshot().seq().next();
    let events = vec![(0, 0, 1), (10_000_000_000, 0, 1), (20_000_000_000, 0, 1)];
    world.act(&Other::Do(Command::Insert { bucket: 0, events }));
    let records = (from, world.store.snapshot().seq());
    world.act(&Other::Seal);
    let store = Arc::downgrade(&world.store);
    let mut count = 0;
    world.store.interleave(Some(Box::new(move || {
        if let Some(store) = store.upgrade().filter(|_| count < times) {
            meddle(&store, count);
        }
        count += 1;
    })));
    (world, records)
}

/// Id, duration and data of each event, the newest first.
fn events(store: &Store) -> Vec<(u64, i64, String)> {
    let snapshot = store.snapshot();
    let bucket = snapshot.bucket("bucket-0").expect("is there");
    let all = list(bucket, TimeRange::ALL).into_iter();
    all.map(|(id, _, duration, data)| (id, duration, data)).collect()
}

fn put(store: &Store, id: u64, data: u8) {
    let event = NewEvent {
        id: Some(EventId(id)),
        start: Timestamp::from_nanos((id as i64 - 1) * 10_000_000_000),
        duration: Duration::ZERO,
        data: data_text(data).into(),
    };
    store.insert_events("bucket-0", &[event]).expect("is stored");
}

#[test]
fn a_redaction_leaves_deleted_what_was_deleted_meanwhile_and_changed_what_was_changed() {
    let (mut world, _) = meddled(1, |store, _| {
        assert!(store.delete_event("bucket-0", EventId(1)).expect("is deleted").0);
        put(store, 2, 3);
    });
    let aim = world
        .aim(&Act::Redact(1), (Seq::NONE, Seq::NONE))
        .expect("an aim");
    world.hit(&aim);
    let expected = [(3, 0, REDACTED.to_owned()), (2, 0, data_text(3))];
    assert_eq!(events(&world.store), expected);
}

#[test]
fn an_event_that_is_extended_all_the_while_is_redacted() {
    let (mut world, _) = meddled(usize::MAX, |store, count| {
        let beat = Heartbeat {
            start: Timestamp::from_nanos(21_000_000_000 + count as i64 * 1_000_000_000),
            duration: Duration::ZERO,
            data: data_text(1).into(),
        };
        let minute = Pulsetime::from_nanos(60_000_000_000);
        store.heartbeat("bucket-0", &beat, minute).expect("is stored");
    });
    let aim = world
        .aim(&Act::Redact(1), (Seq::NONE, Seq::NONE))
        .expect("an aim");
    world.hit(&aim);
    world.store.interleave(None);
    let events = events(&world.store);
    assert!(
        events
            .iter()
            .any(|(id, duration, data)| (*id, data.as_str()) == (3, REDACTED) && *duration > 0),
        "{events:?}"
    );
    assert!(
        events
            .iter()
            .filter(|(id, ..)| *id < 3)
            .all(|(.., data)| data == REDACTED),
        "{events:?}"
    );
}

#[test]
fn an_undo_leaves_what_was_changed_meanwhile() {
    let meddle = |store: &Store, _: usize| {
        put(store, 1, 2);
        let _ = store.delete_event("bucket-0", EventId(2)).expect("is deleted");
    };
    let (mut world, records) = meddled(1, meddle);
    let aim = world.aim(&Act::Undo(false), records).expect("an aim");
    let Outcome::Undone(undone) = world.hit(&aim) else {
        panic!("not undone")
    };
    assert_eq!(
        (undone.events_removed, undone.conflicts.len()),
        (1, 2),
        "{undone:?}"
    );
    assert_eq!(events(&world.store), [(1, 0, data_text(2))]);

    let (mut world, records) = meddled(1, meddle);
    let aim = world.aim(&Act::Undo(true), records).expect("an aim");
    let Outcome::Undone(undone) = world.hit(&aim) else {
        panic!("not undone")
    };
    assert_eq!(undone.conflicts.len(), 2, "{undone:?}");
    assert_eq!(events(&world.store).len(), 2, "nothing of it was done");
}

#[test]
fn view_segments_that_come_all_the_while_keep_no_write_from_being_decided() {
    let meddle = |store: &Store, count: usize| {
        let event = NewEvent {
            id: None,
            start: Timestamp::from_nanos(100_000_000_000 + count as i64),
            duration: Duration::ZERO,
            data: "{}".into(),
        };
        store.insert_events("bucket-0", &[event]).expect("is stored");
        // A redaction and an undo that were tried in vain hold this off.
        let snapshot = store.snapshot();
        let segments = snapshot.bucket("bucket-0").expect("is there").segment_count();
        if segments < 4 {
            store.flush(1).expect("seals");
        }
    };
    let (mut world, records) = meddled(usize::MAX, meddle);
    put(&world.store, 2, 3);
    assert!(
        world
            .store
            .delete_event("bucket-0", EventId(2))
            .expect("is deleted")
            .0
    );
    let aim = world.aim(&Act::Redact(1), records).expect("an aim");
    world.hit(&aim);
    world.store.interleave(None);
    let redacted = events(&world.store)
        .into_iter()
        .filter(|(.., data)| data == REDACTED);
    assert_eq!(redacted.count(), 2);
}
