//! Random commands, with squashing, purges, redactions, undo and automatic erasure between them, against the plain model
//! and every state it ever had: the present is right, and so is the past, without what was erased from it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::plain::{Command, Plain, command, data_text, same, tell};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use timberline_cancel::Cancel;
use timberline_disk::{Cipher, SimDisk};
use timberline_log::Seq;
use timberline_model::{EventId, Timestamp};
use timberline_views::Rebuild;
use timberline_views::erasure::Selection;
use timberline_views::history::Undoing;
use timberline_views::time_trust::Clock;
use timberline_views::tools::{check, differences};
use timberline_views::{BucketKey, HistoryError, Snapshot, Store, StoreOptions, TimeRange};

const SECOND: i64 = 1_000_000_000;
/// That of every second history.
const KEY: [u8; 32] = [7; 32];
/// Deleted things are erased after so many steps, and history is kept for twice that.
const ERASE_AFTER: u64 = 40;

#[derive(Clone, Debug)]
enum Step {
    Do(Command),
    Seal,
    Checkpoint,
    Restart,
    Rebuild,
    /// The last command is taken back.
    Undo,
    /// Everything with this data goes for good.
    Purge(u8),
    /// What has this data gets another, now and before.
    Redact(u8),
    /// A bucket goes for good, the so-manieth of those that are there or deleted.
    PurgeBucket(u8),
    /// Time passes, and what is due is done.
    Maintain(u8),
    /// A look at the past.
    Recall(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => command().prop_map(Step::Do),
        2 => Just(Step::Seal),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Restart),
        1 => Just(Step::Rebuild),
        4 => Just(Step::Undo),
        1 => (0u8..5).prop_map(Step::Purge),
        1 => (0u8..5).prop_map(Step::Redact),
        1 => any::<u8>().prop_map(Step::PurgeBucket),
        2 => (0u8..60).prop_map(Step::Maintain),
        6 => any::<prop::sample::Index>().prop_map(Step::Recall),
    ]
}

/// A state that was, up to which record, and when it came to be.
#[derive(Clone)]
struct Was {
    seq: Seq,
    time: i64,
    plain: Plain,
}

struct World {
    disk: SimDisk,
    encrypted: bool,
    clock: Arc<AtomicI64>,
    store: Option<Store>,
    plain: Plain,
    /// All states there were, oldest first.
    past: Vec<Was>,
    /// What the last command changed can be taken back.
    undoable: Option<(Seq, Seq, Plain)>,
}

const REDACTED: &str = r#"{"app":"redacted"}"#;

impl World {
    fn new(seed: u64) -> World {
        let mut world = World {
            disk: SimDisk::new(seed),
            encrypted: seed % 2 == 1,
            clock: Arc::new(AtomicI64::new(SECOND)),
            store: None,
            plain: Plain::new(),
            past: Vec::new(),
            undoable: None,
        };
        world.open(false);
        world.remember();
        world
    }

