//! Requests, tool calls and events: answered, kept, freed, by whoever comes.

use std::sync::atomic::Ordering;

use claude_client::capi::types::*;

use super::Actor;
use crate::raw::*;
use crate::token::{Inside, Kind, Token};
use crate::watch::violation;
use crate::world::{self, CALLS, EVENTS, REQUESTS};

type Status = claude_status_t;
const OK: Status = Status::CLAUDE_OK;

const ANSWERS: [&std::ffi::CStr; 6] = [
    c"{}",
    c"{\"behavior\":\"allow\",\"updatedInput\":{}}",
    c"{\"behavior\":\"deny\",\"message\":\"no\"}",
    c"{\"action\":\"accept\",\"content\":{\"name\":\"x\"}}",
    c"{\"jsonrpc\":\"2.0\",\"result\":{}}",
    c"not json",
];

/// A callback or an event has brought a request: this thread alone has it.
pub fn has_request(actor: &mut Actor, request: Request) {
    let mut len = 0;
    let text = borrowed(claude_request_json(request, Some(&mut len)));
    if text.len() != len || !text.starts_with('{') {
        violation(&format!("a request of {len} bytes that is {text:?}"));
    }
    for _ in 0..actor.rng.below(3) {
        actor.answer(request);
    }
    if actor.rng.one_in(3) {
        actor.request_on_cancel(request);
    }
    let handle = request.number();
    let gives_way = if actor.rng.one_in(2) { REQUESTS.put(&mut actor.rng, handle) } else { handle };
    world::free_request(gives_way);
}

pub fn has_call(actor: &mut Actor, call: Call) {
    let mut len = 0;
    let text = borrowed(claude_tool_call_json(call, Some(&mut len)));
    if text.len() != len || !borrowed(claude_tool_call_arguments(call, None)).starts_with('{') {
        violation(&format!("a tool call that is {text:?}"));
    }
    for _ in 0..actor.rng.below(4) {
        actor.work(call);
    }
    if actor.rng.one_in(3) {
        actor.call_on_cancel(call);
    }
    let handle = call.number();
    let gives_way = if actor.rng.one_in(2) { CALLS.put(&mut actor.rng, handle) } else { handle };
    world::free_call(gives_way);
}

impl Actor {
    pub fn request(&mut self) -> Request {
        Request::from_number(REQUESTS.look(&mut self.rng))
    }

    pub fn tool_call(&mut self) -> Call {
        Call::from_number(CALLS.look(&mut self.rng))
    }

    pub fn event(&mut self) -> Event {
        Event::from_number(EVENTS.look(&mut self.rng))
    }

