//! Damage reports for bytes and files that are lost.

use std::sync::Arc;

use timberline_disk::Storage;

use crate::Seq;
use crate::error::Damage;
use crate::format::segment::segment_name;
use crate::read::walk::Gap;

/// The damage of a segment file that is not there.
pub(crate) fn missing_segment(storage: &Arc<dyn Storage>, from: Seq, next: Seq) -> Damage {
    Damage {
        path: storage.path().join(segment_name(from)),
        offset: 0,
        bytes: 0,
        lost: Some(from..=next.prev()),
        reason: "the segment file is missing".to_owned(),
    }
}

/// The damage that a gap is, if it is not the torn end of the log.
pub(crate) fn damage_of(storage: &Arc<dyn Storage>, segment: Seq, gap: &Gap) -> Damage {
    Damage {
        path: storage.path().join(segment_name(segment)),
        offset: gap.offset,
        bytes: gap.bytes,
        lost: Some(gap.lost.clone()),
        reason: gap.reason.clone(),
    }
}
