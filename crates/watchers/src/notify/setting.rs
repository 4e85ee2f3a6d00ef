//! The setting `aw-notify`, as the standard web UI writes it, and as older versions did.

use serde_json::Value;

/// The name of the setting.
pub(super) const SETTING: &str = "aw-notify";

/// What the user wants to be notified of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) alerts: Vec<Alert>,
    /// How the time was spent, every hour.
    pub(super) hourly: bool,
    /// That a day begins.
    pub(super) new_day: bool,
    /// That the server does not answer.
    pub(super) server: bool,
}

/// Times of a category after which to notify the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alert {
    /// The names of the category; none: all time.
    pub(super) category: Vec<String>,
    /// What it is called; otherwise the category.
    pub(super) label: Option<String>,
    pub(super) minutes: Vec<u32>,
    /// Whether reaching these times is good.
    pub(super) positive: bool,
}

impl Wanted {
    /// Reads the setting. Without one, or with one that says nothing that can be understood, it is what the web UI shows then.
    pub(super) fn read(setting: Option<&Value>) -> Wanted {
        let (alerts, options) = match setting {
            Some(Value::Array(alerts)) => (Some(alerts), None),
            Some(Value::Object(options)) => (options.get("alerts").and_then(Value::as_array), Some(options)),
            _ => (None, None),
        };
        let flag = |name: &str| {
            let value = options.and_then(|options| options.get(name));
            value.and_then(Value::as_bool)
        };
        Wanted {
            alerts: match alerts {
                Some(alerts) => alerts.iter().filter_map(Alert::read).collect(),
                None => Alert::usual(),
            },
            hourly: flag("hourly_checkins").unwrap_or(true),
            new_day: flag("new_day_greetings").unwrap_or(true),
            server: flag("server_monitoring").unwrap_or(true),
        }
    }
}

impl Alert {
    fn read(alert: &Value) -> Option<Alert> {
        let minutes = alert
            .get("thresholds_minutes")
            .or(alert.get("thresholdMinutes"))?;
        let minutes = match minutes {
            Value::Array(minutes) => minutes.iter().filter_map(whole_minutes).collect(),
            one => vec![whole_minutes(one)?],
        };
        let label = alert.get("label").and_then(Value::as_str);
        Some(Alert {
            category: category(alert.get("category"))?,
            label: label.filter(|label| !label.is_empty()).map(str::to_owned),
            minutes,
            positive: alert.get("positive").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    /// What the web UI shows when there is no setting.
    fn usual() -> Vec<Alert> {
        let alert = |category: &[&str], minutes: &[u32], positive| Alert {
            category: category.iter().map(|name| (*name).to_owned()).collect(),
            label: None,
            minutes: minutes.to_vec(),
            positive,
        };
        vec![
            alert(&[], &[60, 240, 480], false),
            alert(&["Work"], &[60, 120, 240], true),
        ]
    }

    /// What it is called in a notification.
    pub(super) fn name(&self) -> String {
        match &self.label {
            Some(label) => label.clone(),
            None if self.category.is_empty() => "All".to_owned(),
            None => self.category.join(" > "),
        }
    }
}

fn whole_minutes(value: &Value) -> Option<u32> {
    let minutes = value
        .as_f64()
        .filter(|minutes| (1.0..=10_080.0).contains(minutes))?;
    Some(minutes.round() as u32)
}

/// `null` and `"All"`: all time. Otherwise names with ` > ` between them, or a list of names. `None`: it cannot be understood.
fn category(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) if text == "All" || text.is_empty() => Some(Vec::new()),
        Some(Value::String(text)) => Some(text.split(" > ").map(str::to_owned).collect()),
        Some(Value::Array(names)) => names.iter().map(|name| Some(name.as_str()?.to_owned())).collect(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_formats_of_the_setting_mean_the_same() {
        let new = json!({"alerts": [
            {"category": null, "label": null, "thresholds_minutes": [60, 240], "positive": false},
            {"category": "Work > Code", "label": "Code", "thresholds_minutes": [30], "positive": true}
        ]});
        let old = json!([
            {"category": null, "thresholdMinutes": [60, 240]},
            {"category": ["Work", "Code"], "label": "Code", "thresholdMinutes": 30, "positive": true}
        ]);
        let new = Wanted::read(Some(&new));
        assert_eq!(new, Wanted::read(Some(&old)));
        assert_eq!(new.alerts[1].category, ["Work", "Code"]);
        assert_eq!(new.alerts[1].name(), "Code");
        assert_eq!(new.alerts[0].name(), "All");
    }

    #[test]
    fn without_a_setting_the_defaults_of_the_web_ui_apply() {
        let usual = Wanted::read(None);
        let all: Vec<&[u32]> = usual
            .alerts
            .iter()
            .map(|alert| alert.minutes.as_slice())
            .collect();
        assert_eq!(all, [[60, 240, 480], [60, 120, 240]]);
        assert!(usual.alerts[1].positive && usual.hourly && usual.new_day && usual.server);
        let none = json!({"alerts": [], "hourly_checkins": false, "server_monitoring": false});
        let none = Wanted::read(Some(&none));
        assert!(none.alerts.is_empty() && !none.hourly && !none.server && none.new_day);
    }

    #[test]
    fn invalid_entries_of_the_setting_are_left_out() {
        let odd = json!([{"category": 5, "thresholdMinutes": [1]}, {"category": "A"}, 7,
            {"category": "B", "thresholdMinutes": ["x", -5, 10]}]);
        let odd = Wanted::read(Some(&odd));
        assert_eq!(odd.alerts.len(), 1);
        assert_eq!(odd.alerts[0].minutes, [10]);
    }
}
