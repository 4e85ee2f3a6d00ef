//! Nothing is erased by mistake, however the clock jumps: while the store is open, while it is closed, while the machine
//! is off; encrypted as well as plain.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::plain::bucket;
use timberline_cancel::Cancel;
use timberline_disk::{Cipher, SimDisk};
use timberline_log::Seq;
use timberline_model::{EventId, NewEvent, Timestamp};
use timberline_views::erasure::{Maintenance, Selection};
use timberline_views::time_trust::{BootTime, Clock, TimeTrust, clock_trust, confirm_clock};
use timberline_views::{Rebuild, Store, StoreOptions, TimeRange};

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
/// ±1 h, ±8 days, ±10 years, +74 years.
const JUMPS: [i64; 7] = [HOUR, -HOUR, 8 * DAY, -8 * DAY, 10 * YEAR, -10 * YEAR, 74 * YEAR];

/// When a jump happens.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Running,
    ServerDown,
    MachineOff,
}

const WHEN: [When; 3] = [When::Running, When::ServerDown, When::MachineOff];

/// A machine's clocks, which a test sets.
#[derive(Clone, Default)]
struct Clocks {
    /// The true time since the test began.
    passed: Arc<AtomicI64>,
    error: Arc<AtomicI64>,
    boot: Arc<AtomicU64>,
}

impl Clocks {
    fn clock(&self) -> Clock {
        let (wall, boot) = (self.clone(), self.clone());
        Clock::with_boot(
            move || Timestamp::from_nanos(wall.wall()),
            move || BootTime {
                boot: u128::from(boot.boot.load(Ordering::Relaxed)),
                up: timberline_model::Duration::from_nanos(5 * SECOND + boot.passed.load(Ordering::Relaxed)),
            },
        )
    }

    fn wall(&self) -> i64 {
        20_000 * DAY + self.passed.load(Ordering::Relaxed) + self.error.load(Ordering::Relaxed)
    }

    fn pass(&self, time: i64) {
        self.passed.fetch_add(time, Ordering::Relaxed);
    }

    fn set(&self, error: i64) {
        self.error.store(error, Ordering::Relaxed);
    }
}

struct World {
    disk: SimDisk,
    encrypted: bool,
    clocks: Clocks,
    store: Option<Store>,
}

impl World {
    fn new(encrypted: bool) -> World {
        let mut world = World {
            disk: SimDisk::new(u64::from(encrypted)),
            encrypted,
            clocks: Clocks::default(),
            store: None,
        };
        world.open();
        world
    }

    fn open(&mut self) {
        drop(self.store.take());
        let options = StoreOptions {
            background: false,
            segment_bytes: 16 << 10,
            clock: self.clocks.clock(),
            clock_dir: Some(self.disk.dir("root")),
            scratch: Some(self.disk.dir("scratch")),
            cipher: self.encrypted.then(|| Arc::new(Cipher::taken_into_use(&[7; 32]))),
            ..StoreOptions::default()
        };
        let (log, views) = (self.disk.dir("log"), self.disk.dir("views"));
        let (store, report) =
            Store::open_on(log, views, options, Rebuild::No, &mut |_, _| {}).expect("opens");
        assert!(
            report.damage.is_empty() && report.unfolded.is_empty(),
            "{report:?}"
        );
        self.store = Some(store);
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("is open")
    }

    /// The clock is set, at this moment of the machine's life.
    fn jump(&mut self, error: i64, when: When) {
        if when != When::Running {
            self.store.take().expect("is open").close().expect("closes");
        }
        self.clocks.set(error);
        if when == When::MachineOff {
            self.clocks.boot.fetch_add(1, Ordering::Relaxed);
        }
        if when != When::Running {
            self.open();
        }
    }

    /// Time passes, and what is due is done.
    fn live(&self, time: i64) -> Maintenance {
        self.clocks.pass(time);
        self.maintain()
    }

    fn maintain(&self) -> Maintenance {
        self.store().maintain().expect("is done")
    }

