//! Views after whatever has happened to their files: every way of opening, reading and going on writing gives an
//! error or what the log says; and files made up with right checksums never make it panic or take memory they have not.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration as Time;

use libfuzzer_sys::fuzz_target;
use timberline_fuzz::fixture::{self, BUCKET, Files, SEALED, small_disk};
use timberline_fuzz::script::Script;
use timberline_fuzz::view_file::{reseal_checkpoint, reseal_segment};
use timberline_log::Seq;
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_query::{Cancel, Engine, Limits, Period, Query};
use timberline_views::columns::{Columns, DataDictionary, Renumber};
use timberline_views::tools::{check, differences};
use timberline_views::{BucketView, SegmentError, Snapshot, Store, TimeRange};

struct Sound {
    log: Files,
    views: Files,
    snapshot: Arc<Snapshot>,
    _store: Store,
}

/// The small one, and the large one.
static SOUND: LazyLock<[Sound; 2]> = LazyLock::new(|| SEALED.map(sound));

fn sound(sealed: i64) -> Sound {
    let disk = small_disk();
    fixture::write(&disk, sealed);
    let (log, views) = (fixture::files(&disk, "log"), fixture::files(&disk, "views"));
    let (store, _) = fixture::open(&disk).expect("what was just closed opens");
    let snapshot = store.snapshot();
    Sound {
        log,
        views,
        snapshot,
        _store: store,
    }
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let limits = Limits {
        time: Time::from_secs(5),
        memory_bytes: 64 << 20,
        catalog_bytes: 4 << 20,
        cache_bytes: 0,
        threads: 1,
        ..Limits::default()
    };
    Engine::new(limits).expect("an engine")
});

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let choice = script.byte();
    let sound = &SOUND[usize::from(choice >= 240)];
    if choice & 1 == 0 {
        hurt(sound, &mut script);
    } else {
        made_up(sound, &mut script);
    }
});

/// Sound files with something wrong, which their checksums tell: an error, or the truth.
fn hurt(sound: &Sound, script: &mut Script<'_>) {
    let mut views = sound.views.clone();
    for _ in 0..1 + script.byte() % 4 {
        let which = script.below(views.len());
        let Some((_, file)) = views.get_mut(which) else {
            continue;
        };
        let at = script.below(file.len().max(1));
        match script.byte() {
            0..8 => file.truncate(at),
            8..16 => file.push(0),
            flip if at < file.len() => file[at] ^= flip,
            _ => {}
        }
    }
    let disk = fixture::disk_with(&sound.log, &views);
    let Ok((store, report)) = fixture::open(&disk) else {
        return;
    };
    let snapshot = store.snapshot();
    read_everything(&snapshot, script, Some(&sound.snapshot));
    if report.checkpoint_unusable.is_some() {
        // Then all of it was made anew, and nothing is wrong.
        assert_eq!(check(&snapshot), [""; 0]);
    }
    if check(&snapshot).is_empty() {
        assert_eq!(differences(&snapshot, &sound.snapshot), [""; 0]);
    }
    write_on(&store, script);
    let _ = store.close();
}

/// A checkpoint and a view segment of the fuzzer's own; for one that is empty a sound one.
fn made_up(sound: &Sound, script: &mut Script<'_>) {
    let lengths = [usize::from(script.word()), usize::from(script.word())];
    let [checkpoint, segment] = lengths.map(|length| script.take(length).to_vec());
    let mut views = sound.views.clone();
    for (name, file) in &mut views {
        if name == "checkpoint" && !checkpoint.is_empty() {
            file.clone_from(&checkpoint);
            reseal_checkpoint(file);
        } else if name.ends_with(".view") && !segment.is_empty() {
            file.clone_from(&segment);
            reseal_segment(file);
        }
    }
    let disk = fixture::disk_with(&sound.log, &views);
    let Ok((store, _)) = fixture::open(&disk) else {
        return;
    };
    read_everything(&store.snapshot(), script, None);
    write_on(&store, script);
    read_everything(&store.snapshot(), script, None);
    let _ = store.close();
    if let Ok((store, _)) = fixture::open(&disk) {
        read_everything(&store.snapshot(), script, None);
    }
}

fn ranges(script: &mut Script<'_>) -> Vec<TimeRange> {
    let mut time = || (script.byte() & 1 == 1).then(|| Timestamp::from_nanos(script.signed()));
    let mut ranges = vec![TimeRange::ALL];
    ranges.extend((0..2).map(|_| TimeRange {
        start: time(),
        end: time(),
    }));
    ranges
}

