//! A list of events as columns over the [`Catalog`](crate::catalog::Catalog)'s objects.
//!
//! Columns are shared by reference count: a transform that only replaces data shares the other columns with the list
//! that it was given.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use timberline_views::columns::Columns;

use crate::catalog::ObjectId;
use crate::error::QueryError;
use crate::limits::{Charge, Guard};
use crate::scope::Scope;
use crate::spare::Element;
use crate::totals::Totals;

/// The id of an event that a transform made.
pub(crate) const NO_ID: u64 = 0;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Nanoseconds since 1970.
    pub(crate) start: i64,
    /// Nanoseconds; may be negative.
    pub(crate) duration: i64,
    /// Its id or [`NO_ID`].
    pub(crate) id: u64,
    pub(crate) data: ObjectId,
}

impl Event {
    #[inline]
    pub(crate) fn end(&self) -> i64 {
        self.start.saturating_add(self.duration)
    }
}

/// A finished column.
#[derive(Debug)]
pub(crate) struct Column<T: Element>(Arc<Charged<T>>);

#[derive(Debug)]
struct Charged<T: Element> {
    values: Vec<T>,
    charge: Charge,
}

impl<T: Element> Drop for Charged<T> {
    fn drop(&mut self) {
        self.charge.spare().give(std::mem::take(&mut self.values));
    }
}

impl<T: Element> Clone for Column<T> {
    fn clone(&self) -> Column<T> {
        Column(Arc::clone(&self.0))
    }
}

impl<T: Element> Deref for Column<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.0.values
    }
}

impl<T: Element> Column<T> {
    /// Takes `values` and charges their memory.
    pub(crate) fn new(guard: &Guard, values: Vec<T>) -> Result<Column<T>, QueryError> {
        let charge = guard.charge(values.len() * size_of::<T>())?;
        Ok(Column(Arc::new(Charged { values, charge })))
    }
}

/// A list of events.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    starts: Column<i64>,
    durations: Column<i64>,
    ids: Column<u64>,
    data: Column<ObjectId>,
    /// Computed at the first use, for all who share the list.
    totals: Arc<OnceLock<Totals>>,
}

impl Events {
    pub(crate) fn empty(guard: &Guard) -> Result<Events, QueryError> {
        Builder::new(guard)?.build()
    }

