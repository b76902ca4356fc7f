//! Sequences of C calls on three clients with a CLI of a few lines: handles that are NULL, dead or of another kind, texts that
//! are none, calls from inside callbacks. Nothing crashes or hangs; completions and destroy-notifies come exactly once; when
//! everything has been freed no handle is alive.

use std::ffi::c_void;
use std::ptr::{null, null_mut, without_provenance_mut};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use arbitrary::{Arbitrary, Unstructured};
use claude_client::capi::client::*;
use claude_client::capi::control::*;
use claude_client::capi::error::*;
use claude_client::capi::event::*;
use claude_client::capi::hook::*;
use claude_client::capi::mcp::*;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::runtime::claude_runtime_stats;
use claude_client::capi::talk::*;
use claude_client::capi::tool_call::*;
use claude_client::capi::transport::claude_client_set_transport;
use claude_client::capi::types::*;
use claude_client::ffi::number::given;

use super::calls_back::*;
use super::host::{self, Status, World, lock};
use super::said::{FRAMES, Given, Text};

/// Each first number chooses the client: its place, or now and then something else.
#[derive(Arbitrary, Debug)]
enum Call {
    Create { at: u8, options: u8, mode: u8, transport: u8 },
    Free(u8),
    SetDispatch(u8, u8),
    SetTransport(u8, u8),
    Connect(u8, Text),
    ConnectWait(u8, Text, u8),
    Disconnect(u8),
    DisconnectWait(u8, u8),
    On(u8, u8, u8),
    AddHook { at: u8, event: Text, matcher: Text, failure: u8, deed: u8 },
    DeclareDialog(u8, Text),
    Query(u8, Text, Text),
    SendJson(u8, Text),
    EndInput(u8, bool),
    Ready(u8, u8),
    Wake(u8),
    Pump(u8, u8, u8),
    Next(u8, u8, u8),
    Receive(u8, Text, u8),
    Pending(u8),
    Info(u8, u8),
    Control(u8, u8, Text),
    ControlWait(u8, Text, u8),
    InterruptWith(u8, bool, u8, u8),
    Frame(u8, u8),
    Push(u8, Vec<u8>),
    End(u8, i8, u8),
    Event(u8, u8),
    Request(u8, u8, Text),
    TakeRequest(u8, u8),
    Server(u8, Text, Text, u8),
    Tool(u8, u8, Text),
    Settle(u8),
}

const EVENTS: usize = 4;
const SERVERS: usize = 3;

/// The handles of a run that belong to its own thread.
struct Run {
    world: Arc<World>,
    events: [*mut claude_event_t; EVENTS],
    servers: [*mut claude_mcp_server_t; SERVERS],
    pulls: [bool; 3],
}

/// At most so many calls a run.
const MOST: usize = 64;

pub fn run(data: &[u8]) {
    let mut source = Unstructured::new(data);
    let world = Arc::new(World::default());
    let mut run = Run {
        world: world.clone(),
        events: [null_mut(); EVENTS],
        servers: [null_mut(); SERVERS],
        pulls: [false; 3],
    };
    // A client that is there makes more of what follows mean something.
    run.call(Call::Create { at: 0, options: 0, mode: source.arbitrary().unwrap_or(0), transport: 0 });
    for _ in 0..MOST {
        if source.is_empty() {
            break;
        }
        let Ok(call) = Call::arbitrary(&mut source) else { break };
        run.call(call);
    }
    run.end();
    world.end();
}

impl Run {
    fn client(&self, at: u8) -> *mut claude_client_t {
        match at >> 5 {
            7 => null_mut(),
            6 => self.events[usize::from(at) % EVENTS].cast(),
            5 => without_provenance_mut(usize::from(at) * 0x1_0001),
            _ => self.world.client(usize::from(at)),
        }
    }

    fn call(&mut self, call: Call) {
        let mut error = null_mut();
        let status = self.made(call, &mut error);
        assert_ne!(status, Status::CLAUDE_ERR_PANIC);
        assert!(
            status == Status::CLAUDE_OK || !error.is_null() || status as i32 == 0,
            "no error with {status:?}"
        );
        if !error.is_null() {
            assert_eq!(claude_error_status(error), status);
            assert!(!claude_error_message(error).is_null() && !claude_error_json(error).is_null());
        }
        claude_error_free(error);
        claude_error_free(error);
    }

