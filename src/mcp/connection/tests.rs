use std::time::Instant;

use super::*;
use crate::mcp::server::ToolFunction;
use crate::mcp::{Owner, Task};
use crate::protocol::control::Inbound;
use crate::requests::{Session, Target, TimeoutAction, Timer};
use crate::sync::ranked;

ranked!(Vec<Arc<Call>>: Leaf);

/// Runs tools at once, and records what is written.
#[derive(Default)]
struct Desk {
    lines: Mutex<Vec<String>>,
    calls: Mutex<Vec<Arc<Call>>>,
}

impl Session for Desk {
    fn write_line(&self, line: String) -> Result<()> {
        lock(&self.lines).push(line);
        Ok(())
    }

    fn ended(&self, _: Arc<Request>) {}

    fn expire_at(&self, _: Weak<Request>, _: Instant) -> Option<Timer> {
        None
    }

    fn settled(&self, _: &str, _: u64) {}

    fn timeout_action(&self) -> TimeoutAction {
        TimeoutAction::Deny
    }

    fn warn(&self, _: Value) {}

    fn runs_callbacks(&self) -> bool {
        true
    }
}

impl Host for Desk {
    fn deliver(&self, task: Task) {
        task.run();
    }

    fn warn(&self, _: Value) {}

    fn has_callbacks(&self) -> bool {
        true
    }

    fn notify(&self, _: &str, _: Value) -> Result<()> {
        Ok(())
    }
}

/// The function of a tool that answers later.
struct Keep(Arc<Desk>);

impl ToolFunction for Keep {
    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, call: Arc<Call>) {
        lock(&self.0.calls).push(call);
    }

    fn token(&self) -> usize {
        0
    }

    fn retire(&self) {}
}

impl Desk {
    fn connection(self: &Arc<Desk>) -> (Owner, Arc<Connection>) {
        let owner = Server::create("calc", "{}").unwrap();
        let tool = r#"{"name": "add", "max_concurrency": 0}"#;
        owner.server().add_tool(tool, Arc::new(Keep(self.clone()))).unwrap();
        let connection = Connection::start(owner.server(), self.clone());
        (owner, connection)
    }

    /// Passes on a message of the CLI.
    fn send(self: &Arc<Desk>, connection: &Connection, message: &str) {
        let inbound = Inbound {
            id: "r".to_owned(),
            subtype: "mcp_message".to_owned(),
            request: format!(r#"{{"subtype":"mcp_message","server_name":"calc","message":{message}}}"#),
        };
        let session: Arc<dyn Session> = self.clone();
        let request = Request::new(inbound, Arc::downgrade(&session), Target::default(), None);
        connection.receive(&request, serde_json::from_str(message).unwrap());
    }

    fn answer(&self) -> Value {
        let lines = std::mem::take(&mut *lock(&self.lines));
        assert_eq!(lines.len(), 1, "{lines:?}");
        serde_json::from_str(&lines[0]).unwrap()
    }
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"}}"#;

#[test]
fn what_arrives_after_the_end_does_not_begin() {
    let desk = Arc::new(Desk::default());
    let (_owner, connection) = desk.connection();
    connection.close();
    desk.send(&connection, CALL);
    // A function that waits until its call is cancelled would wait for ever.
    assert!(lock(&desk.calls).is_empty());
    assert_eq!(desk.answer()["response"]["response"]["mcp_response"]["error"]["code"], INTERNAL_ERROR);
}

#[test]
fn what_has_begun_is_told_of_the_end() {
    let desk = Arc::new(Desk::default());
    let (_owner, connection) = desk.connection();
    desk.send(&connection, CALL);
    let call = lock(&desk.calls).pop().expect("the tool was called");
    assert!(!call.is_cancelled());
    connection.close();
    assert!(call.is_cancelled());
    assert_eq!(call.fail("late").unwrap_err().status, Status::Closed);
}