    /// The events of a bucket.
    pub(crate) fn from_columns(guard: &Guard, columns: Columns) -> Result<Events, QueryError> {
        Ok(Events {
            starts: Column::new(guard, columns.starts)?,
            durations: Column::new(guard, columns.durations)?,
            ids: Column::new(guard, columns.ids)?,
            data: Column::new(guard, columns.data)?,
            totals: Arc::default(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    pub(crate) fn starts(&self) -> &[i64] {
        &self.starts
    }

    pub(crate) fn durations(&self) -> &[i64] {
        &self.durations
    }

    pub(crate) fn data(&self) -> &[ObjectId] {
        &self.data
    }

    #[inline]
    pub(crate) fn get(&self, i: usize) -> Option<Event> {
        Some(Event {
            start: *self.starts.get(i)?,
            duration: *self.durations.get(i)?,
            id: *self.ids.get(i)?,
            data: *self.data.get(i)?,
        })
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Event> {
        let columns = self.starts.iter().zip(&*self.durations);
        let columns = columns.zip(self.ids.iter().zip(&*self.data));
        columns.map(|((start, duration), (id, data))| Event {
            start: *start,
            duration: *duration,
            id: *id,
            data: *data,
        })
    }

    /// The same events with other data, one for each.
    pub(crate) fn with_data(&self, guard: &Guard, data: Vec<ObjectId>) -> Result<Events, QueryError> {
        debug_assert_eq!(data.len(), self.len());
        Ok(Events {
            data: Column::new(guard, data)?,
            totals: Arc::default(),
            ..self.clone()
        })
    }

    /// The same events with other data. `of` maps each event's data, in the order of the list.
    pub(crate) fn map_data(
        &self,
        scope: Scope<'_>,
        mut of: impl FnMut(ObjectId) -> Result<ObjectId, QueryError>,
    ) -> Result<Events, QueryError> {
        let mut data = scope.guard.spare().take(self.len());
        for (i, object) in self.data.iter().enumerate() {
            scope.check_at(i)?;
            data.push(of(*object)?);
        }
        self.with_data(scope.guard, data)
    }

    /// The events whose data `keep` accepts.
    pub(crate) fn filter(
        &self,
        guard: &Guard,
        mut keep: impl FnMut(ObjectId) -> Result<bool, QueryError>,
    ) -> Result<Events, QueryError> {
        let mut kept = Builder::new(guard)?;
        for (i, object) in self.data.iter().enumerate() {
            guard.check_at(i)?;
            if keep(*object)?
                && let Some(event) = self.get(i)
            {
                kept.push(event)?;
            }
        }
        kept.build()
    }

    /// How long each distinct object lasted in all.
    pub(crate) fn totals(&self, guard: &Guard) -> Result<&Totals, QueryError> {
        if let Some(totals) = self.totals.get() {
            return Ok(totals);
        }
        let totals = Totals::of(guard, &self.data, &self.starts, &self.durations)?;
        Ok(self.totals.get_or_init(|| totals))
    }

    /// The first `n`.
    pub(crate) fn first(&self, guard: &Guard, n: usize) -> Result<Events, QueryError> {
        if n >= self.len() {
            return Ok(self.clone());
        }
        let mut first = Builder::with_capacity(guard, n)?;
        for event in self.iter().take(n) {
            first.push(event)?;
        }
        first.build()
    }
}

/// A list that is being built. Its memory is charged before it is allocated.
pub(crate) struct Builder<'a> {
    guard: &'a Guard,
    charge: Charge,
    columns: Columns,
    capacity: usize,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(guard: &'a Guard) -> Result<Builder<'a>, QueryError> {
        Builder::with_capacity(guard, 0)
    }

    pub(crate) fn with_capacity(guard: &'a Guard, capacity: usize) -> Result<Builder<'a>, QueryError> {
        let mut builder = Builder {
            guard,
            charge: guard.charge(0)?,
            columns: Columns::default(),
            capacity: 0,
        };
        builder.make_room(capacity)?;
        Ok(builder)
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    #[cold]
    fn make_room(&mut self, more: usize) -> Result<(), QueryError> {
        self.guard.check()?;
        self.charge.grow(more.saturating_mul(Columns::EVENT_BYTES))?;
        self.capacity += more;
        if self.columns.is_empty() {
            self.columns = self.guard.spare().take_columns(self.capacity);
        } else {
            self.columns.reserve(self.capacity - self.columns.len());
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, event: Event) -> Result<(), QueryError> {
        if self.columns.len() == self.capacity {
            self.make_room(self.capacity.max(64))?;
        }
        self.columns.starts.push(event.start);
        self.columns.durations.push(event.duration);
        self.columns.ids.push(event.id);
        self.columns.data.push(event.data);
        Ok(())
    }

    /// Appends a whole list.
    pub(crate) fn extend(&mut self, events: &Events) -> Result<(), QueryError> {
        let room = self.capacity - self.len();
        if events.len() > room {
            self.make_room(events.len() - room)?;
        }
        self.columns.starts.extend_from_slice(&events.starts);
        self.columns.durations.extend_from_slice(&events.durations);
        self.columns.ids.extend_from_slice(&events.ids);
        self.columns.data.extend_from_slice(&events.data);
        Ok(())
    }

    /// The durations so far, to be added to.
    pub(crate) fn durations_mut(&mut self) -> &mut [i64] {
        &mut self.columns.durations
    }

    pub(crate) fn build(self) -> Result<Events, QueryError> {
        let Builder {
            guard,
            charge,
            columns,
            ..
        } = self;
        // The columns are charged one by one from here on.
        drop(charge);
        Events::from_columns(guard, columns)
    }
}
