//! What operators do.

use crate::error::QueryError;
use crate::scope::Scope;
use crate::syntax::Operator;
use crate::transform;
use crate::value::Value;

/// Joins two values.
///
/// # Errors
/// When the operator does not fit them, or has no result.
pub(super) fn apply(
    scope: Scope<'_>,
    operator: Operator,
    left: Value,
    right: Value,
) -> Result<Value, QueryError> {
    match (operator, &left, &right) {
        (Operator::Equal, ..) => equal(scope, &left, &right),
        (_, Value::Number(a), Value::Number(b)) => calculate(operator, *a, *b).map(Value::Number),
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

/// Calculates with two numbers.
///
/// # Errors
/// When there is no number that is the result: JSON has neither infinities nor NaN.
fn calculate(operator: Operator, a: f64, b: f64) -> Result<f64, QueryError> {
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide | Operator::Remainder if b == 0.0 => {
            return Err(QueryError::interpret("a number cannot be divided by zero"));
        }
        Operator::Divide => a / b,
        Operator::Remainder | Operator::Equal => a % b,
    };
    if result.is_finite() {
        return Ok(result);
    }
    let symbol = operator.symbol();
    Err(QueryError::interpret(format!(
        "the result of `{symbol}` is larger than any number"
    )))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_answer_is_an_error_and_never_an_infinity_or_nan() {
        let large = f64::MAX;
        for (operator, a, b) in [
            (Operator::Divide, 5.0, 0.0),
            (Operator::Divide, 0.0, -0.0),
            (Operator::Remainder, 5.0, 0.0),
            (Operator::Remainder, 0.0, 0.0),
            (Operator::Remainder, 5.0, -0.0),
            (Operator::Divide, large, 0.5),
            (Operator::Divide, 1.0, f64::MIN_POSITIVE / 16.0),
            (Operator::Multiply, large, 2.0),
            (Operator::Add, large, large),
            (Operator::Subtract, -large, large),
        ] {
            let error = calculate(operator, a, b).unwrap_err();
            assert_eq!(error.kind, crate::ErrorKind::Interpret, "{a} {operator:?} {b}");
        }
        assert_eq!(calculate(Operator::Remainder, -7.0, 3.0).unwrap(), -1.0);
        assert_eq!(calculate(Operator::Remainder, 5.0, large).unwrap(), 5.0);
        assert_eq!(
            calculate(Operator::Divide, f64::MIN_POSITIVE, large).unwrap(),
            0.0
        );
    }
}
