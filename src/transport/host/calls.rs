//! Which of the host's functions are running, and from when on fewer or none may start.

use std::sync::Arc;

use super::Link;
use crate::sync::{Condvar, Mutex, lock, ranked};

struct State {
    link: Option<Arc<dyn Link>>,
    running: usize,
    /// Only `close` may still be called.
    closing: bool,
}

ranked!(State: Leaf);

pub struct Calls {
    state: Mutex<State>,
    returned: Condvar,
}

impl Calls {
    pub fn new(link: Arc<dyn Link>) -> Calls {
        let state = State { link: Some(link), running: 0, closing: false };
        Calls { state: Mutex::new(state), returned: Condvar::new() }
    }

    /// Calls the host; `None` once closing has begun.
    pub fn call<T>(&self, function: impl FnOnce(&dyn Link) -> T) -> Option<T> {
        self.call_if(|state| !state.closing, function)
    }

    /// As [`Calls::call`], for `close` itself.
    pub fn call_closing<T>(&self, function: impl FnOnce(&dyn Link) -> T) -> Option<T> {
        self.call_if(|_| true, function)
    }

    /// Only `close` may start from now on; running functions go on.
    pub fn begin_closing(&self) {
        lock(&self.state).closing = true;
    }

    fn call_if<T>(
        &self,
        allowed: impl FnOnce(&State) -> bool,
        function: impl FnOnce(&dyn Link) -> T,
    ) -> Option<T> {
        let link = {
            let mut state = lock(&self.state);
            if !allowed(&state) {
                return None;
            }
            let link = state.link.clone()?;
            state.running += 1;
            link
        };
        let value = function(&*link);
        drop(link);
        lock(&self.state).running -= 1;
        self.returned.notify_all();
        Some(value)
    }

    /// Releases the host: waits for the running functions, and is then the last to hold it.
    pub fn release(&self) {
        let mut state = lock(&self.state);
        let link = state.link.take();
        while state.running > 0 {
            state = self.returned.wait(state);
        }
        drop(state);
        drop(link);
    }
}
