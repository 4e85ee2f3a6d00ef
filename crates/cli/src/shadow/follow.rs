//! Keeping all buckets in step.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use anyhow::ensure;
use serde_json::Value;

use super::changes::Event;
use super::peer::Peer;
use super::walk::{Changed, Walk, bring_in_step};
use crate::table::printable;

/// The newest events of a bucket, which are compared whenever it has changed.
const NEWEST: usize = 20;
/// Every so many looks at the server, the numbers of events are compared. A deleted event shows there.
const COUNT_EVERY: u64 = 12;
/// Every so many looks, one window of one bucket's history is compared. An edited event is found this way.
const WALK_EVERY: u64 = 6;

/// Keeps a server in step with another.
pub(super) struct Follower {
    source: Peer,
    /// The installation that is shadowed. Another one may answer at the same address later.
    device: String,
    here: Peer,
    followed: BTreeMap<String, Followed>,
    /// Looks at the server so far.
    looks: u64,
    /// The bucket whose history was compared last.
    walked: String,
}

/// A bucket that is followed.
struct Followed {
    /// What the source said about it when its newest events were compared last.
    description: Value,
    walk: Walk,
}

impl Follower {
    pub(super) fn new(source: Peer, device: String, here: Peer) -> Follower {
        Follower {
            source,
            device,
            here,
            followed: BTreeMap::new(),
            looks: 0,
            walked: String::new(),
        }
    }

    /// Copies everything that the source has, and says what it was.
    ///
    /// # Errors
    /// When one of the servers does not answer, or refuses. Run again, it goes on.
    pub(super) fn begin(&mut self) -> anyhow::Result<()> {
        self.check_source()?;
        self.copy_settings()?;
        let mut compared = 0;
        let mut changed = Changed::default();
        for (bucket, description) in self.source.buckets()? {
            let (events, in_bucket) = self.follow(&bucket, description)?;
            compared += events;
            changed.add(in_bucket);
        }
        eprintln!(
            "timberline: in step with {}: {} buckets, {compared} events ({} stored now)",
            self.source,
            self.followed.len(),
            changed.inserted
        );
        Ok(())
    }

    /// Brings the newest events of all buckets that are on both servers in step, once.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(super) fn catch_up_once(source: &Peer, here: &Peer) -> anyhow::Result<()> {
        let known = here.buckets()?;
        for bucket in source.buckets()?.keys() {
            if known.contains_key(bucket) {
                catch_up(bucket, source, here)?;
            }
        }
        Ok(())
    }

    /// [`begin`](Self::begin), again and again until both servers answer.
    pub(super) fn begin_when_both_answer(&mut self, pause: Duration) {
        let mut complaint = Complaint::default();
        loop {
            if self.here.device_id().is_ok() {
                match self.begin() {
                    Ok(()) => return,
                    Err(error) => complaint.say(&error),
                }
                timberline_clock::sleep(pause);
            } else {
                timberline_clock::sleep(Duration::from_millis(100));
            }
        }
    }

    /// Looks for changes again and again, for ever.
    pub(super) fn go_on(&mut self, pause: Duration) -> ! {
        let mut complaint = Complaint::default();
        loop {
            timberline_clock::sleep(pause);
            match self.look() {
                Ok(()) => complaint.is_over(),
                Err(error) => complaint.say(&error),
            }
        }
    }

    /// One look at the source.
    fn look(&mut self) -> anyhow::Result<()> {
        self.looks += 1;
        self.check_source()?;
        let buckets = self.source.buckets()?;
        self.forget_deleted(&buckets)?;
        for (bucket, description) in buckets {
            match self.followed.get_mut(&bucket) {
                None => {
                    self.follow(&bucket, description)?;
                }
                Some(followed) if followed.description != description => {
                    catch_up(&bucket, &self.source, &self.here)?;
                    followed.description = description;
                }
                Some(_) => {}
            }
        }
        if self.looks.is_multiple_of(COUNT_EVERY) {
            self.compare_counts()?;
        }
        if self.looks.is_multiple_of(WALK_EVERY) {
            self.walk_on()?;
        }
        Ok(())
    }

    /// Another server at this address has other buckets: nothing is deleted here because of that.
    fn check_source(&self) -> anyhow::Result<()> {
        ensure!(
            self.source.device_id()? == self.device,
            "another server answers at {}: the copy stays as it is",
            self.source
        );
        Ok(())
    }

    /// Copies a bucket that is not followed yet. Gives back how many events it has.
    fn follow(&mut self, bucket: &str, description: Value) -> anyhow::Result<(u64, Changed)> {
        self.here.make_bucket(bucket, &description)?;
        let mut walk = Walk::new();
        let mut changed = Changed::default();
        while !walk.is_done() {
            changed.add(walk.step(bucket, &self.source, &self.here)?);
        }
        let compared = walk.compared();
        let walk = Walk::new();
        self.followed
            .insert(bucket.to_owned(), Followed { description, walk });
        Ok((compared, changed))
    }

    /// Deletes the buckets that were followed and that the source no longer has. Others stay: they were here before.
    ///
    /// A source without any bucket is more likely one that was started with an empty data directory.
    fn forget_deleted(&mut self, buckets: &BTreeMap<String, Value>) -> anyhow::Result<()> {
        ensure!(
            self.followed.is_empty() || !buckets.is_empty(),
            "{} has no bucket any more: the copy stays as it is",
            self.source
        );
        let gone = self
            .followed
            .keys()
            .filter(|bucket| !buckets.contains_key(*bucket));
        for bucket in gone.cloned().collect::<Vec<_>>() {
            self.here.delete_bucket(&bucket)?;
            self.followed.remove(&bucket);
            eprintln!(
                "timberline: {}: deleted, as in {}",
                printable(&bucket),
                self.source
            );
        }
        Ok(())
    }

    /// Compares the whole history of each bucket that has more or fewer events here than there.
    fn compare_counts(&mut self) -> anyhow::Result<()> {
        for (bucket, followed) in &mut self.followed {
            if self.source.count(bucket)? == self.here.count(bucket)? {
                continue;
            }
            let mut walk = Walk::new();
            while !walk.is_done() {
                let changed = walk.step(bucket, &self.source, &self.here)?;
                say(bucket, changed);
            }
            followed.walk = Walk::new();
        }
        Ok(())
    }

    /// Compares one more window of one bucket, of each in its turn.
    fn walk_on(&mut self) -> anyhow::Result<()> {
        let after = (Bound::Excluded(self.walked.clone()), Bound::Unbounded);
        let next = self
            .followed
            .range(after)
            .next()
            .or_else(|| self.followed.iter().next());
        let Some(bucket) = next.map(|(bucket, _)| bucket.clone()) else {
            return Ok(());
        };
        if let Some(followed) = self.followed.get_mut(&bucket) {
            let before = followed.walk.compared();
            // Windows without events cost next to nothing.
            while followed.walk.compared() == before && !followed.walk.is_done() {
                say(&bucket, followed.walk.step(&bucket, &self.source, &self.here)?);
            }
            if followed.walk.is_done() {
                followed.walk = Walk::new();
            }
        }
        self.walked = bucket;
        Ok(())
    }

    /// Sets the settings of the source that are not set here.
    fn copy_settings(&self) -> anyhow::Result<()> {
        let known = self.here.settings()?;
        for (key, value) in self.source.settings()? {
            if !known.contains_key(&key) {
                self.here.set(&key, &value)?;
            }
        }
        Ok(())
    }
}

