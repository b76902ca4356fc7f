//! Host callbacks that were left without returning: by `longjmp`, or by an exception of a language that does not unwind the
//! library's frames.

use serde_json::json;

use super::{Client, live};
use crate::log;
use crate::place;
use crate::protocol::kind::Kind;

/// Starts the detection.
pub(super) fn watch() {
    place::on_left(end_left);
}

/// Runs on the thread that has left one: the interrupted work goes on as if the callback had returned.
fn end_left(callback: &'static str) {
    log::end_left();
    for client in live::clients() {
        client.end_left(callback);
    }
    log::warning(|| format!("{callback} was left without returning from it"));
}

impl Client {
    fn end_left(&self, callback: &'static str) {
        let is_ours = self.dispatcher.end_left();
        self.go_on_if_left();
        if !is_ours {
            return;
        }
        let text = format!(
            "{callback} was left without returning from it, by longjmp or by an exception: it counts as ended, and what it \
             was asked is refused"
        );
        let remedy = "catch inside of a callback what is thrown there, and let it return";
        self.event(
            Kind::Warning,
            json!({"event": "callback_left", "text": text, "callback": callback, "remedy": remedy}),
        );
    }

    /// The last step for a client: runs the destroy-notifies that the abandoned frames would have run.
    pub(super) fn run_left_ends(&self) {
        self.scope.retire();
    }
}
