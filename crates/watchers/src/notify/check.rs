//! Checks again and again how the time is spent, and shows notifications.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use timberline_model::{Duration as Length, Timestamp};

use super::alerts::{Moment, Spent, Told};
use super::server::Answers;
use super::service;
use super::setting::{SETTING, Wanted};
use crate::desk::Calendar;
use crate::present::is_present;
use crate::{CallError, Client, Method};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// An AFK event that ended longer ago says nothing about the present.
const RECENT: Length = Length::from_secs(300);

/// Notifies the user of how the time is spent, as the setting `aw-notify` says. Checks it every so often. Never ends; without a bus
/// it waits.
pub async fn alerts(bus: Option<String>, client: Client, calendar: Arc<dyn Calendar>, every: Duration) {
    let Some(bus) = bus else {
        return std::future::pending().await;
    };
    let mut told = Told::default();
    let mut answers = Answers::default();
    // Until the server has said what the person wants, it is what the web UI shows.
    let mut wanted = Wanted::read(None);
    loop {
        let looked = tokio::time::timeout(PATIENCE, look(&client, calendar.as_ref())).await;
        let due = match looked {
            Ok(Ok((now_wanted, spent, now))) => {
                wanted = now_wanted;
                let mut due = told.due(&wanted, &spent, now);
                due.extend(answers.came());
                due
            }
            missed => {
                let reason = match missed {
                    Ok(Err(error)) => error.to_string(),
                    _ => format!("not within {} seconds", PATIENCE.as_secs()),
                };
                tracing::debug!(reason, "cannot query how the time was spent");
                answers.missed(&reason, wanted.server).into_iter().collect()
            }
        };
        for notification in due {
            service::show(&bus, &notification).await;
        }
        tokio::time::sleep(every).await;
    }
}

async fn look(client: &Client, calendar: &dyn Calendar) -> Result<(Wanted, Spent, Moment), CallError> {
    let settings = client.settings().await?;
    let wanted = Wanted::read(settings.get(SETTING));
    let start = settings.get("startOfDay").and_then(Value::as_str);
    let (now, day) = calendar.now_and_day(start);
    let path = format!(
        "/api/1/usage?by=category&start={}&end={}",
        instant(day),
        instant(now)
    );
    let answer = client.request(Method::Get, &path, None).await?;
    let spent = spent(&answer.body).ok_or_else(|| CallError::Unreadable {
        reason: "it has no groups of categories".to_owned(),
    })?;
    let moment = Moment {
        day: day.nanos(),
        hour: now.since(day).nanos() / Length::from_secs(3600).nanos(),
        present: is_present(client, now, RECENT).await,
    };
    Ok((wanted, spent, moment))
}

/// A time as a value in an address.
fn instant(time: Timestamp) -> String {
    time.to_string().replace('+', "%2B")
}

/// What `GET /api/1/usage` answers.
fn spent(answer: &[u8]) -> Option<Spent> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let seconds = |value: &Value| Duration::try_from_secs_f64(value.get("duration")?.as_f64()?).ok();
    let groups = answer.get("groups")?.as_array()?.iter();
    let categories = groups.filter_map(|group| {
        let names = match group.get("value")? {
            Value::Array(names) => names.iter().map(|name| Some(name.as_str()?.to_owned())).collect(),
            Value::String(name) => Some(vec![name.clone()]),
            _ => None,
        };
        Some((names?, seconds(group)?))
    });
    Some(Spent {
        total: seconds(&answer)?,
        categories: categories.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_the_server_is_read() {
        let answer = br#"{"start":"x","by":"category","duration":2400.0,"intervals":[],
            "groups":[{"value":["Work","Code"],"duration":1200},{"value":["Uncategorized"],"duration":600.5},
                      {"value":null,"duration":1}],"others":{"duration":0}}"#;
        let spent = spent(answer).expect("an answer");
        assert_eq!(spent.total, Duration::from_secs(2400));
        let first = (
            vec!["Work".to_owned(), "Code".to_owned()],
            Duration::from_secs(1200),
        );
        assert_eq!(spent.categories.len(), 2);
        assert_eq!(spent.categories[0], first);
        assert_eq!(super::spent(b"[]"), None);
    }
}
