//! Runs the scenarios of a corpus against a server.

use super::format::{Corpus, Names, Scenario, Step, part_at};
use super::{client, compare};

/// A run against one server.
pub(crate) struct Runner {
    port: u16,
    run: String,
    /// Scenarios that passed.
    pub(crate) passed: usize,
    /// One line for each scenario that did not, with its first difference.
    pub(crate) failures: Vec<String>,
    /// Scenarios that end with a query: that, and what its placeholders stood for.
    asked: Vec<(String, Step, Names)>,
}

impl Runner {
    /// A run with a name that no other run on the same store has.
    pub(crate) fn new(port: u16, run: &str) -> Runner {
        Runner {
            port,
            run: run.to_owned(),
            passed: 0,
            failures: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Runs all scenarios of a corpus.
    pub(crate) fn run(&mut self, corpus: &Corpus) {
        for scenario in &corpus.scenarios {
            match self.scenario(scenario) {
                Ok(()) => self.passed += 1,
                Err(difference) => self
                    .failures
                    .push(format!("FAIL {}: {difference}", scenario.name)),
            }
        }
    }

    /// Asks again what scenarios asked last: it must be answered as it was then. `when` says what has happened since.
    pub(crate) fn ask_again(&mut self, when: &str) {
        for (scenario, step, names) in std::mem::take(&mut self.asked) {
            let mut known = names.clone();
            if let Err(difference) = self.step(&step, &mut known) {
                self.failures
                    .push(format!("FAIL {scenario} ({when}): {difference}"));
            }
            self.asked.push((scenario, step, names));
        }
        assert!(self.asked.len() > 400, "scenarios that end with a query");
    }

    fn scenario(&mut self, scenario: &Scenario) -> Result<(), String> {
        let mut names = self.names(scenario);
        for (number, step) in scenario.steps.iter().enumerate() {
            self.step(step, &mut names).map_err(|difference| {
                format!(
                    "step {} ({} {}): {difference}",
                    number + 1,
                    step.method,
                    step.path
                )
            })?;
        }
        if let Some(last) = scenario.steps.last().filter(|step| step.path.contains("/query")) {
            self.asked.push((scenario.name.clone(), last.clone(), names));
        }
        Ok(())
    }

    fn step(&self, step: &Step, names: &mut Names) -> Result<(), String> {
        let answer = client::send(self.port, step, names).map_err(|error| format!("no answer: {error}"))?;
        compare::check(&step.expect, &answer, names)?;
        for (name, path) in &step.capture {
            let json = answer.json().unwrap_or_default();
            let part = part_at(&json, path).ok_or_else(|| format!("capture {name}: nothing at {path}"))?;
            names.insert(name.clone(), part.clone());
        }
        Ok(())
    }

    /// What the placeholders stand for at the start. Every scenario has a prefix of its own for whatever it
    /// makes, so that they share a store without meeting.
    fn names(&self, scenario: &Scenario) -> Names {
        let words = scenario
            .name
            .split(|letter: char| !letter.is_ascii_alphanumeric());
        let words: Vec<_> = words
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let prefix = format!("cf-{}-{}", self.run, words.join("-"));
        let text = |name: &str, value: String| (name.to_owned(), value.into());
        Names::from([
            text("p", prefix),
            text("host", "127.0.0.1".to_owned()),
            text("port", self.port.to_string()),
        ])
    }
}
