//! Functions of values of any kind.

use super::{Arguments, Function, Parameters};
use crate::error::QueryError;
use crate::json;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "contains",
        parameters: Parameters::Exactly(&["list or dict", "value or key"]),
        run: contains,
    },
    Function {
        name: "print",
        parameters: Parameters::Any("value"),
        run: print,
    },
    Function {
        name: "nop",
        parameters: Parameters::Exactly(&[]),
        run: |_| Ok(Value::Number(1.0)),
    },
];

fn contains(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let guard = arguments.scope().guard;
    let found = match arguments.value(0) {
        Value::Dict(dict) => dict.get(arguments.text(1)?).is_some(),
        other => {
            let Some(items) = other.items() else {
                return Err(arguments.wrong(0, format_args!("must be a list or a dict, found {other}")));
            };
            let mut found = false;
            for item in items.iter() {
                found = found || item.same(arguments.value(1), guard)?;
            }
            found
        }
    };
    Ok(Value::Bool(found))
}

/// Longest text that is printed of one value.
const PRINTED_BYTES: usize = 16 << 10;

/// Tells the server's own log, at debug level: what is printed is private.
fn print(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    if tracing::enabled!(tracing::Level::DEBUG) {
        let catalog = arguments.scope().catalog;
        for i in 0..arguments.len() {
            let value = arguments.value(i);
            if json::size(catalog, value, PRINTED_BYTES).is_some() {
                let mut text = Vec::new();
                json::write_value(catalog, value, &mut text);
                tracing::debug!(value = %String::from_utf8_lossy(&text), "print");
            } else {
                tracing::debug!("print: {}, which is too long to be shown", value.kind());
            }
        }
    }
    Ok(Value::Empty)
}
