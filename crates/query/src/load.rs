//! Reading a bucket: the numbers of its dictionaries become numbers of the catalog. Each object and value of a dictionary
//! is looked up once; then its number is known.

use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use timberline_views::columns::{Columns, DataDictionary, HeadData, Renumber, SegmentData};

use crate::catalog::{Member, Table, ValueId};
use crate::error::QueryError;
use crate::limits::Charge;
use crate::scope::Scope;

/// What is known of one dictionary: its objects and its values, in our numbers.
#[derive(Debug, Default)]
struct Known {
    objects: Table,
    values: Table,
}

/// What is known of all dictionaries.
#[derive(Debug, Default)]
struct Dictionaries(Mutex<FxHashMap<u64, Arc<Known>>>);

impl Dictionaries {
    fn known(&self, number: u64) -> Arc<Known> {
        Arc::clone(self.0.lock().entry(number).or_default())
    }
}

/// Reads a bucket for a query: brings data over, charges the memory, and stops when the query does.
pub(crate) struct Loader<'a> {
    scope: Scope<'a>,
    dictionaries: Arc<Dictionaries>,
    /// The dictionary of the last call.
    last: Option<(u64, Arc<Known>)>,
    charge: Charge,
    members: Vec<Member>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(scope: Scope<'a>) -> Result<Loader<'a>, QueryError> {
        Ok(Loader {
            scope,
            dictionaries: scope.catalog.memos.of(),
            last: None,
            charge: scope.guard.charge(0)?,
            members: Vec::new(),
        })
    }

    fn known(&mut self, number: u64) -> Arc<Known> {
        match &self.last {
            Some((last, known)) if *last == number => Arc::clone(known),
            _ => {
                let known = self.dictionaries.known(number);
                self.last = Some((number, Arc::clone(&known)));
                known
            }
        }
    }

    fn of_segment(&mut self, data: &SegmentData<'_>, numbers: &mut [u32]) {
        let known = self.known(data.number());
        let catalog = self.scope.catalog;
        // A number beyond the dictionary comes from damage. It is not kept, because a table is as large as its greatest
        // number.
        let value = |number: u32| -> ValueId {
            known.values.get(number).unwrap_or_else(|| {
                let id = catalog.value(data.value(number));
                if number < data.values() {
                    known.values.set(catalog, number, id);
                }
                id
            })
        };
        for number in numbers {
            *number = known.objects.get(*number).unwrap_or_else(|| {
                self.members.clear();
                let members = data.members(*number);
                self.members.extend(members.map(|(key, of)| Member {
                    key: value(key),
                    value: value(of),
                }));
                let id = catalog.object(&self.members);
                if *number < data.objects() {
                    known.objects.set(catalog, *number, id);
                }
                id
            });
        }
    }

    fn of_head(&mut self, data: &HeadData<'_>, numbers: &mut [u32]) {
        let known = self.known(data.number());
        let catalog = self.scope.catalog;
        for number in numbers {
            *number = known.objects.get(*number).unwrap_or_else(|| {
                let id = catalog.object_of_text(data.text(*number));
                known.objects.set(catalog, *number, id);
                id
            });
        }
    }
}

impl Renumber for Loader<'_> {
    type Error = QueryError;

    fn renumber(&mut self, dictionary: &DataDictionary<'_>, numbers: &mut [u32]) -> Result<(), QueryError> {
        self.scope.guard.check()?;
        self.charge.grow(numbers.len() * Columns::EVENT_BYTES)?;
        self.scope.check_catalog()?;
        match dictionary {
            DataDictionary::Segment(data) => self.of_segment(data, numbers),
            DataDictionary::Head(data) => self.of_head(data, numbers),
        }
        Ok(())
    }
}
