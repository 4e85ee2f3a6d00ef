//! The log is damaged, and then the checkpoint is, too: what only the old view segments still hold is written back into the
//! log, nothing that went comes back, and what is in doubt stays in a file that is kept.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::plain::{Command, Event, Plain, list, tell};
use proptest::prelude::*;
use proptest::test_runner::Config;
use tempfile::TempDir;
use timberline_cancel::Cancel;
use timberline_disk::{Cipher, FileStorage};
use timberline_log::{Seq, segment_name};
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::erasure::Selection;
use timberline_views::history::ChangeKind;
use timberline_views::record::{PurgeBegun, PurgedEvents, Through};
use timberline_views::time_trust::Clock;
use timberline_views::tools::{check, check_start, explain};
use timberline_views::{OpenReport, Rebuild, Snapshot, Store, StoreOptions, TimeRange};

const SECOND: i64 = 1_000_000_000;
const KEY: [u8; 32] = [9; 32];

fn cases() -> u32 {
    let given = std::env::var("TIMBERLINE_CASES").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(40)
}

struct World {
    dir: TempDir,
    options: StoreOptions,
    clock: Arc<AtomicI64>,
}

/// The events of each bucket, by its id.
type Shown = BTreeMap<String, Vec<Event>>;

fn shown(snapshot: &Snapshot) -> Shown {
    let all = snapshot.buckets();
    all.map(|view| (view.bucket().id.clone(), list(view, TimeRange::ALL)))
        .collect()
}

impl World {
    fn new(encrypted: bool) -> World {
        let clock = Arc::new(AtomicI64::new(SECOND));
        let now = clock.clone();
        let options = StoreOptions {
            background: false,
            segment_bytes: 16 << 10,
            erase_after: std::time::Duration::from_secs(10),
            history: std::time::Duration::from_secs(20),
            clock: Clock::of(move || Timestamp::from_nanos(now.load(Ordering::Relaxed))),
            cipher: encrypted.then(|| Arc::new(Cipher::taken_into_use(&KEY))),
            ..StoreOptions::default()
        };
        World {
            dir: tempfile::tempdir().unwrap(),
            options,
            clock,
        }
    }

    fn open_in(&self, views: &str) -> (Store, OpenReport) {
        let storage = |name: &str| Arc::new(FileStorage::open(self.path(name)).unwrap());
        for name in ["log", views] {
            fs::create_dir_all(self.path(name)).unwrap();
        }
        let options = self.options.clone();
        Store::open_on(
            storage("log"),
            storage(views),
            options,
            Rebuild::No,
            &mut |_, _| {},
        )
        .unwrap()
    }

    fn open(&self) -> (Store, OpenReport) {
        self.open_in("views")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * SECOND, Ordering::Relaxed);
    }

    /// Where the records of the log lie: number, file, offset, bytes.
    fn records(&self, store: &Store) -> Vec<(Seq, PathBuf, u64, u64)> {
        let mut records = store.log().unwrap().read_from(Seq::FIRST).unwrap();
        let mut all = Vec::new();
        while let Some(record) = records.next() {
            let record = record.unwrap();
            let file = self.path("log").join(segment_name(record.position.segment));
            all.push((record.seq, file, record.position.offset, record.size()));
        }
        all
    }

    /// Damages a record of the log; nobody has the store open.
    fn damage_record(&self, seq: Seq) {
        let (store, _) = self.open();
        let record = self.records(&store).into_iter().find(|r| r.0 == seq).unwrap();
        drop(store);
        flip(&record.1, record.2 + 40);
    }

    /// The checkpoint and its copy.
    fn damage_checkpoints(&self) {
        for name in ["views/checkpoint", "views/checkpoint.copy"] {
            self.damage_middle(name);
        }
    }

    fn damage_middle(&self, name: &str) {
        let path = self.path(name);
        let middle = fs::metadata(&path).unwrap().len() / 2;
        flip(&path, middle);
    }
}

/// Bytes of the log that cannot be read.
fn unreadable(store: &Store) -> u64 {
    let mut records = store.log().unwrap().read_from(Seq::FIRST).unwrap();
    let mut bytes = 0;
    while let Some(record) = records.next() {
        bytes += record.err().map_or(0, |damage| damage.bytes);
    }
    bytes
}