    fn made(&mut self, call: Call, error: *mut *mut claude_error_t) -> Status {
        let world = self.world.clone();
        // SAFETY: texts that end with NUL or NULL itself, outputs of this function, functions for tokens; handles may be any.
        unsafe {
            match call {
                Call::Create { at, options, mode, transport } => {
                    self.create(at, options, mode, transport, error)
                }
                Call::Free(at) => {
                    claude_client_free(self.client(at));
                    Status::CLAUDE_OK
                }
                Call::SetDispatch(at, mode) => {
                    let status =
                        claude_client_set_dispatch(self.client(at), given(i32::from(mode % 6)), error);
                    self.note_mode(at, mode % 6, status);
                    status
                }
                Call::SetTransport(at, deed) => match at >> 5 {
                    5.. => claude_client_set_transport(self.client(at), null(), null_mut(), error),
                    _ => {
                        let _ = host::set_transport(&world, usize::from(at % 3), deed);
                        Status::CLAUDE_OK
                    }
                },
                Call::Connect(at, prompt) => {
                    let prompt = Given::of(&prompt);
                    self.begun(at, |client, done, data| {
                        claude_client_connect(client, prompt.as_ptr(), done, data, error)
                    })
                }
                Call::ConnectWait(at, prompt, time) => claude_client_connect_wait(
                    self.client(at),
                    Given::of(&prompt).as_ptr(),
                    u32::from(time % 8),
                    error,
                ),
                Call::Disconnect(at) => {
                    self.begun(at, |client, done, data| claude_client_disconnect(client, done, data, error))
                }
                Call::DisconnectWait(at, time) => {
                    claude_client_disconnect_wait(self.client(at), u32::from(time % 8), error)
                }
                Call::On(at, what, deed) => self.on(at, what, deed, error),
                Call::AddHook { at, event, matcher, failure, deed } => {
                    let token = world.token(usize::from(at % 3), deed, false);
                    token.taken();
                    claude_client_add_hook(
                        self.client(at),
                        Given::of(&event).as_ptr(),
                        Given::of(&matcher).as_ptr(),
                        0,
                        given(i32::from(failure % 3)),
                        if deed & 128 == 0 { Some(on_request) } else { None },
                        token.as_data(),
                        Some(host::destroy),
                        error,
                    )
                }
                Call::DeclareDialog(at, kind) => {
                    claude_client_declare_dialog(self.client(at), Given::of(&kind).as_ptr(), error)
                }
                Call::Query(at, prompt, session) => {
                    let mut uuid = null_mut();
                    let status = claude_client_query(
                        self.client(at),
                        Given::of(&prompt).as_ptr(),
                        Given::of(&session).as_ptr(),
                        &mut uuid,
                        error,
                    );
                    claude_string_free(uuid);
                    status
                }
                Call::SendJson(at, message) => {
                    claude_client_send_json(self.client(at), Given::of(&message).as_ptr(), null_mut(), error)
                }
                Call::EndInput(at, false) => claude_client_end_input(self.client(at), error),
                Call::EndInput(at, true) => claude_client_end_input_after_run(self.client(at), error),
                Call::Ready(at, lanes) => {
                    let mut handle = 0;
                    claude_client_ready_handle(
                        self.client(at),
                        given(i32::from(lanes % 5)),
                        &mut handle,
                        error,
                    )
                }
                Call::Wake(at) => claude_client_wake(self.client(at), error),
                Call::Pump(at, most, time) => {
                    let mut ran = 0;
                    claude_client_pump(
                        self.client(at),
                        u32::from(most),
                        0,
                        u32::from(time % 4),
                        &mut ran,
                        error,
                    )
                }
                Call::Next(at, lanes, time) => self.next(at, lanes, time, error),
                Call::Receive(at, uuid, time) => claude_client_receive_response(
                    self.client(at),
                    Given::of(&uuid).as_ptr(),
                    u32::from(time % 4),
                    error,
                ),
                Call::Pending(at) => {
                    let (mut events, mut bytes) = (0, 0);
                    claude_client_pending(
                        self.client(at),
                        given(claude_lanes_t::CLAUDE_LANE_ALL as i32),
                        &mut events,
                        &mut bytes,
                        error,
                    )
                }
                Call::Info(at, what) => self.info(at, what, error),
                Call::Control(at, what, text) => self.control(at, what, &text, error),
                Call::ControlWait(at, text, time) => {
                    let mut reply = null_mut();
                    let status = claude_client_control_wait(
                        self.client(at),
                        Given::of(&text).as_ptr(),
                        u32::from(time % 8),
                        &mut reply,
                        error,
                    );
                    claude_string_free(reply);
                    status
                }
                Call::InterruptWith(at, cancel, time, escalation) => self.begun(at, |client, done, data| {
                    claude_client_interrupt_with(
                        client,
                        cancel,
                        u32::from(time),
                        given(i32::from(escalation % 4)),
                        done,
                        data,
                        error,
                    )
                }),
                Call::Frame(at, frame) => {
                    let frame = FRAMES[usize::from(frame) % FRAMES.len()];
                    host::push(world.sink(usize::from(at)), format!("{frame}\n").as_bytes());
                    Status::CLAUDE_OK
                }
                Call::Push(at, bytes) => {
                    host::push(world.sink(usize::from(at)), &bytes);
                    Status::CLAUDE_OK
                }
                Call::End(at, status, code) => {
                    host::end(
                        world.sink(usize::from(at)),
                        i32::from(status),
                        i32::from(code) - 1,
                        c"it is over",
                    );
                    Status::CLAUDE_OK
                }
                Call::Event(at, what) => self.event(at, what, error),
                Call::Request(at, what, text) => {
                    let request =
                        lock(&world.requests).get(usize::from(at % 8)).copied().unwrap_or(usize::from(at));
                    answer(without_provenance_mut(request), what, &text);
                    Status::CLAUDE_OK
                }
                Call::TakeRequest(at, id) => {
                    let mut request = null_mut();
                    let status =
                        claude_client_take_request(self.client(at), u64::from(id), &mut request, error);
                    keep(&world, request);
                    status
                }
                Call::Server(at, name, text, what) => self.server(at, &name, &text, what, error),
                Call::Tool(at, what, text) => {
                    let call =
                        lock(&world.calls).get(usize::from(at % 8)).copied().unwrap_or(usize::from(at));
                    answer_call(without_provenance_mut(call), what, &text);
                    Status::CLAUDE_OK
                }
                Call::Settle(time) => {
                    std::thread::sleep(std::time::Duration::from_micros(u64::from(time)));
                    Status::CLAUDE_OK
                }
            }
        }
    }

