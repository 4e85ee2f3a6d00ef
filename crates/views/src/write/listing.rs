//! Under which ids a bucket is found, and whether it is archived.

use crate::error::WriteError;
use crate::record::{BucketListed, Record};
use crate::store::Store;
use crate::view::Listing;
use crate::write::events::Receipt;

/// What is to change of how a bucket is found; `None` leaves as is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketListing {
    /// Its new id. The one it had becomes an alias, unless the aliases are given.
    pub id: Option<String>,
    /// All of its aliases.
    pub aliases: Option<Vec<String>>,
    /// Whether it is left out of lists.
    pub archived: Option<bool>,
}

impl BucketListing {
    /// What it makes of a listing.
    fn applied(&self, now: &Listing) -> Listing {
        let mut aliases: Vec<&str> = match &self.aliases {
            Some(aliases) => aliases.iter().map(String::as_str).collect(),
            None => now.aliases.iter().map(AsRef::as_ref).collect(),
        };
        if self.id.is_some() && self.aliases.is_none() {
            aliases.push(&now.bucket.id);
        }
        now.after(&BucketListed {
            id: self.id.as_deref(),
            aliases: Some(aliases),
            archived: self.archived,
            ..BucketListed::default()
        })
    }
}

impl Store {
    /// Gives a bucket another id, other aliases, or takes it out of the lists or puts it there again. `None` if it is so
    /// already.
    ///
    /// # Errors
    /// [`WriteError::NameTaken`] if another bucket has the id or one of the aliases; other [`WriteError`]s.
    pub fn list_bucket(&self, bucket: &str, change: &BucketListing) -> Result<Option<Receipt>, WriteError> {
        let sequencer = &self.shared.sequencer;
        let mut turn = sequencer.lock();
        let view = &turn.existing(bucket)?.view;
        let (key, now) = (view.key, view.bucket.clone());
        let then = change.applied(&now);
        if then == *now {
            return Ok(None);
        }
        let is_of_another = |name: &&str| turn.state.named(name).is_some_and(|b| b.view.key != key);
        if let Some(name) = then.names().find(is_of_another) {
            return Err(WriteError::NameTaken(name.to_owned()));
        }
        let renamed = !then.names().eq(now.names());
        let record = Record::BucketListed(BucketListed {
            bucket: key,
            id: renamed.then_some(&*then.bucket.id),
            aliases: renamed.then(|| then.aliases.iter().map(AsRef::as_ref).collect()),
            archived: (then.archived != now.archived).then_some(then.archived),
        });
        let seq = sequencer.commit(&mut turn, &record)?;
        Ok(Some(Receipt { seq, sync: true }))
    }
}