/// Compares the newest events of a bucket. If there are so many new ones that none of those is here, the history is compared
/// back to where both are equal.
fn catch_up(bucket: &str, source: &Peer, here: &Peer) -> anyhow::Result<()> {
    let (newest_there, newest_here) = (source.newest(bucket, NEWEST)?, here.newest(bucket, NEWEST)?);
    let oldest = [oldest_if_cut_off(&newest_there), oldest_if_cut_off(&newest_here)];
    let bound = oldest.into_iter().flatten().max();
    if bound.is_some() && !newest_there.iter().any(|event| has(&newest_here, event)) {
        return walk_until_equal(bucket, source, here);
    }
    let is_newer = |event: &Event| bound.is_none_or(|bound| event.start > bound);
    let newer = |events: Vec<Event>| events.into_iter().filter(is_newer).collect::<Vec<_>>();
    bring_in_step(bucket, &newer(newest_there), &newer(newest_here), here)?;
    Ok(())
}

fn walk_until_equal(bucket: &str, source: &Peer, here: &Peer) -> anyhow::Result<()> {
    let mut walk = Walk::new();
    while !walk.is_done() {
        let before = walk.compared();
        let changed = walk.step(bucket, source, here)?;
        if changed.is_nothing() && walk.compared() > before {
            break;
        }
    }
    Ok(())
}

/// The start of the oldest event, if there may be older ones.
fn oldest_if_cut_off(newest: &[Event]) -> Option<timberline_model::Timestamp> {
    let oldest = newest.iter().map(|event| event.start).min();
    oldest.filter(|_| newest.len() >= NEWEST)
}

/// Whether an event that began at the same time with the same data is there: it may have grown.
fn has(events: &[Event], event: &Event) -> bool {
    events
        .iter()
        .any(|other| other.start == event.start && other.data == event.data)
}

fn say(bucket: &str, changed: Changed) {
    if !changed.is_nothing() {
        eprintln!(
            "timberline: {}: {} events added, {} changed, {} deleted",
            printable(bucket),
            changed.inserted,
            changed.replaced,
            changed.deleted
        );
    }
}

/// What goes wrong is said once, until it is over.
#[derive(Default)]
struct Complaint {
    said: Option<String>,
}

impl Complaint {
    fn say(&mut self, error: &anyhow::Error) {
        let text = crate::verdict::describe(error);
        if self.said.as_ref() != Some(&text) {
            eprintln!("timberline: {text}. Trying again until it works");
            self.said = Some(text);
        }
    }

    fn is_over(&mut self) {
        if self.said.take().is_some() {
            eprintln!("timberline: it works again");
        }
    }
}