    /// # Safety
    /// As for a call from C.
    unsafe fn create(
        &mut self,
        at: u8,
        options: u8,
        mode: u8,
        transport: u8,
        error: *mut *mut claude_error_t,
    ) -> Status {
        let place = usize::from(at % 3);
        const OPTIONS: [&std::ffi::CStr; 4] = [
            c"{\"connect_timeout_ms\":2000,\"graceful_exit_timeout_ms\":0,\"terminate_timeout_ms\":0}",
            c"{\"connect_timeout_ms\":50,\"graceful_exit_timeout_ms\":1,\"terminate_timeout_ms\":1,\"request_timeout_ms\":1}",
            c"{\"connect_timeout_ms\":2000,\"text_deltas\":true,\"turn_events\":true,\"max_queue_bytes\":65536,\"graceful_exit_timeout_ms\":0,\"terminate_timeout_ms\":0}",
            c"{\"unknown\":1}",
        ];
        let mut client = null_mut();
        // SAFETY: the caller's promise.
        unsafe {
            claude_client_free(self.world.client(place));
            let status = claude_client_create(OPTIONS[usize::from(options % 4)].as_ptr(), &mut client, error);
            if status != Status::CLAUDE_OK {
                return status;
            }
            self.world.clients[place].store(client.addr(), SeqCst);
            self.pulls[place] = false;
            let set = claude_client_set_dispatch(client, given(i32::from(mode % 4)), null_mut());
            self.note_mode(at % 3, mode % 4, set);
            // Without one it would look for a CLI.
            assert_eq!(host::set_transport(&self.world, place, transport), Status::CLAUDE_OK);
            status
        }
    }

