//! The result of a query, as the content of an export. Its size is bounded by the limits of queries.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use timberline_exchange::export::Sink;
use timberline_model::{Bucket, Data, Timestamp, json};

use super::{Content, ExportError};

/// The bucket of a result that is one list.
const BUCKET: &str = "query";
/// Type and client of the buckets.
const TYPE: &str = "query";
const CLIENT: &str = "timberline";
/// Events that a sink is given at once.
const BATCH_EVENTS: usize = 1024;

/// Events that a query returned: one list, or several with names, which become buckets.
#[derive(Debug)]
pub struct ResultContent {
    /// By name: a list of events from each period.
    lists: BTreeMap<String, Vec<Box<RawValue>>>,
    hostname: String,
    now: Timestamp,
}

impl ResultContent {
    /// Takes the answer to a query: a JSON list with one result for each period. A result is a list of events, or an object
    /// whose members are such lists.
    ///
    /// # Errors
    /// [`ExportError::Unfit`] for another result.
    pub fn new(answer: &[u8], hostname: &str, now: Timestamp) -> Result<ResultContent, ExportError> {
        let unfit = |_| {
            ExportError::Unfit(
                "only events can be exported: the query must return a list of events, or an object with lists of events"
                    .to_owned(),
            )
        };
        let results: Vec<Box<RawValue>> = serde_json::from_slice(answer).map_err(unfit)?;
        let mut lists: BTreeMap<String, Vec<Box<RawValue>>> = BTreeMap::new();
        for result in results {
            if result.get().starts_with('[') {
                lists.entry(BUCKET.to_owned()).or_default().push(result);
                continue;
            }
            let members: BTreeMap<String, Box<RawValue>> =
                serde_json::from_str(result.get()).map_err(unfit)?;
            for (name, list) in members {
                if !list.get().starts_with('[') {
                    return Err(ExportError::Unfit(format!(
                        "only events can be exported: '{name}' of the result is no list of events"
                    )));
                }
                lists.entry(name).or_default().push(list);
            }
        }
        let content = ResultContent {
            lists,
            hostname: hostname.to_owned(),
            now,
        };
        // So that what is no event is found before anything is written.
        for list in content.lists.values().flatten() {
            json::parse_events(list.get().as_bytes())?;
        }
        Ok(content)
    }
}

impl Content for ResultContent {
    fn give(&self, sink: &mut dyn Sink) -> Result<(), ExportError> {
        for (name, lists) in &self.lists {
            sink.bucket(&Bucket {
                id: name.clone(),
                type_: TYPE.to_owned(),
                client: CLIENT.to_owned(),
                hostname: self.hostname.clone(),
                created: self.now,
                data: Data::default(),
                last_updated: None,
            })?;
            for list in lists {
                let events = json::parse_events(list.get().as_bytes())?;
                for batch in events.chunks(BATCH_EVENTS) {
                    sink.events(batch)?;
                }
            }
        }
        Ok(())
    }

    fn events(&self) -> Option<u64> {
        None
    }
}
