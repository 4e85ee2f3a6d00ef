//! The configuration keys of the query engine's limits. The engine reports which limit was reached; a message for people
//! also names the key that changes it.

use timberline_query::{ErrorKind, Limited, QueryError, Warning};

/// The key of a limit; `None` for one that is fixed.
fn key(limited: Limited) -> Option<&'static str> {
    match limited {
        Limited::ProgramLength => Some("limits.query_program_bytes"),
        Limited::Depth => Some("limits.query_depth"),
        Limited::Periods => Some("limits.query_periods"),
        Limited::Time => Some("limits.query_seconds"),
        Limited::Memory => Some("limits.query_memory_bytes"),
        Limited::ResultSize => Some("limits.query_result_bytes"),
        Limited::Argument => None,
    }
}

/// The message of an error without its place in the program, and with the key of its limit.
#[must_use]
pub fn message(error: &QueryError) -> String {
    match error.kind {
        ErrorKind::Limit(limited) => match key(limited) {
            Some(key) => format!("{} ({key})", error.message),
            None => error.message.clone(),
        },
        _ => error.message.clone(),
    }
}

/// The text of a warning, with the key of its limit.
#[must_use]
pub fn warning(warning: &Warning) -> String {
    format!("{warning} (limits.query_backtracking_steps)")
}

#[cfg(test)]
mod tests {
    use timberline_query::syntax::Position;

    use super::*;

    #[test]
    fn a_message_names_the_key_of_the_limit() {
        let mut error = QueryError {
            kind: ErrorKind::Limit(Limited::Time),
            message: "the query took longer than 60 s".to_owned(),
            position: None::<Position>,
        };
        assert_eq!(
            message(&error),
            "the query took longer than 60 s (limits.query_seconds)"
        );
        error.kind = ErrorKind::Limit(Limited::Argument);
        assert_eq!(message(&error), error.message);
        assert!(warning(&Warning::More).ends_with("(limits.query_backtracking_steps)"));
    }
}
