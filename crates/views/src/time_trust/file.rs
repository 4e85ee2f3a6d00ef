//! The file `CLOCK`: the state as lines of text with a checksum (`docs/format/clock.md`).

use timberline_log::Seq;
use timberline_model::{Duration, Timestamp};

use super::clock::BootTime;
use super::dating::Spans;
use super::line::Line;
use super::state::{Doubt, TimeState};

/// Its name in the data directory.
pub(super) const FILE: &str = timberline_disk::DataDir::CLOCK;
/// The first line, with the version of the format.
const MAGIC: &str = "timberline clock 1";

pub(super) fn encode(state: &TimeState) -> Vec<u8> {
    let mut text = format!("{MAGIC}\n");
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    line(format!("believed {}", words_of(&state.believed)));
    line(format!(
        "seen {} {:032x} {} {}",
        state.wall.nanos(),
        state.boot.boot,
        state.boot.up.nanos(),
        state.sound
    ));
    if let Some(doubt) = &state.doubt {
        line(format!(
            "doubt {} {} {} {}",
            words_of(&doubt.line),
            doubt.jump.nanos(),
            u8::from(doubt.restarted),
            doubt.newest
        ));
    }
    for span in state.spans.iter() {
        line(format!(
            "span {} {} {} {}",
            span.first,
            span.last,
            span.earliest.nanos(),
            span.latest.nanos()
        ));
    }
    let crc = crc32fast::hash(text.as_bytes());
    text.push_str(&format!("crc {crc:08x}\n"));
    text.into_bytes()
}

fn words_of(line: &Line) -> String {
    format!(
        "{} {} {} {}",
        line.start.nanos(),
        line.ran.nanos(),
        line.ran_since_start.nanos(),
        u8::from(line.restarted)
    )
}

/// The state; `None` if these bytes are not one that this program knows.
pub(super) fn decode(bytes: &[u8]) -> Option<TimeState> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.len().checked_sub("crc 00000000\n".len())?;
    let (body, end) = text.split_at_checked(body)?;
    let crc = end.strip_prefix("crc ")?.strip_suffix('\n')?;
    if u32::from_str_radix(crc, 16).ok()? != crc32fast::hash(body.as_bytes()) {
        return None;
    }
    let mut lines = body.lines();
    if lines.next()? != MAGIC {
        return None;
    }
    let (mut believed, mut seen, mut doubt, mut spans) = (None, None, None, Spans::default());
    for line in lines {
        let mut words = Words(line.split(' '));
        match words.0.next()? {
            "believed" => believed = Some(words.line()?),
            "seen" => seen = Some((words.time()?, words.boot()?, words.seq()?)),
            "doubt" => {
                doubt = Some(Doubt {
                    line: words.line()?,
                    jump: words.span()?,
                    restarted: words.flag()?,
                    newest: words.seq()?,
                });
            }
            "span" => spans.add(words.seq()?..=words.seq()?, words.time()?, words.time()?),
            _ => return None,
        }
    }
    let (wall, boot, sound) = seen?;
    Some(TimeState {
        believed: believed?,
        wall,
        boot,
        sound,
        doubt,
        spans,
    })
}

/// The words of a line, after the first.
struct Words<'a>(std::str::Split<'a, char>);

impl Words<'_> {
    fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        self.0.next()?.parse().ok()
    }

    fn seq(&mut self) -> Option<Seq> {
        self.number().map(Seq)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.number().map(Timestamp::from_nanos)
    }

    fn span(&mut self) -> Option<Duration> {
        self.number().map(Duration::from_nanos)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.number::<u8>()? != 0)
    }

    fn boot(&mut self) -> Option<BootTime> {
        Some(BootTime {
            boot: u128::from_str_radix(self.0.next()?, 16).ok()?,
            up: self.span()?,
        })
    }

    fn line(&mut self) -> Option<Line> {
        Some(Line {
            start: self.time()?,
            ran: self.span()?,
            ran_since_start: self.span()?,
            restarted: self.flag()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = Timestamp> {
        any::<i64>().prop_map(Timestamp::from_nanos)
    }

    fn line() -> impl Strategy<Value = Line> {
        let length = || any::<i64>().prop_map(Duration::from_nanos);
        let line = (time(), length(), length(), any::<bool>());
        line.prop_map(|(start, ran, ran_since_start, restarted)| Line {
            start,
            ran,
            ran_since_start,
            restarted,
        })
    }

    fn state() -> impl Strategy<Value = TimeState> {
        let doubt = (line(), any::<(i64, bool, u64)>()).prop_map(|(line, (jump, restarted, newest))| Doubt {
            line,
            jump: Duration::from_nanos(jump),
            restarted,
            newest: Seq(newest),
        });
        // Far apart, so that none of them are joined when they are read.
        let spans = prop::collection::vec(any::<(u32, i64)>(), 0..9).prop_map(|spans| {
            let mut all = Spans::default();
            for (first, at) in spans {
                let (first, at) = (Seq(2 * u64::from(first)), Timestamp::from_nanos(at));
                all.add(first..=first, at, at);
            }
            all
        });
        let seen = any::<(i64, u128, i64, u64)>();
        (line(), seen, prop::option::of(doubt), spans).prop_map(
            |(believed, (wall, boot, nanos, sound), doubt, spans)| TimeState {
                believed,
                wall: Timestamp::from_nanos(wall),
                boot: BootTime {
                    boot,
                    up: Duration::from_nanos(nanos),
                },
                sound: Seq(sound),
                doubt,
                spans,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(state in state()) {
            prop_assert_eq!(decode(&encode(&state)), Some(state));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_flipped_bit_is_noticed(state in state(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = encode(&state);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            // The checksum itself may be written in capitals.
            let read = decode(&bytes);
            prop_assert!(read.is_none() || read == Some(state));
        }
    }

    /// Files that were written stay readable.
    #[test]
    fn version_1_is_read() {
        let text = "timberline clock 1\n\
            believed 1764374400000000000 3600000000000 900000000000 1\n\
            seen 1764378000000000000 0123456789abcdef0123456789abcdef 7200000000000 42\n\
            doubt 2079734400000000000 5000000000 5000000000 0 315360000000000000 0 40\n\
            span 1 40 -9223372036854775808 1764374400000000000\n";
        let crc = crc32fast::hash(text.as_bytes());
        let state = decode(format!("{text}crc {crc:08x}\n").as_bytes()).expect("is read");
        assert_eq!(state.sound, Seq(42));
        assert_eq!(state.boot.boot, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(state.doubt.map(|doubt| doubt.newest), Some(Seq(40)));
        assert_eq!(state.spans.iter().count(), 1);
        assert_eq!(encode(&state), format!("{text}crc {crc:08x}\n").into_bytes());
    }
}