fn flip(path: &Path, at: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at as usize] ^= 4;
    fs::write(path, bytes).unwrap();
}

fn events(from: i64, count: i64) -> Vec<NewEvent<'static>> {
    let one = |second: i64| NewEvent {
        id: None,
        start: Timestamp::from_nanos(second * SECOND),
        duration: Duration::from_nanos(SECOND),
        data: format!(r#"{{"title":"t {second}"}}"#).into(),
    };
    (from..from + count).map(one).collect()
}

/// Three inserts; events of each deleted, one purged. Gives back the number of the record of the second insert.
fn filled(world: &World) -> (Seq, Shown) {
    let (store, _) = world.open();
    store.create_bucket(&crate::plain::bucket("window")).unwrap();
    store.create_bucket(&crate::plain::bucket("afk")).unwrap();
    let mut second = Seq::NONE;
    for n in 0..3 {
        let (ids, receipt) = store.insert_events("window", &events(n * 100, 50)).unwrap();
        if n == 1 {
            second = receipt.seq;
        }
        store.flush(1).unwrap();
        store.delete_event("window", ids[3]).unwrap();
        let purge = PurgeBegun {
            bucket: store.snapshot().bucket("window").unwrap().key(),
            whole: false,
            events: vec![PurgedEvents {
                through: Through::Now,
                ids: vec![ids[4]],
            }],
            redact: false,
        };
        store.purge(&[purge]).unwrap();
        let again = NewEvent {
            id: Some(ids[5]),
            ..events(7, 1).remove(0)
        };
        store.insert_events("window", &[again]).unwrap();
    }
    store.flush(1).unwrap();
    store.checkpoint().unwrap();
    let shown = shown(&store.snapshot());
    store.close().unwrap();
    (second, shown)
}

#[test]
fn what_a_damaged_log_has_lost_is_written_back_from_the_old_views() {
    for encrypted in [false, true] {
        let world = World::new(encrypted);
        let (lost, before) = filled(&world);
        world.damage_record(lost);
        world.damage_checkpoints();

        // A crash right after the start changes nothing: once is as good as twice.
        for round in 0..3 {
            let (store, report) = world.open();
            assert!(shown(&store.snapshot()) == before, "round {round}: {report:?}");
            assert_eq!(check(&store.snapshot()), Vec::<String>::new());
            assert_eq!(report.salvaged, if round == 0 { 47 } else { 0 });
            assert_eq!(
                (report.events_in_doubt, report.kept_views.len()),
                (0, 0),
                "{report:?}"
            );
            assert_eq!(store.view_damage().salvaged, report.salvaged);
            let id = before["window"][60].0;
            let story = explain(&store.log().unwrap(), "window", EventId(id), 10)
                .unwrap()
                .unwrap();
            assert_eq!(story.changes.first().unwrap().what, ChangeKind::Salvaged);
            drop(store);
        }
        // The log alone has everything again.
        let (store, report) = world.open_in("other-views");
        assert!(shown(&store.snapshot()) == before);
        assert_eq!(report.salvaged, 0);
    }
}

/// By hand (`log rebuild --despite-damage`), the checkpoint is whole and not used.
#[test]
fn a_rebuild_from_a_damaged_log_takes_from_the_old_views_what_only_they_have() {
    for encrypted in [false, true] {
        let world = World::new(encrypted);
        let (lost, before) = filled(&world);
        world.damage_record(lost);
        let storage = |name: &str| Arc::new(FileStorage::open(world.path(name)).unwrap());
        let (log, views) = (storage("log"), storage("views"));
        let options = world.options.clone();
        let (store, report) = Store::open_on(log, views, options, Rebuild::Yes, &mut |_, _| {}).unwrap();
        assert_eq!((report.salvaged, report.events_in_doubt), (47, 0), "{report:?}");
        store.compact().unwrap();
        store.checkpoint().unwrap();
        assert!(shown(&store.snapshot()) == before);
        store.close().unwrap();
        let (store, _) = world.open();
        assert!(shown(&store.snapshot()) == before);
        drop(store);
        let (store, _) = world.open_in("other-views");
        assert!(
            shown(&store.snapshot()) == before,
            "the log alone has everything again"
        );
    }
}

