//! What the driver asks of the system.

use std::ffi::CStr;
use std::sync::atomic::{AtomicU32, Ordering};

use claude_client::capi::types::*;

use super::exports::*;
use super::pass::{Owned, UserData, number};

pub fn thread_number() -> u64 {
    // SAFETY: without arguments.
    unsafe { libc::syscall(libc::SYS_gettid) as u64 }
}

pub fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process without anything else.
    unsafe { libc::_exit(code) }
}

/// Sets a variable of this process, before there is a second thread.
pub fn set_variable(name: &str, value: &str) {
    // SAFETY: called first in main.
    unsafe { std::env::set_var(name, value) }
}

/// Bytes that the program has from malloc. Not known where another allocator is linked in.
pub fn heap_bytes() -> usize {
    #[cfg(target_env = "gnu")]
    // SAFETY: fills a struct of numbers.
    let heap = unsafe { libc::mallinfo2() };
    #[cfg(target_env = "gnu")]
    let bytes = heap.uordblks + heap.hblkhd;
    #[cfg(not(target_env = "gnu"))]
    let bytes = 0;
    bytes
}

/// Gives back to the system what is free, so that the resident memory says something.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a number.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Two arenas that give back what they do not need: the allocator's own hoard (an arena for each thread, each with its highest
/// tide) would hide whether something grows.
pub fn keep_heap_small() {
    #[cfg(target_env = "gnu")]
    // SAFETY: numbers.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 128 << 10);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10);
    }
}

/// A text that lives as long as its object, which nobody else has.
pub fn borrowed(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        crate::watch::violation("a function gave NULL for a text");
    }
    // SAFETY: the header: a text with a NUL that lives as long as its object.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("\u{fffd}").to_owned()
}

/// Which promise the copy of a forked process missed: 0 = none.
fn forked_copy(client: Client, request: Request) -> i32 {
    let mut error = Failure::from_number(1);
    let mut text = Owned::NULL;
    let forked = claude_status_t::CLAUDE_ERR_FORKED;
    let hello = Some(c"hello");
    if claude_client_query(client, hello, None, Some(&mut text), Some(&mut error)) != forked {
        return 10;
    }
    if !error.is_null() {
        return 11;
    }
    let calls: [fn(Client) -> claude_status_t; 6] = [
        |client| claude_client_connect(client, None, None, UserData::NULL, None),
        |client| claude_client_disconnect_wait(client, u32::MAX, None),
        |client| claude_client_pump(client, 0, 0, u32::MAX, None, None),
        |client| claude_client_next(client, number(1), u32::MAX, Some(&mut Event::from_number(0)), None),
        |client| claude_client_interrupt_wait(client, u32::MAX, None, None),
        |_| claude_runtime_shutdown(u32::MAX, None),
    ];
    for (at, call) in calls.iter().enumerate() {
        if call(client) != forked {
            return 20 + at as i32;
        }
    }
    if claude_request_deny(request, None, false, None) != forked {
        return 30;
    }
    claude_request_free(request);
    claude_client_free(client);
    if claude_client_state(client) as i32 != 0 || claude_client_pid(client) != 0 {
        return 31;
    }
    0
}

pub static FORKS: AtomicU32 = AtomicU32::new(0);

/// A copy of this process uses the handles. The library has started.
pub fn fork_and_use(client: Client, request: Request) -> Result<(), String> {
    FORKS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the copy calls the library, which refuses, and leaves; an alarm ends it if it hangs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: plain numbers.
        unsafe { libc::alarm(60) };
        exit_now(forked_copy(client, request));
    }
    if child < 0 {
        return Ok(());
    }
    let mut status = 0;
    // SAFETY: a child of ours and a variable.
    while unsafe { libc::waitpid(child, &mut status, 0) } < 0 {
        if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            return Err("the copy cannot be waited for".into());
        }
    }
    if status == 0 { Ok(()) } else { Err(format!("the forked copy ended with status {status:#x}")) }
}
