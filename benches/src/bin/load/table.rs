//! The figures of all rounds, and the table of them.

use std::collections::HashMap;

/// Figures by what was measured and of which server.
pub(crate) struct Table {
    subjects: Vec<String>,
    /// What was measured, with its unit, in the order of measuring.
    rows: Vec<(String, &'static str)>,
    values: HashMap<(String, String), Vec<f64>>,
}

impl Table {
    pub(crate) fn new(subjects: impl Iterator<Item = String>) -> Table {
        Table {
            subjects: subjects.collect(),
            rows: Vec::new(),
            values: HashMap::new(),
        }
    }

    pub(crate) fn add(&mut self, subject: &str, what: &str, value: f64, unit: &'static str) {
        if !self.rows.iter().any(|(known, _)| known == what) {
            self.rows.push((what.to_owned(), unit));
        }
        if !self.subjects.iter().any(|known| known == subject) {
            self.subjects.push(subject.to_owned());
        }
        self.values
            .entry((what.to_owned(), subject.to_owned()))
            .or_default()
            .push(value);
    }

    /// A line for each measurement: for each server the median and the range, and the ratio to the first server.
    pub(crate) fn print(&self) {
        for (what, unit) in &self.rows {
            let mut line = format!("{what:<52}");
            let mut first = None;
            for subject in &self.subjects {
                let Some(values) = self.values.get(&(what.clone(), subject.clone())) else {
                    continue;
                };
                let (low, median, high) = spread(values);
                line += &format!(
                    "  {subject} {} ({} to {}) {unit}",
                    figure(median),
                    figure(low),
                    figure(high)
                );
                match first {
                    None => first = Some(median),
                    Some(first) => line += &format!(" [{:.2}x]", median / first),
                }
            }
            println!("{line}");
        }
    }
}

/// The least, the median and the greatest.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |position: usize| sorted.get(position).copied().unwrap_or(f64::NAN);
    (at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1)))
}

/// Three digits that matter.
fn figure(value: f64) -> String {
    match value.abs() {
        1_000.0.. => format!("{value:.0}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_that_matter() {
        let of = |values: &[f64]| values.iter().map(|value| figure(*value)).collect::<Vec<_>>();
        assert_eq!(
            of(&[123_456.7, 123.45, 12.345, 1.2345, 0.123_45]),
            ["123457", "123", "12.3", "1.23", "0.123"]
        );
    }

    #[test]
    fn the_spread_is_least_median_greatest() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (1.0, 2.0, 3.0));
    }
}
