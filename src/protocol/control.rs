//! Control frames: requests in both directions and their answers.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{tolerant, tree};
use crate::error::{Error, Result, Status};

/// One of our requests as one line without its newline. `id` is generated here, so nothing in it needs escaping.
pub fn request_line(id: &str, request: &Map<String, Value>) -> String {
    // Not through `json!` and `Display`, which would copy the request and cost more than everything else on its way.
    let request = serde_json::to_string(request).unwrap_or_default();
    format!(r#"{{"type":"control_request","request_id":"{id}","request":{request}}}"#)
}

/// `response` is JSON on one line.
pub fn success_line(id: &str, response: &str) -> String {
    format!(
        r#"{{"type":"control_response","response":{{"subtype":"success","request_id":{},"response":{}}}}}"#,
        Value::from(id),
        response
    )
}

pub fn error_line(id: &str, message: &str, code: Option<&str>) -> String {
    let mut response = json!({"subtype": "error", "request_id": id, "error": message});
    if let Some(code) = code {
        response["error_code"] = code.into();
    }
    json!({"type": "control_response", "response": response}).to_string()
}

/// The answer to one of our requests.
#[derive(Debug)]
pub struct Response {
    pub request_id: String,
    /// The payload as text, or the error that the CLI sent instead.
    pub outcome: Result<String>,
}

#[derive(Deserialize)]
struct ResponseFrame<'a> {
    #[serde(borrow)]
    response: ResponseBody<'a>,
}

#[derive(Deserialize)]
struct ResponseBody<'a> {
    request_id: String,
    #[serde(default)]
    subtype: String,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(default)]
    error_code: Option<String>,
}

/// Reads a `control_response` line.
pub fn parse_response(line: &[u8]) -> serde_json::Result<Response> {
    let ResponseFrame { response: body } = serde_json::from_slice(line)?;
    let outcome = if body.subtype == "error" {
        let text = match body.error.map(|error| (error, tolerant::value(error.get()))) {
            Some((_, Ok(Value::String(text)))) => text,
            Some((_, Ok(other))) => other.to_string(),
            // Whatever the error is made of: the request has its answer.
            Some((error, Err(_))) => error.get().to_owned(),
            None => "the CLI refused the request without a reason".to_owned(),
        };
        Err(Error::new(Status::Control, text).with_opt("code", body.error_code))
    } else {
        Ok(body.response.map_or("{}", RawValue::get).to_owned())
    };
    Ok(Response { request_id: body.request_id, outcome })
}

/// A request from the CLI to the host.
#[derive(Debug)]
pub struct Inbound {
    pub id: String,
    pub subtype: String,
    /// The `request` member as the CLI wrote it.
    pub request: String,
}

#[derive(Deserialize)]
struct RequestFrame<'a> {
    request_id: String,
    #[serde(borrow)]
    request: &'a RawValue,
}

#[derive(Deserialize)]
struct Subtype {
    #[serde(default)]
    subtype: String,
}

/// Reads a `control_request` line.
pub fn parse_request(line: &[u8]) -> serde_json::Result<Inbound> {
    let frame: RequestFrame = serde_json::from_slice(line)?;
    let Subtype { subtype } = serde_json::from_str(frame.request.get())?;
    Ok(Inbound { id: frame.request_id, subtype, request: frame.request.get().to_owned() })
}

/// The requests that the response to `initialize` lists as still open: a CLI that outlived its last host has some.
pub fn parse_open_requests(line: &[u8]) -> Vec<Inbound> {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(borrow)]
        response: Body<'a>,
    }
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow, default)]
        pending_permission_requests: Vec<&'a RawValue>,
        #[serde(borrow, default)]
        pending_user_dialog_requests: Vec<&'a RawValue>,
        #[serde(borrow, default)]
        pending_elicitation_requests: Vec<&'a RawValue>,
    }
    let Ok(Frame { response: body }) = serde_json::from_slice(line) else { return Vec::new() };
    let lists = [
        body.pending_permission_requests,
        body.pending_user_dialog_requests,
        body.pending_elicitation_requests,
    ];
    lists.concat().iter().filter_map(|request| parse_request(request.get().as_bytes()).ok()).collect()
}

/// Reads a `control_cancel_request` line: the id of the withdrawn request.
pub fn parse_cancel(line: &[u8]) -> serde_json::Result<String> {
    #[derive(Deserialize)]
    struct Cancel {
        request_id: String,
    }
    Ok(serde_json::from_slice::<Cancel>(line)?.request_id)
}

