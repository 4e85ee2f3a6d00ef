//! Adds up events, oldest first, into spans of a grid: how much of each is covered, and by what mostly.

use super::grid::Grid;

/// What something is known by in a fold: which list of things, and its number there.
pub(super) type Thing = (u32, u32);

/// One event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) what: Thing,
    /// Where it came from.
    pub(super) place: (usize, usize),
}

/// Events of one list of things, in the order of their starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    pub(super) list: u32,
    pub(super) starts: &'a [i64],
    pub(super) durations: &'a [i64],
    /// The numbers of the things.
    pub(super) things: &'a [i64],
    /// Where the first one came from; the others follow.
    pub(super) place: (usize, usize),
}

impl<'a> Rows<'a> {
    fn from(&self, first: usize) -> impl Iterator<Item = ((&'a i64, &'a i64), &'a i64)> + use<'a> {
        let starts = self.starts.get(first..).unwrap_or_default().iter();
        let durations = self.durations.get(first..).unwrap_or_default();
        starts
            .zip(durations)
            .zip(self.things.get(first..).unwrap_or_default())
    }

    fn item(&self, at: usize) -> Option<Item> {
        let start = *self.starts.get(at)?;
        Some(Item {
            start,
            end: start.saturating_add(*self.durations.get(at)?),
            what: (self.list, *self.things.get(at)? as u32),
            place: (self.place.0, self.place.1 + at),
        })
    }
}

/// The events that lie in one span of the grid, added up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    pub(super) span: i64,
    /// Nanoseconds of it in which there is an event.
    pub(super) covered: i64,
    /// Events that lie in it, wholly or partly.
    pub(super) events: u64,
    /// What has most time in it; of equal times what comes first.
    pub(super) what: Thing,
    /// That time.
    pub(super) time: i64,
    /// The last of its events, cut to the span.
    pub(super) last: Item,
}

/// Says which things of different lists are the same.
pub(super) trait Same {
    /// The same number for the same things.
    fn number(&mut self, thing: Thing) -> u32;
}

/// The spans of a tile, while events are added. Only one span is filled at a time.
pub(super) struct Fold {
    grid: Grid,
    /// The tile: when it ends, and the number of the span after its last.
    to: i64,
    after: i64,
    /// The span that is filled.
    span: i64,
    begin: i64,
    end: i64,
    covered: i64,
    events: u64,
    last: Option<Item>,
    /// Up to where the events so far cover the time without a gap that matters: the greatest end.
    reach: i64,
    /// Of each thing of each list, its time in the span, and one more so that zero means none.
    times: Vec<Vec<i64>>,
    /// The things in the span, in the order in which they came: the first `met_len` of these.
    met: Vec<Thing>,
    met_len: usize,
    /// Events that last beyond the span.
    carried: Vec<Item>,
    sums: Vec<Sum>,
}

