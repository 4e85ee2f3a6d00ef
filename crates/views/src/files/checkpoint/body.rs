//! What a checkpoint holds, to the byte, and how a snapshot is encoded.

use bincode::{BorrowDecode, Encode};
use timberline_log::Seq;
use timberline_model::Timestamp;

use crate::files::generations::Generations;
use crate::fold::Batch;
use crate::record::codec::{CONFIG, CodecError};
use crate::record::{BucketKey, EventBlock};
use crate::row::Row;
use crate::view::BucketView;
use crate::view::Listing;
use crate::view::Snapshot;

use super::{HEADER, MAGIC, VERSION, VERSION_WITHOUT_LISTINGS};

#[derive(Encode, BorrowDecode)]
pub(super) struct Body {
    pub(super) seq: u64,
    pub(super) position: Option<(u64, u64)>,
    pub(super) next_event: u64,
    pub(super) next_bucket: u32,
    pub(super) settings: Vec<(String, String)>,
    pub(super) buckets: Vec<BucketBody>,
    /// Deleted buckets, and the seq of their deletion.
    pub(super) trash: Vec<(u64, BucketBody)>,
    /// Seqs of purges that are not complete.
    pub(super) purges: Vec<u64>,
}

#[derive(Encode, BorrowDecode)]
pub(super) struct BucketBody {
    pub(super) key: BucketKey,
    pub(super) id: String,
    pub(super) type_: String,
    pub(super) client: String,
    pub(super) hostname: String,
    pub(super) created: i64,
    pub(super) data: String,
    pub(super) last_updated: Option<i64>,
    pub(super) extent: Option<(i64, i64)>,
    pub(super) len: u64,
    pub(super) touched: u64,
    pub(super) last: Option<(u64, i64, i64)>,
    pub(super) open: Option<OpenBody>,
    pub(super) segments: Vec<SegmentBody>,
    pub(super) head_ids: Vec<u64>,
    /// An [`EventBlock`].
    pub(super) head: Vec<u8>,
}

#[derive(Encode, BorrowDecode)]
pub(super) struct OpenBody {
    pub(super) id: u64,
    pub(super) start: i64,
    pub(super) duration: i64,
    pub(super) data: String,
}

#[derive(Encode, BorrowDecode)]
pub(super) struct SegmentBody {
    pub(super) file: String,
    pub(super) hidden: Vec<u32>,
}

/// Requests that were carried out: their names, and the seqs of the records that say so.
#[derive(Default, Encode, BorrowDecode)]
pub(super) struct BatchesBody {
    names: Vec<String>,
    seqs: Vec<u64>,
}

impl BatchesBody {
    fn of(snapshot: &Snapshot) -> BatchesBody {
        BatchesBody {
            names: snapshot
                .batches
                .iter()
                .map(|(name, _)| name.to_string())
                .collect(),
            seqs: snapshot.batches.iter().map(|(_, seq)| seq.get()).collect(),
        }
    }

    pub(super) fn entries(self) -> impl Iterator<Item = Batch> {
        let seqs = self.seqs.into_iter().map(Seq);
        self.names.into_iter().map(Into::into).zip(seqs)
    }
}

/// Buckets that have aliases or are archived, there or in the trash: key, aliases, whether it is archived.
#[derive(Default, Encode, BorrowDecode)]
pub(super) struct ListingsBody(Vec<(BucketKey, Vec<String>, bool)>);