/// Checks a control request composed by the host: an object with a `subtype`.
pub fn check_request(request: &str) -> Result<Map<String, Value>> {
    const REMEDY: &str = "pass an object such as {\"subtype\":\"interrupt\"}";
    let bad = |message: String| {
        Error::new(Status::InvalidArgument, message).with("argument", "request_json").with("remedy", REMEDY)
    };
    let value = tree::parse(request).map_err(|fault| fault.refusal("request_json", REMEDY))?;
    let Value::Object(object) = value else {
        return Err(bad("the control request is not a JSON object".into()));
    };
    match object.get("subtype") {
        // It would replace the registered hooks.
        Some(Value::String(subtype)) if subtype == "initialize" => {
            Err(bad("the session sends \"initialize\" itself".into())
                .with("pointer", "/subtype")
                .with("remedy", "call claude_client_reinitialize, which keeps the hooks"))
        }
        Some(Value::String(_)) => Ok(object),
        _ => Err(bad("the control request has no \"subtype\" text".into()).with("pointer", "/subtype")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_keep_their_text() {
        let line = br#"{"type":"control_response","response":{"subtype":"success","request_id":"a","response":{"x": 1.50}}}"#;
        let response = parse_response(line).unwrap();
        assert_eq!(response.request_id, "a");
        assert_eq!(response.outcome.unwrap(), r#"{"x": 1.50}"#);
        let line = br#"{"type":"control_response","response":{"subtype":"success","request_id":"a"}}"#;
        assert_eq!(parse_response(line).unwrap().outcome.unwrap(), "{}");
    }

    #[test]
    fn open_requests_are_found_in_the_answer_to_initialize() {
        let request = r#"{"type":"control_request","request_id":"p","request":{"subtype":"can_use_tool"}}"#;
        let line = format!(
            r#"{{"type":"control_response","response":{{"subtype":"success","request_id":"a","response":{{}},
                "pending_permission_requests":[{request}],"pending_user_dialog_requests":[]}}}}"#
        );
        let open = parse_open_requests(line.as_bytes());
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].id.as_str(), open[0].subtype.as_str()), ("p", "can_use_tool"));
        assert!(parse_open_requests(br#"{"response":{"request_id":"a"}}"#).is_empty());
    }

    #[test]
    fn refusals_carry_text_and_code() {
        let line = br#"{"type":"control_response","response":{"subtype":"error","request_id":"a","error":"no","error_code":"invalid_mode"}}"#;
        let error = parse_response(line).unwrap().outcome.unwrap_err();
        assert_eq!((error.status, error.message.as_str()), (Status::Control, "no"));
        assert_eq!(error.detail("code"), Some(&"invalid_mode".into()));
    }

    #[test]
    fn a_refusal_is_read_whatever_stands_in_it() {
        for (text, expected) in [
            (r#""cut \ud83d""#, "cut \u{FFFD}"),
            (r#"{"why":"cut \ud83d"}"#, "{\"why\":\"cut \u{FFFD}\"}"),
            ("[1, 2]", "[1,2]"),
            ("null", "the CLI refused the request without a reason"),
        ] {
            let line = format!(
                r#"{{"type":"control_response","response":{{"subtype":"error","request_id":"a","error":{text}}}}}"#
            );
            let response = parse_response(line.as_bytes()).unwrap();
            assert_eq!(response.request_id, "a");
            assert_eq!(response.outcome.unwrap_err().message, expected);
        }
    }

    #[test]
    fn lines_are_single_lines() {
        let request = check_request("{\"subtype\":\"x\",\n \"text\":\"a\\nb\u{2028}\"}").unwrap();
        let line = request_line("claude-1", &request);
        assert!(!line.contains('\n'));
        assert_eq!(parse_request(line.as_bytes()).unwrap().id, "claude-1");
        // An id from the CLI may contain anything.
        let line = success_line("id\n", "{}");
        assert!(!line.contains('\n'));
        assert_eq!(parse_response(line.as_bytes()).unwrap().request_id, "id\n");
        assert!(!error_line("1", "two\nlines", None).contains('\n'));
    }

    #[test]
    fn unusable_requests_are_refused() {
        for text in ["", "[]", "{}", r#"{"subtype":1}"#, "{\"subtype\":", r#"{"subtype":"initialize"}"#] {
            assert_eq!(check_request(text).unwrap_err().status, Status::InvalidArgument, "{text}");
        }
    }
}
