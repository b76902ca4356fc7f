//! What the host handles: permissions, hooks, dialogs, all other requests. And how a request is routed to it.

use std::any::Any;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use serde_json::{Map, Value, json};
use tokio::task::AbortHandle;

use super::Client;
use super::life::Call;
use super::load::Room;
use crate::dispatch::{Mode, RequestHandler};
use crate::error::{Error, Result, Status};
use crate::options::Features;
use crate::protocol::control::Inbound;
use crate::protocol::members::top_level_value;
use crate::protocol::tolerant;
use crate::requests::{Request, RequestKind, Session, Target, TimeoutAction, Timer, events, matcher};
use crate::runtime;
use crate::sync::gate::Slot;
use crate::sync::{lock, ranked};

const NO_HANDLER: &str = "The host has no handler for this request.";
const TOO_MANY: &str = "Too many requests are open in the host.";

/// A callback for one event of the CLI.
pub struct Hook {
    pub event: String,
    /// A tool-name pattern; `None` = all.
    pub matcher: Option<String>,
    /// Seconds; 0 = the CLI's default.
    pub timeout: u32,
    /// Whether the CLI must block the hooked operation if the hook fails.
    pub blocks: bool,
    /// `None` = use the callback for all requests.
    pub handler: Option<RequestHandler>,
    /// The host's `user_data`.
    pub token: usize,
    /// Lives as long as the registration.
    pub _kept: Option<Box<dyn Any + Send + Sync>>,
}

/// Where requests are routed.
#[derive(Default)]
pub struct Routes {
    any: Option<RequestHandler>,
    permission: Option<RequestHandler>,
    /// Index n is `hook_n` on the wire.
    hooks: Vec<Hook>,
    dialogs: Vec<String>,
    /// Warnings about the registrations, issued on connect.
    warnings: Vec<Value>,
    /// Servers implemented by the host.
    mcp: Vec<McpHandler>,
    /// The CLI was started to ask for permissions.
    asks_permission: bool,
    /// The client is being freed: callbacks registered now are never called.
    closed: bool,
}

ranked!(Routes: Routes);

/// A server implemented by the host.
pub struct McpHandler {
    pub name: String,
    /// `None` = use the callback for all requests.
    pub handler: Option<RequestHandler>,
    /// The host's `user_data`.
    pub token: usize,
    /// Lives as long as the registration.
    pub _kept: Option<Box<dyn Any + Send + Sync>>,
}

/// The callbacks that can be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Any,
    Permission,
    Own,
}

impl Routes {
    /// The registration that the request is for.
    fn target(&self, inbound: &Inbound) -> Target {
        self.registered(inbound)
            .map_or_else(Target::default, |(number, token)| Target { registration: Some(number), token })
    }

    /// The hook or server that the request names.
    fn registered(&self, inbound: &Inbound) -> Option<(usize, usize)> {
        let word = |name: &str| tolerant::member(&inbound.request, &[name]);
        match &*inbound.subtype {
            "hook_callback" => {
                let number: usize = word("callback_id")?.as_str()?.strip_prefix("hook_")?.parse().ok()?;
                Some((number, self.hooks.get(number)?.token))
            }
            "mcp_message" if !self.mcp.is_empty() => {
                let name = word("server_name")?;
                let mut servers = self.mcp.iter().enumerate();
                servers
                    .find(|(_, known)| name.as_str() == Some(&*known.name))
                    .map(|(number, known)| (number, known.token))
            }
            _ => None,
        }
    }

    /// The callback that currently gets a request: if its registration has none, the one for all requests.
    fn handler(&self, request: &Request) -> Option<(Place, &RequestHandler)> {
        let number = request.target().registration;
        let own = match request.kind() {
            RequestKind::Permission => self.permission.as_ref().map(|handler| (Place::Permission, handler)),
            RequestKind::Hook => number.and_then(|number| self.hooks.get(number)?.handler.as_ref()).map(own),
            RequestKind::Mcp => number.and_then(|number| self.mcp.get(number)?.handler.as_ref()).map(own),
            _ => None,
        };
        own.or(self.any.as_ref().map(|handler| (Place::Any, handler)))
    }

