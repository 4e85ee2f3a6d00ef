//! Modules that end, panic, or do not end.

use super::*;
use crate::supervisor::Which;

#[tokio::test(start_paused = true)]
async fn a_module_that_ends_or_panics_is_started_again_later_each_time() {
    for way in [Way::Error, Way::Panic] {
        let puppet = Puppet::new("system", way);
        let bench = Bench::start(&[&puppet]);
        settle().await;
        for longest in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert!(puppet.is_running());
            puppet.crash();
            settle().await;
            let status = bench.status("system");
            let Condition::Restarting { at } = status.condition else {
                panic!("{:?}", status.condition);
            };
            let exit = status.last_exit.expect("an exit");
            assert!(exit.reason.contains("as the test says"), "{exit:?}");
            let pause = at.since(exit.at);
            let longest = Duration::from_secs(longest);
            assert!(
                pause <= longest && pause.nanos() >= longest.nanos() / 2,
                "{pause:?}"
            );
            tokio::time::sleep(StdDuration::from_nanos(pause.nanos() as u64)).await;
            settle().await;
        }
        assert_eq!(bench.status("system").restarts, 11);
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_ran_for_ten_minutes_is_restarted_at_once() {
    let puppet = Puppet::new("system", Way::Error);
    let bench = Bench::start(&[&puppet]);
    settle().await;
    for _ in 0..5 {
        puppet.crash();
        seconds(60).await;
        assert!(puppet.is_running());
    }
    seconds(600).await;
    puppet.crash();
    seconds(2).await;
    assert!(puppet.is_running());
    assert_eq!(bench.status("system").restarts, 6);
}

#[tokio::test(start_paused = true)]
async fn a_module_that_does_not_stop_is_aborted_after_five_seconds() {
    let puppet = Puppet::new("system", Way::Deaf);
    let bench = Bench::start(&[&puppet]);
    settle().await;
    bench.handle.disable(Which::One("system")).expect("done");
    seconds(4).await;
    assert!(puppet.is_running());
    assert_eq!(bench.status("system").condition, Condition::Stopping);
    seconds(2).await;
    assert!(!puppet.is_running());
    assert_eq!(bench.status("system").condition, Condition::Off);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_watcher_is_an_error_that_says_what_to_do() {
    let bench = Bench::start(&[]);
    let error = bench
        .handle
        .pause(Which::One("windows"), None)
        .expect_err("unknown");
    assert!(error.to_string().contains("timberline watchers"), "{error}");
}

/// A module whose code holds up the thread that it runs on, the first time.
struct Hog {
    starts: AtomicUsize,
    free: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Module for Hog {
    fn name(&self) -> &'static str {
        "hog"
    }

    fn run(&self, mut context: Context) -> Running {
        if self.starts.fetch_add(1, Ordering::SeqCst) == 0 {
            let _ = self.free.lock().recv();
        }
        Box::pin(async move {
            context.stopped().await;
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_module_that_hangs_is_replaced_with_all_others_of_its_thread() {
    let (free, stuck) = std::sync::mpsc::channel();
    let hog = Arc::new(Hog {
        starts: AtomicUsize::new(0),
        free: Mutex::new(stuck),
    });
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = options(dir.path(), &[]);
    options.modules.push((Arc::clone(&hog) as _, true));
    let runtime = tokio::runtime::Handle::current();
    let modules = ModuleThread::start().expect("a thread");
    let modules = modules.with_times(StdDuration::from_millis(20), StdDuration::from_secs(2));
    let (nursery, _at_work, _ended) = start::nursery(&options, modules, runtime);
    let handle = start::begin(options, &nursery);
    tokio::select! {
        () = nursery.around.modules.watch() => {}
        () = async {
            let mut news = handle.news();
            while hog.starts.load(Ordering::SeqCst) < 2 {
                tokio::time::timeout(StdDuration::from_secs(1), news.changed()).await.ok();
            }
        } => {}
    }
    let status = handle.list().remove(0);
    assert!(status.last_exit.expect("an exit").reason.contains("blocked"));
    drop(free);
}
