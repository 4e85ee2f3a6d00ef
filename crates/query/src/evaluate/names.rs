//! The names of a running program.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::QueryError;
use crate::period::{self, Period};
use crate::run::Run;
use crate::value::Value;

/// Names that mean something before a program says anything.
const PREDEFINED: [&str; 4] = ["TIMEINTERVAL", "STARTTIME", "ENDTIME", "NAME"];

impl Run<'_> {
    /// What a name means that was not assigned.
    pub(super) fn predefined(&self, name: &str) -> Option<Value> {
        Some(Value::text(match name {
            "TIMEINTERVAL" => self.period.to_string(),
            "STARTTIME" => period::iso(self.period.start),
            "ENDTIME" => period::iso(self.period.end),
            "NAME" => self.name.to_owned(),
            _ => return None,
        }))
    }
}

/// Names and what they stand for; none for those whose value was given away.
#[derive(Debug, Default)]
pub(super) struct Names(FxHashMap<Arc<str>, Option<Value>>);

impl Names {
    pub(super) fn set(&mut self, name: &str, value: Value) {
        match self.0.get_mut(name) {
            Some(slot) => *slot = Some(value),
            None => {
                self.0.insert(name.into(), Some(value));
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name)?.clone()
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name)?.take()
    }

    pub(super) fn is_assigned(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All names there are, for suggestions.
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name).chain(PREDEFINED)
    }

    /// The period that buckets are read for: what was asked for, unless the program says otherwise. `TIMEINTERVAL`
    /// is what aw-server-rust goes by, the other two are what aw-server goes by.
    pub(super) fn period(&self, asked: Period) -> Result<Period, QueryError> {
        let text = |name: &str| match self.0.get(name) {
            None => Ok(None),
            Some(Some(Value::Text(text))) => Ok(Some(text)),
            Some(_) => Err(QueryError::function(format!("{name} must be a string"))),
        };
        let wrong =
            |name: &str, error: &dyn std::fmt::Display| QueryError::function(format!("{name}: {error}"));
        if let Some(interval) = text("TIMEINTERVAL")? {
            return Period::parse(interval).map_err(|e| wrong("TIMEINTERVAL", &e));
        }
        let instant = |name, asked| match text(name)? {
            None => Ok(asked),
            Some(text) => period::instant(text).map_err(|e| wrong(name, &e)),
        };
        Ok(Period {
            start: instant("STARTTIME", asked.start)?,
            end: instant("ENDTIME", asked.end)?,
        })
    }
}

/// Names whose assigned value is read by functions, not only where they are written.
pub(super) fn is_read_by_functions(name: &str) -> bool {
    PREDEFINED.contains(&name)
}