    /// The `hooks` field of initialize: registrations that differ only in the callback share a matcher.
    fn hooks_field(&self) -> Option<Value> {
        let mut events: Map<String, Value> = Map::new();
        for (number, hook) in self.hooks.iter().enumerate() {
            let mut matcher = json!({"matcher": hook.matcher, "hookCallbackIds": []});
            if hook.timeout > 0 {
                matcher["timeout"] = hook.timeout.into();
            }
            if hook.blocks {
                matcher["onFailure"] = "block".into();
            }
            let Some(matchers) = events.entry(&hook.event).or_insert_with(|| json!([])).as_array_mut() else {
                continue;
            };
            let same = |known: &&mut Value| {
                ["matcher", "timeout", "onFailure"].iter().all(|name| known.get(name) == matcher.get(name))
            };
            let id = Value::from(format!("hook_{number}"));
            match matchers.iter_mut().find(same).and_then(|known| known["hookCallbackIds"].as_array_mut()) {
                Some(ids) => ids.push(id),
                None => {
                    matcher["hookCallbackIds"] = json!([id]);
                    matchers.push(matcher);
                }
            }
        }
        (!events.is_empty()).then_some(Value::Object(events))
    }
}

fn own(handler: &RequestHandler) -> (Place, &RequestHandler) {
    (Place::Own, handler)
}

/// The dispatcher's request handler: finds the host's callback.
pub(super) fn router(routes: &Arc<Mutex<Routes>>) -> RequestHandler {
    let routes = routes.clone();
    Arc::new(move |request: Arc<Request>| {
        // Cancelled while it was queued.
        if !request.is_open() {
            return;
        }
        let handler = lock(&routes).handler(&request).map(|(_, handler)| handler.clone());
        // Even without a handler: the host may hold the request from an earlier delivery, and the next callback gets it.
        request.mark_delivered();
        match handler {
            Some(handler) => handler(request),
            None => request.refuse_unless_held(NO_HANDLER),
        }
    })
}

impl Client {
    /// The callback for every request without a more specific one. A new callback gets the requests that the old one left open.
    pub fn on_request(&self, handler: Option<RequestHandler>) -> Result<()> {
        let handler = self.registered(handler)?;
        // Too late if the gate is closed: the client is being freed.
        let Some(_pass) = self.dispatcher.gate.replacing() else { return Ok(()) };
        let attached = handler.is_some();
        let old = {
            let mut routes = lock(&self.routes);
            if routes.closed { handler } else { std::mem::replace(&mut routes.any, handler) }
        };
        self.replaced(old, attached.then_some(Place::Any));
        Ok(())
    }

    /// Resolves a registration: in PULL mode it has no callback, and means that the host wants the events.
    fn registered(&self, handler: Option<RequestHandler>) -> Result<Option<RequestHandler>> {
        Ok(match self.dispatcher.registering(handler.is_some())? {
            Mode::Pull => Some(Arc::new(|request: Arc<Request>| request.refuse_unless_held(NO_HANDLER))),
            _ => handler,
        })
    }

    /// The callback for permission requests.
    pub fn on_permission(&self, handler: Option<RequestHandler>) -> Result<()> {
        let handler = self.registered(handler)?;
        // Too late if the gate is closed: the client is being freed.
        let Some(_pass) = self.dispatcher.gate.replacing() else { return Ok(()) };
        let attached = handler.is_some();
        let begun = self.check(Call::Register).is_err();
        let old = {
            let mut routes = lock(&self.routes);
            if attached && begun && !routes.asks_permission {
                return Err(too_late(
                    "a permission handler",
                    "the CLI was started without asking for permissions",
                ));
            }
            if routes.closed { handler } else { std::mem::replace(&mut routes.permission, handler) }
        };
        self.replaced(old, attached.then_some(Place::Permission));
        Ok(())
    }