    fn open(&mut self, anew: bool) {
        drop(self.store.take());
        let clock = self.clock.clone();
        let options = StoreOptions {
            background: false,
            segment_bytes: 16 << 10,
            erase_after: Duration::from_secs(ERASE_AFTER),
            history: Duration::from_secs(2 * ERASE_AFTER),
            clock: Clock::of(move || Timestamp::from_nanos(clock.load(Ordering::Relaxed))),
            scratch: Some(self.disk.dir("scratch")),
            cipher: self.encrypted.then(|| Arc::new(Cipher::taken_into_use(&KEY))),
            ..StoreOptions::default()
        };
        let (log, views) = (self.disk.dir("log"), self.disk.dir("views"));
        let (store, report) = Store::open_on(
            log,
            views,
            options,
            if anew { Rebuild::Yes } else { Rebuild::No },
            &mut |_, _| {},
        )
        .expect("opens");
        assert!(
            report.damage.is_empty() && report.unfolded.is_empty(),
            "{report:?}"
        );
        self.store = Some(store);
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("it is open")
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    fn remember(&mut self) {
        let (seq, mut time) = (self.store().snapshot().seq(), self.now());
        let plain = self.plain.clone();
        if let Some(same) = self.past.pop_if(|was| was.seq == seq) {
            time = same.time;
        }
        self.past.push(Was { seq, time, plain });
    }

    fn act(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.clock.fetch_add(SECOND, Ordering::Relaxed);
        match step {
            Step::Do(command) => {
                let (before, from) = (self.plain.clone(), self.store().snapshot().seq());
                tell(self.store(), &self.plain, command).expect("is stored");
                self.plain.apply(command);
                let to = self.store().snapshot().seq();
                let heartbeat = matches!(command, Command::Heartbeat { .. } | Command::Heartbeats(_));
                self.undoable = (to > from && !heartbeat).then_some((from.next(), to, before));
            }
            Step::Seal => self.store().flush(1).expect("seals"),
            Step::Checkpoint => self.store().checkpoint().expect("is written"),
            Step::Restart => self.open(false),
            Step::Rebuild => {
                self.open(true);
                self.store().checkpoint().expect("is written");
            }
            Step::Undo => self.undo()?,
            Step::Purge(data) => self.purge(&data_text(*data)),
            Step::Redact(data) => self.redact(&data_text(*data)),
            Step::PurgeBucket(which) => self.purge_bucket(*which),
            Step::Maintain(seconds) => self.maintain(*seconds),
            Step::Recall(index) => return self.recall(index.index(self.past.len())),
        }
        self.remember();
        Ok(())
    }

    fn undo(&mut self) -> Result<(), TestCaseError> {
        let Some((from, to, before)) = self.undoable.take() else {
            return Ok(());
        };
        let from_again = self.store().snapshot().seq().next();
        match self.store().undo(from, to, Undoing::All, &Cancel::new()) {
            Ok((undone, _)) => prop_assert!(undone.conflicts.is_empty(), "{undone:?}"),
            // Squashed meanwhile.
            Err(HistoryError::TooOld { .. }) => return Ok(()),
            Err(error) => panic!("{error}"),
        }
        let to_again = self.store().snapshot().seq();
        let mut back = before;
        back.next = self.plain.next;
        back.next_bucket = self.plain.next_bucket;
        // A bucket that was made and unmade can be restored like any other that was deleted.
        for (name, bucket) in &self.plain.buckets {
            let there = |b: &crate::plain::PlainBucket| b.key == bucket.key;
            if !back.buckets.values().any(there) {
                back.trash.insert(bucket.key, (name.clone(), bucket.clone()));
            }
        }
        let undone = std::mem::replace(&mut self.plain, back);
        if to_again >= from_again {
            self.undoable = Some((from_again, to_again, undone));
        }
        Ok(())
    }

    /// Carries `change` out on the events of every state up to now.
    fn rewrite_past(&mut self, mut change: impl FnMut(usize, u32, &mut Vec<crate::plain::Event>)) {
        self.undoable = None;
        for (index, was) in self.past.iter_mut().enumerate() {
            for bucket in was.plain.buckets.values_mut() {
                change(index, bucket.key, &mut bucket.events);
            }
            for (_, bucket) in was.plain.trash.values_mut() {
                change(index, bucket.key, &mut bucket.events);
            }
        }
    }

    fn purge(&mut self, text: &str) {
        let matches = |data: &str| data == text;
        let selection = Selection {
            buckets: Vec::new(),
            ids: None,
            range: TimeRange::ALL,
            data: &matches,
        };
        let selected = self
            .store()
            .select(&selection, 3, &Cancel::new())
            .expect("is read");
        self.store().purge(selected.purges()).expect("is erased");
        self.erase_matching(text, &BTreeSet::new());
        self.present_from_past();
    }

    /// Up to the last state in which it matched, an event is nowhere; but for these.
    fn erase_matching(&mut self, text: &str, but: &BTreeSet<(u32, u64)>) {
        self.remember();
        let mut last = std::collections::BTreeMap::new();
        for (index, was) in self.past.iter().enumerate() {
            let trash = was.plain.trash.values().map(|(_, b)| b);
            for bucket in was.plain.buckets.values().chain(trash) {
                for event in bucket.events.iter().filter(|e| e.3 == text) {
                    last.insert((bucket.key, event.0), index);
                }
            }
        }
        last.retain(|event, _| !but.contains(event));
        self.rewrite_past(|index, key, events| {
            events.retain(|e| last.get(&(key, e.0)).is_none_or(|last| index > *last));
        });
    }

    /// The present is what the newest state became.
    fn present_from_past(&mut self) {
        let newest = self.past.last().expect("there is one").plain.clone();
        self.plain = newest;
        let buckets = self
            .plain
            .buckets
            .values_mut()
            .chain(self.plain.trash.values_mut().map(|(_, b)| b));
        for bucket in buckets {
            if !bucket.events.iter().any(|e| Some(e.0) == bucket.last) {
                bucket.last = bucket.newest();
            }
        }
    }

    fn redact(&mut self, text: &str) {
        let matches = |data: &str| data == text;
        let selection = Selection {
            buckets: Vec::new(),
            ids: None,
            range: TimeRange::ALL,
            data: &matches,
        };
        let selected = self
            .store()
            .select(&selection, 0, &Cancel::new())
            .expect("is read");
        let new = |data: &str| (data == text).then(|| REDACTED.to_owned());
        self.store().redact(&selected, &new).expect("is redacted");
        let mut ids = BTreeSet::new();
        for bucket in self.plain.buckets.values_mut() {
            let before = ids.len();
            ids.extend(
                bucket
                    .events
                    .iter()
                    .filter(|e| e.3 == text)
                    .map(|e| (bucket.key, e.0)),
            );
            if ids.len() > before {
                // What was replaced is what is compared with, as after any replacement.
                bucket.last = bucket.newest();
            }
        }
        self.erase_matching(text, &ids);
        self.rewrite_past(|_, key, events| {
            for event in events.iter_mut().filter(|e| ids.contains(&(key, e.0))) {
                event.3 = REDACTED.to_owned();
            }
        });
        self.present_from_past();
    }

    fn purge_bucket(&mut self, which: u8) {
        let there = self.plain.buckets.values().map(|b| b.key);
        let keys: Vec<u32> = there.chain(self.plain.trash.keys().copied()).collect();
        if keys.is_empty() {
            return;
        }
        let key = keys[which as usize % keys.len()];
        let receipt = self.store().purge_bucket(BucketKey(key)).expect("is erased");
        assert!(receipt.is_some());
        self.forget_buckets(&[key].into());
    }

    fn forget_buckets(&mut self, keys: &BTreeSet<u32>) {
        self.undoable = None;
        let forget = |plain: &mut Plain| {
            plain.buckets.retain(|_, bucket| !keys.contains(&bucket.key));
            plain.trash.retain(|key, _| !keys.contains(key));
        };
        forget(&mut self.plain);
        self.past.iter_mut().for_each(|was| forget(&mut was.plain));
    }

    fn maintain(&mut self, seconds: u8) {
        self.clock
            .fetch_add(i64::from(seconds) * SECOND, Ordering::Relaxed);
        self.store().maintain().expect("is done");
        let cutoff = self.now() - ERASE_AFTER as i64 * SECOND;
        let before = |time: i64| time <= cutoff;
        // What was there before the cutoff and gone at it, and is still gone, is erased.
        let gone_at = self.past.iter().rposition(|was| before(was.time));
        let Some(gone_at) = gone_at else { return };
        let mut buckets = BTreeSet::new();
        for key in self.past[gone_at].plain.trash.keys() {
            // In the trash since, without a break.
            if self.past[gone_at..]
                .iter()
                .all(|was| was.plain.trash.contains_key(key))
            {
                buckets.insert(*key);
            }
        }
        buckets.retain(|key| self.plain.trash.contains_key(key));
        self.forget_buckets(&buckets);
        let events = |plain: &Plain| -> BTreeSet<(u32, u64)> {
            let all = plain.buckets.values().chain(plain.trash.values().map(|(_, b)| b));
            all.flat_map(|b| b.events.iter().map(|e| (b.key, e.0))).collect()
        };
        let ever: BTreeSet<(u32, u64)> = self.past[..=gone_at]
            .iter()
            .flat_map(|was| events(&was.plain))
            .collect();
        let (then, now) = (events(&self.past[gone_at].plain), events(&self.plain));
        let erased: BTreeSet<(u32, u64)> = ever
            .into_iter()
            .filter(|e| !then.contains(e) && !now.contains(e))
            .collect();
        self.rewrite_past(|_, key, events| events.retain(|e| !erased.contains(&(key, e.0))));
    }

    fn recall(&mut self, index: usize) -> Result<(), TestCaseError> {
        let was = &self.past[index];
        match self.store().as_of(was.seq, &Cancel::new()) {
            Ok(snapshot) => {
                prop_assert_eq!(snapshot.seq(), was.seq);
                same(&snapshot, &was.plain, 0, 10 * SECOND)?;
            }
            Err(HistoryError::TooOld { from, .. }) => prop_assert!(from > was.seq),
            Err(error) => panic!("{error}"),
        }
        Ok(())
    }

    /// The log alone folds to the same as the store, also after further writes.
    fn check(&self) -> Result<(), TestCaseError> {
        let snapshot = self.store().snapshot();
        same(&snapshot, &self.plain, 0, 10 * SECOND)?;
        let trash: Vec<BucketKey> = snapshot.trashed().map(|t| t.view().key()).collect();
        prop_assert_eq!(
            trash,
            self.plain
                .trash
                .keys()
                .map(|key| BucketKey(*key))
                .collect::<Vec<_>>()
        );
        let wrong = check(&snapshot);
        prop_assert!(wrong.is_empty(), "{:?}", wrong);
        let folded = self.folded();
        let different = differences(&snapshot, &folded);
        prop_assert!(different.is_empty(), "{:?}", different);
        Ok(())
    }

    fn folded(&self) -> Snapshot {
        let mut replica = timberline_views::tools::Replica::new(self.disk.dir("replica"));
        let reader = self.store().log().expect("is there");
        let mut records = reader.read_from(Seq::FIRST).expect("is read");
        while let Some(record) = records.next() {
            let record = record.expect("is whole");
            replica.apply(&record).expect("folds");
        }
        replica.snapshot()
    }
}

fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|c| c.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(default),
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(120))]
    #[test]
    fn present_and_past_equal_the_plain_model(steps in prop::collection::vec(step(), 1..160), seed in any::<u64>()) {
        let mut world = World::new(seed);
        for step in &steps {
            world.act(step)?;
            world.check()?;
        }
        for index in 0..world.past.len() {
            world.recall(index)?;
        }
    }
}