    fn trusted(&self) -> bool {
        matches!(self.store().time_trust(), TimeTrust::Trusted(_))
    }

    /// Several log segments, an event and a bucket that were deleted; gives a record before the deletions.
    fn fill(&self) -> Seq {
        let store = self.store();
        for id in ["kept", "gone"] {
            store.create_bucket(&bucket(id)).expect("is made");
        }
        for n in 0..40 {
            let events: Vec<NewEvent<'_>> = (0..20).map(|m| event(20 * n + m)).collect();
            store.insert_events("kept", &events).expect("is stored");
        }
        store.insert_events("gone", &[event(1)]).expect("is stored");
        store.checkpoint().expect("is written");
        let before = store.snapshot().seq();
        self.delete(EventId(1));
        store.delete_bucket("gone").expect("is deleted");
        before
    }

    fn delete(&self, id: EventId) {
        self.store().delete_event("kept", id).expect("is deleted");
    }

    fn trash(&self) -> usize {
        self.store().trash(&Cancel::new()).expect("is read").len()
    }
}

fn event(n: i64) -> NewEvent<'static> {
    NewEvent {
        id: None,
        start: Timestamp::from_nanos(n * SECOND),
        duration: timberline_model::Duration::from_nanos(SECOND),
        data: format!(r#"{{"title":"a title that is one of many, number {n}"}}"#).into(),
    }
}

fn everywhere(mut test: impl FnMut(&mut World, i64, When)) {
    for encrypted in [false, true] {
        for jump in JUMPS {
            for when in WHEN {
                println!("a jump of {} h, {when:?}, encrypted: {encrypted}", jump / HOUR);
                test(&mut World::new(encrypted), jump, when);
            }
        }
    }
}

#[test]
fn nothing_is_erased_or_squashed_because_the_clock_jumped() {
    everywhere(|world, jump, when| {
        let before = world.fill();
        world.maintain();
        world.jump(jump, when);
        for _ in 0..5 {
            assert_eq!(world.live(HOUR), Maintenance::default());
        }
        assert_eq!(world.trash(), 2);
        world.jump(0, when);
        assert_eq!(world.live(HOUR), Maintenance::default());
        assert_eq!(world.trash(), 2);
        let then = world
            .store()
            .as_of(before, &Cancel::new())
            .expect("all of history is there");
        assert_eq!(then.bucket("kept").expect("it was there").len(), 800);
        assert_eq!(then.bucket("gone").expect("it was there").len(), 1);
    });
}

#[test]
fn what_is_old_enough_is_erased_when_the_clock_is_right_again() {
    everywhere(|world, jump, when| {
        world.fill();
        world.maintain();
        world.jump(jump, when);
        world.live(2 * HOUR);
        world.jump(0, when);
        world.maintain();
        assert!(world.trusted());
        world.live(6 * DAY);
        assert_eq!(world.trash(), 2, "not before its time");
        assert_eq!(world.live(2 * DAY).purges, 2);
        assert_eq!(world.trash(), 0);
        assert!(world.live(32 * DAY).squashed > 0);
    });
}

#[test]
fn a_deletion_that_was_recorded_while_the_clock_was_wrong_keeps_its_time() {
    everywhere(|world, jump, when| {
        world.fill();
        world.maintain();
        world.jump(jump, when);
        world.delete(EventId(2));
        world.live(HOUR);
        world.jump(0, when);
        world.delete(EventId(3));
        assert_eq!(world.maintain(), Maintenance::default());
        world.live(6 * DAY);
        assert_eq!(world.trash(), 4);
        world.live(2 * DAY);
        assert_eq!(world.trash(), 0, "nor is it kept for years");
    });
}