    pub fn answer_text(&mut self) -> &'static std::ffi::CStr {
        self.rng.pick(&ANSWERS)
    }

    fn answer(&mut self, request: Request) {
        let (how, text) = (self.rng.below(5), self.answer_text());
        self.call(|error| match how {
            0 => claude_request_allow(request, None, None, error),
            1 => claude_request_deny(request, Some(c"no"), true, error),
            2 => claude_request_fail(request, Some(c"failed"), error),
            _ => claude_request_respond(request, Some(text), error),
        });
    }

    fn work(&mut self, call: Call) {
        let how = self.rng.below(5);
        self.call(|error| match how {
            0 => claude_tool_call_progress(call, 1.0, 2.0, Some(c"half"), error),
            1 => claude_tool_call_add_text(call, Some(c"three"), error),
            2 => claude_tool_call_fail(call, Some(c"broken"), error),
            _ => claude_tool_call_finish(call, Some(c"3"), error),
        });
    }

    pub fn request_on_cancel(&mut self, request: Request) {
        let token = Token::new(Kind::Cancel, self.seed(), None).with_destroy();
        token.id.store(claude_request_id(request), Ordering::SeqCst);
        self.call(|error| claude_request_on_cancel(request, ON_CANCEL, UserData::of(&token), DESTROY, error));
    }

    pub fn call_on_cancel(&mut self, call: Call) {
        let token = Token::new(Kind::Cancel, self.seed(), None).with_destroy();
        token.id.store(claude_tool_call_id(call), Ordering::SeqCst);
        self.call(|error| claude_tool_call_on_cancel(call, ON_CANCEL, UserData::of(&token), DESTROY, error));
    }

    pub fn next_event(&mut self) {
        let ((client, _), timeout) = (self.client(), self.timeout());
        let lanes = self.rng.pick(&[0x7FFF_FFFF, 1, 2, 3, 0, 4]);
        for _ in 0..=self.rng.below(40) {
            let mut event = Event::NULL;
            if claude_client_next(client, number(lanes), timeout, Some(&mut event), None) != OK {
                break;
            }
            self.has_event(event);
        }
    }

    fn has_event(&mut self, event: Event) {
        let mut info = empty_info();
        if claude_event_info(event, Some(&mut info), None) != OK {
            violation("an event without information");
        }
        let text = text_of_event(&info);
        if event_kind(&info) == claude_message_kind_t::CLAUDE_EVENT_DONE as i32
            && let Some(token) = token_of_event(&info)
        {
            let running = token.enter();
            super::on_done(token, running.number, event_status(&info), &text);
        }
        if self.rng.one_in(2) {
            self.take_out(event);
        }
        let handle = event.number();
        let gives_way = if self.rng.one_in(8) { EVENTS.put(&mut self.rng, handle) } else { handle };
        world::free_event(gives_way);
    }

    fn take_out(&mut self, event: Event) {
        let mut request = Request::NULL;
        if claude_event_take_request(event, Some(&mut request), None) == OK {
            has_request(self, request);
        }
        let mut call = Call::NULL;
        if claude_event_take_tool_call(event, Some(&mut call), None) == OK {
            has_call(self, call);
        }
    }

    pub fn take_request_of_event(&mut self) {
        let event = self.event();
        let mut request = Request::NULL;
        if self.call(|error| claude_event_take_request(event, Some(&mut request), error)) == OK {
            has_request(self, request);
        }
    }

    pub fn take_call_of_event(&mut self) {
        let event = self.event();
        let mut call = Call::NULL;
        if self.call(|error| claude_event_take_tool_call(event, Some(&mut call), error)) == OK {
            has_call(self, call);
        }
    }

    pub fn take_request(&mut self) {
        let ((client, _), known, made_up) = (self.client(), self.request(), self.rng.below(2000) as u64);
        let id = if self.rng.one_in(2) { claude_request_id(known) } else { made_up };
        let mut request = Request::NULL;
        if self.call(|error| claude_client_take_request(client, id, Some(&mut request), error)) == OK {
            has_request(self, request);
        }
    }

    /// Only from outside of every callback: a callback is left to where the thread came in.
    pub fn pump_and_leave(&mut self) {
        let ((client, record), timeout, most) = (self.client(), self.timeout(), self.rng.pick(&[0, 1, 10]));
        if record.is_some() && Inside::now().depth == 0 && crate::settings().leaves {
            pump_and_leave(client, most, timeout);
        }
    }

    pub fn cancel_receiver(&mut self) {
        let ((client, _), after) = (self.client(), self.rng.below(20) as u32);
        if Inside::now().depth == 0 && crate::settings().leaves && !cancel_receiver(client, after) {
            violation("a receiver was cancelled and ended in another way");
        }
    }

    pub fn pump(&mut self) {
        let ((client, record), timeout) = (self.client_to_wait_for(), self.timeout());
        if record.is_some() {
            let (most, budget) = (self.rng.pick(&[0, 1, 10, 1000]), self.rng.pick(&[0, 100, 5000]));
            let mut ran = 0;
            self.call(|error| claude_client_pump(client, most, budget, timeout, Some(&mut ran), error));
            if most != 0 && ran > most {
                violation(&format!("{ran} callbacks for a budget of {most}"));
            }
        }
    }
}