    fn note_mode(&mut self, at: u8, mode: u8, status: Status) {
        if status == Status::CLAUDE_OK && at >> 5 < 5 {
            self.pulls[usize::from(at % 3)] = mode == claude_dispatch_t::CLAUDE_DISPATCH_PULL as u8;
        }
    }

    /// An operation with a completion, which in PULL mode is an event that may never be taken.
    fn begun(
        &self,
        at: u8,
        call: impl FnOnce(*mut claude_client_t, claude_done_fn, *mut c_void) -> Status,
    ) -> Status {
        let place = usize::from(at % 3);
        if self.pulls[place] {
            return call(self.client(at), None, null_mut());
        }
        let token = self.world.token(place, 0, true);
        let status = call(self.client(at), Some(host::done), token.as_data());
        if status == Status::CLAUDE_OK {
            token.taken();
        }
        status
    }

    /// # Safety
    /// As for a call from C.
    unsafe fn on(&self, at: u8, what: u8, deed: u8, error: *mut *mut claude_error_t) -> Status {
        let (client, token) = (self.client(at), self.world.token(usize::from(at % 3), deed, false));
        token.taken();
        let (data, destroy): (_, claude_destroy_fn) = (token.as_data(), Some(host::destroy));
        let given = deed & 128 == 0;
        // SAFETY: the caller's promise.
        unsafe {
            match what % 6 {
                0 => claude_client_on_message(client, given.then_some(on_message), data, destroy, error),
                1 => claude_client_on_request(client, given.then_some(on_request), data, destroy, error),
                2 => claude_client_on_permission(client, given.then_some(on_request), data, destroy, error),
                3 => claude_client_on_stderr(client, given.then_some(on_stderr), data, destroy, error),
                4 => claude_client_on_closed(client, given.then_some(on_closed), data, destroy, error),
                _ => claude_client_on_ready(client, given.then_some(on_ready), data, destroy, error),
            }
        }
    }

    /// # Safety
    /// As for a call from C.
    unsafe fn next(&mut self, at: u8, lanes: u8, time: u8, error: *mut *mut claude_error_t) -> Status {
        let slot = &mut self.events[usize::from(at >> 3) % EVENTS];
        // SAFETY: the caller's promise.
        unsafe {
            claude_event_free(*slot);
            let mut event = null_mut();
            let lanes = [0x7FFF_FFFF, 1, 2, 3, 0, -1][usize::from(lanes) % 6];
            let client = self.world.client(usize::from(at));
            let status = claude_client_next(client, given(lanes), u32::from(time % 4), &mut event, error);
            if status == Status::CLAUDE_OK {
                *slot = event;
            }
            status
        }
    }

    /// # Safety
    /// As for a call from C.
    unsafe fn info(&self, at: u8, what: u8, error: *mut *mut claude_error_t) -> Status {
        let (client, mut json) = (self.client(at), null_mut());
        // SAFETY: the caller's promise.
        unsafe {
            let status = match what % 6 {
                0 => claude_client_stats(client, &mut json, error),
                1 => claude_client_get_server_info(client, &mut json, error),
                2 => claude_client_pending_requests(client, &mut json, error),
                3 => claude_runtime_stats(&mut json, error),
                4 => {
                    assert_eq!(claude_client_pid(client), 0);
                    Status::CLAUDE_OK
                }
                _ => {
                    let _ = claude_client_state(client);
                    Status::CLAUDE_OK
                }
            };
            claude_string_free(json);
            status
        }
    }

