//! Running a program on one period of a snapshot.
//!
//! A name that is not used again gives its value away instead of sharing it ([`last_use`]), so a list is gone from
//! memory as soon as the next one has been made of it.

mod last_use;
mod names;
mod operator;

use std::sync::Arc;

pub(crate) use last_use::LastUses;
use names::Names;
use rustc_hash::FxHashMap;

use crate::error::{ErrorKind, QueryError};
use crate::function::{self, Arguments};
use crate::run::Run;
use crate::syntax::{Call, Expression, Key, Kind, Name, Program, Statement};
use crate::trace;
use crate::value::Value;

/// Runs a program: the value of `RETURN` after its last statement.
///
/// # Errors
/// The first that occurs, or that there is no `RETURN`.
pub(crate) fn evaluate(run: &Run<'_>, program: &Program, last_uses: &LastUses) -> Result<Value, QueryError> {
    evaluate_with(run, program, last_uses, None)
}

/// The same, with a name that stands for a value before the program says anything.
pub(crate) fn evaluate_with(
    run: &Run<'_>,
    program: &Program,
    last_uses: &LastUses,
    given: Option<(&str, Value)>,
) -> Result<Value, QueryError> {
    let mut evaluator = Evaluator {
        run,
        last_uses,
        names: Names::default(),
    };
    if let Some((name, value)) = given {
        evaluator.names.set(name, value);
    }
    evaluator.statements(&program.statements)?;
    evaluator.names.take("RETURN").ok_or_else(|| {
        let message = "the query has no result: assign it to RETURN, or return it";
        QueryError::new(ErrorKind::Parse, message)
    })
}

struct Evaluator<'a> {
    run: &'a Run<'a>,
    last_uses: &'a LastUses,
    names: Names,
}

impl Evaluator<'_> {
    fn statements(&mut self, statements: &[Statement]) -> Result<(), QueryError> {
        statements.iter().try_for_each(|s| self.statement(s))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), QueryError> {
        self.run.scope.guard.check()?;
        match statement {
            Statement::Assign(name, value) => self.assign(name, value),
            Statement::Return(None, value) => {
                let value = self.expression(value)?;
                self.names.set("RETURN", value);
                Ok(())
            }
            Statement::Return(Some(name), value) => {
                self.assign(name, value)?;
                self.names.set("RETURN", Value::Empty);
                Ok(())
            }
            Statement::Evaluate(value) => self.expression(value).map(|_| ()),
            Statement::If { branches, otherwise } => {
                for (condition, block) in branches {
                    if self.condition(condition)? {
                        return self.statements(block);
                    }
                }
                self.statements(otherwise)
            }
        }
    }

    fn assign(&mut self, name: &Name, value: &Expression) -> Result<(), QueryError> {
        let value = self.expression(value)?;
        self.names.set(&name.text, value);
        Ok(())
    }

    fn condition(&mut self, condition: &Expression) -> Result<bool, QueryError> {
        match self.expression(condition)? {
            Value::Bool(holds) => Ok(holds),
            other => {
                let error = QueryError::interpret(format!(
                    "a condition must be a bool, such as `a == b`, found {other}"
                ));
                Err(self.run.error_at(error, condition))
            }
        }
    }

    fn expression(&mut self, expression: &Expression) -> Result<Value, QueryError> {
        let guard = self.run.scope.guard;
        match &expression.kind {
            Kind::Number(number) => Ok(Value::Number(*number)),
            Kind::Bool(value) => Ok(Value::Bool(*value)),
            Kind::Text(text, _) => Ok(Value::Text(text.into())),
            Kind::Name(name) => self.name(name, expression),
            Kind::Call(call) => self.call(call),
            Kind::List(values) => {
                let values: Result<Vec<Value>, _> = values.iter().map(|v| self.expression(v)).collect();
                Value::list(guard, values?).map_err(|e| self.run.error_at(e, expression))
            }
            Kind::Dict(members) => self.dict(members).map_err(|e| self.run.error_at(e, expression)),
            Kind::Chain(first, rest) => {
                let mut value = self.expression(first)?;
                for (operator, operand) in rest {
                    guard.check()?;
                    let other = self.expression(operand)?;
                    value = operator::apply(self.run.scope, *operator, value, other)
                        .map_err(|e| self.run.error_at(e, operand))?;
                }
                Ok(value)
            }
        }
    }

    fn dict(&mut self, members: &[(Key, Expression)]) -> Result<Value, QueryError> {
        let mut dict: Vec<(Arc<str>, Value)> = Vec::with_capacity(members.len());
        let mut places: FxHashMap<&str, usize> = FxHashMap::default();
        for (i, (key, value)) in members.iter().enumerate() {
            self.run.scope.guard.check_at(i)?;
            let value = self.expression(value)?;
            let place = *places.entry(&key.text).or_insert(dict.len());
            match dict.get_mut(place) {
                Some(member) => member.1 = value,
                None => dict.push((key.text.clone(), value)),
            }
        }
        Value::dict(self.run.scope.guard, dict)
    }

    fn name(&mut self, name: &str, expression: &Expression) -> Result<Value, QueryError> {
        let value = if self.last_uses.contains(expression.span) {
            self.names.take(name)
        } else {
            self.names.get(name)
        };
        if let Some(value) = value.or_else(|| self.run.predefined(name)) {
            return Ok(value);
        }
        let message = if function::find(name).is_some() {
            format!("the function `{name}` is no value: call it, as in `{name}(…)`")
        } else {
            let hint = function::nearest(name, self.names.known());
            let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            format!("the name `{name}` is not defined{hint}")
        };
        Err(self.run.error_at(QueryError::interpret(message), expression))
    }

    fn call(&mut self, call: &Call) -> Result<Value, QueryError> {
        let name = &*call.function.text;
        let wrong = |message| QueryError::interpret(message).at(self.run.program, call.function.span);
        if self.names.is_assigned(name) {
            return Err(wrong(format!(
                "`{name}` was assigned a value here, which is no function"
            )));
        }
        let Some(function) = function::find(name) else {
            let near = function::nearest(name, function::all().map(|f| f.name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(wrong(format!("there is no function `{name}`{hint}")));
        };
        let count = call.arguments.len();
        if !function.parameters.fit(count) {
            return Err(wrong(format!(
                "{name} takes {}, found {count}",
                function.parameters
            )));
        }
        let values: Result<Vec<Value>, _> = call.arguments.iter().map(|a| self.expression(a)).collect();
        let period = self.names.period(self.run.period);
        let values = values?;
        let begun = self.run.trace.as_ref().map(|_| trace::begin(&values));
        let arguments = Arguments::new(function, values, &call.arguments, self.run, period);
        let result = (function.run)(&arguments);
        drop(arguments);
        if let (Some(trace), Some(begun)) = (&self.run.trace, begun) {
            let line = crate::syntax::Position::of(self.run.program, call.function.span.start).line;
            trace.borrow_mut().end(begun, line, name, result.as_ref().ok());
        }
        result.map_err(|error| error.at(self.run.program, call.function.span))
    }
}
