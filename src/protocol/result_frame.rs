//! The end of a turn, as far as the library looks into it.

use smallvec::SmallVec;

use super::members::{Members, string, strings, value};

/// The members of a result that attribution and the ledger need, as raw text.
#[derive(Debug, Default)]
pub struct ResultFrame<'a> {
    /// The prompts that it names as answered.
    pub answers: SmallVec<[&'a [u8]; 2]>,
    pub origin: Option<&'a [u8]>,
    pub session_id: Option<&'a [u8]>,
    pub is_error: Option<&'a [u8]>,
    pub terminal_reason: Option<&'a [u8]>,
    pub total_cost_usd: Option<f64>,
    pub num_turns: Option<&'a [u8]>,
    pub duration_ms: Option<&'a [u8]>,
    pub usage: Option<&'a [u8]>,
    pub model_usage: Option<&'a [u8]>,
    pub model_usage_since_last_result: Option<&'a [u8]>,
}

impl<'a> ResultFrame<'a> {
    pub fn parse(line: &'a [u8]) -> ResultFrame<'a> {
        let mut frame = ResultFrame::default();
        for (key, text) in Members::of(line) {
            match key {
                b"user_message_uuid" => string(text).into_iter().for_each(|uuid| frame.answers(uuid)),
                b"user_message_uuids" => strings(text).for_each(|uuid| frame.answers(uuid)),
                b"session_id" => frame.session_id = string(text),
                b"origin" => frame.origin = value(text),
                b"is_error" => frame.is_error = value(text),
                b"terminal_reason" => frame.terminal_reason = string(text),
                b"total_cost_usd" => frame.total_cost_usd = number(text),
                b"num_turns" => frame.num_turns = value(text),
                b"duration_ms" => frame.duration_ms = value(text),
                b"usage" => frame.usage = value(text),
                b"modelUsage" => frame.model_usage = value(text),
                b"model_usage_since_last_result" => frame.model_usage_since_last_result = value(text),
                _ => {}
            }
        }
        frame
    }

    /// The turn was cut short, as far as the CLI reports it: over time it has used several words for this.
    pub fn was_cut_short(&self) -> bool {
        self.is_error == Some(&b"true"[..]) || self.was_aborted()
    }

    /// Someone stopped it, in the CLI's own word.
    pub fn was_aborted(&self) -> bool {
        self.terminal_reason.is_some_and(|reason| reason.starts_with(b"aborted"))
    }

    fn answers(&mut self, uuid: &'a [u8]) {
        if !self.answers.contains(&uuid) {
            self.answers.push(uuid);
        }
    }
}

/// The number that `text` starts with.
pub fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(value(text)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_named_once() {
        let frame = ResultFrame::parse(
            br#"{"type":"result","user_message_uuid":"b","user_message_uuids":["a","b"],"origin":null}"#,
        );
        assert_eq!(frame.answers[..], [&b"b"[..], b"a"]);
        assert_eq!(frame.origin, None);
    }

    #[test]
    fn figures_stand_as_the_cli_wrote_them() {
        let frame = ResultFrame::parse(
            br#"{"total_cost_usd":0.25,"usage":{"output_tokens":5,"x":[1]},"num_turns":2,"modelUsage":{}}"#,
        );
        assert_eq!(frame.total_cost_usd, Some(0.25));
        assert_eq!(frame.usage, Some(&br#"{"output_tokens":5,"x":[1]}"#[..]));
        assert_eq!((frame.num_turns, frame.model_usage), (Some(&b"2"[..]), Some(&b"{}"[..])));
        assert_eq!(ResultFrame::parse(br#"{"total_cost_usd":"1"}"#).total_cost_usd, None);
    }
}
