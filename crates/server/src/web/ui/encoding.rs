//! Which form of a file a client takes (RFC 9110, 12.5.3).

use http::{HeaderMap, header};
use timberline_webui::File;

/// How a file is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Plain,
}

impl Encoding {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Plain => "identity",
        }
    }
}

/// The form that the client likes best; of those that it likes equally, the smallest. A client that takes none gets the plain file:
/// the standard allows it, and an answer is more use than a refusal.
pub(super) fn choose(file: &'static File, asked: &HeaderMap) -> (Encoding, &'static [u8]) {
    let forms = [
        (Encoding::Brotli, file.brotli),
        (Encoding::Gzip, file.gzip),
        (Encoding::Plain, Some(file.plain)),
    ];
    let mut best = (0, Encoding::Plain, file.plain);
    for (encoding, bytes) in forms {
        let liking = bytes.map_or(0, |_| liking(asked, encoding));
        if let Some(bytes) = bytes
            && liking > best.0
        {
            best = (liking, encoding, bytes);
        }
    }
    (best.1, best.2)
}

/// How much the client likes an encoding, in thousandths. Plain is taken by everyone who does not say otherwise, but is liked
/// less than what is named.
fn liking(asked: &HeaderMap, encoding: Encoding) -> u32 {
    let mut of_any = None;
    for value in asked.get_all(header::ACCEPT_ENCODING) {
        for item in value.to_str().unwrap_or_default().split(',') {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(1_000, thousandths);
            match name.trim() {
                name if name.eq_ignore_ascii_case(encoding.name()) => return weight,
                "*" => of_any = Some(weight),
                _ => {}
            }
        }
    }
    match (of_any, encoding) {
        (Some(weight), _) => weight,
        (None, Encoding::Plain) => 1,
        (None, _) => 0,
    }
}

/// `0.5` as 500; 0 for what is no weight.
fn thousandths(weight: &str) -> u32 {
    let weight: f64 = weight.trim().parse().unwrap_or(0.0);
    (weight.clamp(0.0, 1.0) * 1_000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_client_gets_what_it_likes_best() {
        static FILE: File = File {
            path: "a.js",
            tag: "",
            plain: b"plain",
            brotli: Some(b"br"),
            gzip: Some(b"gzip"),
        };
        for (accepts, wanted) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip", Encoding::Gzip),
            ("br;q=0.2, gzip;q=0.8", Encoding::Gzip),
            ("br;q=0, gzip", Encoding::Gzip),
            ("GZIP", Encoding::Gzip),
            ("*", Encoding::Brotli),
            ("*;q=0.1, gzip;q=0.5", Encoding::Gzip),
            ("identity, gzip;q=0.1", Encoding::Plain),
            ("identity;q=0, *;q=0", Encoding::Plain),
            ("br;q=x", Encoding::Plain),
            ("", Encoding::Plain),
        ] {
            let mut asked = HeaderMap::new();
            asked.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepts));
            assert_eq!(choose(&FILE, &asked).0, wanted, "{accepts}");
        }
        assert_eq!(choose(&FILE, &HeaderMap::new()).1, b"plain");
    }
}