/// Between two looks of the background thread: the record itself shows the jump.
#[test]
fn a_clock_that_is_wrong_for_seconds_does_not_go_unnoticed() {
    for encrypted in [false, true] {
        for jump in JUMPS {
            let world = World::new(encrypted);
            world.fill();
            world.maintain();
            world.clocks.pass(SECOND);
            world.clocks.set(jump);
            world.delete(EventId(2));
            world.clocks.pass(SECOND);
            world.clocks.set(0);
            assert_eq!(world.maintain(), Maintenance::default(), "{jump}");
            assert_eq!(world.trash(), 3);
            world.live(8 * DAY);
            assert_eq!(world.trash(), 0, "{jump}");
        }
    }
}

/// And when the process is killed before anything of it was saved.
#[test]
fn a_kill_right_after_the_jump_makes_nothing_old() {
    for encrypted in [false, true] {
        for jump in JUMPS {
            let mut world = World::new(encrypted);
            world.fill();
            world.maintain();
            world.clocks.set(jump);
            world.delete(EventId(2));
            world.clocks.set(0);
            world.open();
            assert_eq!(world.maintain(), Maintenance::default(), "{jump}");
            assert_eq!(world.trash(), 3);
        }
    }
}

#[test]
fn a_time_that_was_lived_through_for_a_day_is_believed() {
    everywhere(|world, jump, when| {
        world.fill();
        world.maintain();
        world.jump(jump, when);
        // After an hour that the machine may have been off nothing is to be doubted.
        let doubted = !(when == When::MachineOff && jump == HOUR);
        for hour in 1..=20 {
            world.live(HOUR);
            assert_eq!(world.trusted(), !doubted, "after {hour} hours");
            if hour % 7 == 0 {
                // A restart of the server does not begin the day again.
                world.open();
            }
        }
        world.live(5 * HOUR);
        assert!(world.trusted());
        world.live(9 * DAY);
        assert_eq!(world.trash(), 0);
    });
}

/// The first start of a machine without a battery, before the network has set its clock.
#[test]
fn a_deletion_before_the_clock_was_ever_right_keeps_its_time() {
    for encrypted in [false, true] {
        for jump in [-10 * YEAR, -8 * DAY, 10 * YEAR] {
            let mut world = World::new(encrypted);
            world.clocks.set(jump);
            world.open();
            world.fill();
            world.live(HOUR);
            world.jump(0, When::Running);
            assert_eq!(world.maintain(), Maintenance::default());
            world.live(2 * DAY);
            assert!(world.trusted());
            assert_eq!(world.trash(), 2, "{jump}");
            world.live(3 * DAY);
            assert_eq!(world.trash(), 2, "{jump}");
            world.live(5 * DAY);
            assert_eq!(world.trash(), 0, "{jump}");
        }
    }
}

#[test]
fn without_what_was_known_the_log_says_what_the_time_was() {
    everywhere(|world, jump, when| {
        if when == When::Running {
            return;
        }
        world.fill();
        world.maintain();
        world.store.take().expect("is open").close().expect("closes");
        let root = world.disk.dir("root");
        root.remove("CLOCK").expect("is there");
        world.clocks.set(jump);
        world.open();
        assert_eq!(world.maintain(), Maintenance::default());
        assert_eq!(world.trash(), 2);
        // Also when it is damaged.
        world.store.take().expect("is open").close().expect("closes");
        root.write_file("CLOCK", b"timberline clock 1\n")
            .expect("is written");
        world.open();
        assert_eq!(world.maintain(), Maintenance::default());
        assert_eq!(world.trash(), 2);
    });
}

#[test]
fn what_a_person_orders_is_erased_whatever_the_clock_says() {
    everywhere(|world, jump, when| {
        world.fill();
        world.maintain();
        world.jump(jump, when);
        let buckets = vec![world.store().snapshot().bucket("kept").expect("is there").key()];
        let selection = Selection {
            buckets,
            ids: Some(vec![EventId(5)]),
            range: TimeRange::ALL,
            data: &|_| true,
        };
        let selected = world
            .store()
            .select(&selection, 0, &Cancel::new())
            .expect("is found");
        assert!(world.store().purge(selected.purges()).expect("is done").is_some());
        let left = world
            .store()
            .snapshot()
            .bucket("kept")
            .map(timberline_views::BucketView::len);
        assert_eq!(left, Some(798));
    });
}

