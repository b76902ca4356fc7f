//! The lock order. A debug build panics when a thread takes a lock whose rank does not come after those of all locks it holds;
//! a release build checks nothing.

/// From the outermost to the innermost. Every type behind a lock declares its rank through [`Ranked`], so that no lock is
/// without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rank {
    /// Taken only by the reader, and held while lines are delivered: callbacks of INLINE mode run under it.
    Reading,
    /// A tool's call, until its answer is written: no other answer can follow it.
    ToolCall,
    /// The open calls of one MCP session.
    ToolCalls,
    /// The life of a session.
    Life,
    /// The rest of the session's state.
    Session,
    /// The host's registrations.
    Routes,
    /// The in-process servers.
    Servers,
    /// The open requests of the CLI.
    Pending,
    /// One of those requests, until its answer is written.
    Request,
    /// The turns of a conversation.
    Turns,
    /// The open control requests.
    Control,
    /// The state of a host transport.
    HostTransport,
    /// The callback threads.
    Pool,
    /// The reading threads.
    Runtime,
    /// Serialises shutdowns.
    Shutdown,
    /// The process thread.
    Process,
    /// The lanes of a client.
    Queue,
    /// The gate of a client, and the data kept with it.
    Gate,
    /// Output to the CLI.
    Transport,
    /// Held for a few lines that take no other lock.
    Leaf,
}

/// Data behind a lock.
pub trait Ranked {
    const RANK: Rank;
}

/// `ranked!(State: Queue, Other: Leaf)` gives types behind locks their ranks.
macro_rules! ranked {
    ($($data:ty: $rank:ident),+ $(,)?) => {
        $(impl crate::sync::Ranked for $data {
            const RANK: crate::sync::Rank = crate::sync::Rank::$rank;
        })+
    };
}

pub(crate) use ranked;

// Types that are not this crate's own.
ranked!(Option<std::time::Instant>: Leaf, Vec<u8>: Leaf, String: Leaf);

#[cfg(debug_assertions)]
pub mod held {
    use std::cell::Cell;

    use super::Rank;

    thread_local! {
        /// One bit for each rank this thread holds. No destructor: it leaves nothing behind on the host's threads.
        static HELD: Cell<u32> = const { Cell::new(0) };
    }

    /// A lock that the current thread holds or is about to take.
    #[derive(Debug)]
    pub struct Held(Rank);

    impl Held {
        #[track_caller]
        pub fn take(rank: Rank) -> Held {
            let held = HELD.get();
            if held >> rank as u32 != 0 {
                out_of_order(&format!("a lock of rank {rank:?}"), held);
            }
            HELD.set(held | 1 << rank as u32);
            Held(rank)
        }
    }

    /// The host's functions may call the library, so no lock may be held that such a call could need.
    #[track_caller]
    pub fn check_host_call() {
        let held = HELD.get();
        if held > 1 << Rank::Reading as u32 {
            out_of_order("a call of the host", held);
        }
    }

    #[cold]
    #[track_caller]
    fn out_of_order(what: &str, held: u32) -> ! {
        panic!("{what} comes out of order: the thread holds locks of the ranks {held:b}");
    }

    impl Drop for Held {
        fn drop(&mut self) {
            HELD.set(HELD.get() & !(1 << self.0 as u32));
        }
    }
}

#[cfg(not(debug_assertions))]
pub mod held {
    use super::Rank;

    pub struct Held;

    impl Held {
        #[inline(always)]
        pub fn take(_rank: Rank) -> Held {
            Held
        }
    }

    #[inline(always)]
    pub fn check_host_call() {}
}
