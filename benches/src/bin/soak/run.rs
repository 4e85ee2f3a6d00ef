//! The course of it: two servers, rounds, samples, and the reckoning at the end.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Stats;
use crate::extras::Extras;
use crate::options::Options;
use crate::random::Random;
use crate::report::{Minute, Reckoning, Report};
use crate::worker::Worker;
use timberline_benches::sample::{Sample, idle_handles};
use timberline_benches::server::{Installation, Server};

/// Load before the open files of the steady server are counted for the first time, so that what a server opens once
/// is open.
const WARM_UP: Duration = Duration::from_secs(5);
/// Numbers of the steady server's clients begin here.
const STEADY: u64 = 1_000;

/// What one server's clients share.
#[derive(Default)]
struct Shared {
    stats: Stats,
    extras: Extras,
    stop: AtomicBool,
}

/// Runs all of it.
///
/// # Errors
/// When it cannot be carried out. What the servers do wrong is in the report.
pub(crate) fn soak(options: &Options) -> io::Result<Report> {
    let mut dir = tempfile::Builder::new()
        .prefix("soak-")
        .tempdir_in(&options.dir)?;
    let keys = Installation::known_keys(&options.server, dir.path())?;
    let killed = Installation::new(&options.server, dir.path(), "killed", &keys)?;
    let steady = Installation::new(&options.server, dir.path(), "steady", &keys)?;
    println!(
        "soak: {} minutes, seed {}, {} clients on each of two servers, keys {keys:?}, in {}",
        options.minutes,
        options.seed,
        options.workers,
        dir.path().display()
    );
    let (for_killed, for_steady) = (Shared::default(), Shared::default());
    let mut report = Report::new(options);
    let steady_server = steady.start()?;
    let mut steady_workers = workers(options, STEADY, steady.port, &for_steady);
    report.handles_before = warm_up(&steady_server, &mut steady_workers, &for_steady, options)?;
    for_steady.stop.store(false, Ordering::Relaxed);
    let mut killed_workers = workers(options, 0, killed.port, &for_killed);
    let killed_server = thread::scope(|scope| {
        let clients = scope.spawn(|| {
            let ended = run_all(&mut steady_workers, &for_steady, options.rate);
            (ended, steady_workers)
        });
        let watch = Watch {
            steady: (&steady, &steady_server, &for_steady),
            killed: (&killed, &for_killed),
            options,
        };
        let outcome = watch.rounds(&mut killed_workers, &mut report);
        for_steady.stop.store(true, Ordering::Relaxed);
        let (cut_off, workers) = clients
            .join()
            .map_err(|_| io::Error::other("a client panicked"))?;
        report
            .steady
            .complaints
            .extend(cut_off.into_iter().map(|e| format!("steady: {e}")));
        Ok::<_, io::Error>((outcome?, workers))
    });
    let (killed_server, mut steady_workers) = killed_server?;
    steady_workers
        .iter_mut()
        .for_each(|worker| worker.client.disconnect());
    report.handles_after = idle_handles(steady_server.process())?;
    report.extras = for_steady.extras.done();
    reckon(&steady, steady_server, &mut steady_workers, &mut report.steady)?;
    reckon(&killed, killed_server, &mut killed_workers, &mut report.killed)?;
    if !report.is_good() {
        dir.disable_cleanup(true);
        println!("soak: kept for a look: {}", dir.path().display());
    }
    Ok(report)
}

fn workers<'a>(options: &Options, first: u64, port: u16, shared: &'a Shared) -> Vec<Worker<'a>> {
    (first..first + options.workers)
        .map(|number| Worker::new(number, options.seed, port, &shared.stats, &shared.extras))
        .collect()
}

/// Lets all clients run until they are told to stop or are cut off. Gives back what cut them off.
fn run_all(workers: &mut [Worker<'_>], shared: &Shared, rate: u32) -> Vec<io::Error> {
    thread::scope(|scope| {
        let running: Vec<_> = workers
            .iter_mut()
            .map(|worker| scope.spawn(move || worker.run(&shared.stop, rate)))
            .collect();
        let ended = running.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
        });
        ended.filter_map(Result::err).collect()
    })
}

fn warm_up(
    server: &Server,
    workers: &mut [Worker<'_>],
    shared: &Shared,
    options: &Options,
) -> io::Result<u64> {
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(WARM_UP);
            shared.stop.store(true, Ordering::Relaxed);
        });
        run_all(workers, shared, options.rate)
            .into_iter()
            .next()
            .map_or(Ok(()), Err)
    })?;
    workers.iter_mut().for_each(|worker| worker.client.disconnect());
    idle_handles(server.process())
}