/// A purge finds an event although its record is damaged, and no byte of the damaged record is left.
#[test]
fn a_purge_reaches_events_whose_records_are_damaged() {
    for (encrypted, removed) in [(false, false), (true, false), (false, true)] {
        let world = World::new(encrypted);
        let (store, _) = world.open();
        store.create_bucket(&crate::plain::bucket("window")).unwrap();
        let secret = NewEvent {
            data: r#"{"title":"a secret that is long enough to be found"}"#.into(),
            ..events(5, 1).remove(0)
        };
        let (ids, receipt) = store.insert_events("window", &[secret]).unwrap();
        let (others, _) = store.insert_events("window", &events(100, 50)).unwrap();
        // The log goes on in another segment then.
        store
            .order_purge_of(store.snapshot().bucket("window").unwrap().key(), &others[..1])
            .unwrap();
        store.complete_purges().unwrap();
        store.insert_events("window", &events(500, 1)).unwrap();
        store.flush(1).unwrap();
        store.checkpoint().unwrap();
        let records = world.records(&store);
        let (_, file, offset, size) = records.into_iter().find(|(seq, ..)| *seq == receipt.seq).unwrap();
        store.close().unwrap();
        match removed {
            true => fs::remove_file(&file).unwrap(),
            false => flip(&file, offset + size - 12),
        }

        let (store, _) = world.open();
        assert!(removed || unreadable(&store) > 0, "the record is damaged");
        assert!(
            store
                .snapshot()
                .bucket("window")
                .unwrap()
                .event(ids[0])
                .unwrap()
                .is_some()
        );
        let selected = store
            .select(
                &Selection {
                    buckets: Vec::new(),
                    ids: None,
                    range: TimeRange::ALL,
                    data: &|data| data.contains("secret"),
                },
                1,
                &Cancel::new(),
            )
            .unwrap();
        assert_eq!((selected.events, selected.samples.len()), (1, 1));
        store.purge(selected.purges()).unwrap();
        let view = store.snapshot().bucket("window").unwrap().clone();
        assert!(view.event(ids[0]).unwrap().is_none());
        assert_eq!(view.len(), 50);
        let fragment = b"secret that is long";
        for dir in ["log", "views"] {
            for entry in fs::read_dir(world.path(dir)).unwrap() {
                let bytes = fs::read(entry.unwrap().path()).unwrap();
                assert!(
                    !bytes.windows(fragment.len()).any(|part| part == fragment),
                    "{dir}"
                );
            }
        }
        assert!(
            removed || unreadable(&store) > 0,
            "that a record is missing is still reported"
        );
        store.close().unwrap();
    }
}

#[test]
fn what_went_after_the_damage_stays_gone() {
    let world = World::new(false);
    let (lost, before) = filled(&world);
    let (store, _) = world.open();
    let (deleted, purged) = (before["window"][60].0, before["window"][61].0);
    store.delete_event("window", EventId(deleted)).unwrap();
    let record = world.records(&store).into_iter().find(|r| r.0 == lost).unwrap();
    let key = store.snapshot().bucket("window").unwrap().key();
    let purge = PurgeBegun {
        bucket: key,
        whole: false,
        events: vec![PurgedEvents {
            through: Through::Now,
            ids: vec![EventId(purged)],
        }],
        redact: false,
    };
    store.order_purge(&[purge]).unwrap();
    store.create_bucket(&crate::plain::bucket("late")).unwrap();
    store.checkpoint().unwrap();
    let expected = shown(&store.snapshot());
    drop(store);
    flip(&record.1, record.2 + 40);
    world.damage_checkpoints();
    let (store, report) = world.open();
    assert!(shown(&store.snapshot()) == expected, "{report:?}");
    assert_eq!(report.salvaged, 45);
}

#[test]
fn a_lost_record_that_may_have_deleted_leaves_doubt_and_the_files() {
    let world = World::new(false);
    let (lost, before) = filled(&world);
    let (store, _) = world.open();
    let deleted = before["window"][60].0;
    let (_, receipt) = store.delete_event("window", EventId(deleted)).unwrap();
    store.create_bucket(&crate::plain::bucket("late")).unwrap();
    store.checkpoint().unwrap();
    let records = world.records(&store);
    drop(store);
    for record in records.iter().filter(|r| r.0 == lost || r.0 == receipt.seq) {
        flip(&record.1, record.2 + 34);
    }
    world.damage_checkpoints();
    let (store, report) = world.open();
    let now = shown(&store.snapshot());
    assert!(now["window"].iter().all(|event| event.0 != deleted));
    assert_eq!(report.salvaged, 0);
    assert!(
        report.events_in_doubt >= 47 && !report.kept_views.is_empty(),
        "{report:?}"
    );
    for name in &report.kept_views {
        assert!(world.path("views").join(format!("{name}.damaged")).exists());
    }
}

