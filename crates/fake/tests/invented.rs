//! What every plan keeps to, whatever is asked for.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "what a test needs and does not get is its failure"
)]

use proptest::prelude::*;
use timberline_fake::{Batch, Plan, PlanError, Profile, Wanted, write_export};
use timberline_model::{Data, Duration, NewEvent, Timestamp};

const MILLISECOND: i64 = 1_000_000;
const MINUTE: i64 = 60_000 * MILLISECOND;

fn wanted<'a>(days: u32, start: Option<&'a str>) -> Wanted<'a> {
    Wanted {
        days,
        seed: 7,
        devices: 2,
        profile: Profile::Developer,
        start,
        zone: "Europe/Berlin",
        now: Timestamp::parse("2026-11-29T10:30:00Z").unwrap(),
    }
}

/// The events of each bucket.
fn by_bucket(plan: &Plan) -> Vec<Vec<NewEvent<'static>>> {
    let mut all = vec![Vec::new(); plan.buckets().len()];
    for Batch { bucket, events, .. } in plan.batches() {
        assert!(!events.is_empty());
        all[bucket].extend(events);
    }
    all
}

fn any_plan() -> impl Strategy<Value = Plan> {
    const ZONES: &[&str] = &[
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "UTC",
    ];
    let start = (1980i32..2100, 1u32..=12, 1u32..=28).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}"));
    let sizes = (1u32..20, any::<u64>(), 1u32..=2);
    (sizes, 0usize..3, proptest::sample::select(ZONES), start).prop_map(
        |((days, seed, devices), profile, zone, start)| {
            let profile = Profile::ALL[profile];
            let start = Some(start.as_str());
            let wanted = Wanted {
                seed,
                devices,
                profile,
                zone,
                ..wanted(days, start)
            };
            Plan::new(&wanted).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn events_of_a_bucket_are_in_order_apart_from_each_other_and_within_the_days(plan in any_plan()) {
        let (first, end) = plan.period();
        for (bucket, events) in plan.buckets().iter().zip(by_bucket(&plan)) {
            let mut before = first;
            for event in &events {
                prop_assert!(event.start >= before, "{}: {event:?} begins before {before}", bucket.id);
                prop_assert!(!event.duration.is_negative());
                before = event.start.saturating_add(event.duration);
            }
            prop_assert!(before <= end);
        }
    }

    #[test]
    fn data_are_canonical_and_buckets_are_marked(plan in any_plan()) {
        for (bucket, events) in plan.buckets().iter().zip(by_bucket(&plan)) {
            prop_assert!(timberline_fake::is_fake(bucket.hostname, &bucket.data));
            let host = format!("_{}", bucket.hostname);
            prop_assert!(bucket.id.ends_with(&host));
            for event in events {
                prop_assert_eq!(&Data::canonical(&event.data).unwrap(), &event.data);
            }
        }
    }

    /// The watcher reports all the time while the device is on, and the device sleeps for more than an hour or not at all.
    #[test]
    fn afk_events_follow_each_other_while_the_device_is_on(plan in any_plan()) {
        for (bucket, events) in plan.buckets().iter().zip(by_bucket(&plan)) {
            if bucket.type_ != "afkstatus" {
                continue;
            }
            for pair in events.windows(2) {
                let gap = pair[1].start.since(pair[0].start.saturating_add(pair[0].duration));
                if gap.nanos() == MILLISECOND {
                    prop_assert_ne!(&pair[0].data, &pair[1].data);
                } else {
                    prop_assert!(gap.nanos() >= 100 * MINUTE, "{:?}", pair);
                }
            }
        }
    }

    #[test]
    fn a_day_does_not_depend_on_how_many_follow_it(plan in any_plan(), shorter in 1u32..20) {
        prop_assume!(shorter < plan.days());
        let again = Plan::new(&Wanted { days: shorter, ..wanted(shorter, Some("2026-03-02")) }).unwrap();
        let longer = Plan::new(&wanted(20, Some("2026-03-02"))).unwrap();
        let complete: Vec<_> = longer.batches().filter(|batch| batch.day + 1 < shorter).collect();
        let prefix: Vec<_> = again.batches().filter(|batch| batch.day + 1 < shorter).collect();
        prop_assert_eq!(complete, prefix);
    }
}

/// FNV-1a of an export. A change of this number changes what everybody who names a seed gets: say so in the change log.
#[test]
fn a_plan_gives_the_same_bytes_for_ever() {
    let hash = |profile: Profile| {
        let mut out = Vec::new();
        let wanted = Wanted {
            profile,
            ..wanted(60, Some("2026-03-01"))
        };
        write_export(&Plan::new(&wanted).unwrap(), &mut out).unwrap();
        out.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let hashes = Profile::ALL.map(|profile| format!("{:016x}", hash(profile)));
    assert_eq!(
        hashes,
        ["9cd3f99043f5f05f", "1519ab15e1def432", "61fa8d2a45f42c7d"]
    );
}

#[test]
fn an_export_has_every_event_of_the_plan() {
    let plan = Plan::new(&wanted(3, Some("2026-03-02"))).unwrap();
    let mut out = Vec::new();
    write_export(&plan, &mut out).unwrap();
    let export: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let buckets = export["buckets"].as_object().unwrap();
    assert_eq!(buckets.len(), plan.buckets().len());
    for (bucket, events) in plan.buckets().iter().zip(by_bucket(&plan)) {
        let written = &buckets[&bucket.id];
        assert_eq!(written["data"]["fake"], true);
        let written = written["events"].as_array().unwrap();
        assert_eq!(written.len(), events.len(), "{}", bucket.id);
        let starts = written
            .iter()
            .map(|event| Timestamp::parse(event["timestamp"].as_str().unwrap()).unwrap());
        assert!(starts.eq(events.iter().map(|event| event.start)));
    }
}

#[test]
fn without_a_start_the_last_day_is_today_and_ends_now() {
    let now = wanted(1, None).now;
    let plan = Plan::new(&wanted(5, None)).unwrap();
    let (first, end) = plan.period();
    assert_eq!(first, Timestamp::parse("2026-11-25T00:00:00+01:00").unwrap());
    assert_eq!(end, now);
    let last = by_bucket(&plan)
        .iter()
        .flatten()
        .map(|event| event.start.saturating_add(event.duration))
        .max();
    assert!(last.unwrap() <= now);
}

#[test]
fn days_whose_clocks_change_have_23_and_25_hours() {
    for (date, hours) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)] {
        let (first, end) = Plan::new(&wanted(1, Some(date))).unwrap().period();
        assert_eq!(end.since(first), Duration::from_secs(hours * 3600), "{date}");
    }
}

