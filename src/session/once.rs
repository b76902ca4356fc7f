//! One prompt, from start to end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Client;
use crate::dispatch::{MessageCall, MessageFn, MessageHandler, RequestHandler, Text};
use crate::error::{Error, Result, Status};
use crate::protocol::kind::Kind;
use crate::sync::lock;

/// Holds a whole conversation of one prompt, waits for its end, and returns the last result. `wait` `None` = for ever.
pub fn query_once(
    prompt: &str,
    options_json: &str,
    on_message: Option<MessageHandler>,
    on_request: Option<RequestHandler>,
    wait: Option<Duration>,
) -> Result<String> {
    let client = Client::create(options_json)?;
    let result = Arc::new(Mutex::new(String::new()));
    let keeping = KeepingResult { result: result.clone(), next: on_message };
    client.dispatcher.on_message(Some(Arc::new(keeping)))?;
    client.on_request(on_request)?;
    let outcome = hold(&client, prompt, wait);
    client.free();
    outcome.map(|()| std::mem::take(&mut *lock(&result)))
}

/// Forwards every message, and keeps the last result.
struct KeepingResult {
    result: Arc<Mutex<String>>,
    next: Option<MessageHandler>,
}

impl KeepingResult {
    fn keep(&self, kind: Kind, text: Text<'_>) {
        if kind == Kind::Result {
            // Without the NUL at the end.
            *lock(&self.result) = String::from_utf8_lossy(&text[..text.len() - 1]).into_owned();
        }
    }
}

impl MessageFn for KeepingResult {
    fn deliver(&self, messages: &mut dyn FnMut(MessageCall<'_>)) {
        let Some(next) = &self.next else { return messages(&|kind, text| self.keep(kind, text)) };
        next.deliver(&mut |call| {
            messages(&|kind, text| {
                self.keep(kind, text);
                call(kind, text);
            })
        });
    }
}

fn hold(client: &Client, prompt: &str, wait: Option<Duration>) -> Result<()> {
    let deadline = wait.map(|wait| Instant::now() + wait);
    let left = || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    client.connect_wait(Some(prompt), left())?;
    // A session that is already over has reported why.
    let _ = client.end_input_after_run();
    if !client.dispatcher.wait_delivered(left()) {
        return Err(Error::new(Status::Timeout, "the turn did not end in time")
            .with("phase", "query_once")
            .with("remedy", "wait longer, or limit the work by the option max_turns"));
    }
    match &lock(&client.state).cause {
        Some(cause) => Err((**cause).clone()),
        None => Ok(()),
    }
}