#[test]
fn a_damaged_or_missing_checkpoint_is_read_from_its_copy() {
    for encrypted in [false, true] {
        for remove in [false, true] {
            let world = World::new(encrypted);
            let (lost, before) = filled(&world);
            let (store, _) = world.open();
            let records = world.records(&store);
            drop(store);
            // The bucket's creation is lost, too: only a checkpoint knows what it was called.
            for record in records.iter().filter(|r| r.0 == lost || r.0 == Seq::FIRST) {
                flip(&record.1, record.2 + 40);
            }
            match remove {
                true => fs::remove_file(world.path("views/checkpoint")).unwrap(),
                false => world.damage_middle("views/checkpoint"),
            }
            let (store, report) = world.open();
            assert!(shown(&store.snapshot()) == before, "{report:?}");
            assert_eq!(
                (report.checkpoint_unusable.as_deref(), report.salvaged),
                (None, 0)
            );
            assert_eq!(store.view_damage().checkpoints, 1);
            store.compact().unwrap();
            drop(store);
            world.damage_middle("views/checkpoint.copy");
            let (store, _) = world.open();
            assert_eq!(
                store.view_damage().checkpoints,
                1,
                "the checkpoint was written again, and its copy is damaged"
            );
            store.compact().unwrap();
            drop(store);
            let (store, _) = world.open();
            assert_eq!(store.view_damage().checkpoints, 0, "both were written again");
            assert!(shown(&store.snapshot()) == before);
        }
    }
}

/// The log's end is gone, which no frame after it says. The views have all of it, and show it; nothing is numbered twice.
#[test]
fn an_end_of_the_log_that_went_bad_is_reported_and_shown_from_the_views() {
    for encrypted in [false, true] {
        for cut in [false, true] {
            let world = World::new(encrypted);
            let (store, _) = world.open();
            store.create_bucket(&crate::plain::bucket("window")).unwrap();
            store.insert_events("window", &events(0, 50)).unwrap();
            store.checkpoint().unwrap();
            let (before, newest) = (shown(&store.snapshot()), store.snapshot().seq());
            // As a killed process leaves it.
            drop(store);
            let segment = world.path("log").join(segment_name(Seq::FIRST));
            let mut bytes = fs::read(&segment).unwrap();
            match cut {
                true => bytes.truncate(4096),
                false => bytes[4096..].fill(0),
            }
            fs::write(&segment, bytes).unwrap();
            let (store, report) = world.open();
            assert!(report.torn.is_none() && !report.damage.is_empty(), "{report:?}");
            assert_eq!(report.damage[0].lost, Some(Seq::FIRST..=newest));
            assert!(shown(&store.snapshot()) == before);
            let next = store.set_setting("a", "1").unwrap().seq;
            assert_eq!(next, newest.next());
            store.close().unwrap();
            assert!(shown(&world.open().0.snapshot()) == before);
        }
    }
}