/// An event's own story, through everything that can happen to it.
#[test]
fn the_story_of_an_event_tells_all_that_happened_to_it() {
    let mut world = World::new(1);
    let beat = |start: i64| Command::Heartbeat {
        bucket: 0,
        start: start * SECOND,
        duration: 0,
        pulsetime: 10 * SECOND,
        data: 1,
    };
    let put = Command::Put {
        bucket: 0,
        events: vec![(Some(0), SECOND, SECOND, 2)],
    };
    let delete = Command::DeleteEvent { bucket: 0, rank: 0 };
    for command in [Command::Create(0), beat(1), beat(2), beat(3), put, delete] {
        world.act(&Step::Do(command)).expect("is done");
    }
    world.act(&Step::Undo).expect("is done");
    let tell = |world: &World, limit| {
        let story = world
            .store()
            .event_history("bucket-0", EventId(1), limit, &Cancel::new());
        story.expect("is read").expect("the bucket is there")
    };
    let kinds = |story: &timberline_views::history::EventHistory| {
        let name = |c: &timberline_views::history::Change| format!("{:?}", c.what);
        story
            .changes
            .iter()
            .map(|c| name(c).split('(').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let story = tell(&world, 100);
    assert_eq!(
        kinds(&story),
        [
            "Created", "Extended", "Extended", "Replaced", "Deleted", "Restored"
        ]
    );
    assert_eq!(
        story.changes[2]
            .event
            .map(|(start, duration)| (start.nanos(), duration.nanos())),
        Some((SECOND, 2 * SECOND))
    );
    assert_eq!(story.changes[4].event, None);
    assert_eq!(story.changes[5].data.as_deref(), Some(data_text(2).as_str()));
    let short = tell(&world, 2);
    assert_eq!(
        (kinds(&short), short.earlier),
        (vec!["Deleted".to_owned(), "Restored".to_owned()], 4)
    );
    assert!(
        world
            .store()
            .event_history("nowhere", EventId(1), 5, &Cancel::new())
            .expect("is read")
            .is_none()
    );
}

/// The instant of a record is the time at which the log wrote it.
#[test]
fn an_instant_leads_to_the_newest_record_at_it() {
    let mut world = World::new(2);
    for n in 0..5 {
        world.act(&Step::Do(Command::Set(0, n))).expect("is done");
    }
    for (at, seq) in [(0, 0), (1, 0), (2, 1), (4, 3), (6, 5), (100, 5)] {
        let found = world
            .store()
            .seq_at(Timestamp::from_nanos(at * SECOND))
            .expect("is read");
        assert_eq!(found, Seq(seq), "at {at} s");
    }
}

/// What is folded backwards and forwards, from kept pictures and from the beginning, is what a plain fold comes to.
#[test]
fn as_of_any_record_is_the_fold_of_the_log_up_to_it() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut world = World::new(3);
    for n in 0..2500 {
        let command = command().new_tree(&mut runner).expect("is made").current();
        tell(world.store(), &world.plain, &command).expect("is stored");
        world.plain.apply(&command);
        match n % 100 {
            30 => world.store().flush(1).expect("seals"),
            60 => drop(world.store().compact().expect("compacts")),
            90 => world.store().checkpoint().expect("is written"),
            _ => {}
        }
    }
    let newest = world.store().snapshot().seq().get();
    let mut replica = timberline_views::tools::Replica::new(world.disk.dir("replica"));
    let mut folds = vec![replica.snapshot()];
    let mut records = world
        .store()
        .log()
        .expect("is there")
        .read_from(Seq::FIRST)
        .expect("is read");
    while let Some(record) = records.next() {
        replica.apply(&record.expect("is whole")).expect("folds");
        folds.push(replica.snapshot());
    }
    for n in 0..1000u64 {
        let seq = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (newest + 1);
        let picture = world.store().as_of(Seq(seq), &Cancel::new()).expect("is folded");
        let different = differences(&picture, &folds[seq as usize]);
        assert!(different.is_empty(), "as of {seq}: {different:?}");
    }
}
