//! How often somebody may be refused: guessing a key must be pointless.
//!
//! Each address, and each token that asks for what it may not do, has [`BURST`] refusals and gets one back each second. Beyond
//! that the answer is 429. Requests without credentials do not count, for they guess nothing.
//!
//! A limit must not lock out those who have the key. So a *token* is always looked up: it is 256 random bits, which nobody
//! guesses. The API key may be a short one. While an address has no refusals left, it counts only from the loopback, which all
//! programs of this machine share, and from addresses that have sent a right key or token before.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Refusals at once.
const BURST: u32 = 20;
/// One more after this time.
const REFILL: Duration = Duration::from_secs(1);
/// Addresses and tokens that are counted separately. All others share one account.
const MAX_ACCOUNTS: usize = 4096;

/// Who was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// A client. The owner of one IPv6 address also has the other 2^64 of its network.
    Address(IpAddr),
    /// The token of this name.
    Token(String),
    /// All for whom there is no room.
    Others,
}

impl Who {
    pub(super) fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            other => other,
        })
    }
}

/// The accounts of all who were refused.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Who, Account>>);

#[derive(Debug)]
struct Account {
    /// When all refusals are there again. Before that, one is missing for each [`REFILL`].
    full_at: Instant,
    /// A right key or token came from there.
    proven: bool,
}

impl Account {
    /// How long until there is a refusal again; zero if there is one.
    fn wait(&self, now: Instant) -> Duration {
        let missing = self.full_at.saturating_duration_since(now);
        missing.saturating_sub(REFILL * (BURST - 1))
    }
}

impl Throttle {
    /// Counts a refusal. `Some` if there were too many: how long to wait.
    pub(super) fn refuse(&self, who: Who, now: Instant) -> Option<Duration> {
        let mut accounts = self.0.lock();
        let account = account(&mut accounts, who, now);
        let wait = account.wait(now);
        if wait.is_zero() {
            account.full_at = account.full_at.max(now) + REFILL;
            return None;
        }
        Some(wait)
    }

    /// Whether an API key from there counts now, and if not, how long to wait.
    ///
    /// # Errors
    /// The time to wait.
    pub(super) fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        if address.to_canonical().is_loopback() {
            return Ok(());
        }
        let who = Who::address(address);
        let mut accounts = self.0.lock();
        let account = account(&mut accounts, who.clone(), now);
        let wait = account.wait(now);
        if !account.proven && !wait.is_zero() {
            return Err(wait);
        }
        // Not the account that many share.
        if let Some(own) = accounts.get_mut(&who) {
            own.proven = true;
        }
        Ok(())
    }
}

/// The account of `who`. Those that are full again and say nothing make way for new ones, then those that are only proven.
fn account(accounts: &mut HashMap<Who, Account>, who: Who, now: Instant) -> &mut Account {
    let mut key = who;
    if accounts.len() >= MAX_ACCOUNTS && !accounts.contains_key(&key) {
        accounts.retain(|_, account| account.proven || account.full_at > now);
        if accounts.len() >= MAX_ACCOUNTS {
            accounts.retain(|_, account| account.full_at > now);
        }
        if accounts.len() >= MAX_ACCOUNTS {
            key = Who::Others;
        }
    }
    accounts.entry(key).or_insert(Account {
        full_at: now,
        proven: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn refusals_run_out_and_come_back_one_each_second() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let refuse = |millis| throttle.refuse(Who::address(v4(1)), after(start, millis));
        for _ in 0..BURST {
            assert_eq!(refuse(0), None);
        }
        assert_eq!(refuse(0), Some(REFILL));
        assert_eq!(refuse(400), Some(Duration::from_millis(600)));
        assert_eq!(refuse(1_000), None);
        assert_eq!(refuse(1_000), Some(REFILL));
        assert_eq!(
            throttle.refuse(Who::address(v4(2)), start),
            None,
            "another address"
        );
        for _ in 0..BURST {
            assert_eq!(refuse(1_000_000), None);
        }
        assert!(refuse(1_000_000).is_some());
    }

    #[test]
    fn a_key_counts_from_the_loopback_and_from_addresses_that_had_it_before() {
        let throttle = Throttle::default();
        let now = Instant::now();
        let exhaust = |address| while throttle.refuse(Who::address(address), now).is_none() {};
        assert_eq!(throttle.admit(v4(1), now), Ok(()));
        for address in [v4(1), v4(2), IpAddr::from([127, 0, 0, 1])] {
            exhaust(address);
        }
        assert_eq!(throttle.admit(v4(1), now), Ok(()), "it was right before");
        assert_eq!(throttle.admit(v4(2), now), Err(REFILL), "it may be a guess");
        assert_eq!(throttle.admit(v4(2), now + REFILL), Ok(()));
        assert_eq!(throttle.admit(IpAddr::from([127, 0, 0, 1]), now), Ok(()));
        assert_eq!(throttle.admit("::1".parse().unwrap(), now), Ok(()));
        assert_eq!(throttle.admit("::ffff:127.0.0.1".parse().unwrap(), now), Ok(()));
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let who = |text: &str| Who::address(text.parse().unwrap());
        assert_eq!(who("2001:db8::1"), who("2001:db8::2:3"));
        assert_ne!(who("2001:db8::1"), who("2001:db8:0:1::1"));
        assert_eq!(who("::ffff:192.0.2.1"), who("192.0.2.1"));
    }

    #[test]
    fn memory_is_bounded_and_newcomers_share_an_account_then() {
        let throttle = Throttle::default();
        let start = Instant::now();
        throttle.admit(v4(1), start).unwrap();
        let many = 3 * u32::try_from(MAX_ACCOUNTS).unwrap();
        let mut refused = 0;
        for number in 0..many {
            let address = IpAddr::from(number.to_be_bytes());
            refused += u32::from(throttle.refuse(Who::Address(address), start).is_some());
        }
        assert!(throttle.0.lock().len() <= MAX_ACCOUNTS + 1);
        assert!(refused > many / 2, "{refused}");
        assert_eq!(
            throttle.admit(v4(200), start),
            Err(REFILL),
            "it shares their account"
        );
        let later = start + REFILL * BURST;
        assert_eq!(throttle.admit(v4(200), later), Ok(()));
        assert!(throttle.0.lock().len() < 10, "what is full again is forgotten");
    }
}