/// Records that no event depends on: what is served is what the log still says, the loss is reported, and a repaired log
/// says the same.
#[test]
fn lost_settings_and_orders_to_erase_are_reported() {
    for checkpointed in [false, true] {
        let world = World::new(false);
        let (store, _) = world.open();
        store.create_bucket(&crate::plain::bucket("window")).unwrap();
        let (ids, _) = store.insert_events("window", &events(0, 50)).unwrap();
        store.set_setting("theme", "\"light\"").unwrap();
        let setting = store.set_setting("theme", "\"dark\"").unwrap().seq;
        let bucket = store.snapshot().bucket("window").unwrap().key();
        let order = |n: usize| PurgeBegun {
            bucket,
            whole: false,
            events: vec![PurgedEvents {
                through: Through::Now,
                ids: vec![ids[n]],
            }],
            redact: false,
        };
        store.order_purge(&[order(3)]).unwrap();
        let carried_out = store.snapshot().seq();
        store.maintain().unwrap();
        store.order_purge(&[order(4)]).unwrap();
        let lost = store.snapshot().seq();
        store.create_bucket(&crate::plain::bucket("late")).unwrap();
        store.checkpoint().unwrap();
        let before = shown(&store.snapshot());
        let records = world.records(&store);
        drop(store);
        for (seq, file, offset, _) in &records {
            if [setting, carried_out, lost].contains(seq) {
                flip(file, offset + 34);
            }
        }
        if !checkpointed {
            world.damage_checkpoints();
        }
        let (store, report) = world.open();
        let now = shown(&store.snapshot());
        let theme = store.snapshot().settings().get("theme").cloned();
        if checkpointed {
            // The views have seen all of it, and go on from there.
            assert!(
                now == before && theme.as_deref() == Some("\"dark\""),
                "{report:?}"
            );
            assert_eq!(report.lost_orders, []);
            // What the order names is in its record alone. That does not keep others from being carried out.
            store.order_purge(&[order(5)]).unwrap();
            assert_eq!(store.purges_pending(), 2);
            store.maintain().unwrap();
            assert_eq!(store.purges_pending(), 0);
            let shown = shown(&store.snapshot());
            assert!(!shown["window"].iter().any(|event| event.0 == ids[5].0));
            continue;
        }
        let ids_lost: Vec<_> = report
            .damage
            .iter()
            .filter_map(|damage| damage.lost.clone())
            .collect();
        for seq in [setting, carried_out, lost] {
            assert!(
                ids_lost.iter().any(|lost| lost.contains(&seq)),
                "record {seq}: {report:?}"
            );
        }
        assert_eq!(report.lost_orders, [lost], "the other one was carried out");
        assert_eq!(theme.as_deref(), Some("\"light\""), "the setting before");
        assert_eq!(now["window"].len(), before["window"].len() + 1);
        let has = |n: usize| now["window"].iter().any(|event| event.0 == ids[n].0);
        assert!(!has(3) && has(4));
    }
}

/// The file is whole, and its neighbours fit: only the checkpoint knows that there was a newer one.
#[test]
fn an_older_version_of_a_segment_in_its_place_is_reported() {
    for encrypted in [false, true] {
        let world = World::new(encrypted);
        let (store, _) = world.open();
        store.create_bucket(&crate::plain::bucket("window")).unwrap();
        let (ids, _) = store.insert_events("window", &events(0, 50)).unwrap();
        let purge = |n: usize| {
            let bucket = store.snapshot().bucket("window").unwrap().key();
            let order = PurgeBegun {
                bucket,
                whole: false,
                events: vec![PurgedEvents {
                    through: Through::Now,
                    ids: vec![ids[n]],
                }],
                redact: false,
            };
            store.purge(&[order]).unwrap();
        };
        let segment = world.path("log").join(segment_name(Seq::FIRST));
        purge(3);
        let older = fs::read(&segment).unwrap();
        purge(4);
        let newer = fs::read(&segment).unwrap();
        assert!(older != newer, "the purge wrote the segment again");
        store.checkpoint().unwrap();
        let before = shown(&store.snapshot());
        store.close().unwrap();
        let damage = |report: OpenReport| {
            let found = report
                .damage
                .iter()
                .map(|damage| (damage.path.clone(), damage.lost.clone()));
            found.collect::<Vec<_>>()
        };
        assert_eq!(damage(world.open().1), []);
        fs::write(&segment, &older).unwrap();
        for round in 0..2 {
            let (store, report) = world.open();
            assert_eq!(damage(report), [(segment.clone(), None)], "round {round}");
            assert!(shown(&store.snapshot()) == before, "what was purged stays hidden");
            store.set_setting("round", "1").unwrap();
            store.checkpoint().unwrap();
            store.close().unwrap();
        }
        let checked = check_start(world.dir.path(), world.options.cipher.as_ref());
        if !encrypted {
            assert_eq!(damage(checked.unwrap()), [(segment.clone(), None)]);
        }
        fs::write(&segment, &newer).unwrap();
        assert_eq!(damage(world.open().1), []);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Do(Command),
    Seal,
    Merge,
    Purge(u8, u8),
    Maintain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => crate::plain::command().prop_map(Step::Do),
        6 => Just(Step::Seal),
        1 => Just(Step::Merge),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(bucket, rank)| Step::Purge(bucket, rank)),
        1 => Just(Step::Maintain),
    ]
}

