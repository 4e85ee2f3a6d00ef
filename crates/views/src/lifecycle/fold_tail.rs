//! Folding what the checkpoint does not include.

use timberline_log::{Damage, LogReader, Seq};

use crate::background::compactor::flush_full_heads;
use crate::error::OpenError;
use crate::files::open_report::OpenReport;
use crate::fold::flush::FlushTrigger;
use crate::record::{Record, RecordKind};
use crate::store::Shared;

/// About what a record takes in the log in addition to its payload.
const FRAME_BYTES: u64 = 32;

/// Reports the progress of a long fold: records folded so far, and the newest record of the log.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Folds what the checkpoint does not have. Heads are flushed on the way, so that memory stays bounded.
pub(super) fn fold_tail(
    shared: &Shared,
    report: &mut OpenReport,
    progress: Progress<'_>,
) -> Result<(), OpenError> {
    let reader = shared.sequencer.lock().log.reader();
    let restored = shared.sequencer.snapshot();
    let from = restored.seq().next();
    if from > report.seq {
        return Ok(());
    }
    let mut records = match restored.position {
        Some(position) => reader.read_from_hint(from, position)?,
        None => reader.read_from(from)?,
    };
    let mut flushing = true;
    let mut erased_through = Seq::NONE;
    let mut trigger = FlushTrigger::default();
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) => record,
            Err(damage) => {
                report.lost_orders.extend(lost_order(&reader, &damage));
                report.note_damage(damage);
                continue;
            }
        };
        let folded = Record::decode(record.kind, record.payload)
            .map_err(|e| e.to_string())
            .and_then(|decoded| {
                if let Record::PurgeEnded(ended) = &decoded {
                    erased_through = erased_through.max(ended.through);
                }
                shared
                    .sequencer
                    .lock()
                    .state
                    .apply(record.seq, &decoded)
                    .map_err(|e| e.to_string())
            });
        if let Err(why) = folded {
            report.note_unfolded(record.seq, why);
        }
        shared
            .checkpointer
            .note_bytes(record.payload.len() as u64 + FRAME_BYTES);
        report.folded += 1;
        if trigger.is_due(record.payload) {
            progress(report.folded, report.seq.0);
            flushing = flushing && flush_full_heads(shared);
        }
    }
    report.lost_orders.retain(|order| *order > erased_through);
    let mut turn = shared.sequencer.lock();
    report.note_recovered(&turn.state);
    turn.state.position = Some(turn.log.position());
    shared.sequencer.publish(&turn.state);
    Ok(())
}

/// The record, if what is lost was an order to erase. A header that is damaged too does not say so.
fn lost_order(reader: &LogReader, damage: &Damage) -> Option<Seq> {
    let is_order = reader.kind_of_lost(damage) == Some(RecordKind::PurgeBegun.number());
    let lost = damage.lost.as_ref().filter(|_| is_order)?;
    Some(*lost.start())
}