impl ListingsBody {
    fn of(snapshot: &Snapshot) -> ListingsBody {
        let listed = snapshot.kept().map(|view| (view.key, &*view.bucket));
        let special = listed.filter(|(_, listing)| listing.archived || !listing.aliases.is_empty());
        let entries = special.map(|(key, listing)| {
            let aliases = listing.aliases.iter().map(|alias| alias.to_string());
            (key, aliases.collect(), listing.archived)
        });
        ListingsBody(entries.collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Completes a bucket.
    pub(super) fn complete(&self, key: BucketKey, listing: &mut Listing) {
        if let Some((_, aliases, archived)) = self.0.iter().find(|(other, ..)| *other == key) {
            listing.aliases = aliases.iter().map(|alias| alias.as_str().into()).collect();
            listing.archived = *archived;
        }
    }
}

/// The bytes of a checkpoint of this snapshot and of these versions of the log's segments.
///
/// # Errors
/// None in practice; an encoder error is passed on.
pub(crate) fn encode(snapshot: &Snapshot, generations: &Generations) -> Result<Vec<u8>, CodecError> {
    let buckets = snapshot
        .buckets()
        .map(bucket_body)
        .collect::<Result<Vec<_>, _>>()?;
    let trash = snapshot
        .trashed()
        .map(|deleted| Ok((deleted.seq.get(), bucket_body(&deleted.view)?)))
        .collect::<Result<Vec<_>, CodecError>>()?;
    let body = Body {
        seq: snapshot.seq.get(),
        position: snapshot.position.map(|p| (p.segment.0, p.offset)),
        next_event: snapshot.next_event.0,
        next_bucket: snapshot.next_bucket,
        settings: snapshot
            .settings
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        buckets,
        trash,
        purges: snapshot.purges.iter().map(|seq| seq.get()).collect(),
    };
    let listings = ListingsBody::of(snapshot);
    let version = match listings.is_empty() {
        true => VERSION_WITHOUT_LISTINGS,
        false => VERSION,
    };
    let mut out = Vec::with_capacity(4096);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&version.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    bincode::encode_into_std_write(&body, &mut out, CONFIG)?;
    // Programs that do not know of it do not read on.
    bincode::encode_into_std_write(generations, &mut out, CONFIG)?;
    bincode::encode_into_std_write(BatchesBody::of(snapshot), &mut out, CONFIG)?;
    if !listings.is_empty() {
        bincode::encode_into_std_write(listings, &mut out, CONFIG)?;
    }
    let crc = crc32fast::hash(out.get(HEADER..).unwrap_or_default());
    if let Some(place) = out.get_mut(HEADER - 4..HEADER) {
        place.copy_from_slice(&crc.to_le_bytes());
    }
    Ok(out)
}

fn bucket_body(view: &BucketView) -> Result<BucketBody, CodecError> {
    let mut rows: Vec<(Row, &str)> = view
        .memory_runs()
        .flat_map(|run| run.rows().iter().map(|row| (*row, run.text(row))))
        .collect();
    rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let block = EventBlock::from_events(rows.iter().map(|(row, text)| (row.start, row.duration, *text)));
    let mut head = Vec::new();
    block.encode(&mut head)?;
    let bucket = &view.bucket;
    Ok(BucketBody {
        key: view.key,
        id: bucket.id.clone(),
        type_: bucket.type_.clone(),
        client: bucket.client.clone(),
        hostname: bucket.hostname.clone(),
        created: bucket.created.nanos(),
        data: bucket.data.as_str().to_owned(),
        last_updated: bucket.last_updated.map(Timestamp::nanos),
        extent: view.extent.map(|(start, end)| (start.nanos(), end.nanos())),
        len: view.len,
        touched: view.touched.get(),
        last: view.last.map(|l| (l.id.0, l.start.nanos(), l.duration.nanos())),
        open: view.open.as_ref().map(|o| OpenBody {
            id: o.row.id.0,
            start: o.row.start.nanos(),
            duration: o.row.duration.nanos(),
            data: o.text().to_owned(),
        }),
        segments: view
            .segments
            .iter()
            .map(|s| SegmentBody {
                file: s.segment.file().to_owned(),
                hidden: s.hidden.to_vec(),
            })
            .collect(),
        head_ids: rows.iter().map(|(row, _)| row.id.0).collect(),
        head,
    })
}
