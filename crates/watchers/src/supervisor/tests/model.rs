//! Orders, crashes and time at random: a watcher runs exactly when a plain model says so.

use proptest::prelude::*;

use super::*;
use crate::supervisor::Which;

#[derive(Clone, Copy, Debug)]
enum Step {
    Enable(usize),
    Disable(usize),
    /// For so many seconds, or until resumed.
    Pause(usize, Option<i64>),
    PauseAll(Option<i64>),
    Resume(usize),
    ResumeAll,
    Crash(usize),
    Pass(u64),
    Restart,
}

const NAMES: [&str; 2] = ["camera", "microphone"];

/// What a person would expect of one watcher.
#[derive(Clone, Debug, Default)]
struct Expected {
    off: bool,
    /// The second at which its own pause ends; the greatest for one that lasts until resumed.
    own_pause: i64,
    /// When it is started again after a crash.
    restart: Option<Timestamp>,
}

const FOR_EVER: i64 = i64::MAX;

fn step() -> impl Strategy<Value = Step> {
    let one = 0..NAMES.len();
    let length = || prop_oneof![Just(None), (1i64..2000).prop_map(Some)];
    prop_oneof![
        1 => one.clone().prop_map(Step::Enable),
        1 => one.clone().prop_map(Step::Disable),
        1 => (one.clone(), length()).prop_map(|(one, length)| Step::Pause(one, length)),
        1 => length().prop_map(Step::PauseAll),
        1 => one.clone().prop_map(Step::Resume),
        1 => Just(Step::ResumeAll),
        4 => one.prop_map(Step::Crash),
        6 => (1u64..1500).prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

struct Trial {
    dir: tempfile::TempDir,
    clock: Arc<RuntimeClock>,
    puppets: [Puppet; 2],
    bench: Bench,
    expected: [Expected; 2],
    all_pause: i64,
}

impl Trial {
    fn new() -> Trial {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(RuntimeClock::new());
        let puppets = NAMES.map(|name| Puppet::new(name, Way::Error));
        Trial {
            bench: Trial::bench(dir.path(), &clock, &puppets),
            dir,
            clock,
            puppets,
            expected: Default::default(),
            all_pause: 0,
        }
    }

    fn bench(dir: &Path, clock: &Arc<RuntimeClock>, puppets: &[Puppet; 2]) -> Bench {
        let mut options = options(dir, &[&puppets[0], &puppets[1]]);
        options.clock = Arc::clone(clock) as _;
        Bench::with(options)
    }

    fn second(&self) -> i64 {
        self.clock.read().monotonic.nanos() / 1_000_000_000
    }

    fn until(&self, length: Option<i64>) -> (Option<Timestamp>, i64) {
        match length {
            None => (None, FOR_EVER),
            Some(length) => {
                let end = self.second() + length;
                (
                    Some(self.clock.wall.saturating_add(Duration::from_secs(end))),
                    end,
                )
            }
        }
    }

    async fn take(&mut self, step: Step) {
        let handle = self.bench.handle.clone();
        match step {
            Step::Enable(one) => {
                handle.enable(Which::One(NAMES[one])).expect("done");
                self.expected[one].off = false;
            }
            Step::Disable(one) => {
                handle.disable(Which::One(NAMES[one])).expect("done");
                self.expected[one].off = true;
            }
            Step::Pause(one, length) => {
                let (until, end) = self.until(length);
                handle.pause(Which::One(NAMES[one]), until).expect("done");
                self.expected[one].own_pause = end;
            }
            Step::PauseAll(length) => {
                let (until, end) = self.until(length);
                handle.pause(Which::All, until).expect("done");
                self.all_pause = end;
            }
            Step::Resume(one) => {
                handle.resume(Which::One(NAMES[one])).expect("done");
                for expected in &mut self.expected {
                    expected.own_pause = expected.own_pause.max(self.all_pause);
                }
                self.all_pause = 0;
                self.expected[one].own_pause = 0;
            }
            Step::ResumeAll => {
                handle.resume(Which::All).expect("done");
                self.all_pause = 0;
                self.expected
                    .iter_mut()
                    .for_each(|expected| expected.own_pause = 0);
            }
            Step::Crash(one) => self.crash(one).await,
            Step::Pass(time) => seconds(time).await,
            Step::Restart => self.restart().await,
        }
        settle().await;
    }

    async fn crash(&mut self, one: usize) {
        if !self.puppets[one].is_running() {
            return;
        }
        self.puppets[one].crash();
        settle().await;
        let status = self.bench.status(NAMES[one]);
        let Condition::Restarting { at } = status.condition else {
            panic!("{status:?}");
        };
        let pause = at.since(status.last_exit.expect("an exit").at);
        assert!(pause <= Duration::from_secs(300) && pause >= Duration::from_nanos(500_000_000));
        self.expected[one].restart = Some(at);
    }

    async fn restart(&mut self) {
        self.bench.board().end();
        settle().await;
        assert!(self.puppets.iter().all(|puppet| !puppet.is_running()));
        self.bench = Trial::bench(self.dir.path(), &self.clock, &self.puppets);
        self.expected
            .iter_mut()
            .for_each(|expected| expected.restart = None);
    }

    fn check(&mut self) {
        let now = self.clock.read().wall;
        for (one, expected) in self.expected.iter_mut().enumerate() {
            let paused = self.all_pause.max(expected.own_pause);
            let paused = now < self.clock.wall.saturating_add(Duration::from_secs(paused));
            let wanted = !expected.off && !paused;
            if !wanted {
                // Who is wanted again is started at once.
                expected.restart = None;
            }
            // A timer is late by a millisecond at most.
            let late = Duration::from_nanos(2_000_000);
            let starts_now = expected.restart.is_some_and(|at| (now.since(at)).abs() <= late);
            if !starts_now {
                let waits = expected.restart.is_some_and(|at| now < at);
                let status = self.bench.status(NAMES[one]);
                assert_eq!(self.puppets[one].is_running(), wanted && !waits, "{status:?}");
                assert_eq!((status.enabled, status.paused.is_some()), (!expected.off, paused));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_watcher_runs_exactly_when_it_is_on_and_neither_paused_nor_waiting_after_a_crash(
        steps in proptest::collection::vec(step(), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut trial = Trial::new();
            settle().await;
            trial.check();
            for step in steps {
                trial.take(step).await;
                trial.check();
            }
        });
    }
}
