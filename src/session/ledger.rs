//! Cost, tokens and limits, as reported by the CLI, without counting anything twice.

use serde_json::{Map, Value, json};

use crate::protocol::members::{Members, top_level_string, top_level_value};
use crate::protocol::result_frame::{ResultFrame, number};
use crate::protocol::tolerant;

/// How many windows are remembered, those most recently reported …
const MOST_WINDOWS: usize = 64;

/// … and how long each may be: it would be kept for the whole session.
const LONGEST: usize = 64 << 10;

/// A member as the CLI wrote it, parsed on demand: every turn brings some, few hosts look.
#[derive(Debug, Default)]
struct Raw(Vec<u8>);

impl Raw {
    fn set(&mut self, text: Option<&[u8]>) {
        self.0.clear();
        self.0.extend_from_slice(text.filter(|text| text.len() <= LONGEST).unwrap_or_default());
    }

    fn read(&self) -> Value {
        tolerant::line(&self.0)
    }
}

#[derive(Debug, Default)]
struct LastTurn {
    cost: Option<f64>,
    usage: Raw,
    duration_ms: Raw,
    num_turns: Raw,
    is_error: Raw,
}

impl LastTurn {
    fn document(&self) -> Value {
        json!({
            "cost_usd": self.cost,
            "usage": self.usage.read(),
            "duration_ms": self.duration_ms.read(),
            "num_turns": self.num_turns.read(),
            "is_error": self.is_error.read(),
        })
    }
}

/// The CLI's figures are cumulative over the process, and continue the total of a resumed conversation.
#[derive(Debug, Default)]
pub struct Ledger {
    turns: u64,
    session_cost: Option<f64>,
    model_usage: Raw,
    last_turn: LastTurn,
    /// A figure was missing, so sums may be too low.
    incomplete: bool,
    /// The CLI did not know the price of a model and guessed it.
    estimated: bool,
    /// Keyed by `rateLimitType`: the windows are independent of each other.
    limits: Map<String, Value>,
}

impl Ledger {
    /// Adds a result. `resumed` = the session continues an earlier one, whose cost is included in the first total.
    pub fn result(&mut self, frame: &ResultFrame, resumed: bool) {
        let own = frame.model_usage_since_last_result.map(Costs::of);
        let last = &mut self.last_turn;
        last.cost = match (&own, frame.total_cost_usd, self.session_cost) {
            (Some(own), _, _) => own.sum,
            (None, Some(total), Some(before)) => Some((total - before).max(0.0)),
            (None, total, None) if !resumed => total,
            _ => None,
        };
        last.usage.set(frame.usage);
        last.duration_ms.set(frame.duration_ms);
        last.num_turns.set(frame.num_turns);
        last.is_error.set(frame.is_error);
        self.turns += 1;
        self.incomplete |= frame.total_cost_usd.is_none() || last.cost.is_none();
        self.estimated |= own.is_some_and(|own| own.estimated);
        self.session_cost = frame.total_cost_usd.or(self.session_cost);
        if frame.model_usage.is_some() {
            self.model_usage.set(frame.model_usage);
        }
    }

    /// A `rate_limit_event`: its `rate_limit_info` is the state of one window.
    pub fn limits(&mut self, line: &[u8]) {
        if line.len() > LONGEST {
            return;
        }
        let mut frame = tolerant::line(line);
        let info = frame["rate_limit_info"].take();
        if info.is_object() {
            let window = info["rateLimitType"].as_str().unwrap_or("unnamed").to_owned();
            // The newest is last.
            self.limits.shift_remove(&window);
            if self.limits.len() >= MOST_WINDOWS
                && let Some(oldest) = self.limits.keys().next().cloned()
            {
                self.limits.shift_remove(&oldest);
            }
            self.limits.insert(window, info);
        }
    }

    fn limits_document(&self) -> Value {
        let worst =
            self.limits.values().filter_map(|info| info["status"].as_str()).max_by_key(|status| rank(status));
        if self.limits.is_empty() { Value::Null } else { json!({"status": worst, "windows": self.limits}) }
    }

