//! What a client is asked, answers and streams: hooks, tools, permissions and prompts over any transport.

use std::ffi::{CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use claude_client::capi::client::claude_client_get_server_info;
use claude_client::capi::control::*;
use claude_client::capi::hook::*;
use claude_client::capi::mcp::*;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::talk::*;
use claude_client::capi::tool_call::*;
use claude_client::capi::types::*;
use serde_json::{Value, json};

use super::client::{Client, Record, check, parsed, text_of};
use super::{Noted, eventually};

const CONTINUE: MaybeUninit<claude_hook_failure_t> =
    MaybeUninit::new(claude_hook_failure_t::CLAUDE_HOOK_CONTINUE);

/// What a request is answered with.
enum Answer {
    Deny(CString),
    Respond(CString),
    /// Not at all.
    Hold,
}

/// The host's side of its requests. It lives as long as the test program, as does what it holds.
pub struct Asked {
    answer: Answer,
    pub seen: Noted<Vec<Value>>,
    held: Mutex<Option<usize>>,
}

impl Asked {
    fn new(answer: Answer) -> &'static Asked {
        Box::leak(Box::new(Asked { answer, seen: Noted::default(), held: Mutex::default() }))
    }

    fn user_data(&'static self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// Waits until the request that is held has been withdrawn, and lets it go.
    #[track_caller]
    pub fn wait_withdrawn(&self) {
        let request = self.held.lock().unwrap().take().expect("a request is held") as *mut claude_request_t;
        // SAFETY: any value may be passed.
        eventually("the request is withdrawn", || unsafe { claude_request_is_cancelled(request) });
        // SAFETY: any value may be passed.
        unsafe { claude_request_free(request) };
    }
}

unsafe extern "C" fn on_request(request: *mut claude_request_t, user_data: *mut c_void) {
    // SAFETY: registered so.
    let asked = unsafe { &*user_data.cast::<Asked>() };
    // SAFETY: any value may be passed.
    let kind = unsafe { claude_request_kind(request) };
    if kind == claude_request_kind_t::CLAUDE_REQUEST_PERMISSION && matches!(asked.answer, Answer::Respond(_))
    {
        // SAFETY: any value may be passed.
        check(|error| unsafe { claude_request_allow(request, null(), null(), error) }).expect("it is open");
        // SAFETY: any value may be passed.
        unsafe { claude_request_free(request) };
        return;
    }
    // SAFETY: the request lives until it is freed.
    let json = text_of(unsafe { claude_request_json(request, null_mut()) });
    if matches!(asked.answer, Answer::Hold) {
        *asked.held.lock().unwrap() = Some(request as usize);
    }
    // Before the answer, which the session's next message may follow at once.
    asked.seen.note(|seen| seen.push(parsed(&json)));
    // SAFETY: the texts are NUL-terminated, and the request is freed once.
    let outcome = unsafe {
        match &asked.answer {
            Answer::Deny(why) => check(|error| claude_request_deny(request, why.as_ptr(), false, error)),
            Answer::Respond(json) => check(|error| claude_request_respond(request, json.as_ptr(), error)),
            Answer::Hold => return,
        }
    };
    outcome.expect("the request can be answered");
    // SAFETY: any value may be passed.
    unsafe { claude_request_free(request) };
}

/// `more` is a number rather than a place.
unsafe extern "C" fn add(call: *mut claude_tool_call_t, more: *mut c_void) {
    // SAFETY: the call lives until it is freed.
    let arguments = parsed(&text_of(unsafe { claude_tool_call_arguments(call, null_mut()) }));
    let sum = arguments["a"].as_u64().unwrap_or(0) + arguments["b"].as_u64().unwrap_or(0) + more as u64;
    let text = CString::new(format!("the sum is {sum}")).unwrap();
    // SAFETY: the text is NUL-terminated.
    check(|error| unsafe { claude_tool_call_add_text(call, text.as_ptr(), error) }).expect("a text");
    // A replay refuses another answer than the recorded one, and the session tells of it.
    // SAFETY: plain values.
    let _ = check(|error| unsafe { claude_tool_call_finish(call, std::ptr::null_mut(), error) });
    // SAFETY: any value may be passed.
    unsafe { claude_tool_call_free(call) };
}

/// Prompts that are given out one by one, each when the one before has its result.
struct Prompts {
    record: Arc<Noted<Record>>,
    texts: Vec<CString>,
    given: AtomicUsize,
    ended: Noted<bool>,
}

unsafe extern "C" fn next_prompt(user_data: *mut c_void) -> *const c_char {
    // SAFETY: registered so.
    let prompts = unsafe { &*user_data.cast::<Prompts>() };
    let given = prompts.given.fetch_add(1, Ordering::SeqCst);
    prompts.record.wait("a result", |record| record.results().len() >= given);
    prompts.texts.get(given).map_or(null(), |text| text.as_ptr())
}

unsafe extern "C" fn prompts_ended(user_data: *mut c_void) {
    // SAFETY: registered so.
    unsafe { &*user_data.cast::<Prompts>() }.ended.note(|ended| *ended = true);
}

impl Client {
    fn asked(&self, answer: Answer) -> &'static Asked {
        let asked = Asked::new(answer);
        // SAFETY: it lives for ever.
        check(|error| unsafe {
            claude_client_on_request(self.handle(), Some(on_request), asked.user_data(), None, error)
        })
        .expect("a callback");
        asked
    }

    /// From now on every permission is denied with this reason.
    pub fn deny_everything(&self, why: &str) -> &'static Asked {
        self.asked(Answer::Deny(CString::new(why).unwrap()))
    }

    /// From now on every request gets this answer, and permissions are allowed.
    pub fn answer_requests(&self, answer: &Value) -> &'static Asked {
        self.asked(Answer::Respond(CString::new(answer.to_string()).unwrap()))
    }

    /// From now on requests stay open.
    pub fn hold_requests(&self) -> &'static Asked {
        self.asked(Answer::Hold)
    }

    /// A hook before each tool that gives this answer.
    pub fn hook_before_tools(&self, answer: &Value) -> &'static Asked {
        let asked = Asked::new(Answer::Respond(CString::new(answer.to_string()).unwrap()));
        let (event, data) = (c"PreToolUse".as_ptr(), asked.user_data());
        // SAFETY: the text is NUL-terminated, and what is registered lives for ever.
        check(|error| unsafe {
            claude_client_add_hook(
                self.handle(),
                event,
                null(),
                0,
                CONTINUE,
                Some(on_request),
                data,
                None,
                error,
            )
        })
        .expect("a hook");
        asked
    }

    /// The server `calc` in this process, with the tool `add`.
    pub fn tool_that_adds(&self) {
        self.tool_that_adds_and(0);
    }

    /// As [`Client::tool_that_adds`], with something on top of each sum.
    pub fn tool_that_adds_and(&self, more: usize) {
        let more = std::ptr::without_provenance_mut(more);
        let number = json!({"type": "integer"});
        let schema = json!({"type": "object", "properties": {"a": number, "b": number}});
        let tool = json!({"name": "add", "description": "Adds.", "inputSchema": schema}).to_string();
        let tool = CString::new(tool).unwrap();
        let mut server = null_mut();
        // SAFETY: the texts are NUL-terminated, the output is a variable.
        unsafe {
            check(|error| claude_mcp_server_create(c"calc".as_ptr(), null(), &mut server, error))
                .expect("a server");
            check(|error| claude_mcp_server_add_tool(server, tool.as_ptr(), Some(add), more, None, error))
                .expect("a tool");
            check(|error| claude_client_add_mcp_server(self.handle(), server, error)).expect("it is added");
            claude_mcp_server_free(server);
        }
    }

    /// Streams prompts, and waits until each has its result.
    pub fn stream(&self, texts: &[&str]) {
        let texts = texts.iter().map(|text| CString::new(*text).unwrap()).collect();
        let prompts: &'static Prompts = Box::leak(Box::new(Prompts {
            record: self.seen.clone(),
            texts,
            given: AtomicUsize::new(0),
            ended: Noted::default(),
        }));
        let data = std::ptr::from_ref(prompts).cast_mut().cast();
        // SAFETY: the prompts live for ever.
        check(|error| unsafe {
            claude_client_query_stream(
                self.handle(),
                null(),
                Some(next_prompt),
                data,
                Some(prompts_ended),
                error,
            )
        })
        .expect("a stream");
        prompts.ended.wait("the end of the stream", |ended| *ended);
    }

    /// Gives the CLI these MCP servers; what it says of them.
    pub fn set_mcp_servers(&self, servers: &Value) -> Value {
        let servers = CString::new(servers.to_string()).unwrap();
        let mut reply = null_mut();
        // SAFETY: the text is NUL-terminated, the output is a variable.
        check(|error| unsafe {
            claude_client_set_mcp_servers_wait(self.handle(), servers.as_ptr(), 60_000, &mut reply, error)
        })
        .expect("the servers are set");
        owned_json(reply)
    }

    pub fn set_model(&self, model: &str) {
        let model = CString::new(model).unwrap();
        // SAFETY: the text is NUL-terminated.
        check(|error| unsafe {
            claude_client_set_model_wait(self.handle(), model.as_ptr(), 60_000, std::ptr::null_mut(), error)
        })
        .expect("the model is set");
    }

    /// What the CLI said of itself.
    pub fn server_info(&self) -> Value {
        let mut info = null_mut();
        // SAFETY: the output is a variable.
        check(|error| unsafe { claude_client_get_server_info(self.handle(), &mut info, error) })
            .expect("info");
        owned_json(info)
    }
}

/// The value of a text that the library gave out.
fn owned_json(text: *mut c_char) -> Value {
    let value = parsed(&text_of(text));
    claude_client::capi::error::claude_string_free(text);
    value
}
