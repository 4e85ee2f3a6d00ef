//! What a start finds.

use timberline_log::{Damage, Seq, TornTail};

use crate::fold::State;

/// What opening found.
#[derive(Clone, Debug, Default)]
pub struct OpenReport {
    /// The newest record.
    pub seq: Seq,
    /// Records that were folded because no checkpoint had them.
    pub folded: u64,
    /// What was cut off the end of the log: it was never durable.
    pub torn: Option<TornTail>,
    /// Damage found on the way; the records around it are there.
    pub damage: Vec<Damage>,
    /// Records that could not be folded, with the reason (the first hundred).
    pub unfolded: Vec<(Seq, String)>,
    /// Buckets whose making is lost, and the record that spoke of them first: what is left of them has this id.
    pub recovered: Vec<(Seq, String)>,
    /// Orders to erase that are lost and that no later record says to be complete: what they named is shown again.
    pub lost_orders: Vec<Seq>,
    /// Why the checkpoint could not be used, if there was one: everything was folded again.
    pub checkpoint_unusable: Option<String>,
    /// Events that the log had lost and that were written back from the view files of before.
    pub salvaged: u64,
    /// Events in those files that the log may have lost, and that could not be brought back with certainty.
    pub events_in_doubt: u64,
    /// View files of before that are kept because of them, or because they cannot be read: their names without the
    /// ending that they got.
    pub kept_views: Vec<String>,
}

/// How many records that could not be folded are reported.
const MAX_UNFOLDED: usize = 100;

impl OpenReport {
    /// Whether the log has lost something that views may still hold.
    pub(crate) fn log_is_incomplete(&self) -> bool {
        !self.unfolded.is_empty() || self.damage.iter().any(|damage| damage.lost.is_some())
    }

    /// Notes a record that could not be folded.
    pub(crate) fn note_unfolded(&mut self, seq: Seq, why: impl ToString) {
        if self.unfolded.len() < MAX_UNFOLDED {
            self.unfolded.push((seq, why.to_string()));
        }
    }

    /// Notes damage of the log, unless it is known already: the recovery of the log and the fold read the same records.
    pub(crate) fn note_damage(&mut self, damage: Damage) {
        let known = |other: &Damage| other.path == damage.path && other.offset == damage.offset;
        if !self.damage.iter().any(known) {
            self.damage.push(damage);
        }
    }

    /// Notes the buckets whose creation is lost.
    pub(crate) fn note_recovered(&mut self, state: &State) {
        let found = state.recovered().iter();
        self.recovered = found.map(|bucket| (bucket.seq, bucket.id.clone())).collect();
    }
}