#[test]
fn the_past_is_found_by_its_time_after_the_clock_was_wrong() {
    everywhere(|world, jump, when| {
        world.fill();
        world.clocks.pass(HOUR);
        let before = (world.store().snapshot().seq(), world.clocks.wall());
        world.maintain();
        world.clocks.pass(SECOND);
        world.jump(jump, when);
        // Several segments are made by the wrong clock.
        for n in 0..40 {
            let events: Vec<NewEvent<'_>> = (0..20).map(|m| event(20 * n + m)).collect();
            world.store().insert_events("kept", &events).expect("is stored");
        }
        world.live(HOUR);
        world.jump(0, when);
        world.maintain();
        world.clocks.pass(HOUR);
        world.delete(EventId(9));
        let after = world.store().snapshot().seq();
        let found = |at: i64| world.store().seq_at(Timestamp::from_nanos(at)).expect("is read");
        assert_eq!(found(before.1), before.0);
        assert_eq!(found(world.clocks.wall()), after);
    });
}

#[test]
fn a_confirmation_by_hand_ends_the_suspension() {
    // On a real disk, which is slow, so not in all combinations.
    for (jump, when) in [
        (8 * DAY, When::Running),
        (-8 * DAY, When::ServerDown),
        (74 * YEAR, When::ServerDown),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let clocks = Clocks::default();
        let open = || {
            let options = StoreOptions {
                background: false,
                segment_bytes: 64 << 10,
                clock: clocks.clock(),
                ..StoreOptions::default()
            };
            Store::open(dir.path(), options).expect("opens").0
        };
        let store = open();
        store.create_bucket(&bucket("gone")).expect("is made");
        store.delete_bucket("gone").expect("is deleted");
        store.maintain().expect("is done");
        let store = if when == When::Running {
            clocks.set(jump);
            store
        } else {
            store.close().expect("closes");
            clocks.set(jump);
            open()
        };
        store.maintain().expect("is done");
        let suspended = clock_trust(dir.path(), &clocks.clock()).expect("is read");
        assert!(
            matches!(suspended, Some(TimeTrust::Suspended(_))),
            "{suspended:?}"
        );
        // A confirmation of another time does not count.
        let wrong = Clocks::default();
        wrong.set(jump + 3 * DAY);
        confirm_clock(dir.path(), &wrong.clock()).expect("is written");
        store.maintain().expect("is done");
        assert!(store.suspension().is_some());

        confirm_clock(dir.path(), &clocks.clock()).expect("is written");
        let done = store.maintain().expect("is done");
        assert_eq!(store.suspension(), None);
        let old = jump >= 8 * DAY;
        assert_eq!(done.purges, u64::from(old), "{jump}");
        assert_eq!(
            store.trash(&Cancel::new()).expect("is read").len(),
            usize::from(!old)
        );
        store.close().expect("closes");
        let trust = clock_trust(dir.path(), &clocks.clock()).expect("is read");
        assert!(matches!(trust, Some(TimeTrust::Trusted(_))), "{trust:?}");
    }
}

/// Three months in a drawer.
#[test]
fn a_machine_that_was_off_for_long_erases_nothing_for_a_day() {
    for encrypted in [false, true] {
        let mut world = World::new(encrypted);
        world.fill();
        world.maintain();
        world.jump(90 * DAY, When::MachineOff);
        assert_eq!(world.live(20 * HOUR), Maintenance::default());
        assert_eq!(world.trash(), 2);
        world.live(5 * HOUR);
        assert!(world.trusted());
        world.live(8 * DAY);
        assert_eq!(world.trash(), 0);
    }
}

#[test]
fn the_default_history_is_longer_than_what_is_tried_here() {
    assert_eq!(StoreOptions::default().history, Duration::from_secs(30 * 86_400));
    assert_eq!(
        StoreOptions::default().erase_after,
        Duration::from_secs(7 * 86_400)
    );
}