#[test]
fn a_year_is_believable() {
    for profile in Profile::ALL {
        let plan = Plan::new(&Wanted {
            profile,
            ..wanted(365, Some("2026-01-01"))
        })
        .unwrap();
        let all = by_bucket(&plan);
        let total: usize = all.iter().map(Vec::len).sum();
        assert!((100_000..1_000_000).contains(&total), "{total}");
        let hours = |wanted: &str| -> f64 {
            let both = plan
                .buckets()
                .iter()
                .zip(&all)
                .filter(|(bucket, _)| bucket.type_ == "afkstatus");
            let events = both
                .flat_map(|(_, events)| events)
                .filter(|event| event.data.contains(wanted));
            events.map(|event| event.duration.as_secs_f64() / 3600.0).sum()
        };
        let (there, away) = (hours("\"not-afk\""), hours("\"afk\""));
        assert!((1_000.0..3_000.0).contains(&there), "{there} h at the devices");
        assert!((150.0..1_200.0).contains(&away), "{away} h away");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let error = |change: &dyn Fn(&mut Wanted<'_>)| {
        let mut wanted = wanted(1, Some("2026-03-01"));
        change(&mut wanted);
        Plan::new(&wanted).unwrap_err()
    };
    assert_eq!(error(&|w| w.days = 0), PlanError::Days(0));
    assert_eq!(error(&|w| w.days = 4_000), PlanError::Days(4_000));
    assert_eq!(error(&|w| w.devices = 3), PlanError::Devices(3));
    assert_eq!(
        error(&|w| w.start = Some("yesterday")),
        PlanError::Start("yesterday".into())
    );
    assert_eq!(
        error(&|w| w.zone = "Mars/Olympus"),
        PlanError::Zone("Mars/Olympus".into())
    );
    assert!(
        "pirate"
            .parse::<Profile>()
            .unwrap_err()
            .to_string()
            .contains("student")
    );
}
