//! Closing: end the threads, write a checkpoint, close the log.

use crate::error::CompactError;
use crate::store::Store;

impl Store {
    /// Ends the background work, writes a checkpoint, and closes the log: the next start has nothing to fold.
    ///
    /// # Errors
    /// When the checkpoint or the log's last pages cannot be written. What was acknowledged is in the log all the
    /// same.
    pub fn close(mut self) -> Result<(), CompactError> {
        self.stop_threads();
        self.shared.clock.trust();
        self.shared.clock.save(true);
        let compacted = self.shared.compact();
        let saved = if self.shared.checkpointer.has_unsaved() || self.shared.files.has_obsolete() {
            self.shared.checkpoint()
        } else {
            Ok(())
        };
        // The log is closed whatever became of the views, which can be rebuilt from it. Nobody waits for the lock: the
        // threads have ended, and there is no other handle.
        let closed = self.shared.sequencer.lock().log.finish();
        compacted
            .map(|_| ())
            .and(saved)
            .and(closed.map_err(CompactError::from))
    }

    fn stop_threads(&mut self) {
        self.shared.wakeup.close();
        for thread in self.threads.drain(..) {
            let name = thread.thread().name().unwrap_or("unnamed").to_owned();
            if thread.join().is_err() {
                tracing::error!(name, "a thread had ended with a panic");
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop_threads();
    }
}
