//! Events of PULL mode, as a host in Rust sees them.
#![allow(clippy::disallowed_methods, dead_code)] // A host's side of the boundary; and no test needs all of this.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use claude_client::capi::event::*;
use claude_client::capi::receive::claude_client_next;
use claude_client::capi::types::*;

pub const MESSAGES: claude_lanes_t = claude_lanes_t::CLAUDE_LANE_MESSAGES;
pub const REQUESTS: claude_lanes_t = claude_lanes_t::CLAUDE_LANE_REQUESTS;
pub const ALL: claude_lanes_t = claude_lanes_t::CLAUDE_LANE_ALL;

/// All that an event holds.
#[derive(Debug)]
pub struct Info {
    pub kind: claude_message_kind_t,
    pub status: claude_status_t,
    pub request_kind: claude_request_kind_t,
    pub lane: claude_lanes_t,
    pub id: u64,
    pub user_data: *mut c_void,
    pub text: String,
}

/// An event; dropping it frees it.
#[derive(Debug)]
pub struct Event(*mut claude_event_t);

// SAFETY: a handle may be used on any thread.
unsafe impl Send for Event {}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: any value may be freed.
        unsafe { claude_event_free(self.0) };
    }
}

impl Event {
    /// The next one of the lanes, or what the call said.
    pub fn next(
        client: *mut claude_client_t,
        lanes: claude_lanes_t,
        timeout_ms: u32,
    ) -> Result<Event, claude_status_t> {
        let mut event = null_mut();
        // SAFETY: the output is a variable.
        match unsafe {
            claude_client_next(client, MaybeUninit::new(lanes), timeout_ms, &mut event, null_mut())
        } {
            claude_status_t::CLAUDE_OK => Ok(Event(event)),
            status => Err(status),
        }
    }

    pub fn info(&self) -> Info {
        // SAFETY: zeros are numbers and NULL.
        let mut info: claude_event_info_t = unsafe { MaybeUninit::zeroed().assume_init() };
        info.size = size_of::<claude_event_info_t>();
        // SAFETY: the struct has its size, and the event is ours.
        let status = unsafe { claude_event_info(self.0, &mut info, null_mut()) };
        assert_eq!(status, claude_status_t::CLAUDE_OK);
        // SAFETY: the library has written all of it; the text lives as long as the event, with a NUL behind it.
        unsafe {
            let bytes = std::slice::from_raw_parts(info.json.cast::<u8>(), info.len + 1);
            assert_eq!(bytes[info.len], 0, "no NUL behind the text");
            Info {
                kind: info.kind.assume_init(),
                status: info.status.assume_init(),
                request_kind: info.request_kind.assume_init(),
                lane: info.lane.assume_init(),
                id: info.id,
                user_data: info.user_data,
                text: String::from_utf8(bytes[..info.len].to_vec()).expect("the library's texts are UTF-8"),
            }
        }
    }

    pub fn kind(&self) -> claude_message_kind_t {
        self.info().kind
    }

    /// The text as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.info().text).unwrap_or_default()
    }

    pub fn take_request(&self) -> Result<*mut claude_request_t, claude_status_t> {
        let mut request = null_mut();
        // SAFETY: the output is a variable.
        match unsafe { claude_event_take_request(self.0, &mut request, null_mut()) } {
            claude_status_t::CLAUDE_OK => Ok(request),
            status => Err(status),
        }
    }

    pub fn take_tool_call(&self) -> Result<*mut claude_tool_call_t, claude_status_t> {
        let mut call = null_mut();
        // SAFETY: the output is a variable.
        match unsafe { claude_event_take_tool_call(self.0, &mut call, null_mut()) } {
            claude_status_t::CLAUDE_OK => Ok(call),
            status => Err(status),
        }
    }
}
