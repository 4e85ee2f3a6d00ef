//! Buckets: where the events of one watcher on one host are kept.

use crate::{Data, NewEvent, ParseError, Timestamp};

/// A bucket as it is kept, without its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name, unique in the store, such as `aw-watcher-window_laptop`.
    pub id: String,
    /// What kind of events it holds, such as `currentwindow`; `type` in JSON.
    pub type_: String,
    /// The program that fills it.
    pub client: String,
    /// The host it was filled on.
    pub hostname: String,
    /// When it was created.
    pub created: Timestamp,
    /// Whatever its creator wants to keep with it.
    pub data: Data,
    /// When it was last changed, if that is to be shown.
    pub last_updated: Option<Timestamp>,
}

/// A bucket as the body of a create or an import gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBucket<'a> {
    /// The id in the body. For a create the id in the path counts; for an import this one does.
    pub id: Option<String>,
    /// Kind of events; `type` in JSON.
    pub type_: String,
    /// The program that fills it.
    pub client: String,
    /// The host; `!local` stands for the host of the server.
    pub hostname: String,
    /// When it was created, if given.
    pub created: Option<Timestamp>,
    /// `{}` when not given.
    pub data: Data,
    /// When it was last changed, if given, as in an export of a reference server.
    pub last_updated: Option<Timestamp>,
    /// Events to be put in, never with an id: ids of another store mean nothing here.
    pub events: Vec<NewEvent<'a>>,
    /// Events that cannot be read: they are left out, as in the reference server, and may be reported.
    pub left_out: Option<LeftOut>,
}

/// What was left out of a [`NewBucket`]'s events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many events.
    pub count: usize,
    /// Why the first of them could not be read.
    pub first: ParseError,
}

/// What is to change in a bucket; `None` leaves as is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketUpdate {
    /// New kind of events; `type` in JSON.
    pub type_: Option<String>,
    /// New client.
    pub client: Option<String>,
    /// New host.
    pub hostname: Option<String>,
    /// New data, in place of the old.
    pub data: Option<Data>,
}