impl Fold {
    pub(super) fn new(grid: Grid, tile: i64) -> Fold {
        let (first, after) = grid.spans_of(tile);
        Fold {
            grid,
            to: grid.begin(after),
            after,
            span: first,
            begin: grid.begin(first),
            end: grid.begin(first + 1),
            covered: 0,
            events: 0,
            last: None,
            reach: i64::MIN,
            times: Vec::new(),
            met: Vec::new(),
            met_len: 0,
            carried: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// Makes room for a list of things, of which there are so many.
    pub(super) fn expect(&mut self, list: u32, things: usize) {
        let list = list as usize;
        if self.times.len() <= list {
            self.times.resize_with(list + 1, Vec::new);
        }
        if let Some(times) = self.times.get_mut(list)
            && times.len() < things
        {
            // All at once, so that the system gives it zeroed and page by page as it is used.
            let mut larger = vec![0; things];
            larger
                .get_mut(..times.len())
                .unwrap_or_default()
                .copy_from_slice(times);
            *times = larger;
        }
    }

    /// Adds events that begin no earlier than those before. Gives back whether all of their things are in the list.
    pub(super) fn add(&mut self, rows: &Rows<'_>, same: &mut impl Same) -> bool {
        let mut next = 0;
        while let Some(start) = rows.starts.get(next).copied().filter(|start| *start < self.to) {
            if start >= self.end {
                self.advance_to(start, same);
            }
            match self.fill(rows, next) {
                Some(after) => next = after,
                None => return false,
            }
        }
        true
    }

    /// Counts the events from the one at `first` on that begin in the span, or before it. Gives back where the others
    /// begin. This is what is done for each event there is: it keeps at hand what it needs.
    fn fill(&mut self, rows: &Rows<'_>, first: usize) -> Option<usize> {
        let times = self.times.get_mut(rows.list as usize)?.as_mut_slice();
        let (begin, end) = (self.begin, self.end);
        let (mut covered, mut reach, mut events) = (self.covered, self.reach, self.events);
        // Room for all of them, so that nothing has to be decided for each: a place is written in any case, and counts
        // if the thing is new. Whether it is, nobody can predict.
        let room = self.met_len + rows.starts.len() - first;
        if self.met.len() < room {
            self.met.resize(room, (0, 0));
        }
        let met = self.met.as_mut_slice();
        let mut met_len = self.met_len;
        let (mut next, mut last) = (first, None);
        for ((start, duration), number) in rows.from(first) {
            let stop = start.saturating_add(*duration);
            if *start >= end {
                break;
            }
            next += 1;
            // One that ends before it starts has no place in time.
            if *duration < 0 || (*start < begin && stop <= begin) {
                continue;
            }
            let time = times.get_mut(usize::try_from(*number).ok()?)?;
            let (from, to) = ((*start).max(begin), stop.min(end));
            let new = *time == 0;
            *met.get_mut(met_len)? = (rows.list, *number as u32);
            met_len += usize::from(new);
            *time = time.saturating_add(to - from + i64::from(new));
            covered += (to - from.max(reach)).max(0);
            reach = reach.max(stop);
            events += 1;
            last = Some(next - 1);
            if stop > end {
                self.carried.extend(rows.item(next - 1));
            }
        }
        (self.covered, self.reach, self.events) = (covered, reach, events);
        self.met_len = met_len;
        if let Some(item) = last.and_then(|last| rows.item(last)) {
            self.last = Some(self.part(item));
        }
        Some(next)
    }

    /// The part of an event that lies in the span.
    fn part(&self, item: Item) -> Item {
        Item {
            start: item.start.max(self.begin),
            end: item.end.min(self.end),
            ..item
        }
    }

    /// Counts an event that lasts into the span. It covers nothing that is not known to be covered.
    fn count(&mut self, item: Item) {
        let part = self.part(item);
        let (list, number) = item.what;
        let times = self.times.get_mut(list as usize);
        if let Some(time) = times.and_then(|times| times.get_mut(number as usize)) {
            if *time == 0 {
                self.met.truncate(self.met_len);
                self.met.push(item.what);
                self.met_len += 1;
                *time = 1;
            }
            *time = time.saturating_add(part.end - part.start);
        }
        self.events += 1;
        self.last = Some(part);
    }

    fn advance_to(&mut self, instant: i64, same: &mut impl Same) {
        while instant >= self.end && self.span < self.after {
            self.close(same);
            let next = if self.carried.is_empty() {
                self.grid.span_at(instant)
            } else {
                self.span + 1
            };
            self.open(next);
        }
    }

    /// Begins a span, with the events that last into it.
    fn open(&mut self, span: i64) {
        self.span = span;
        self.begin = self.grid.begin(span);
        self.end = self.grid.begin(span + 1);
        // Whatever reaches in began before, so it covers the span from its beginning.
        self.covered = (self.reach.min(self.end).saturating_sub(self.begin)).max(0);
        let mut carried = std::mem::take(&mut self.carried);
        for item in &carried {
            self.count(*item);
        }
        carried.retain(|item| item.end > self.end);
        self.carried = carried;
    }

    fn close(&mut self, same: &mut impl Same) {
        if let Some(last) = self.last.take() {
            let (what, time) = self.mostly(same).unwrap_or((last.what, 0));
            self.sums.push(Sum {
                span: self.span,
                covered: self.covered,
                events: self.events,
                what,
                time,
                last,
            });
        }
        for (list, number) in self.met.iter().take(self.met_len).copied() {
            let times = self.times.get_mut(list as usize);
            if let Some(time) = times.and_then(|times| times.get_mut(number as usize)) {
                *time = 0;
            }
        }
        self.met_len = 0;
        self.events = 0;
    }

    /// What has most time in the span; of equal times what came first.
    fn mostly(&self, same: &mut impl Same) -> Option<(Thing, i64)> {
        let met = self.met.get(..self.met_len)?;
        let first = met.first()?;
        let time = |(list, number): &Thing| {
            let times = self.times.get(*list as usize)?;
            Some(times.get(*number as usize)? - 1)
        };
        let timed = met.iter().filter_map(|thing| Some((*thing, time(thing)?)));
        let greater = |best: (Thing, i64), next: (Thing, i64)| if next.1 > best.1 { next } else { best };
        if met.iter().all(|thing| thing.0 == first.0) {
            return timed.reduce(greater);
        }
        let mut joined: Vec<(Thing, i64)> = Vec::new();
        let mut index = rustc_hash::FxHashMap::default();
        for (thing, time) in timed {
            let at = *index.entry(same.number(thing)).or_insert(joined.len());
            match joined.get_mut(at) {
                Some((_, sum)) => *sum = sum.saturating_add(time),
                None => joined.push((thing, time)),
            }
        }
        joined.into_iter().reduce(greater)
    }

    /// The spans in which there is something.
    pub(super) fn finish(mut self, same: &mut impl Same) -> Vec<Sum> {
        self.close(same);
        while !self.carried.is_empty() && self.span + 1 < self.after {
            self.open(self.span + 1);
            self.close(same);
        }
        self.sums
    }
}

#[cfg(test)]
mod tests;
