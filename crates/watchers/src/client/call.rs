//! The answer to a call that was made.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use parking_lot::{Condvar, Mutex};

/// The answer to a call that was made: `await` it in any executor, or [`wait`](Call::wait) for it on a thread.
///
/// The request is already on its way. Dropping this discards the answer, but the server may still carry out the request.
#[must_use = "the answer comes with `await` or `wait()`"]
pub struct Call<T>(Arc<Slot<T>>);

struct Slot<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

struct State<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

impl<T: Send + 'static> Call<T> {
    /// Makes the call, which does not panic, on a thread of its own; `otherwise` is the answer if the system has no thread
    /// for it.
    pub(super) fn make(
        call: impl FnOnce() -> T + Send + 'static,
        otherwise: impl FnOnce(io::Error) -> T,
    ) -> Call<T> {
        let state = State {
            value: None,
            waker: None,
        };
        let slot = Arc::new(Slot {
            state: Mutex::new(state),
            arrived: Condvar::new(),
        });
        let of_thread = Arc::clone(&slot);
        let spawned = thread::Builder::new()
            .name("timberline-call".to_owned())
            .spawn(move || of_thread.put(call()));
        if let Err(error) = spawned {
            slot.put(otherwise(error));
        }
        Call(slot)
    }

    /// Waits for the answer on this thread.
    pub fn wait(self) -> T {
        let mut state = self.0.state.lock();
        loop {
            if let Some(value) = state.value.take() {
                return value;
            }
            self.0.arrived.wait(&mut state);
        }
    }
}

impl<T> Slot<T> {
    fn put(&self, value: T) {
        let mut state = self.state.lock();
        state.value = Some(value);
        let waker = state.waker.take();
        drop(state);
        self.arrived.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Call<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.state.lock();
        match state.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> std::fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_awaited_or_waited_for() {
        assert_eq!(Call::make(|| 7, |_| 0).wait(), 7);
        struct Unpark(thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut call = std::pin::pin!(Call::make(|| 8, |_| 0));
        let value = loop {
            match call.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(value) => break value,
                Poll::Pending => thread::park(),
            }
        };
        assert_eq!(value, 8);
    }
}