    /// Waits for a running call of the old callback, drops it, and passes the open requests to the new one.
    fn replaced(&self, old: Option<RequestHandler>, attached: Option<Place>) {
        self.dispatcher.gate.replaced(Slot::Request);
        drop(old);
        let Some(place) = attached else { return };
        for request in self.requests.list() {
            let goes_there = lock(&self.routes).handler(&request).is_some_and(|(at, _)| at == place);
            // Undelivered requests are still on their way.
            if goes_there && request.take_delivered() {
                self.dispatcher.push_request(request);
            }
        }
    }

    /// Registers a hook, before connecting.
    pub fn add_hook(&self, mut hook: Hook) -> Result<()> {
        let wrong = |argument: &str, message: &str| {
            Err(Error::new(Status::InvalidArgument, message.to_owned()).with("argument", argument))
        };
        if hook.event.is_empty() {
            return wrong("event", "event is empty");
        }
        let mut warnings = matcher::check(&hook.event, hook.matcher.as_deref())?;
        if hook.blocks && events::known(&hook.event).is_some_and(|event| !event.blocks_on_failure) {
            let event = &hook.event;
            warnings.push(format!(
                "the CLI goes on when a hook of {event} fails: CLAUDE_HOOK_BLOCK changes nothing there"
            ));
        }
        hook.handler = self.registered(hook.handler)?;
        let begun = self.check(Call::Register).is_err();
        let mut routes = lock(&self.routes);
        if begun || routes.closed {
            return Err(too_late("a hook", "the CLI learns of hooks when it starts"));
        }
        let event = &hook.event;
        let warnings =
            warnings.into_iter().map(|text| json!({"event": "hook", "text": text, "hook_event": event}));
        routes.warnings.extend(warnings);
        routes.hooks.push(hook);
        Ok(())
    }

    /// Warns of hooks that are probably never called. Not at registration, when no listener is there yet.
    pub(super) fn tell_of_hooks(&self) {
        let warnings = std::mem::take(&mut lock(&self.routes).warnings);
        warnings.into_iter().for_each(|warning| self.warn(warning));
    }

    /// Declares that the host can show this kind of dialog. Before connecting.
    pub fn declare_dialog(&self, kind: &str) -> Result<()> {
        if kind.is_empty() {
            return Err(Error::new(Status::InvalidArgument, "kind is empty").with("argument", "kind"));
        }
        matcher::check_dialog(kind)?;
        if self.check(Call::Register).is_err() {
            return Err(too_late("a dialog", "the CLI learns of dialogs when it starts"));
        }
        let mut routes = lock(&self.routes);
        if !routes.dialogs.iter().any(|known| known == kind) {
            routes.dialogs.push(kind.to_owned());
        }
        Ok(())
    }

    /// Registers a server implemented by the host. Without a handler its messages are events.
    pub fn add_mcp_handler(&self, server: McpHandler) -> Result<()> {
        let handler = self.registered(server.handler)?;
        let _hold = self.hold()?;
        self.mcp.add_raw(&server.name, handler.is_some())?;
        lock(&self.routes).mcp.push(McpHandler { handler, ..server });
        Ok(())
    }

    /// Whether there is a callback for requests without a specific one.
    pub(super) fn answers_any_request(&self) -> bool {
        lock(&self.routes).any.is_some()
    }

    /// What the options need to know of the registrations.
    pub(super) fn features(&self) -> Features {
        let mut routes = lock(&self.routes);
        routes.asks_permission = routes.permission.is_some() || routes.any.is_some();
        Features {
            permission_handler: routes.asks_permission,
            hooks: routes.hooks_field(),
            dialog_kinds: routes.dialogs.clone(),
            sdk_mcp_servers: self.mcp.announced(),
            host_transport: self.host.is_given(),
            session_store: self.mirror.is_given(),
            spare: false,
            no_early_initialize: false,
        }
    }

    /// Whether the CLI may need an answer from the host before its run is over.
    pub(super) fn answers_requests(&self) -> bool {
        let routes = lock(&self.routes);
        if !self.mcp.is_empty() {
            return true;
        }
        routes.any.is_some() || routes.permission.is_some() || !routes.hooks.is_empty()
    }

