//! What tells events apart: the value of a member, or the domain of a page.

use std::sync::Arc;

use super::dimension::Dimension;
use crate::catalog::{Catalog, ObjectId, ValueId};
use crate::transform::{Domains, KeyColumn};

/// The values of all events for a dimension.
#[derive(Debug)]
pub(super) enum Column {
    Key(Arc<KeyColumn>),
    Domain(Arc<Domains>),
}

impl Column {
    /// None for what the data do not say: the bucket and the device.
    pub(super) fn of(catalog: &Catalog, dimension: Dimension) -> Option<Column> {
        match dimension.key() {
            Some(key) => Some(Column::Key(KeyColumn::of(catalog, catalog.string(key)))),
            None if dimension == Dimension::Domain => Some(Column::Domain(Domains::of(catalog))),
            None => None,
        }
    }

    #[inline]
    pub(super) fn value(&self, catalog: &Catalog, data: ObjectId) -> Option<ValueId> {
        match self {
            Column::Key(column) => column.value(catalog, data),
            Column::Domain(domains) => domains.value(catalog, data),
        }
    }
}
