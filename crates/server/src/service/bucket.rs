//! New buckets: checks their ids, and fills in missing fields.

use serde_json::{Map, Value};
use timberline_model::{Bucket, Data, NewBucket, Timestamp};

use crate::identity::Identity;

/// The host name by which a client asks for this machine's.
pub(crate) const LOCAL: &str = "!local";

/// Whether an address can have this id as a segment: clients and proxies take `.` and `..` out of a path.
pub(crate) fn is_usable_id(id: &str) -> bool {
    !matches!(id, "" | "." | "..")
}

/// The bucket `id` as a client asked for it, with what only we know filled in.
pub(crate) fn made(new: &NewBucket<'_>, id: String, identity: &Identity, now: Timestamp) -> Bucket {
    let local = new.hostname == LOCAL;
    Bucket {
        id,
        type_: new.type_.clone(),
        client: new.client.clone(),
        hostname: if local {
            identity.hostname.clone()
        } else {
            new.hostname.clone()
        },
        created: new.created.unwrap_or(now),
        data: if local {
            with_member(&new.data, "device_id", &identity.device_id)
        } else {
            new.data.clone()
        },
        last_updated: None,
    }
}

/// `data` with one member more.
pub(crate) fn with_member(data: &Data, key: &str, value: &str) -> Data {
    // It is canonical text of an object; an empty one is what is left if that were not so.
    let mut map: Map<String, Value> = serde_json::from_str(data.as_str()).unwrap_or_default();
    map.insert(key.to_owned(), Value::from(value));
    Data::parse(&Value::from(map).to_string()).unwrap_or_else(|_| data.clone())
}
