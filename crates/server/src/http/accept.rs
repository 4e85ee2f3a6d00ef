//! What a client accepts: the header `Accept` (RFC 9110, 12.5.1).

use http::{HeaderMap, header};

/// The number of the media type that the client prefers; the first if it says nothing. `None` if it accepts none of them.
pub(crate) fn preferred(headers: &HeaderMap, types: &[&str]) -> Option<usize> {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Some(0);
    }
    let ranges: Vec<Range> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect();
    // Of those that say anything of a type, the most specific counts.
    let weight = |media_type: &str| {
        let fitting = ranges
            .iter()
            .filter_map(|range| Some((range.specificity(media_type)?, range.weight)));
        fitting
            .max_by_key(|(specificity, _)| *specificity)
            .map_or(0, |(_, weight)| weight)
    };
    let best = types.iter().map(|media_type| weight(media_type)).enumerate();
    let best = best.filter(|(_, weight)| *weight > 0);
    // Of equal weights, the first.
    best.rev()
        .max_by_key(|(_, weight)| *weight)
        .map(|(number, _)| number)
}

/// A media range with its weight, in thousandths.
struct Range {
    name: String,
    weight: u32,
}

impl Range {
    fn parse(text: &str) -> Option<Range> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(Some(1.0), |weight| weight.parse::<f32>().ok())?;
        Some(Range {
            name,
            weight: (weight.clamp(0.0, 1.0) * 1_000.0) as u32,
        })
    }

    fn specificity(&self, media_type: &str) -> Option<u8> {
        let (kind, _) = media_type.split_once('/')?;
        match self.name.split_once('/') {
            Some(("*", "*")) => Some(0),
            Some((own, "*")) => (own == kind).then_some(1),
            _ => (self.name == media_type).then_some(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_counts_and_then_the_weight() {
        let types = ["application/json", "application/x-ndjson", "text/csv"];
        let of = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            preferred(&headers, &types)
        };
        assert_eq!(preferred(&HeaderMap::new(), &types), Some(0));
        for (accept, number) in [
            ("*/*", Some(0)),
            ("text/csv", Some(2)),
            ("text/*", Some(2)),
            ("application/json;q=0.5, text/csv", Some(2)),
            ("text/csv;q=0.4, application/x-ndjson;q=0.5", Some(1)),
            ("application/json;q=0, */*", Some(1)),
            ("application/*;q=0.2, text/csv;q=0.1", Some(0)),
            ("TEXT/CSV; header=present", Some(2)),
            ("application/x-ndjson, application/json", Some(0)),
            ("image/png", None),
            ("application/json;q=0", None),
            ("", None),
        ] {
            assert_eq!(of(accept), number, "{accept}");
        }
    }
}
