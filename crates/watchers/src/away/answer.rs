//! An answer as an event: where aw-watcher-ask-away keeps its own, and with the same data.

use std::collections::BTreeMap;

use timberline_model::{Data, Duration, Timestamp};

use super::Absence;
use crate::data::object;
use crate::{Bucket, BucketInfo};

const CLIENT: &str = "aw-watcher-ask-away";
const TYPE: &str = "afktask";

/// The bucket of a host's answers: the first of that type, or the one that aw-watcher-ask-away would create.
#[must_use]
pub fn answers_bucket(buckets: &BTreeMap<String, BucketInfo>, hostname: &str) -> Bucket {
    let known = buckets
        .iter()
        .find(|(_, bucket)| bucket.r#type == TYPE && bucket.hostname == hostname);
    let id = match known {
        Some((id, _)) => id.clone(),
        None => format!("{CLIENT}_{hostname}"),
    };
    Bucket {
        id,
        type_: TYPE.to_owned(),
        client: CLIENT.to_owned(),
        hostname: hostname.to_owned(),
    }
}

/// Start, duration and data of an answer: it covers the absence, and its only field is `message`.
#[must_use]
pub fn answer(absence: &Absence, text: &str) -> (Timestamp, Duration, Data) {
    let data = object([("message", Some(text.trim().into()))]);
    (absence.start, absence.length(), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_aw_watcher_ask_away_writes_it() {
        let at = |text: &str| Timestamp::parse(text).expect("a time");
        let absence = Absence {
            start: at("2026-03-01T12:03:00Z"),
            end: at("2026-03-01T12:48:00Z"),
            is_over: true,
        };
        let (start, duration, data) = answer(&absence, " lunch with \"Ada\"\n");
        assert_eq!((start, duration), (absence.start, Duration::from_secs(45 * 60)));
        assert_eq!(data.as_str(), r#"{"message":"lunch with \"Ada\""}"#);
    }

    #[test]
    fn answers_are_where_there_are_some() {
        let bucket = |kind: &str, host: &str| {
            serde_json::from_value::<BucketInfo>(
                serde_json::json!({"id": "", "type": kind, "client": "x", "hostname": host}),
            )
            .expect("a bucket")
        };
        let mut buckets = BTreeMap::from([
            ("a".to_owned(), bucket("afkstatus", "laptop")),
            ("b".to_owned(), bucket("afktask", "desktop")),
        ]);
        assert_eq!(
            answers_bucket(&buckets, "laptop").id,
            "aw-watcher-ask-away_laptop"
        );
        buckets.insert("c".to_owned(), bucket("afktask", "laptop"));
        assert_eq!(answers_bucket(&buckets, "laptop").id, "c");
    }
}
