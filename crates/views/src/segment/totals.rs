//! What each object of a segment adds up to: the time of its events, how many they are, when the first one begins and the
//! last one ends. Who asks about objects and not about events need not read the rows.

use super::pack::Packing;
use crate::row::Row;
use timberline_model::EventId;

/// Bytes in front of the columns: how many objects, and for each column base, unit and bits.
const HEAD: usize = 4 + 4 * PACKING;
/// Bytes of a column's packing.
const PACKING: usize = 20;

/// What one object adds up to. Events that end before they start do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectTotals {
    /// Nanoseconds.
    pub time: i64,
    /// How many events.
    pub events: u64,
    /// When the first event begins, since 1970 in nanoseconds.
    pub first: i64,
    /// When the last event ends.
    pub last: i64,
}

/// Adds up the rows of a segment that is being built.
#[derive(Debug, Default)]
pub(super) struct TotalsBuilder {
    objects: Vec<ObjectTotals>,
}

impl TotalsBuilder {
    pub(super) fn add(&mut self, row: &Row) {
        // A row without an id stands for one that is lost.
        if row.duration.is_negative() || row.id == EventId::NONE {
            return;
        }
        let at = row.data as usize;
        if self.objects.len() <= at {
            let nothing = ObjectTotals {
                time: 0,
                events: 0,
                first: i64::MAX,
                last: i64::MIN,
            };
            self.objects.resize(at + 1, nothing);
        }
        if let Some(totals) = self.objects.get_mut(at) {
            totals.time = totals.time.saturating_add(row.duration.nanos());
            totals.events += 1;
            totals.first = totals.first.min(row.start.nanos());
            totals.last = totals.last.max(row.end().nanos());
        }
    }

    /// What each of so many objects adds up to. One without events begins and ends with some other, so that it takes no bits.
    pub(super) fn of(&self, objects: u32) -> Vec<ObjectTotals> {
        let has_events = |totals: &&ObjectTotals| totals.events > 0;
        let other = self.objects.iter().find(has_events);
        let nothing = ObjectTotals {
            time: 0,
            events: 0,
            first: other.map_or(0, |totals| totals.first),
            last: other.map_or(0, |totals| totals.last),
        };
        let of = |object| self.objects.get(object as usize).filter(has_events);
        (0..objects)
            .map(|object| *of(object).unwrap_or(&nothing))
            .collect()
    }

    /// Appends the section, of so many objects.
    pub(super) fn write(&self, objects: u32, out: &mut Vec<u8>) {
        let all = self.of(objects);
        let column = |value: fn(&ObjectTotals) -> i64| all.iter().map(value).collect::<Vec<i64>>();
        let columns = [
            column(|totals| totals.time),
            column(|totals| totals.events as i64),
            column(|totals| totals.first),
            column(|totals| totals.last),
        ];
        let packings = columns.each_ref().map(|values| Packing::of(values));
        out.extend_from_slice(&objects.to_le_bytes());
        for packing in &packings {
            out.extend_from_slice(&packing.base.to_le_bytes());
            out.extend_from_slice(&packing.unit.to_le_bytes());
            out.extend_from_slice(&packing.bits.to_le_bytes());
        }
        for (packing, values) in packings.iter().zip(&columns) {
            packing.write(values, out);
        }
    }
}

/// The totals of a segment, read from its mapping.
#[derive(Clone, Copy, Debug)]
pub struct Totals<'a> {
    objects: u32,
    columns: [(Packing, &'a [u8]); 4],
}

impl<'a> Totals<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Totals<'a>> {
        let (head, mut rest) = bytes.split_at_checked(HEAD)?;
        let (objects, packings) = head.split_first_chunk::<4>()?;
        let objects = u32::from_le_bytes(*objects);
        let mut columns = [(Packing::default(), [].as_slice()); 4];
        for (column, packing) in columns.iter_mut().zip(packings.chunks_exact(PACKING)) {
            let packing = parse_packing(packing)?;
            let (bytes, after) = rest.split_at_checked(packing.size(objects as usize))?;
            *column = (packing, bytes);
            rest = after;
        }
        rest.is_empty().then_some(Totals { objects, columns })
    }

    /// What an object adds up to; none if there is no such object.
    #[must_use]
    pub fn get(&self, object: u32) -> Option<ObjectTotals> {
        let [time, events, first, last] = self
            .columns
            .map(|(packing, bytes)| packing.get(bytes, object as usize));
        (object < self.objects).then_some(ObjectTotals {
            time,
            events: events as u64,
            first,
            last,
        })
    }
}

fn parse_packing(bytes: &[u8]) -> Option<Packing> {
    let (base, rest) = bytes.split_first_chunk()?;
    let (unit, rest) = rest.split_first_chunk()?;
    let bits = u32::from_le_bytes(*rest.first_chunk()?);
    (bits <= 64).then_some(Packing {
        base: i64::from_le_bytes(*base),
        unit: u64::from_le_bytes(*unit),
        bits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use timberline_model::{Duration, Timestamp};

    proptest! {
        #[test]
        fn what_is_added_up_is_read(rows in prop::collection::vec((any::<i32>(), -5i64..1_000_000, 0u32..9), 0..60)) {
            let rows: Vec<Row> = (1..).zip(&rows).map(|(id, (start, duration, data))| Row {
                start: Timestamp::from_nanos(i64::from(*start)),
                duration: Duration::from_nanos(*duration),
                id: EventId(id),
                data: *data,
            }).collect();
            let mut builder = TotalsBuilder::default();
            rows.iter().for_each(|row| builder.add(row));
            let mut bytes = Vec::new();
            builder.write(10, &mut bytes);
            let totals = Totals::parse(&bytes).unwrap();
            for object in 0..10 {
                let own: Vec<&Row> = rows.iter().filter(|row| row.data == object && !row.duration.is_negative()).collect();
                let found = totals.get(object).unwrap();
                prop_assert_eq!(found.events, own.len() as u64);
                prop_assert_eq!(found.time, own.iter().map(|row| row.duration.nanos()).sum::<i64>());
                if !own.is_empty() {
                    prop_assert_eq!(Some(found.first), own.iter().map(|row| row.start.nanos()).min());
                    prop_assert_eq!(Some(found.last), own.iter().map(|row| row.end().nanos()).max());
                }
            }
            prop_assert_eq!(totals.get(10), None);
        }

        #[test]
        fn garbage_is_no_section_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), object in any::<u32>()) {
            if let Some(totals) = Totals::parse(&bytes) {
                let _ = totals.get(object);
            }
        }
    }
}
