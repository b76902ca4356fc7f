//! Callbacks that do not return, and threads that are cancelled: `leave.c`.

use std::cell::Cell;
use std::ffi::c_int;

use claude_client::capi::types::claude_client_t;

use super::exports::{Client, claude_client_state};
use super::pass::Pass;
use crate::rng::{Rng, mix};
use crate::token::{Inside, Token};
use crate::watch;

#[allow(improper_ctypes)] // A handle has no layout: nobody reads through it.
unsafe extern "C" {
    fn chaos_pump(client: *mut claude_client_t, most: u32, budget_us: u32, timeout_ms: u32) -> i32;
    fn chaos_leave();
    fn chaos_cancelled(client: *mut claude_client_t, after_ms: u32) -> c_int;
}

thread_local! {
    /// The function of the library in which callbacks may be left: the seat's number of its entry.
    static LEAVABLE: Cell<bool> = const { Cell::new(false) };
}

/// Pumps a client whose callbacks may be left. How many were.
pub fn pump_and_leave(client: Client, most: u32, timeout_ms: u32) -> bool {
    let _call = watch::enter(watch::PUMP_THAT_IS_LEFT);
    LEAVABLE.set(true);
    // SAFETY: between its setjmp and a longjmp there are frames of the library and of a callback that owns nothing yet.
    let status = unsafe { chaos_pump(client.pass(), most, 0, timeout_ms) };
    LEAVABLE.set(false);
    // From now on the library knows.
    claude_client_state(client);
    status == -1
}

/// The beginning of a callback: perhaps it is also its end.
pub fn maybe_leave(token: &Token) {
    let here = LEAVABLE.get() && Inside::now().depth == 0 && watch::is_in(watch::PUMP_THAT_IS_LEFT);
    if here && Rng::new(mix(token.seed, u64::from(token.calls_so_far()))).one_in(10) {
        token.left();
        // SAFETY: nothing on the stack up to the setjmp has to be dropped.
        unsafe { chaos_leave() };
    }
}

/// A thread that receives is cancelled. Whether it ended by that.
pub fn cancel_receiver(client: Client, after_ms: u32) -> bool {
    let _call = watch::enter(watch::CANCELLED);
    // SAFETY: a thread of C alone, with the library above it.
    unsafe { chaos_cancelled(client.pass(), after_ms) == 0 }
}
