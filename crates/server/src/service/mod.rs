//! The use cases behind the API. Nothing here knows HTTP.
//!
//! | module | what it does |
//! |---|---|
//! | [`write_hold`] | writes that cannot be done now wait instead of failing |
//! | [`bucket`] | which ids new buckets can have, and what the server fills in |
//! | [`chosen_buckets`] | which buckets a request is about |
//! | [`merge_buckets`] | merging a bucket into another one |
//! | [`doctor`] | whether everything is as it should be |
//! | [`edit`] | changing events: one by one, or all that match |
//! | [`heartbeats`] | many heartbeats in one request |
//! | [`import`] | exports of this or a reference server, merged into the store |
//! | [`export`] | history and results of queries in the formats of other programs |
//! | [`import_run`] | imports of sources on this machine, in the background |
//! | [`setting`] | what a setting can be |
//! | [`categories`] | the categories of a person, and their versions |
//! | [`privacy`] | filters: what is never stored |
//! | [`person`] | settings that decide what activity is and when |
//! | [`purge`] | purge and redaction |
//! | [`erasure`] | what is erased from the store is erased from its copies |
//! | [`retention`] | events are purged when they are old enough |
//! | [`scrub`], [`small_files`] | finding damage before it matters |
//! | [`status`] | what a person wants to know about the server |
//! | [`wakatime`] | heartbeats of WakaTime's editor plugins become events |
//! | [`write_trouble`] | why writes do not go through at the moment |
//! | [`live`] | records and buckets as they are published |
//! | [`watchers`] | the watchers that run beside the server |
//! | [`webhooks`] | requests to other programs when something happens |
//! | [`record_json`] | a record of the log as JSON |
//! | [`memory`] | giving memory back when it is not needed |

pub(crate) mod bucket;
pub(crate) mod categories;
pub(crate) mod chosen_buckets;
pub(crate) mod doctor;
pub(crate) mod edit;
pub(crate) mod erasure;
pub(crate) mod export;
pub(crate) mod heartbeats;
pub(crate) mod import;
pub(crate) mod import_run;
pub(crate) mod live;
pub(crate) mod memory;
pub(crate) mod merge_buckets;
pub(crate) mod person;
pub(crate) mod privacy;
pub(crate) mod purge;
pub(crate) mod record_json;
pub(crate) mod retention;
pub(crate) mod scrub;
pub(crate) mod setting;
pub(crate) mod small_files;
pub(crate) mod status;
pub(crate) mod wakatime;
pub(crate) mod watchers;
pub(crate) mod webhooks;
pub(crate) mod write_hold;
pub(crate) mod write_trouble;
