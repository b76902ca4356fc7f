//! Ordinary conversations: a prompt, its answer, and the next.

use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use claude_client::capi::types::claude_status_t;
use claude_testkit::Sandbox;
use serde_json::json;

use crate::moods;
use crate::ops::free_client;
use crate::raw::*;
use crate::rng::mix;
use crate::token::{Kind, Record, Token};

/// Turns that came to their end.
pub static TURNS: AtomicU64 = AtomicU64::new(0);
pub static REAL_TURNS: AtomicU64 = AtomicU64::new(0);

const OK: claude_status_t = claude_status_t::CLAUDE_OK;
/// Nobody frees these clients but their thread; a shutdown may end them.
const PAUSE: Duration = Duration::from_millis(100);

/// A client with the callbacks of a program, in THREAD (0) or PUMP (1) mode.
fn connected(options: &CString, mode: i32, seed: u64) -> Option<Arc<Record>> {
    let mut client = Client::NULL;
    if claude_client_create(Some(options), Some(&mut client), None) != OK {
        return None;
    }
    claude_client_set_dispatch(client, number(mode), None);
    let record = Record::new(client, mode, false);
    let token = |kind| {
        let token = Token::new(kind, mix(seed, kind as u64), Some(record.clone())).with_destroy();
        record.registered(&token);
        token
    };
    let (message, closed, request) = (token(Kind::Message), token(Kind::Closed), token(Kind::Request));
    claude_client_on_message(client, ON_MESSAGE, UserData::of(&message), DESTROY, None);
    claude_client_on_closed(client, ON_CLOSED, UserData::of(&closed), DESTROY, None);
    claude_client_on_request(client, ON_REQUEST, UserData::of(&request), DESTROY, None);
    if claude_client_connect_wait(client, None, 60_000, None) == OK {
        return Some(record);
    }
    free_client(record);
    None
}

fn turn(record: &Record, prompt: &CString) -> bool {
    let client = record.handle();
    claude_client_query(client, Some(prompt), None, None, None) == OK
        && claude_client_receive_response(client, None, 60_000, None) == OK
}

/// One long conversation; a new one when a shutdown has ended it.
pub fn ordinary(mode: i32, until: Instant) {
    let mut seed = mode as u64;
    while Instant::now() < until {
        seed += 1;
        let Some(record) = connected(&moods::short_options(), mode, seed) else {
            std::thread::sleep(PAUSE);
            continue;
        };
        while Instant::now() < until && turn(&record, &c"and then?".to_owned()) {
            TURNS.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(PAUSE);
        }
        free_client(record);
    }
}

/// A few turns with the real CLI and the stand-in API.
pub fn real(cli: &Path, url: &str, until: Instant) {
    let sandbox = Sandbox::new().with_api(url);
    let options = json!({
        "cli_path": cli.display().to_string(), "cwd": sandbox.work().display().to_string(),
        "env": sandbox.env_json(), "setting_sources": [],
    });
    let options = CString::new(options.to_string()).unwrap_or_default();
    let Some(record) = connected(&options, 0, 77) else { return };
    for prompt in [c"What is 2+2?", c"What is the capital of France?", c"RECALL 1"] {
        if Instant::now() < until && turn(&record, &prompt.to_owned()) {
            TURNS.fetch_add(1, Ordering::Relaxed);
            REAL_TURNS.fetch_add(1, Ordering::Relaxed);
        }
    }
    free_client(record);
}