fn read_everything(snapshot: &Snapshot, script: &mut Script<'_>, truth: Option<&Snapshot>) {
    let _ = check(snapshot);
    let ranges = ranges(script);
    for view in snapshot.buckets() {
        let truth = truth.and_then(|truth| truth.bucket(&view.bucket().id));
        for range in &ranges {
            let listed = list(view, *range);
            let counted = view.count(*range);
            let columns = view.columns(*range, &mut Numbers, Columns::default());
            if let Some(truth) = truth {
                let expected = list(truth, *range).expect("the truth is readable");
                assert!(counted.is_err() || counted.ok() == Some(expected.len() as u64));
                assert!(columns.is_err() || columns.is_ok_and(|c| c.ids.len() == expected.len()));
                assert!(listed.is_err() || listed.is_ok_and(|all| all == expected));
            }
        }
        for id in [0, 1, 2, 15, 31, 1_024, 1_025, script.long()] {
            let event = view.event(EventId(id));
            if let (Some(truth), Ok(event)) = (truth, event) {
                assert_eq!(Some(event), truth.event(EventId(id)).ok());
            }
        }
        let _ = (view.start(), view.end(), view.len(), view.segment_bytes());
        assert!(view.touched_until(Timestamp::from_nanos(0)) <= view.touched().max(Seq(0)));
    }
    query(snapshot);
}

/// Start, duration, id and a checksum of the data of each event.
type Listed = Vec<(i64, i64, u64, u32)>;

fn list(view: &BucketView, range: TimeRange) -> Result<Listed, SegmentError> {
    let mut data = Vec::new();
    view.events(range)?
        .map(|event| {
            let event = event?;
            data.clear();
            event.write_data(&mut data);
            Ok((
                event.start().nanos(),
                event.duration().nanos(),
                event.id().0,
                crc32fast::hash(&data),
            ))
        })
        .collect()
}

/// Looks at all data that it is shown, as the query engine does.
struct Numbers;

impl Renumber for Numbers {
    type Error = SegmentError;

    fn renumber(&mut self, dictionary: &DataDictionary<'_>, numbers: &mut [u32]) -> Result<(), SegmentError> {
        for number in numbers {
            match dictionary {
                DataDictionary::Segment(data) => {
                    let shown = data
                        .members(*number)
                        .map(|(key, value)| data.value(key).len() + data.value(value).len());
                    *number = shown.sum::<usize>() as u32;
                }
                DataDictionary::Head(data) => *number = data.text(*number).len() as u32,
            }
        }
        Ok(())
    }
}

fn query(snapshot: &Snapshot) {
    let program = format!(
        "e = flood(query_bucket(\"{BUCKET}\")); e = categorize(e, [[[\"a\"], {{\"type\": \"regex\", \"regex\": \"t\"}}]]); \
         RETURN = sort_by_duration(merge_events_by_keys(e, [\"app\", \"$category\"]));"
    );
    let query = Query {
        program,
        periods: vec![Period::parse("1970-01-01T00:00:00Z/2200-01-01T00:00:00Z").expect("a period")],
        name: String::new(),
        past: false,
    };
    if let Ok(answer) = ENGINE.run(snapshot, &query, &Cancel::new()) {
        let _ = answer.to_json();
    }
    assert_eq!(ENGINE.metrics().memory_bytes, 0, "memory is given back");
}

/// Goes on as a server would: whatever is refused, nothing breaks.
fn write_on(store: &Store, script: &mut Script<'_>) {
    let ids: Vec<String> = store
        .snapshot()
        .buckets()
        .map(|b| b.bucket().id.clone())
        .collect();
    for bucket in &ids {
        let start = Timestamp::from_nanos(script.signed() / 4);
        let event = |id: Option<u64>| NewEvent {
            id: id.map(EventId),
            start,
            duration: Duration::from_nanos(5),
            data: r#"{"app":"new"}"#.into(),
        };
        let beat = Heartbeat {
            start,
            duration: Duration::ZERO,
            data: r#"{"app":"new"}"#.into(),
        };
        let _ = store.heartbeat(bucket, &beat, Pulsetime::from_nanos(1 << 40));
        let _ = store.heartbeat(bucket, &beat, Pulsetime::from_nanos(1 << 40));
        let _ = store.insert_events(bucket, &[event(None), event(Some(7))]);
        let _ = store.delete_event(bucket, EventId(1 + script.long() % 2_048));
        let _ = store.delete_event(bucket, EventId(1));
    }
    let _ = store.flush(1);
    let _ = store.compact();
    let _ = store.checkpoint();
}