    /// # Safety
    /// As for a call from C.
    unsafe fn control(&self, at: u8, what: u8, text: &Text, error: *mut *mut claude_error_t) -> Status {
        let text = Given::of(text);
        let text = text.as_ptr();
        // SAFETY: the caller's promise.
        self.begun(at, |client, done, data| unsafe {
            match what % 13 {
                0 => claude_client_interrupt(client, done, data, error),
                1 => claude_client_set_permission_mode(client, text, done, data, error),
                2 => claude_client_set_model(client, text, done, data, error),
                3 => claude_client_rewind_files(client, text, true, done, data, error),
                4 => claude_client_get_mcp_status(client, done, data, error),
                5 => claude_client_reconnect_mcp_server(client, text, done, data, error),
                6 => claude_client_toggle_mcp_server(client, text, false, done, data, error),
                7 => claude_client_set_mcp_servers(client, text, done, data, error),
                8 => claude_client_stop_task(client, text, done, data, error),
                9 => claude_client_get_context_usage(client, text, done, data, error),
                10 => claude_client_cancel_prompt(client, text, done, data, error),
                11 => claude_client_reinitialize(client, done, data, error),
                _ => claude_client_control(client, text, done, data, error),
            }
        })
    }

    /// # Safety
    /// As for a call from C.
    unsafe fn event(&mut self, at: u8, what: u8, error: *mut *mut claude_error_t) -> Status {
        let event = self.events[usize::from(at) % EVENTS];
        // SAFETY: the caller's promise.
        unsafe {
            match what % 4 {
                0 => {
                    let mut request = null_mut();
                    let status = claude_event_take_request(event, &mut request, error);
                    keep(&self.world, request);
                    status
                }
                1 => {
                    let mut call = null_mut();
                    let status = claude_event_take_tool_call(event, &mut call, error);
                    if !call.is_null() {
                        lock(&self.world.calls).push(call.addr());
                    }
                    status
                }
                2 => {
                    let mut info: claude_event_info_t = std::mem::zeroed();
                    info.size = size_of::<claude_event_info_t>() * usize::from(at >> 7 == 0);
                    claude_event_info(event, &mut info, error)
                }
                _ => {
                    claude_event_free(event);
                    Status::CLAUDE_OK
                }
            }
        }
    }

    /// # Safety
    /// As for a call from C.
    unsafe fn server(
        &mut self,
        at: u8,
        name: &Text,
        text: &Text,
        what: u8,
        error: *mut *mut claude_error_t,
    ) -> Status {
        let place = usize::from(at) % SERVERS;
        let (name, text) = (Given::of(name), Given::of(text));
        // SAFETY: the caller's promise.
        unsafe {
            match what % 6 {
                0 => {
                    claude_mcp_server_free(self.servers[place]);
                    claude_mcp_server_create(name.as_ptr(), text.as_ptr(), &mut self.servers[place], error)
                }
                1 | 2 => {
                    let token = self.world.token(usize::from(at) % 3, what, false);
                    token.taken();
                    let tool = if what & 8 == 0 { KNOWN_TOOL.as_ptr() } else { text.as_ptr() };
                    claude_mcp_server_add_tool(
                        self.servers[place],
                        tool,
                        Some(on_tool),
                        token.as_data(),
                        Some(host::destroy),
                        error,
                    )
                }
                3 => claude_mcp_server_remove_tool(self.servers[place], name.as_ptr(), error),
                4 => claude_client_add_mcp_server(self.client(at), self.servers[place], error),
                _ => {
                    let token = self.world.token(usize::from(at) % 3, what, false);
                    token.taken();
                    claude_client_add_mcp_handler(
                        self.client(at),
                        name.as_ptr(),
                        Some(on_request),
                        token.as_data(),
                        Some(host::destroy),
                        error,
                    )
                }
            }
        }
    }

    fn end(&mut self) {
        // SAFETY: any handle may be freed, once or more.
        unsafe {
            for place in 0..3 {
                claude_client_free(self.world.client(place));
            }
            self.events.iter().for_each(|event| claude_event_free(*event));
            self.servers.iter().for_each(|server| claude_mcp_server_free(*server));
            // Callbacks are over now.
            lock(&self.world.requests)
                .iter()
                .for_each(|request| claude_request_free(without_provenance_mut(*request)));
            lock(&self.world.calls)
                .iter()
                .for_each(|call| claude_tool_call_free(without_provenance_mut(*call)));
        }
    }
}

const KNOWN_TOOL: &std::ffi::CStr =
    c"{\"name\":\"t\",\"description\":\"x\",\"inputSchema\":{\"type\":\"object\"}}";
