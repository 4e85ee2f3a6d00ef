//! What operators do.

use crate::error::QueryError;
use crate::syntax::Operator;
use crate::transform::{self, Scope};
use crate::value::Value;

/// Joins two values.
///
/// # Errors
/// When the operator does not fit them.
pub(super) fn apply(
    scope: Scope<'_>,
    operator: Operator,
    left: Value,
    right: Value,
) -> Result<Value, QueryError> {
    match (operator, &left, &right) {
        (Operator::Equal, ..) => equal(scope, &left, &right),
        (Operator::Divide, Value::Number(_), Value::Number(0.0)) => {
            Err(QueryError::interpret("a number cannot be divided by zero"))
        }
        (_, Value::Number(a), Value::Number(b)) => Ok(Value::Number(match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
            Operator::Remainder | Operator::Equal => a % b,
        })),
        (Operator::Add, Value::Text(a), Value::Text(b)) => a.join(b, scope.guard).map(Value::Text),
        (Operator::Add, Value::Events(a), Value::Events(b)) => {
            transform::concat(scope, &[a.clone(), b.clone()]).map(Value::Events)
        }
        (Operator::Add, ..) => match (left.items(), right.items()) {
            (Some(a), Some(b)) => {
                let bytes = (a.len() + b.len()).saturating_mul(size_of::<Value>());
                // Before there is the list that keeps the charge.
                let _charge = scope.guard.charge(bytes)?;
                let mut values = Vec::with_capacity(a.len() + b.len());
                values.extend(a.iter().chain(b.iter()));
                Value::list(scope.guard, values)
            }
            _ => Err(misfit(
                operator,
                "two numbers, two strings or two lists",
                &left,
                &right,
            )),
        },
        _ => Err(misfit(operator, "two numbers", &left, &right)),
    }
}

fn equal(scope: Scope<'_>, left: &Value, right: &Value) -> Result<Value, QueryError> {
    if !left.is_comparable(right) {
        return Err(misfit(Operator::Equal, "values of one kind", left, right));
    }
    // As in aw-server-rust, nothing is not equal to nothing.
    if matches!(left, Value::Empty) {
        return Ok(Value::Bool(false));
    }
    left.same(right, scope.guard).map(Value::Bool)
}

fn misfit(operator: Operator, wanted: &str, left: &Value, right: &Value) -> QueryError {
    let symbol = operator.symbol();
    QueryError::interpret(format!("`{symbol}` is for {wanted}, found {left} and {right}"))
}
