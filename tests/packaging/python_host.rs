//! A host in Python: the interpreter ends while callbacks come.
#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};

use claude_testkit::fake::FakeClaude;
use serde_json::json;

/// What docs/embedding.md recommends, and what it warns of.
const HOST: &str = r#"
import atexit, ctypes as c, os, sys, threading
lib = c.CDLL(os.environ["LIBRARY"])
MESSAGE = c.CFUNCTYPE(None, c.c_int32, c.c_void_p, c.c_size_t, c.c_void_p)
came = threading.Event()

@MESSAGE
def on_message(kind, json, size, user_data):
    came.set()

lib.claude_client_on_message.argtypes = [c.c_void_p, MESSAGE, c.c_void_p, c.c_void_p, c.c_void_p]
lib.claude_client_connect_wait.argtypes = [c.c_void_p, c.c_char_p, c.c_uint32, c.c_void_p]
lib.claude_runtime_shutdown.argtypes = [c.c_uint32, c.c_void_p]
client = c.c_void_p()
assert lib.claude_client_create(os.environ["OPTIONS"].encode(), c.byref(client), None) == 0
assert lib.claude_client_on_message(client, on_message, None, None, None) == 0
if sys.argv[1] == "shutdown":
    atexit.register(lambda: lib.claude_runtime_shutdown(10000, None))
assert lib.claude_client_connect_wait(client, b"x", 20000, None) == 0
assert came.wait(20)
"#;

#[test]
fn a_python_program_that_shuts_the_library_down_at_its_exit_ends_well_while_callbacks_come() {
    if Command::new("python3").arg("--version").output().is_err() {
        let forbidden = std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!forbidden, "python3 is missing and CLAUDE_TESTS_NO_SKIP=1: `apt-get install python3`");
        return eprintln!("SKIPPED: python3 is missing: `apt-get install python3`");
    }
    let test = std::env::current_exe().expect("the test knows its own path");
    let library = test.parent().expect("the test lies in a folder").join("libclaude_client.so");
    let script = json!({"on_user": [["init", {"flood": 10_000_000, "bytes": 300, "batch": 6000}]]});
    for _ in 0..5 {
        let fake = FakeClaude::new(script.clone());
        let options =
            json!({"cli_path": fake.path(), "env": fake.env_json(), "graceful_exit_timeout_ms": 200});
        let mut host = fake.sandbox().command("timeout");
        host.args(["60", "python3", "-c", HOST, "shutdown"]);
        host.env("LIBRARY", &library).env("OPTIONS", options.to_string()).stdin(Stdio::null());
        // The interpreter may be a shim that needs its own PATH.
        host.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let output = host.output().expect("start python3");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "python3 ended with {}\n{said}", output.status);
    }
}
