//! A host that is asked things, and answers with secrets.

use std::ffi::{CStr, CString, c_void};
use std::ptr::null_mut;
use std::sync::Mutex;

use claude_client::capi::mcp::*;
use claude_client::capi::receive::claude_client_on_request;
use claude_client::capi::request::*;
use claude_client::capi::tool_call::{claude_tool_call_finish, claude_tool_call_free};
use claude_client::capi::types::*;
use serde_json::json;

use super::Canaries;
use crate::support::host::{Client, check};
use crate::support::{PATIENCE, eventually};

/// Requests of the CLI that the host has not answered yet.
pub struct Requests(&'static Mutex<Vec<usize>>);

impl Requests {
    pub fn of(client: &Client) -> Requests {
        unsafe extern "C" fn keep(request: *mut claude_request_t, user_data: *mut c_void) {
            // SAFETY: registered with a list that is never freed.
            let list = unsafe { &*user_data.cast::<Mutex<Vec<usize>>>() };
            list.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(request.expose_provenance());
        }
        let list: &'static Mutex<Vec<usize>> = Box::leak(Box::default());
        let data = std::ptr::from_ref(list).cast_mut().cast();
        // SAFETY: the list is never freed.
        check(|error| unsafe { claude_client_on_request(client.handle(), Some(keep), data, None, error) })
            .expect("taken");
        Requests(list)
    }

    pub fn wait_for(&self, count: usize) -> Vec<*mut claude_request_t> {
        let all = || self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        assert!(
            eventually(PATIENCE, || all().len() >= count),
            "only {} of {count} requests came",
            all().len()
        );
        all().into_iter().map(std::ptr::with_exposed_provenance_mut).collect()
    }
}

pub fn answer(request: *mut claude_request_t, canaries: &Canaries) {
    // SAFETY: a live handle.
    let answer = match unsafe { claude_request_kind(request) } {
        claude_request_kind_t::CLAUDE_REQUEST_PERMISSION => {
            json!({"behavior": "allow", "updatedInput": {"command": canaries.of("permission")}})
        }
        _ => json!({"action": "accept", "content": {"password": canaries.of("elicitation")}}),
    };
    let answer = CString::new(answer.to_string()).expect("no NUL");
    // SAFETY: a live handle and a NUL-terminated text.
    check(|error| unsafe { claude_request_respond(request, answer.as_ptr(), error) })
        .expect("it is answered");
    // SAFETY: it is not used any more.
    unsafe { claude_request_free(request) };
}

/// The server `calc` with the tool `tell`, which answers with one text.
pub struct Calc(*mut claude_mcp_server_t);

impl Calc {
    pub fn added_to(client: &Client, text: &CStr) -> Calc {
        unsafe extern "C" fn tell(call: *mut claude_tool_call_t, user_data: *mut c_void) {
            // SAFETY: a live call, and the text that outlives the client.
            unsafe {
                claude_tool_call_finish(call, user_data.cast(), null_mut());
                claude_tool_call_free(call);
            }
        }
        let mut server = null_mut();
        let tool = c"{\"name\": \"tell\", \"description\": \"Tells.\"}";
        let data = text.as_ptr().cast_mut().cast();
        // SAFETY: NUL-terminated texts, live handles, outputs that are variables.
        unsafe {
            check(|error| claude_mcp_server_create(c"calc".as_ptr(), std::ptr::null(), &mut server, error))
                .and_then(|()| {
                    check(|error| {
                        claude_mcp_server_add_tool(server, tool.as_ptr(), Some(tell), data, None, error)
                    })
                })
                .and_then(|()| check(|error| claude_client_add_mcp_server(client.handle(), server, error)))
                .expect("a server with a tool");
        }
        Calc(server)
    }
}

impl Drop for Calc {
    fn drop(&mut self) {
        // SAFETY: any value may be freed.
        unsafe { claude_mcp_server_free(self.0) };
    }
}