    /// A hook that must block when it fails is useless with a CLI that would continue.
    pub(super) fn check_hooks(&self, server_info: &str) -> Result<()> {
        let (any, must_block) = {
            let routes = lock(&self.routes);
            (!routes.hooks.is_empty(), routes.hooks.iter().any(|hook| hook.blocks))
        };
        let says = |name: &[u8], word: &[u8]| {
            top_level_value(server_info.as_bytes(), name).is_some_and(|value| value.starts_with(word))
        };
        let refused = says(b"hooks_applied", b"false");
        if must_block && (refused || !says(b"hook_on_failure_supported", b"true")) {
            let message = if refused {
                "the CLI did not take the hooks, and one of them must block when it fails"
            } else {
                "this CLI cannot block when a hook fails, and a hook asks for that"
            };
            return Err(Error::new(Status::CliConnection, message)
                .with("phase", "initialize")
                .with("remedy", "update the CLI, or register the hook with CLAUDE_HOOK_CONTINUE"));
        }
        if any && refused {
            self.warn(json!({"event": "warning", "text": "the CLI did not take the hooks"}));
        }
        Ok(())
    }

    /// Accepts a request of the CLI and routes it to the host, or refuses it at once.
    pub(super) fn take_request(&self, inbound: Inbound) {
        let session: Weak<dyn Session> = self.me.clone();
        let share = match self.room_for(inbound.request.len()) {
            Room::Taken(share) => share,
            Room::Refuse => {
                return Request::new(inbound, session, Target::default(), None).refuse_unless_held(TOO_MANY);
            }
            Room::Drop => return,
        };
        let target = lock(&self.routes).target(&inbound);
        let request = Request::new(inbound, session, target, Some(Box::new(share)));
        if request.kind() == RequestKind::Mcp && self.mcp.receive(&request) {
            return;
        }
        if !self.requests.add(&request) {
            return;
        }
        if request.kind() == RequestKind::Hook && target.registration.is_none() {
            let _ = request.fail(&format!("No hook callback found for ID: {}", request.callback_id()));
            return;
        }
        if lock(&self.routes).handler(&request).is_none() {
            return request.refuse_unless_held(NO_HANDLER);
        }
        if let Some(time) = self.options.request_timeout {
            let _ = request.set_deadline(Some(time), None);
        }
        self.dispatcher.push_request(request);
    }

    /// Drops every callback; their destroy-notifies run.
    pub(super) fn drop_routes(&self) {
        let closed = Routes { closed: true, ..Routes::default() };
        let routes = std::mem::replace(&mut *lock(&self.routes), closed);
        drop(routes);
    }
}

fn too_late(what: &str, why: &str) -> Error {
    Error::new(Status::AlreadyConnected, format!("{what} cannot be registered any more: {why}"))
        .with("remedy", "register before connecting")
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session for Client {
    fn write_line(&self, line: String) -> Result<()> {
        Client::write_line(self, line)
    }

    fn ended(&self, request: Arc<Request>) {
        self.dispatcher.push_withdrawn(request);
    }

    fn expire_at(&self, request: Weak<Request>, time: Instant) -> Option<Timer> {
        // Without a runtime the session is over, and so are its requests.
        let me = self.me.clone();
        let task = runtime::handle().ok()?.spawn(async move {
            tokio::time::sleep_until(time.into()).await;
            let Some(client) = me.upgrade() else { return };
            client.catch_up().await;
            // A client that is being freed ends its requests itself.
            let Some(_pass) = client.dispatcher.gate.enter(Slot::Completion) else { return };
            if let Some(request) = request.upgrade() {
                request.expire();
            }
        });
        Some(Box::new(AbortOnDrop(task.abort_handle())))
    }

    fn settled(&self, wire_id: &str, number: u64) {
        self.requests.settled(wire_id, number);
        self.finish_if_over();
    }

    fn timeout_action(&self) -> TimeoutAction {
        if self.options.request_timeout_is_error { TimeoutAction::Error } else { TimeoutAction::Deny }
    }

    fn warn(&self, document: Value) {
        Client::warn(self, document);
    }

    fn runs_callbacks(&self) -> bool {
        self.dispatcher.mode() != Mode::Pull
    }
}