fn act(world: &World, store: &Store, plain: &mut Plain, step: &Step) {
    world.pass(1);
    match step {
        Step::Do(command) => {
            tell(store, plain, command).unwrap();
            plain.apply(command);
        }
        Step::Seal => store.flush(1).unwrap(),
        Step::Merge => drop(store.compact().unwrap()),
        Step::Purge(bucket, rank) => {
            let id = plain.id(&crate::plain::bucket_name(*bucket)).unwrap_or_default();
            let Some(found) = plain.buckets.get_mut(&id) else {
                return;
            };
            if found.events.is_empty() {
                return;
            }
            let gone = found.events.remove(usize::from(*rank) % found.events.len());
            let key = store
                .snapshot()
                .bucket(&crate::plain::bucket_name(*bucket))
                .unwrap()
                .key();
            let purge = PurgeBegun {
                bucket: key,
                whole: false,
                events: vec![PurgedEvents {
                    through: Through::Now,
                    ids: vec![EventId(gone.0)],
                }],
                redact: false,
            };
            store.purge(&[purge]).unwrap();
        }
        Step::Maintain => {
            world.pass(8);
            store.maintain().unwrap();
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, max_shrink_iters: 3000, ..Config::default() })]

    #[test]
    fn nothing_that_an_old_view_holds_is_lost_and_nothing_that_went_is_back(
        encrypted in any::<bool>(),
        steps in prop::collection::vec(step(), 20..120),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let world = World::new(encrypted);
        let mut plain = Plain::new();
        let (store, _) = world.open();
        for step in [&Step::Do(Command::Create(0))].into_iter().chain(&steps) {
            act(&world, &store, &mut plain, step);
        }
        // What heartbeats extend lies in no view segment until another event is begun: so each bucket, whatever it is called
        // by now, gets one that extends nothing.
        let next = plain.next;
        for bucket in shown(&store.snapshot()).keys() {
            let beat = Heartbeat { start: Timestamp::from_nanos(0), duration: Duration::ZERO, data: "{}".into() };
            store.heartbeat(bucket, &beat, Pulsetime::from_nanos(-1_000_000 * SECOND)).unwrap();
        }
        store.flush(1).unwrap();
        store.checkpoint().unwrap();
        let truth = shown(&store.snapshot());
        let sealed: BTreeSet<u64> = truth.values().flatten().map(|event| event.0).filter(|id| *id < next).collect();
        let records = world.records(&store);
        drop(store);
        for (which, at) in &hits {
            let (_, file, offset, size) = which.get(&records);
            flip(file, offset + at.index(*size as usize) as u64);
        }
        world.damage_checkpoints();
        // What the log alone says now.
        let (alone, _) = world.open_in("other-views");
        let folded: BTreeSet<u64> = shown(&alone.snapshot()).values().flatten().map(|event| event.0).collect();
        drop(alone);
        let (store, report) = world.open();
        let now = shown(&store.snapshot());
        let all: Vec<&Event> = now.values().flatten().collect();
        let true_events: BTreeMap<u64, &Event> = truth.values().flatten().map(|event| (event.0, event)).collect();
        for event in &all {
            // Whose deletion is lost, nobody can know.
            prop_assert!(true_events.contains_key(&event.0) || folded.contains(&event.0), "{event:?} is back: {report:?}");
        }
        let there: BTreeSet<u64> = all.iter().map(|event| event.0).collect();
        let missing: Vec<u64> = sealed.iter().copied().filter(|id| !there.contains(id)).collect();
        prop_assert!(missing.len() as u64 <= report.events_in_doubt, "{missing:?} are nowhere: {report:?}");
        prop_assert!(missing.is_empty() || !report.kept_views.is_empty());
        prop_assert_eq!(check(&store.snapshot()), Vec::<String>::new());
        drop(store);
        let (store, second) = world.open();
        prop_assert!(shown(&store.snapshot()) == now, "twice is not once: {:?}", second);
        prop_assert_eq!(second.salvaged, 0);
    }
}
