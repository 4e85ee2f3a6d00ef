//! The arguments of one call.

use super::Function;
use crate::error::QueryError;
use crate::events::{Builder, Events};
use crate::period::Period;
use crate::run::Run;
use crate::scope::Scope;
use crate::syntax::Expression;
use crate::value::{Items, Text, Value};

/// Arguments, which are as many as the function takes.
pub(crate) struct Arguments<'a> {
    function: &'static Function,
    values: Vec<Value>,
    /// Where they stand.
    written: &'a [Expression],
    pub(crate) run: &'a Run<'a>,
    /// The period that the names of the program give.
    period: Result<Period, QueryError>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(
        function: &'static Function,
        values: Vec<Value>,
        written: &'a [Expression],
        run: &'a Run<'a>,
        period: Result<Period, QueryError>,
    ) -> Arguments<'a> {
        Arguments {
            function,
            values,
            written,
            run,
            period,
        }
    }

    pub(crate) fn scope(&self) -> Scope<'a> {
        self.run.scope
    }

    pub(crate) fn period(&self) -> Result<Period, QueryError> {
        self.period.clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// An error about an argument, in its place.
    pub(crate) fn wrong(&self, i: usize, what: impl std::fmt::Display) -> QueryError {
        let error = QueryError::function(format!(
            "{}: argument {} ({}) {what}",
            self.function.name,
            i + 1,
            self.function.parameters.name(i)
        ));
        self.place(i, error)
    }

    /// An error in the place of an argument.
    pub(crate) fn place(&self, i: usize, error: QueryError) -> QueryError {
        match self.written.get(i) {
            Some(argument) => error.at(self.run.program, argument.span),
            None => error,
        }
    }

    /// The same, and named after the function and the argument.
    pub(crate) fn about(&self, i: usize, error: QueryError) -> QueryError {
        let name = self.function.parameters.name(i);
        let what = format_args!("{}: argument {} ({name})", self.function.name, i + 1);
        self.place(i, error.about(what))
    }

    pub(crate) fn value(&self, i: usize) -> &Value {
        self.values.get(i).unwrap_or(&Value::Empty)
    }

    pub(crate) fn text(&self, i: usize) -> Result<&Text, QueryError> {
        match self.value(i) {
            Value::Text(text) => Ok(text),
            other => Err(self.wrong(i, format_args!("must be a string, found {other}"))),
        }
    }

    pub(crate) fn number(&self, i: usize) -> Result<f64, QueryError> {
        match self.value(i) {
            Value::Number(number) => Ok(*number),
            other => Err(self.wrong(i, format_args!("must be a number, found {other}"))),
        }
    }

    pub(crate) fn items(&self, i: usize) -> Result<Items<'_>, QueryError> {
        let value = self.value(i);
        value
            .items()
            .ok_or_else(|| self.wrong(i, format_args!("must be a list, found {value}")))
    }

    pub(crate) fn texts(&self, i: usize) -> Result<Vec<Text>, QueryError> {
        let text = |item: Value| match item {
            Value::Text(text) => Ok(text),
            other => Err(self.wrong(
                i,
                format_args!("must be a list of strings, but it has {other} in it"),
            )),
        };
        self.items(i)?.iter().map(text).collect()
    }

    /// A list of events.
    pub(crate) fn events(&self, i: usize) -> Result<Events, QueryError> {
        if let Value::Events(events) = self.value(i) {
            return Ok(events.clone());
        }
        let mut events = Builder::new(self.scope().guard)?;
        for item in self.items(i)?.iter() {
            match item {
                Value::Event(event) => events.push(event)?,
                other => {
                    let what = format_args!("must be a list of events, but it has {other} in it");
                    return Err(self.wrong(i, what));
                }
            }
        }
        events.build()
    }
}
