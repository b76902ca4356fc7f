//! One prompt, from start to end.

use std::time::{Duration, Instant};

use super::Client;
use crate::dispatch::{MessageHandler, RequestHandler};
use crate::error::{Error, Result, Status};
use crate::sync::lock;

/// Holds a whole conversation of one prompt and waits for its end. `wait` `None` = for ever.
pub fn query_once(
    prompt: &str,
    options_json: &str,
    on_message: Option<MessageHandler>,
    on_request: Option<RequestHandler>,
    wait: Option<Duration>,
) -> Result<()> {
    let client = Client::create(options_json)?;
    client.dispatcher.on_message(on_message)?;
    client.on_request(on_request)?;
    let outcome = hold(&client, prompt, wait);
    client.free();
    outcome
}

fn hold(client: &Client, prompt: &str, wait: Option<Duration>) -> Result<()> {
    let deadline = wait.map(|wait| Instant::now() + wait);
    let left = || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    client.connect_wait(Some(prompt), left())?;
    // A session that is over already has said why.
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
