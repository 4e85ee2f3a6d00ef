//! The feeds against plain definitions: everything the log has that the filter wants, in batches of any size, while
//! somebody writes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use timberline_log::Seq;
use timberline_model::{Bucket, Data, Heartbeat, Pulsetime, Timestamp};
use timberline_views::record::{Record, RecordKind};
use timberline_views::{Store, StoreOptions, TimeRange};

use super::{Batch, Filter, HeadFeed, Message, RecordFeed};

const BUCKETS: [&str; 3] = ["a-1", "a-2", "b"];
const ALL: Seq = Seq(u64::MAX);

/// A store without threads of its own: nothing happens that a test does not do.
fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        background: false,
        segment_bytes: 1 << 20,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir.path(), options).unwrap();
    (dir, store)
}

fn bucket(id: &str) -> Bucket {
    Bucket {
        id: id.to_owned(),
        type_: if id == "b" { "u" } else { "t" }.to_owned(),
        client: String::new(),
        hostname: String::new(),
        created: Timestamp::from_nanos(0),
        data: Data::default(),
        last_updated: None,
    }
}

fn beat(store: &Store, id: &str, second: i64, title: &str) {
    let beat = Heartbeat {
        start: Timestamp::from_nanos(second * 1_000_000_000),
        duration: timberline_model::Duration::ZERO,
        data: json!({ "title": title }).to_string().into(),
    };
    // A bucket that is not there refuses it.
    let _ = store.heartbeat(id, &beat, Pulsetime::from_secs_f64(60.0).unwrap());
}

/// What somebody writes.
#[derive(Clone, Debug)]
enum Write {
    Create(usize),
    Delete(usize),
    Beat(usize, i64),
    Set,
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        1 => (0..3usize).prop_map(Write::Create),
        1 => (0..3usize).prop_map(Write::Delete),
        6 => ((0..3usize), (0..200i64)).prop_map(|(bucket, second)| Write::Beat(bucket, second)),
        1 => Just(Write::Set),
    ]
}

fn carry_out(store: &Store, write: &Write) {
    match write {
        Write::Create(n) => drop(store.create_bucket(&bucket(BUCKETS[*n])).unwrap()),
        Write::Delete(n) => drop(store.delete_bucket(BUCKETS[*n])),
        Write::Beat(n, second) => beat(store, BUCKETS[*n], *second, &format!("{}", second % 3)),
        Write::Set => drop(store.set_setting("s", "1").unwrap()),
    }
}

fn filter() -> impl Strategy<Value = Filter> {
    let names = |all: &'static [&'static str]| {
        proptest::sample::subsequence(all.to_vec(), 0..=2)
            .prop_map(|list| list.into_iter().map(str::to_owned).collect::<Vec<String>>())
    };
    let kinds = proptest::sample::subsequence(
        vec![
            RecordKind::Heartbeat,
            RecordKind::BucketDeleted,
            RecordKind::SettingSet,
        ],
        0..=2,
    );
    let allowed = names(&["a-*", "*", "b"]);
    (names(&["a-1", "a-*", "b"]), names(&["t", "u"]), kinds, allowed).prop_map(
        |(buckets, types, kinds, allowed)| Filter {
            buckets,
            types,
            kinds,
            allowed,
        },
    )
}

/// The numbers of all records that the filter wants, by the names that buckets have now.
fn wanted(store: &Store, filter: &Filter) -> Vec<u64> {
    let snapshot = store.snapshot();
    let mut records = store.log().unwrap().read_from(Seq::FIRST).unwrap();
    let mut wanted = Vec::new();
    while let Some(record) = records.next() {
        let record = record.unwrap();
        let decoded = Record::decode(record.kind, record.payload).unwrap();
        let view = decoded.bucket().and_then(|key| snapshot.kept_of(key));
        let is_wanted = match view {
            Some(view) => filter.has_bucket(view.bucket()),
            None => filter.has_rest(),
        };
        if is_wanted && filter.has_kind(Some(decoded.kind())) {
            wanted.push(record.seq.get());
        }
    }
    wanted
}

fn seqs(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq.get()).collect()
}

fn data(message: &Message) -> Value {
    serde_json::from_str(&message.data).unwrap()
}

