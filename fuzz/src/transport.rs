//! Pushes of a host's transport, through the C functions: in pieces, with pauses, before it is ready, with ends and failures at
//! any point, in every dispatch mode. The messages are those that the same bytes give in one piece; connect completes once,
//! the session closes once, and nothing is left.

use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use bytes::BytesMut;
use claude_client::capi::client::*;
use claude_client::capi::receive::*;
use claude_client::capi::transport::*;
use claude_client::capi::types::*;
use claude_client::ffi::number::given;
use claude_client::protocol::framing::{Block, Framer, LineSink, Unparsed};
use claude_client::protocol::kind::Route;

use super::host::{self, EAGER, MUTE, REFUSES, Status, World, lock};
use super::stdout;

/// The messages of a stream alone.
#[derive(Default)]
struct Messages(Vec<(i32, Vec<u8>)>);

impl LineSink for Messages {
    fn messages(&mut self, block: Block) {
        for line in &block.lines {
            let text = block.text(*line);
            self.0.push((line.kind as i32, text[..text.len() - 1].to_vec()));
        }
    }

    fn control(&mut self, _: Route, _: &[u8]) {}

    fn internal(&mut self, _: &[u8]) {}

    fn unparsed(&mut self, _: Unparsed, _: &[u8]) {}

    fn too_long(&mut self, _: u64, _: &[u8]) {}
}

/// Four bytes say how, the rest is the stream.
pub fn run(data: &[u8]) {
    let Some(([how, deed, seed, last], stream)) = data.split_first_chunk::<4>() else { return };
    let mode = i32::from(how & 3);
    let pulls = mode == claude_dispatch_t::CLAUDE_DISPATCH_PULL as i32;
    let world = Arc::new(World::default());
    let mut client = null_mut();
    let options = c"{\"connect_timeout_ms\":60000,\"graceful_exit_timeout_ms\":0,\"terminate_timeout_ms\":0,\"validate_json\":true}";
    // SAFETY: texts that end with NUL, outputs of this function; any handle may be passed to the rest.
    unsafe {
        assert_eq!(claude_client_create(options.as_ptr(), &mut client, null_mut()), Status::CLAUDE_OK);
        world.clients[0].store(client.addr(), SeqCst);
        assert_eq!(claude_client_set_dispatch(client, given(mode), null_mut()), Status::CLAUDE_OK);
    }
    assert_eq!(host::set_transport(&world, 0, *deed), Status::CLAUDE_OK);
    if !pulls {
        let (messages, closed) = (world.token(0, 0, false), world.token(0, 0, false));
        messages.taken();
        closed.taken();
        // SAFETY: functions for tokens.
        unsafe {
            let on = claude_client_on_message(
                client,
                Some(host::on_message),
                messages.as_data(),
                Some(host::destroy),
                null_mut(),
            );
            assert_eq!(on, Status::CLAUDE_OK);
            let on = claude_client_on_closed(
                client,
                Some(host::on_closed),
                closed.as_data(),
                Some(host::destroy),
                null_mut(),
            );
            assert_eq!(on, Status::CLAUDE_OK);
        }
    }
    let connect = world.token(0, 0, true);
    connect.taken();
    // SAFETY: a function for a token; no prompt.
    let begun = unsafe {
        claude_client_connect(
            client,
            null(),
            if pulls { None } else { Some(host::done) },
            connect.as_data(),
            null_mut(),
        )
    };
    assert_eq!(begun, Status::CLAUDE_OK);
    let step = || match mode {
        _ if pulls => world.next(client, 1),
        1 => {
            let mut ran = 0;
            // SAFETY: the output is this one.
            unsafe { claude_client_pump(client, 100, 0, 1, &mut ran, null_mut()) };
        }
        _ => {}
    };
    if deed & MUTE != 0 {
        // Nobody answers: the stream is all that comes.
        world.wait("the transport's connect", step, || !world.sink(0).is_null());
    } else {
        world.wait("the end of connect", step, || connect.told());
    }
    let connected = connect.told() && connect.status() == 0;
    assert!(connected || deed & (MUTE | REFUSES | host::DEAF) != 0, "not connected: {}", connect.status());
    bring(&world, stream, *seed, how >> 2, step);
    let ended = how & 128 == 0;
    if ended {
        let (status, code) =
            [(0, 0), (0, -1), (0, 3), (-205, -1), (-301, 1), (7, 300)][usize::from(*last) % 6];
        let _ = host::end(world.sink(0), status, code, c"the end");
        assert_ne!(host::end(world.sink(0), 0, 0, c""), Status::CLAUDE_OK, "ended twice");
        assert_ne!(host::push(world.sink(0), b"x"), Status::CLAUDE_OK, "more behind the end");
        world.wait("the end of the session", step, || world.closed.load(SeqCst) > 0 && connect.told());
    }
    let complete = ended && connected;
    // SAFETY: freed once.
    unsafe { claude_client_free(client) };
    if pulls && !connect.told() {
        // What nobody took is gone with the client.
        world.see_dropped(connect);
    }
    let shared = stream.split(|byte| *byte == b'\n').any(stdout::may_be_shared);
    if complete && !shared && deed & EAGER == 0 {
        check(&world, stream);
    }
    assert!(world.closed.load(SeqCst) <= 1, "closed twice");
    world.end();
}

fn bring(world: &World, stream: &[u8], seed: u8, size: u8, mut step: impl FnMut()) {
    let mut seed = u32::from(seed);
    let largest = 1 + usize::from(size & 31) * 8;
    let mut rest = stream;
    while !rest.is_empty() {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (piece, behind) = rest.split_at((1 + (seed >> 8) as usize % largest).min(rest.len()));
        let _ = host::push(world.sink(0), piece);
        rest = behind;
        match seed >> 29 {
            0 => step(),
            1 => {
                // SAFETY: nothing is read of no bytes.
                let status = unsafe { claude_sink_push(world.sink(0), null(), 0, null_mut()) };
                assert_ne!(status, Status::CLAUDE_ERR_PANIC);
            }
            // SAFETY: any handle may be passed.
            2 => drop(unsafe { claude_sink_has_room(world.sink(0)) }),
            3 => std::thread::yield_now(),
            _ => {}
        }
    }
}

fn check(world: &World, stream: &[u8]) {
    let mut expected = Messages::default();
    let mut framer = Framer::new(256 << 20, true);
    let mut buffer = BytesMut::from(stream);
    framer.feed(&mut buffer, &mut expected);
    framer.finish(&mut buffer, &mut expected);
    let seen: Vec<(i32, Vec<u8>)> =
        lock(&world.seen).iter().filter(|(kind, _)| *kind < 100).cloned().collect();
    assert_eq!(seen, expected.0, "other messages than in one piece");
}
