//! What the tray and notifications need from this machine: open the browser, read the local clock, quit.

use chrono::{DateTime, Days, Local, NaiveTime, TimeDelta, TimeZone};
use rustix::process::{Signal, getpid, kill_process};
use timberline_model::{Duration as Length, Timestamp};
use timberline_watchers::away::Absence;
use timberline_watchers::browser;
use timberline_watchers::desk::{Calendar, Desk};

use crate::server_client::encoded;

/// This machine, and the address of its server.
pub(super) struct Machine {
    pub(super) server: String,
    /// The bus of the session.
    pub(super) bus: Option<String>,
}

impl Machine {
    fn open(&self, page: &str) {
        browser::open(self.bus.clone(), format!("{}/{page}", self.server));
    }
}

impl Desk for Machine {
    fn open_dashboard(&self) {
        self.open("");
    }

    fn open_absence(&self, absence: &Absence) {
        self.open(&absence_page(absence));
    }

    fn quit(&self) {
        tracing::info!("quit was chosen in the tray");
        if let Err(error) = kill_process(getpid(), Signal::TERM) {
            tracing::error!(%error, "cannot ask this process to end");
        }
    }

    fn now_and_tomorrow(&self) -> (Timestamp, Timestamp) {
        let now = Timestamp::from(timberline_clock::wall());
        let day = day(&local(now), START_OF_DAY);
        let tomorrow = day.checked_add_days(Days::new(1)).unwrap_or(day);
        (now, timestamp(&tomorrow))
    }

    fn local_time(&self, time: Timestamp) -> String {
        let (time, now) = (local(time), local(Timestamp::from(timberline_clock::wall())));
        let format = if time.date_naive() == now.date_naive() {
            "%H:%M"
        } else {
            "%a %H:%M"
        };
        time.format(format).to_string()
    }
}

impl Calendar for Machine {
    fn now_and_day(&self, start: Option<&str>) -> (Timestamp, Timestamp) {
        let now = Timestamp::from(timberline_clock::wall());
        let start = start.and_then(|start| NaiveTime::parse_from_str(start, "%H:%M").ok());
        let day = day(&local(now), start.unwrap_or(START_OF_DAY));
        (now, timestamp(&day))
    }
}

/// The page of Timberline's web UI that asks what an absence was, with some time before and after it.
fn absence_page(absence: &Absence) -> String {
    let beside = Length::from_nanos(absence.length().nanos() / 4);
    let text = |time: Timestamp| encoded(&time.to_string());
    format!(
        "timberline/#/timeline?start={}&end={}&away={}&away={}",
        text(absence.start.saturating_sub(beside)),
        text(absence.end.saturating_add(beside)),
        text(absence.start),
        text(absence.end)
    )
}

/// Four in the morning, as in the web UI.
const START_OF_DAY: NaiveTime = match NaiveTime::from_hms_opt(4, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// The beginning of the day that contains this time.
fn day<Z: TimeZone>(now: &DateTime<Z>, start: NaiveTime) -> DateTime<Z> {
    let today = now.date_naive();
    let date = if now.time() < start {
        today.pred_opt().unwrap_or(today)
    } else {
        today
    };
    let zone = now.timezone();
    // Where the clock skips that time, the day begins an hour later.
    let begins = |hours: i64| {
        let start = date.and_time(start).checked_add_signed(TimeDelta::hours(hours))?;
        zone.from_local_datetime(&start).earliest()
    };
    begins(0).or_else(|| begins(1)).unwrap_or_else(|| now.clone())
}

fn local(time: Timestamp) -> DateTime<Local> {
    Local.timestamp_nanos(time.nanos())
}

fn timestamp<Z: TimeZone>(time: &DateTime<Z>) -> Timestamp {
    Timestamp::from_nanos(time.timestamp_nanos_opt().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;

    #[test]
    fn the_page_of_an_absence_names_it() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let absence = Absence {
            start: at("2026-03-01T12:00:00Z"),
            end: at("2026-03-01T13:00:00Z"),
            is_over: true,
        };
        let time = |hour: &str| format!("2026-03-01T{hour}%3A00Z");
        let [before, start, end, after] = ["11%3A45", "12%3A00", "13%3A00", "13%3A15"].map(time);
        assert_eq!(
            absence_page(&absence),
            format!("timberline/#/timeline?start={before}&end={after}&away={start}&away={end}")
        );
    }

    #[test]
    fn the_day_begins_at_its_start() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let begins = |now: &str| day(&at(now), START_OF_DAY);
        assert_eq!(begins("2026-03-01T03:59:59Z"), at("2026-02-28T04:00:00Z"));
        assert_eq!(begins("2026-03-01T04:00:00Z"), at("2026-03-01T04:00:00Z"));
        assert_eq!(begins("2026-03-01T23:00:00Z"), at("2026-03-01T04:00:00Z"));
    }
}