fn read(feed: &mut RecordFeed, store: &Store) -> Batch {
    feed.read(store, ALL, Instant::now()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_feed_of_records_delivers_what_the_log_has_once(
        filter in filter(),
        writes in proptest::collection::vec((write(), any::<bool>()), 1..150),
        with_changes in any::<bool>(),
    ) {
        let (_dir, store) = store();
        let mut feed = RecordFeed::after(Seq::NONE, filter.clone(), with_changes);
        let mut delivered = Vec::new();
        for (write, read_now) in &writes {
            carry_out(&store, write);
            if *read_now {
                let batch = read(&mut feed, &store);
                prop_assert_eq!(batch.seq, feed.seq());
                delivered.extend(seqs(&batch.messages));
            }
        }
        loop {
            let batch = read(&mut feed, &store);
            delivered.extend(seqs(&batch.messages));
            if batch.is_last {
                break;
            }
        }
        prop_assert_eq!(feed.seq(), store.snapshot().seq());
        prop_assert_eq!(&delivered, &wanted(&store, &filter));
        // One that begins in the middle, anywhere, gets the rest.
        let middle = Seq(store.snapshot().seq().get() / 2);
        let mut late = RecordFeed::after(middle, filter, with_changes);
        let rest = seqs(&read(&mut late, &store).messages);
        delivered.retain(|seq| *seq > middle.get());
        prop_assert!(delivered.starts_with(&rest));
    }

    /// Whenever the reader reads, what it knows in the end is what there is.
    #[test]
    fn a_feed_of_heads_ends_with_the_state_that_there_is(
        filter in filter(),
        writes in proptest::collection::vec((write(), any::<bool>()), 1..150),
    ) {
        let (_dir, store) = store();
        let mut feed = HeadFeed::after(Seq::NONE, filter.clone());
        let mut known: BTreeMap<String, Value> = BTreeMap::new();
        let mut take = |feed: &mut HeadFeed| {
            let batch = feed.read(&store);
            for message in &batch.messages {
                let data = data(message);
                match message.event {
                    "head" => drop(known.insert(data["bucket"].as_str().unwrap().to_owned(), data)),
                    _ => {
                        let list = data["buckets"].as_array().unwrap();
                        known.retain(|id, _| list.iter().any(|listed| listed == id));
                    }
                }
            }
            batch.is_last
        };
        for (write, read_now) in &writes {
            carry_out(&store, write);
            if *read_now {
                take(&mut feed);
            }
        }
        while !take(&mut feed) {}
        let snapshot = store.snapshot();
        let views = snapshot.buckets().filter(|view| filter.has_bucket(view.bucket()));
        let expected: BTreeMap<String, (Value, Value)> = views
            .map(|view| {
                let last = view.events(TimeRange::ALL).unwrap().next().map(|last| last.unwrap().id().0);
                (view.bucket().id.clone(), (json!(view.len()), json!(last)))
            })
            .collect();
        let known: BTreeMap<String, (Value, Value)> = known
            .into_iter()
            .map(|(id, head)| (id, (head["count"].clone(), head["event"]["id"].clone())))
            .collect();
        prop_assert_eq!(known, expected);
    }
}

#[test]
fn a_batch_is_bounded_and_the_next_one_goes_on() {
    let (_dir, store) = store();
    store.create_bucket(&bucket("b")).unwrap();
    for second in 0..1_000 {
        beat(&store, "b", second * 100, &"x".repeat(100));
    }
    let mut feed = RecordFeed::after(Seq::NONE, Filter::default(), true);
    let (mut batches, mut delivered) = (0, Vec::new());
    loop {
        let batch = read(&mut feed, &store);
        let bytes: usize = batch.messages.iter().map(|message| message.data.len()).sum();
        assert!(bytes < 20_000, "{bytes}");
        batches += 1;
        delivered.extend(seqs(&batch.messages));
        if batch.is_last {
            break;
        }
    }
    assert_eq!(delivered, (1..=1_001).collect::<Vec<u64>>());
    assert!(batches > 10, "{batches}");
    let mut feed = RecordFeed::after(Seq(5), Filter::default(), false);
    let batch = feed.read(&store, Seq(7), Instant::now()).unwrap();
    assert_eq!((seqs(&batch.messages), batch.is_last), (vec![6, 7], true));
}

#[test]
fn a_reader_that_follows_begins_with_the_next_record() {
    let (_dir, store) = store();
    store.create_bucket(&bucket("b")).unwrap();
    let mut feed = RecordFeed::from_now(&store.snapshot(), Filter::default(), false);
    assert_eq!(read(&mut feed, &store).messages, []);
    beat(&store, "b", 1, "x");
    assert_eq!(seqs(&read(&mut feed, &store).messages), [2]);
}

/// From the order on, nobody gets what is to be erased, although the log still has it.
#[test]
fn what_is_ordered_to_be_erased_is_withheld_until_it_is() {
    let (_dir, store) = store();
    store.create_bucket(&bucket("b")).unwrap();
    beat(&store, "b", 1, "secret");
    beat(&store, "b", 100, "harmless");
    let all = || {
        let mut feed = RecordFeed::after(Seq::NONE, Filter::default(), true);
        read(&mut feed, &store).messages
    };
    assert!(all()[1].data.contains("secret"));
    let snapshot = store.snapshot();
    let view = snapshot.bucket("b").unwrap();
    let first = view.events(TimeRange::ALL).unwrap().last().unwrap().unwrap();
    store.order_purge_of(view.key(), &[first.id()]).unwrap();
    beat(&store, "b", 200, "after");
    let messages = all();
    let changes: Vec<Value> = messages
        .iter()
        .map(|message| data(message)["changes"].clone())
        .collect();
    let withheld = json!({ "withheld": true });
    assert_eq!(&changes[..3], [withheld.clone(), withheld.clone(), withheld]);
    assert!(messages[4].data.contains("after"), "later records are complete");
    store.complete_purges().unwrap();
    let messages = all();
    assert!(messages.iter().all(|message| !message.data.contains("secret")));
    assert!(messages[2].data.contains("harmless"));
    store.close().unwrap();
}

/// Records that are published and not in the log must not hold up a reader for ever.
#[test]
fn what_cannot_be_found_is_a_gap_after_a_while() {
    let (dir, store) = store();
    store.create_bucket(&bucket("b")).unwrap();
    beat(&store, "b", 1, "x");
    let mut feed = RecordFeed::after(Seq::NONE, Filter::default(), false);
    for file in std::fs::read_dir(dir.path().join("log")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|end| end == "seg") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let begin = Instant::now();
    let mut after = |seconds| {
        feed.read(&store, ALL, begin + Duration::from_secs(seconds))
            .unwrap()
    };
    assert_eq!(after(0).messages, []);
    assert_eq!(after(9).messages, []);
    let gap = after(10).messages;
    assert_eq!((gap[0].event, seqs(&gap)), ("gap", vec![2]));
    assert_eq!(data(&gap[0])["first"], 3);
    assert_eq!(after(11).messages, []);
}