    pub fn document(&self) -> Value {
        json!({
            "turns": self.turns,
            "source": "cli",
            "incomplete": self.incomplete,
            "estimated": self.estimated,
            "session_cost_usd": self.session_cost,
            "last_turn": (self.turns > 0).then(|| self.last_turn.document()),
            "model_usage": self.model_usage.read(),
            "limits": self.limits_document(),
        })
    }
}

/// The severity of a usage limit's status; an unknown status ranks in the middle.
fn rank(status: &str) -> u8 {
    match status {
        "allowed" => 0,
        "allowed_warning" => 1,
        "rejected" => 3,
        _ => 2,
    }
}

/// The total cost of the models of a turn.
struct Costs {
    /// `None` if the cost of one of them is missing.
    sum: Option<f64>,
    estimated: bool,
}

impl Costs {
    fn of(models: &[u8]) -> Costs {
        let mut costs = Costs { sum: models.starts_with(b"{").then_some(0.0), estimated: false };
        for (_, model) in Members::of(models) {
            let cost = top_level_value(model, b"costUSD").and_then(number);
            costs.sum = costs.sum.zip(cost).map(|(sum, cost)| sum + cost);
            costs.estimated |= top_level_string(model, b"costBasis") == Some(b"unknown");
        }
        costs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(json: &str) -> ResultFrame<'_> {
        ResultFrame::parse(json.as_bytes())
    }

    #[test]
    fn a_cumulative_total_is_not_summed() {
        let mut ledger = Ledger::default();
        ledger.result(&frame(r#"{"total_cost_usd":1.0}"#), false);
        ledger.result(&frame(r#"{"total_cost_usd":1.5}"#), false);
        let document = ledger.document();
        assert_eq!(document["session_cost_usd"], 1.5);
        assert_eq!(document["last_turn"]["cost_usd"], 0.5);
        assert_eq!(document["incomplete"], false);
    }

    #[test]
    fn a_resumed_total_is_not_a_turn() {
        let mut ledger = Ledger::default();
        ledger.result(&frame(r#"{"total_cost_usd":9.0}"#), true);
        assert_eq!(ledger.document()["last_turn"]["cost_usd"], Value::Null);
        assert_eq!(ledger.document()["incomplete"], true);
        ledger.result(&frame(r#"{"total_cost_usd":9.25}"#), true);
        assert_eq!(ledger.document()["last_turn"]["cost_usd"], 0.25);
        let mut ledger = Ledger::default();
        let exact = r#"{"total_cost_usd":9.0,"model_usage_since_last_result":{"m":{"costUSD":0.5},"n":{"costUSD":0.25}}}"#;
        ledger.result(&frame(exact), true);
        assert_eq!(ledger.document()["last_turn"]["cost_usd"], 0.75);
        assert_eq!(ledger.document()["incomplete"], false);
    }

    #[test]
    fn a_missing_figure_is_marked() {
        let mut ledger = Ledger::default();
        ledger.result(&frame("{}"), false);
        assert_eq!(ledger.document()["incomplete"], true);
    }

    #[test]
    fn a_model_without_a_cost_is_not_free() {
        let mut ledger = Ledger::default();
        let unknown = r#"{"total_cost_usd":0.5,"model_usage_since_last_result":
            {"known":{"costUSD":0.5},"unknown":{"inputTokens":100,"cacheReadInputTokens":0}}}"#;
        ledger.result(&frame(unknown), false);
        assert_eq!(ledger.document()["last_turn"]["cost_usd"], Value::Null);
        assert_eq!(ledger.document()["incomplete"], true);
        let mut ledger = Ledger::default();
        let zero = r#"{"total_cost_usd":0.5,"model_usage_since_last_result":
            {"m":{"costUSD":0.5,"cacheReadInputTokens":0,"cacheCreationInputTokens":0,"costBasis":"list"},
             "n":{"costUSD":0,"cacheReadInputTokens":0}}}"#;
        ledger.result(&frame(zero), false);
        assert_eq!(ledger.document()["last_turn"]["cost_usd"], 0.5);
        assert_eq!(ledger.document()["incomplete"], false);
        assert_eq!(ledger.document()["estimated"], false);
        let guessed = r#"{"total_cost_usd":1.0,"model_usage_since_last_result":{"x":{"costUSD":0.5,"costBasis":"unknown"}}}"#;
        ledger.result(&frame(guessed), false);
        assert_eq!(ledger.document()["estimated"], true);
    }
}
