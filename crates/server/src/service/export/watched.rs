//! A sink in front of another one: counts events, and stops when the export is cancelled.

use timberline_cancel::Cancel;
use timberline_exchange::export::{Sink, Totals};
use timberline_exchange::{Error, Result};
use timberline_model::{Bucket, NewEvent};

pub(super) struct Watched<'a> {
    sink: &'a mut dyn Sink,
    cancel: &'a Cancel,
    progress: &'a dyn Fn(u64),
    events: u64,
}

impl<'a> Watched<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink, cancel: &'a Cancel, progress: &'a dyn Fn(u64)) -> Watched<'a> {
        Watched {
            sink,
            cancel,
            progress,
            events: 0,
        }
    }
}

impl Sink for Watched<'_> {
    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        self.sink.bucket(bucket)
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        if self.cancel.is_cancelled() {
            // The exporter looks at the token as well and says so in its own error.
            return Err(Error::Unwritable("cancelled".to_owned()));
        }
        self.sink.events(events)?;
        self.events += events.len() as u64;
        (self.progress)(self.events);
        Ok(())
    }

    fn setting(&mut self, key: &str, value: &str) -> Result<()> {
        self.sink.setting(key, value)
    }

    fn finish(&mut self) -> Result<Totals> {
        self.sink.finish()
    }
}
