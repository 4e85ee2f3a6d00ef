//! The socket of an X server.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use x11rb::rust_connection::{DefaultStream, PollMode, Stream};
use x11rb::utils::RawFdContainer;

/// How long a server may take to answer. A server on the same machine takes a fraction of a millisecond.
const PATIENCE: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};

/// The stream of x11rb, which waits for an answer without an end. This one gives up on a server that hangs: the thread that
/// waits is one that others need, too.
#[derive(Debug)]
pub(super) struct PatientStream(pub(super) DefaultStream);

impl Stream for PatientStream {
    fn poll(&self, mode: PollMode) -> Result<()> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, mode.readable());
        flags.set(PollFlags::OUT, mode.writable());
        let mut polled = [PollFd::from_borrowed_fd(self.0.as_fd(), flags)];
        loop {
            match poll(&mut polled, Some(&PATIENCE)) {
                Ok(0) => return Err(Error::new(ErrorKind::TimedOut, "it does not answer")),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&self, buffer: &mut [u8], descriptors: &mut Vec<RawFdContainer>) -> Result<usize> {
        self.0.read(buffer, descriptors)
    }

    fn write(&self, buffer: &[u8], descriptors: &mut Vec<RawFdContainer>) -> Result<usize> {
        self.0.write(buffer, descriptors)
    }

    fn write_vectored(
        &self,
        buffers: &[IoSlice<'_>],
        descriptors: &mut Vec<RawFdContainer>,
    ) -> Result<usize> {
        self.0.write_vectored(buffers, descriptors)
    }
}
