//! The record file: one JSON object a line, `{"t_us":…,"dir":"in|out|stderr|meta","line":…}`, the header first.

use serde_json::{Value, json};

use crate::error::{Error, Status};
use crate::process::Exit;
use crate::transport::{End, ExitReport};

pub const FORMAT: &str = "claude-client-record";
pub const FORMAT_VERSION: u64 = 1;

/// Replaces a secret.
pub const REDACTED: &str = "«redacted»";

/// The direction of a line, as seen from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
    Stderr,
    Meta,
}

impl Direction {
    pub const ALL: [Direction; 4] = [Direction::In, Direction::Out, Direction::Stderr, Direction::Meta];

    pub fn name(self) -> &'static str {
        match self {
            Direction::In => "in",
            Direction::Out => "out",
            Direction::Stderr => "stderr",
            Direction::Meta => "meta",
        }
    }
}

/// The `event` of a meta line.
pub const HEADER: &str = "header";
pub const CONNECTED: &str = "connected";
pub const END_INPUT: &str = "end_input";
pub const CLOSE: &str = "close";
pub const LINE_TOO_LONG: &str = "line_too_long";
pub const ENDED: &str = "ended";

/// How the peer ended, as a meta line. `told`: stderr was reported by a host, so it has no lines of its own.
pub fn ended(end: &End, told: bool) -> Value {
    let mut meta = json!({"event": ENDED});
    if told && !end.stderr.is_empty() {
        meta["stderr"] = end.stderr.clone().into();
    }
    let ExitReport { exit, abandoned, cause } = &end.report;
    match *exit {
        Exit::Code(code) => meta["exit_code"] = code.into(),
        Exit::Signal(signal) => meta["signal"] = signal.into(),
        Exit::Unknown => {}
    }
    if *abandoned {
        meta["abandoned"] = true.into();
    }
    if let Some(cause) = cause {
        meta["status"] = cause.status.code().into();
        meta["message"] = cause.message.clone().into();
    }
    meta
}

/// Reads [`ended`] back.
pub fn end_of(meta: &Value) -> End {
    let number = |name: &str| meta[name].as_i64().and_then(|number| i32::try_from(number).ok());
    let exit = match (number("exit_code"), number("signal")) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    };
    let status = number("status").and_then(Status::from_code);
    let cause =
        status.map(|status| Box::new(Error::new(status, meta["message"].as_str().unwrap_or_default())));
    let stderr = meta["stderr"].as_str().unwrap_or_default().to_owned();
    End { report: ExitReport { exit, abandoned: meta["abandoned"] == true, cause }, stderr }
}

/// Adds one line of the file to `text`. `value` is JSON without line breaks.
pub fn add_line(text: &mut Vec<u8>, at_us: u64, direction: Direction, member: &str, value: &str) {
    let start = format!(r#"{{"t_us":{at_us},"dir":"{}","{member}":"#, direction.name());
    text.extend_from_slice(start.as_bytes());
    text.extend_from_slice(value.as_bytes());
    text.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_is_read_back() {
        let cause = Some(Box::new(Error::new(Status::CliConnection, "the line was cut")));
        for (exit, abandoned, cause) in
            [(Exit::Code(3), false, None), (Exit::Signal(9), true, None), (Exit::Unknown, false, cause)]
        {
            for stderr in ["", "bad luck"].map(str::to_owned) {
                let end = End { report: ExitReport { exit, abandoned, cause: cause.clone() }, stderr };
                assert_eq!(format!("{:?}", end_of(&ended(&end, true))), format!("{end:?}"));
                assert_eq!(end_of(&ended(&end, false)).stderr, "");
            }
        }
    }
}
