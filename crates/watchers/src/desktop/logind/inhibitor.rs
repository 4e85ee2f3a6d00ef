//! A delay of sleep.

use zbus::OwnedFd;

use super::MANAGER;
use crate::desktop::bus_queue::BusQueue;

/// While one of these exists, the machine waits with its sleep, up to a limit of logind's (`InhibitDelayMaxSec`, 5 s).
#[derive(Debug)]
pub(super) struct SleepDelay {
    _descriptor: OwnedFd,
}

impl SleepDelay {
    /// Asks for a delay of the next sleep. Without one, a sleep is still reported, only perhaps not before it is over.
    pub(super) async fn of_next_sleep(bus: &BusQueue) -> Option<SleepDelay> {
        let why = "it records when work ends";
        let delay = bus
            .call(MANAGER, "Inhibit", &("sleep", "Timberline", why, "delay"))
            .await;
        match delay {
            Ok(descriptor) => Some(SleepDelay {
                _descriptor: descriptor,
            }),
            Err(error) => {
                tracing::debug!(%error, "logind does not delay sleep");
                None
            }
        }
    }
}
