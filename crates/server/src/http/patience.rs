//! How far a client is behind what can be expected of it.

use std::time::{Duration, Instant};

use super::connection::{Activity, Connection, Sighting};

/// What a client is expected to send of a body, or to take of an answer, in a second.
const BYTES_PER_SECOND: u64 = 4 << 10;

/// Watches one connection. The more often it looks, the more exactly it knows.
#[derive(Debug)]
pub(super) struct Patience {
    seen: Sighting,
    looked: Instant,
    behind: Duration,
}

impl Patience {
    pub(super) fn new(connection: &Connection, now: Instant) -> Self {
        Self {
            seen: connection.sighting(),
            looked: now,
            behind: Duration::ZERO,
        }
    }

    /// What the connection is doing, and for how long the client has kept it waiting: in a head, since its first byte
    /// was seen; in a queue, since it was seen there; in a body or an answer, less the time that the bytes since then would have taken a slow client.
    pub(super) fn look(&mut self, connection: &Connection, now: Instant) -> (Activity, Duration) {
        let seen = connection.sighting();
        let passed = now.saturating_duration_since(self.looked);
        if seen.requests != self.seen.requests {
            self.behind = Duration::ZERO;
        }
        if seen.activity == Activity::Idle {
            self.behind = connection.idle(now);
        } else if seen.activity != self.seen.activity && self.seen.activity == Activity::Idle {
            self.behind = Duration::ZERO;
        } else if seen.activity == self.seen.activity && seen.requests == self.seen.requests {
            self.wait(&seen, passed);
        }
        (self.seen, self.looked) = (seen, now);
        (seen.activity, self.behind)
    }

    fn wait(&mut self, seen: &Sighting, passed: Duration) {
        match seen.activity {
            Activity::Head | Activity::Queue => self.behind += passed,
            Activity::Body | Activity::Answer => {
                let bytes = seen.bytes.wrapping_sub(self.seen.bytes);
                let earned = Duration::from_millis(bytes.saturating_mul(1_000) / BYTES_PER_SECOND);
                self.behind = (self.behind + passed).saturating_sub(earned);
            }
            // The server's own time is not the client's fault.
            Activity::Work | Activity::Idle => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::connection::Phase;

    const SECOND: Duration = Duration::from_secs(1);

    /// Looks every second, after `step` has happened.
    fn behind_after(seconds: u32, connection: &Connection, step: impl Fn()) -> Duration {
        let mut now = Instant::now();
        let mut patience = Patience::new(connection, now);
        let mut behind = patience.look(connection, now).1;
        for _ in 0..seconds {
            step();
            now += SECOND;
            behind = patience.look(connection, now).1;
        }
        behind
    }

    fn reading() -> Connection {
        let connection = Connection::default();
        connection.received(100);
        connection.begin(true);
        connection.enter(Phase::Reading);
        connection
    }

    #[test]
    fn a_client_that_sends_a_byte_a_second_is_as_far_behind_as_one_that_stalls() {
        let connection = reading();
        assert_eq!(behind_after(10, &connection, || {}), 10 * SECOND);
        let trickle = behind_after(10, &connection, || connection.received(1));
        assert!(trickle > 9 * SECOND, "{trickle:?}");
    }

    #[test]
    fn a_client_that_sends_at_an_ordinary_rate_is_never_behind() {
        let connection = reading();
        assert_eq!(
            behind_after(1_000, &connection, || connection.received(8 << 10)),
            Duration::ZERO
        );
    }

    #[test]
    fn what_was_sent_fast_buys_no_time_for_a_stall() {
        let connection = reading();
        behind_after(10, &connection, || connection.received(64 << 20));
        assert_eq!(behind_after(10, &connection, || {}), 10 * SECOND);
    }

    #[test]
    fn an_answer_that_is_not_taken_counts_even_when_it_was_short() {
        let connection = reading();
        connection.end();
        connection.sent(None);
        assert_eq!(behind_after(10, &connection, || {}), 10 * SECOND);
    }

    #[test]
    fn a_head_must_come_whole_however_many_bytes_arrive() {
        let connection = Connection::default();
        connection.received(1);
        let behind = behind_after(10, &connection, || connection.received(1 << 20));
        assert_eq!(behind, 10 * SECOND);
    }

    #[test]
    fn the_time_that_the_server_takes_does_not_count() {
        let connection = reading();
        connection.enter(Phase::Working);
        assert_eq!(behind_after(100, &connection, || {}), Duration::ZERO);
    }

    #[test]
    fn each_request_begins_anew() {
        let connection = reading();
        let behind = behind_after(100, &connection, || {
            connection.end();
            connection.received(1);
            connection.begin(false);
            connection.enter(Phase::Reading);
        });
        assert_eq!(behind, Duration::ZERO);
    }
}
