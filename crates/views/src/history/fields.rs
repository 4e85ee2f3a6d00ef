//! The fields of a bucket at some record, and what a part of the log says of them.

use crate::record::{BucketCreated, BucketListed, BucketUpdated};
use crate::view::BucketView;

/// What can be changed of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) described: Described,
    pub(crate) listed: ListedAs,
}

/// Type, client, hostname, data.
pub(crate) type Described = [String; 4];

/// Under which ids a bucket is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListedAs {
    pub(crate) id: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) archived: bool,
}

/// Those fields of which a record, or a part of the log, says what they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownFields {
    described: [Option<String>; 4],
    id: Option<String>,
    aliases: Option<Vec<String>>,
    archived: Option<bool>,
}

impl KnownFields {
    pub(crate) fn are_all(&self) -> bool {
        self.described.iter().all(Option::is_some)
            && self.id.is_some()
            && self.aliases.is_some()
            && self.archived.is_some()
    }

    /// What an earlier part says counts where this one says nothing.
    pub(crate) fn put_under(&mut self, earlier: KnownFields) {
        for (field, before) in self.described.iter_mut().zip(earlier.described) {
            *field = field.take().or(before);
        }
        self.id = self.id.take().or(earlier.id);
        self.aliases = self.aliases.take().or(earlier.aliases);
        self.archived = self.archived.or(earlier.archived);
    }

    /// What a later record says counts.
    pub(crate) fn change(&mut self, later: KnownFields) {
        let earlier = std::mem::replace(self, later);
        self.put_under(earlier);
    }
}

impl Fields {
    /// The fields after a record.
    pub(crate) fn change(&mut self, later: KnownFields) {
        for (field, new) in self.described.iter_mut().zip(later.described) {
            *field = new.unwrap_or(std::mem::take(field));
        }
        let listed = &mut self.listed;
        listed.id = later.id.unwrap_or(std::mem::take(&mut listed.id));
        listed.aliases = later.aliases.unwrap_or(std::mem::take(&mut listed.aliases));
        listed.archived = later.archived.unwrap_or(listed.archived);
    }

    /// Those that a view shows.
    pub(crate) fn of(view: &BucketView) -> Fields {
        let bucket = view.bucket();
        let texts = [
            &*bucket.type_,
            &bucket.client,
            &bucket.hostname,
            bucket.data.as_str(),
        ];
        Fields {
            described: texts.map(str::to_owned),
            listed: ListedAs {
                id: bucket.id.clone(),
                aliases: view.aliases().map(str::to_owned).collect(),
                archived: view.is_archived(),
            },
        }
    }
}

impl From<KnownFields> for Fields {
    fn from(known: KnownFields) -> Fields {
        let mut fields = Fields::default();
        fields.change(known);
        fields
    }
}

impl From<&BucketCreated<'_>> for KnownFields {
    fn from(r: &BucketCreated<'_>) -> KnownFields {
        KnownFields {
            described: [r.type_, r.client, r.hostname, r.data].map(|field| Some(field.to_owned())),
            id: Some(r.id.to_owned()),
            aliases: Some(Vec::new()),
            archived: Some(false),
        }
    }
}

impl From<&BucketUpdated<'_>> for KnownFields {
    fn from(r: &BucketUpdated<'_>) -> KnownFields {
        let fields = [r.type_, r.client, r.hostname, r.data];
        KnownFields {
            described: fields.map(|field| field.map(str::to_owned)),
            ..KnownFields::default()
        }
    }
}

impl From<&BucketListed<'_>> for KnownFields {
    fn from(r: &BucketListed<'_>) -> KnownFields {
        let owned = |aliases: &Vec<&str>| aliases.iter().copied().map(str::to_owned).collect();
        KnownFields {
            id: r.id.map(str::to_owned),
            aliases: r.aliases.as_ref().map(owned),
            archived: r.archived,
            ..KnownFields::default()
        }
    }
}
