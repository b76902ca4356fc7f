//! Why a session ended, with advice for the user.

use serde_json::Value;

use super::{State, known_ends};
use crate::error::{Error, Status};
use crate::process::Exit;
use crate::protocol::tolerant;
use crate::transport::End;
use crate::transport::stderr_tail::readable;

/// What the CLI was doing when it ended.
pub struct Turn {
    pub runs: bool,
    /// A prompt has no result yet.
    pub owed: bool,
    /// Its input had been closed.
    pub input_ended: bool,
}

/// The error for an end that we did not cause; `None` for a normal one.
pub fn cause(end: &End, state: &State, turn: Turn) -> Option<Error> {
    let connecting = state.server_info.is_none();
    if let Some(told) = &end.report.cause {
        let of_result = told.status == Status::Process && state.error_result.is_some();
        let error = if of_result { result_error(state) } else { (**told).clone() };
        return Some(described(error, end, state));
    }
    let error = match end.report.exit {
        Exit::Code(0) if !connecting && turn.owed => owed(end, state),
        Exit::Code(0) if !connecting => return None,
        Exit::Code(0) => Error::new(Status::Process, "Claude Code exited before it was ready"),
        Exit::Code(_) | Exit::Unknown if state.error_result.is_some() => result_error(state),
        _ if end.report.abandoned => Error::new(
            Status::Process,
            with_reason("Claude Code closed its output and did not end, so it was ended".into(), end),
        ),
        Exit::Code(code) => {
            let code = in_words(code);
            Error::new(Status::Process, with_reason(format!("Claude Code exited with code {code}"), end))
        }
        Exit::Signal(signal) => {
            let hint = if signal == 9 { " (SIGKILL: perhaps out of memory)" } else { "" };
            Error::new(Status::Process, format!("Claude Code was ended by signal {signal}{hint}"))
        }
        Exit::Unknown if connecting => {
            Error::new(Status::Process, with_reason("Claude Code ended before it was ready".into(), end))
        }
        // A CLI that was asked to end and has nothing left to do probably ended normally.
        Exit::Unknown if turn.input_ended && !turn.runs => return None,
        Exit::Unknown => {
            let message = "Claude Code is gone; its exit status is unknown because the host reaps children";
            Error::new(Status::Process, with_reason(message.into(), end))
        }
    };
    Some(described(error, end, state))
}

/// The codes of crashes on Windows are known by their digits in base 16.
fn in_words(code: i32) -> String {
    if code < 0 { format!("{code:#010X}") } else { code.to_string() }
}

/// It exited successfully although a prompt has no result.
fn owed(end: &End, state: &State) -> Error {
    let (status, who) = match &state.cli_path {
        Some(_) => (Status::Process, "Claude Code exited with code 0"),
        None => (Status::CliConnection, "the transport ended"),
    };
    Error::new(status, with_reason(format!("{who}, but a prompt has had no result"), end)).with(
        "remedy",
        "send the prompt again in another client (the option resume continues the conversation); what the CLI wrote to stderr \
         may say why it left",
    )
}

/// Adds the details of the end.
fn described(error: Error, end: &End, state: &State) -> Error {
    let (code, signal) = match end.report.exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(signal) => (None, Some(signal)),
        Exit::Unknown => (None, None),
    };
    let connecting = state.server_info.is_none();
    let phase = if connecting { "initialize" } else { "session" };
    let phase = error.detail("phase").is_none().then_some(phase);
    let error = error
        .with_opt("phase", phase)
        .with_opt("exit_code", code)
        .with_opt("signal", signal)
        .with_opt("stderr", Some(end.stderr.clone()).filter(|text| !text.is_empty()))
        .with_opt("stdout", output(state))
        .with_opt("cli_path", state.cli_path.clone())
        .with_opt("cli_version", state.cli_version.clone())
        .with_opt("argv", state.argv.clone().filter(|_| connecting));
    known_ends::recognised(error, connecting)
}

/// The last line of stderr is usually the reason.
fn with_reason(message: String, end: &End) -> String {
    match end.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => format!("{message}: {}", shortened(line)),
        None => message,
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The process failed after a result that reported an error.
fn result_error(state: &State) -> Error {
    let line = state.error_result.as_deref().and_then(|line| std::str::from_utf8(line).ok());
    let frame = line.and_then(|line| tolerant::value(line).ok()).unwrap_or_default();
    let message = format!("Claude Code returned an error result: {}", result_text(&frame));
    let mut error = Error::new(Status::Result, message);
    for name in [
        "subtype",
        "errors",
        "result",
        "api_error_status",
        "terminal_reason",
        "startup_failure_reason",
        "session_id",
    ] {
        error = error.with_opt(name, frame.get(name).cloned());
    }
    error.with("data", frame)
}

fn result_text(frame: &Value) -> String {
    let errors: Vec<&str> = frame["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .collect();
    if !errors.is_empty() {
        return shortened(&errors.join("; "));
    }
    if let Some(result) = frame["result"].as_str().map(str::trim).filter(|text| !text.is_empty()) {
        return shortened(result);
    }
    match (frame["subtype"].as_str(), frame["api_error_status"].as_i64()) {
        (Some(subtype), _) if subtype != "success" => subtype.to_owned(),
        (_, Some(status)) => format!("API error (HTTP {status})"),
        _ => "unknown error".to_owned(),
    }
}

/// Non-message output on stdout.
pub fn output(state: &State) -> Option<String> {
    decoded(&[&*state.first_output, &state.unfinished_output].concat())
}

/// As text; Windows tools write UTF-16.
fn decoded(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return None;
    }
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    if zeros * 3 < bytes.len() {
        return Some(readable(bytes));
    }
    // Either the even or the odd bytes are zero, depending on the byte order.
    let little = bytes.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count() * 2 > zeros;
    let units = bytes.chunks_exact(2).map(|pair| match little {
        true => u16::from_le_bytes([pair[0], pair[1]]),
        false => u16::from_be_bytes([pair[0], pair[1]]),
    });
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_crash_is_known_by_its_digits() {
        assert_eq!([0, 7, 255].map(in_words), ["0", "7", "255"]);
        assert_eq!(
            [0xC000_0005_u32, 0xFFFF_FFFF].map(|code| in_words(code.cast_signed())),
            ["0xC0000005", "0xFFFFFFFF"]
        );
    }

    #[test]
    fn utf16_output_is_readable() {
        let text: Vec<u8> = "WSL is not installed".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded(&text).as_deref(), Some("WSL is not installed"));
        let text: Vec<u8> = "WSL is not installed".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&text).as_deref(), Some("WSL is not installed"));
        assert_eq!(decoded(b"plain"), Some("plain".to_owned()));
        assert_eq!(decoded(b""), None);
    }

    #[test]
    fn result_texts_in_their_order() {
        let text = |json: &str| result_text(&serde_json::from_str(json).unwrap());
        assert_eq!(
            text(r#"{"subtype":"error_during_execution","errors":["a"," ","b"],"result":"c"}"#),
            "a; b"
        );
        assert_eq!(text(r#"{"subtype":"success","errors":[],"result":" c "}"#), "c");
        assert_eq!(text(r#"{"subtype":"error_max_turns","errors":[]}"#), "error_max_turns");
        assert_eq!(text(r#"{"subtype":"success","api_error_status":529}"#), "API error (HTTP 529)");
        assert_eq!(text("{}"), "unknown error");
    }
}