/// Both servers while they are under load.
struct Watch<'a> {
    steady: (&'a Installation, &'a Server, &'a Shared),
    killed: (&'a Installation, &'a Shared),
    options: &'a Options,
}

impl Watch<'_> {
    /// Kills and restarts, minute by minute. Gives back the server of the last start.
    fn rounds(&self, workers: &mut [Worker<'_>], report: &mut Report) -> io::Result<Server> {
        let (installation, shared) = self.killed;
        let mut random = Random::new(self.options.seed, u64::MAX);
        let mut server = installation.start()?;
        let (mut with_backups, begun) = (true, Instant::now());
        let whole = Duration::from_secs(60) * self.options.minutes;
        let mut minute_began = Instant::now();
        while begun.elapsed() < whole {
            // Not always at the same distance from what the server does by the clock.
            let length = self
                .options
                .round
                .mul_f64(0.9 + random.below(200) as f64 / 1_000.0);
            let sample = thread::scope(|scope| {
                scope.spawn(|| run_all(workers, shared, self.options.rate));
                let outcome = self.round(
                    server,
                    length.min(whole - begun.elapsed()),
                    &mut with_backups,
                    report,
                );
                // Cut off by now, whatever came of it.
                shared.stop.store(true, Ordering::Relaxed);
                outcome
            })?;
            shared.stop.store(false, Ordering::Relaxed);
            let minute = self.minute(minute_began, sample, begun.elapsed())?;
            println!("{minute}");
            report.minutes.push(minute);
            minute_began = Instant::now();
            report.kills += 1;
            server = installation.start()?;
            for worker in &mut *workers {
                worker.compare()?;
            }
        }
        Ok(server)
    }

    /// Watches the server under load, and kills it in the midst of it. What it took last.
    fn round(
        &self,
        mut server: Server,
        length: Duration,
        with_backups: &mut bool,
        report: &mut Report,
    ) -> io::Result<Sample> {
        let begun = Instant::now();
        while begun.elapsed() < length {
            if let Some(status) = server.ended()? {
                report
                    .killed
                    .complaints
                    .push(format!("the server ended by itself: {status}"));
                return Ok(Sample::default());
            }
            thread::sleep(Duration::from_millis(50));
        }
        if *with_backups {
            *with_backups = back_up(self.killed.0, report)?;
        }
        let sample = Sample::of(server.process())?;
        server.kill()?;
        Ok(sample)
    }

    /// What both servers took and did in the minute that ends now.
    fn minute(&self, since: Instant, killed: Sample, at: Duration) -> io::Result<Minute> {
        let (steady, server, shared) = self.steady;
        let rate = |shared: &Shared| {
            let requests = shared.stats.requests.swap(0, Ordering::Relaxed);
            requests as f64 / since.elapsed().as_secs_f64()
        };
        let slowest = |shared: &Shared| shared.stats.slowest_beat.swap(0, Ordering::Relaxed);
        Ok(Minute {
            at,
            steady: Sample::of(server.process())?,
            steady_disk: steady.disk(),
            steady_rate: rate(shared),
            steady_slowest: slowest(shared),
            killed,
            killed_disk: self.killed.0.disk(),
            killed_rate: rate(self.killed.1),
            killed_slowest: slowest(self.killed.1),
        })
    }
}

/// Makes a backup while the server runs. False when the program does not know how.
fn back_up(installation: &Installation, report: &mut Report) -> io::Result<bool> {
    match installation.back_up()? {
        None => Ok(false),
        Some(outcome) => {
            report.backups += 1;
            report.killed.complaints.extend(outcome.err());
            Ok(true)
        }
    }
}

/// Compares once more, stops the server, and has its data verified.
fn reckon(
    installation: &Installation,
    server: Server,
    workers: &mut [Worker<'_>],
    into: &mut Reckoning,
) -> io::Result<()> {
    for worker in &mut *workers {
        worker.compare()?;
        worker.client.disconnect();
        into.acknowledged += worker.client.ledger.acknowledged;
        into.lost += worker.client.ledger.lost;
        into.wrong += worker.client.ledger.wrong;
    }
    if let Err(error) = server.stop() {
        into.complaints.push(error.to_string());
    }
    into.complaints.extend(installation.verify(&installation.data())?);
    Ok(())
}
