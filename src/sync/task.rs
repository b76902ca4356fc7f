//! A task that ends with a session.

use std::sync::Mutex;

use tokio::task::AbortHandle;

use super::{lock, ranked};

/// At most one task at a time, and none behind the end. The handle of a task, even of one that has ended, keeps the descriptors of its
/// runtime open: a client that an abandoned stack frame still holds must not keep it.
#[derive(Default)]
pub struct TaskSlot(Mutex<OneTask>);

#[derive(Default)]
struct OneTask {
    task: Option<AbortHandle>,
    over: bool,
}

ranked!(OneTask: Leaf);

impl TaskSlot {
    /// Takes the place of the task before, which is stopped. The end may have come since this one was spawned: then it is stopped.
    pub fn put(&self, task: AbortHandle) {
        let mut slot = lock(&self.0);
        let unused = if slot.over { Some(task) } else { slot.task.replace(task) };
        drop(slot);
        stop(unused);
    }

    pub fn stop(&self) {
        let task = lock(&self.0).task.take();
        stop(task);
    }

    /// The session is over.
    pub fn end(&self) {
        let mut slot = lock(&self.0);
        slot.over = true;
        let task = slot.task.take();
        drop(slot);
        stop(task);
    }
}

fn stop(task: Option<AbortHandle>) {
    if let Some(task) = task {
        task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn there_is_one_task_at_a_time_and_none_behind_the_end() {
        let slot = TaskSlot::default();
        let spawn = || tokio::spawn(pending::<()>());
        let (first, second, third, late) = (spawn(), spawn(), spawn(), spawn());
        slot.put(first.abort_handle());
        slot.put(second.abort_handle());
        assert!(first.await.is_err_and(|why| why.is_cancelled()));
        assert!(!second.is_finished());
        slot.stop();
        assert!(second.await.is_err_and(|why| why.is_cancelled()));
        slot.put(third.abort_handle());
        slot.end();
        assert!(third.await.is_err_and(|why| why.is_cancelled()));
        slot.put(late.abort_handle());
        assert!(late.await.is_err_and(|why| why.is_cancelled()));
        assert!(lock(&slot.0).task.is_none(), "a handle keeps descriptors open");
    }
}
