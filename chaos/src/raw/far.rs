//! A transport of the host: a far side that answers as it should, or late, or twice, or not at all.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use claude_client::capi::types::*;

use super::callbacks::DESTROY;
use super::exports::{Sink, claude_sink_end, claude_sink_push};
use super::pass::{Bytes, Pass, number};
use crate::far_moods::{self, Answer};
use crate::ops;
use crate::rng::{Rng, mix};
use crate::token::Token;
use crate::watch::violation;

#[derive(Debug, Default)]
pub struct FarSide {
    sink: AtomicUsize,
    serial: AtomicU32,
    closing: AtomicBool,
    asked: AtomicU32,
}

type Raw = MaybeUninit<claude_status_t>;

/// What is handed to `claude_client_set_transport`.
pub fn vtable(whole: bool, with_ready: bool) -> claude_transport_vtable_t {
    claude_transport_vtable_t {
        size: size_of::<claude_transport_vtable_t>(),
        connect: Some(connect),
        write: whole.then_some(write),
        end_input: Some(end_input),
        close: Some(close),
        is_ready: with_ready.then_some(is_ready),
        on_room: Some(on_room),
        destroy: DESTROY,
    }
}

fn status(value: i32) -> Raw {
    number(value).pass()
}

fn token<'a>(user_data: *mut c_void) -> &'a Token {
    // SAFETY: a transport is registered with a token, which lives until the round is over.
    unsafe { user_data.cast::<Token>().as_ref() }.unwrap_or_else(|| violation("no user data"))
}

impl FarSide {
    pub fn sink(&self) -> Sink {
        Sink::from_number(self.sink.load(Ordering::SeqCst))
    }

    /// `connect`, `is_ready`, `write` and `end_input` come one at a time, and none once `close` has begun.
    fn one_at_a_time(&self, what: &str) {
        if self.serial.fetch_add(1, Ordering::SeqCst) != 0 {
            violation(&format!("{what} beside another function of the transport"));
        }
    }

    fn ended(&self) {
        self.serial.fetch_sub(1, Ordering::SeqCst);
    }
}

unsafe extern "C" fn connect(sink: *mut claude_sink_t, user_data: *mut c_void) -> Raw {
    let token = token(user_data);
    let running = token.enter();
    token.far.one_at_a_time("connect");
    token.far.sink.store(sink as usize, Ordering::SeqCst);
    ops::inside(token, running.number);
    let result = match far_moods::connects(token.seed) {
        Answer::Status(value) => value,
        Answer::WaitsForClose => {
            for _ in 0..2000 {
                if token.far.closing.load(Ordering::SeqCst) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            claude_status_t::CLAUDE_ERR_CLI_CONNECTION as i32
        }
        Answer::Ends => {
            claude_sink_end(token.far.sink(), number(0), 0, None, None);
            0
        }
    };
    token.far.ended();
    status(result)
}

unsafe extern "C" fn write(bytes: *const c_void, len: usize, user_data: *mut c_void) -> Raw {
    let token = token(user_data);
    let running = token.enter();
    token.far.one_at_a_time("write");
    // SAFETY: the header: `len` bytes, valid until it returns.
    let line = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len) };
    if line.last() != Some(&b'\n') || line[..len - 1].contains(&b'\n') {
        violation("write got something else than one line");
    }
    let mut rng = Rng::new(mix(token.seed, u64::from(running.number)));
    ops::inside(token, running.number);
    let result = far_moods::written(token.far.sink(), token.seed, line, &mut rng);
    token.far.ended();
    status(result)
}

unsafe extern "C" fn end_input(user_data: *mut c_void) -> Raw {
    let token = token(user_data);
    let running = token.enter();
    token.far.one_at_a_time("end_input");
    ops::inside(token, running.number);
    let result = far_moods::input_ended(token.far.sink(), token.seed);
    token.far.ended();
    status(result)
}

unsafe extern "C" fn close(user_data: *mut c_void) -> Raw {
    let token = token(user_data);
    let running = token.enter();
    if token.far.closing.swap(true, Ordering::SeqCst) {
        violation("close came twice");
    }
    ops::inside(token, running.number);
    status(far_moods::closed(token.far.sink(), token.seed))
}

unsafe extern "C" fn is_ready(user_data: *mut c_void) -> Raw {
    let token = token(user_data);
    let running = token.enter();
    token.far.one_at_a_time("is_ready");
    ops::inside(token, running.number);
    let asked = token.far.asked.fetch_add(1, Ordering::SeqCst);
    token.far.ended();
    status(far_moods::ready(token.seed, asked))
}

unsafe extern "C" fn on_room(user_data: *mut c_void) {
    let token = token(user_data);
    let running = token.enter();
    ops::inside(token, running.number);
}

/// Pushes all of it, in pieces; a full queue is the end of it.
pub fn push(sink: Sink, bytes: &[u8], piece: usize) {
    for part in bytes.chunks(piece.max(1)) {
        if claude_sink_push(sink, Bytes(part), part.len(), None) != claude_status_t::CLAUDE_OK {
            return;
        }
    }
}
