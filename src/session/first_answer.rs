//! Reports an overdue first answer: the CLI waits for MCP servers to start, half a minute for one that hangs, without saying
//! so.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::Client;

/// How long to wait for the first answer before reporting what delays it.
const REPORT_AFTER: Duration = Duration::from_secs(5);
/// How long the CLI may take to name what it waits for.
const ANSWER_TAKES: Duration = Duration::from_secs(10);

impl Client {
    /// The first prompt has been sent.
    pub(super) fn watch_first_answer(&self) {
        // A recording or a replay contains only the host's own conversation.
        let alone = self.options.replay.is_some() || self.options.get("record").is_some();
        if alone || self.run.first_prompt_sent.swap(true, Ordering::Relaxed) {
            return;
        }
        let me = self.me.clone();
        let watch = self.spawn(async move {
            sleep(REPORT_AFTER).await;
            let Some(client) = me.upgrade().filter(|client| client.is_still_silent()) else { return };
            let request = Map::from_iter([("subtype".to_owned(), Value::from("mcp_status"))]);
            let deadline = Instant::now() + ANSWER_TAKES;
            let Ok(status) = client.control_internal(&request, Some(deadline)).await else { return };
            let servers = pending(&status);
            if !servers.is_empty() && client.is_still_silent() {
                client.tell_of_slow_servers(&servers);
            }
        });
        if let Ok(watch) = watch {
            self.run.first_answer.put(watch);
        }
    }

    /// The session is over: no answer is awaited any more.
    pub(super) fn end_watch(&self) {
        self.run.first_answer.end();
    }

    fn is_still_silent(&self) -> bool {
        !self.run.turn_began.load(Ordering::Relaxed) && !self.is_closing()
    }

    fn tell_of_slow_servers(&self, servers: &[String]) {
        let text =
            format!("the first answer waits for MCP servers that have not started: {}", servers.join(", "));
        let event = json!({"event": "mcp_servers_slow", "text": text, "servers": servers,
            "remedy": "see why they do not start; the CLI waits as many milliseconds as the variable MCP_TIMEOUT says, 30000 \
                       unless it is set"});
        self.warn(event);
    }
}

/// The servers that are still starting.
fn pending(status: &str) -> Vec<String> {
    let status: Value = serde_json::from_str(status).unwrap_or_default();
    let servers = status["mcpServers"].as_array().into_iter().flatten();
    let pending = servers.filter(|server| server["status"] == "pending");
    pending.filter_map(|server| server["name"].as_str().map(str::to_owned)).collect()
}
