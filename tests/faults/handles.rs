//! Calls that no host should make: NULL, garbage, dead handles, texts that are none and impossible lengths, for every
//! function of the header. All of them are error codes, also in the eyes of AddressSanitizer.
#![cfg(target_os = "linux")]

use std::fmt::Write;

use crate::support::options;
use crate::support::packaging::{HEADER, read};
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use serde_json::json;

/// A function of the header with the types of its parameters.
#[derive(Debug)]
struct Prototype {
    name: String,
    returns: String,
    parameters: Vec<String>,
}

/// The header without comments and directives.
fn declarations(header: &str) -> String {
    let mut code = String::new();
    let mut rest = header;
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    code.push_str(rest);
    code.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}

fn prototypes(header: &str) -> Vec<Prototype> {
    let code = declarations(header);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let prototype = |statement: &str| {
        let statement = words(statement.rsplit(['{', '}']).next()?);
        let (head, parameters) = statement.strip_suffix(')')?.split_once('(')?;
        if head.starts_with("typedef") {
            return None;
        }
        let name_at = head.rfind([' ', '*'])? + 1;
        let type_of = |parameter: &str| {
            let end = parameter.rfind([' ', '*']).map_or(0, |at| at + 1);
            parameter[..end].trim().to_owned()
        };
        let parameters =
            parameters.split(',').map(str::trim).filter(|text| *text != "void").map(type_of).collect();
        let (returns, name) = (head[..name_at].trim().to_owned(), head[name_at..].to_owned());
        Some(Prototype { name, returns, parameters })
    };
    code.split(';').filter_map(prototype).filter(|function| function.name.starts_with("claude_")).collect()
}

/// What is read through a pointer: these are no handles.
const STRUCTS: &[&str] = &[
    "claude_runtime_config_t *",
    "claude_transport_vtable_t *",
    "claude_session_store_vtable_t *",
    "claude_event_info_t *",
];

/// Numbers, of which a function takes only those that it knows.
const ENUMERATIONS: &[&str] = &[
    "claude_dispatch_t",
    "claude_escalation_t",
    "claude_hook_failure_t",
    "claude_log_level_t",
    "claude_lanes_t",
    "claude_status_t",
];

/// `claude_client_t *` and the like, but for pointers to them.
fn is_handle(name: &str) -> bool {
    let name = name.trim_start_matches("const ");
    name.starts_with("claude_") && name.ends_with("_t *") && !STRUCTS.contains(&name)
}

/// A value that is in order as far as it goes.
fn ordinary(name: &str) -> &'static str {
    match name {
        "const char *" => "TEXT",
        "size_t" => "1",
        "uint32_t" => "1",
        "int32_t" | "int64_t" | "uint64_t" | "double" => "0",
        _ if ENUMERATIONS.contains(&name) => "0",
        "bool" => "false",
        "char **" => "&text",
        "claude_client_t **" => "&new_client",
        "claude_event_t **" => "&event",
        "claude_request_t **" => "&request",
        "claude_mcp_server_t **" => "&server",
        "const void *" => "&on_stack",
        "claude_error_t **" => "&error",
        "size_t *" => "&size",
        "uint32_t *" => "&number",
        "intptr_t *" => "&handle",
        "claude_lanes_t" => "CLAUDE_LANE_ALL",
        "claude_event_info_t *" => "&info",
        "claude_tool_call_t **" => "&tool_call",
        "const claude_runtime_config_t *" => "&config",
        "const claude_transport_vtable_t *" | "const claude_session_store_vtable_t *" => "NULL",
        "claude_session_store_t **" => "&store",
        "claude_spare_t **" => "&spare",
        "char *" | "void *" => "NULL",
        _ if name.ends_with("_fn") => "NULL",
        _ => panic!(
            "what may be passed as {name:?}? Teach it to `ordinary` and `wrong` in tests/faults/handles.rs"
        ),
    }
}

/// Values that are not. With `true`, a function that returns a status must refuse them.
fn wrong(name: &str) -> &'static [(&'static str, bool)] {
    match name {
        "const char *" => {
            &[("NULL", false), ("\"\\xff\"", true), ("\"\"", false), ("\"{\"", false), ("\"ok\\xc3\"", true)]
        }
        "size_t" => &[("0", false), ("SIZE_MAX - 1", false), ("SIZE_MAX / 2 + 1", false)],
        "uint32_t" => &[("0", false), ("77", false)],
        // A mask: every number with a bit of a lane is one.
        "claude_lanes_t" => &[("0", true), ("4", true), ("INT32_MIN", true)],
        _ if ENUMERATIONS.contains(&name) => &[("-77", true), ("INT32_MAX", true), ("INT32_MIN", true)],
        "int32_t" => &[("-1", false), ("INT32_MAX", false), ("INT32_MIN", false)],
        "int64_t" => &[("-1", false), ("INT64_MAX", false), ("INT64_MIN", false)],
        "uint64_t" => &[("UINT64_MAX", false)],
        "double" => &[("-1.5", false), ("1e308 * 10", false)],
        "bool" => &[("true", false)],
        "char *" => &[("(char *)&on_stack", false), ("(char *)1", false)],
        "void *" => &[("(void *)1", false)],
        "const void *" => &[("NULL", false)],
        _ if name.ends_with("_fn") => &[],
        _ => &[("NULL", false)],
    }
}

/// One call in a block of its own, with what it gave taken back.
fn call(code: &mut String, function: &Prototype, values: &[String], check: &str) {
    let call = format!("{}({})", function.name, values.join(", "));
    let statement = match function.returns.as_str() {
        "claude_status_t" => format!("{check}({call}, {:?});", call.replace("\\x", "x")),
        "void" => format!("{call};"),
        _ => format!("(void){call};"),
    };
    writeln!(code, "    {statement}\n    tidy_up();").unwrap();
}

fn calls_of(function: &Prototype) -> String {
    let mut code = String::new();
    let ordinary_values = || -> Vec<String> {
        let handle = |name: &str| if name.contains("client_t") { "(void *)client" } else { "NULL" };
        let value = |name: &String| if is_handle(name) { handle(name) } else { ordinary(name) };
        function.parameters.iter().map(value).map(str::to_owned).collect()
    };
    for (at, name) in function.parameters.iter().enumerate() {
        if is_handle(name) {
            for bad in 0..BAD_HANDLES {
                let mut values = ordinary_values();
                values[at] = format!("bad[{bad}]");
                call(&mut code, function, &values, if at == 0 { "dead_handle" } else { "known" });
            }
            continue;
        }
        for (value, refused) in wrong(name) {
            let mut values = ordinary_values();
            values[at] = (*value).to_owned();
            // Whatever number a transport ends with, the session ends with a status.
            let refused = *refused && function.name != "claude_sink_end";
            call(&mut code, function, &values, if refused { "refused" } else { "known" });
        }
    }
    let nothing = |name: &String| if name.ends_with('*') || name.ends_with("_fn") { "NULL" } else { "0" };
    let nothing: Vec<String> = function.parameters.iter().map(nothing).map(str::to_owned).collect();
    call(&mut code, function, &nothing, "known");
    code
}

const BAD_HANDLES: usize = 8;

const BEFORE: &str = r#"
#include "host.h"
#define TEXT "{\"cli_path\": \"/nonexistent/claude\"}"

static claude_client_t *client, *new_client_, *dead_client_;
static claude_event_t *event;
static claude_request_t *request;
static claude_mcp_server_t *server;
static claude_session_store_t *store;
static claude_spare_t *spare;
static char *text;
static size_t size;
static uint32_t number;
static intptr_t handle;
static claude_event_info_t info = {sizeof info, 0, 0, 0, 0, 0, NULL, NULL, 0};
static claude_tool_call_t *tool_call;
static claude_runtime_config_t config;
static int on_stack;
static void *bad[8];
#define new_client new_client_

static void known(claude_status_t status, const char *call)
{
    if (strcmp(claude_status_name(status), "CLAUDE_ERR_UNKNOWN") == 0 || status == CLAUDE_ERR_PANIC) {
        fprintf(stderr, "%s is %d: %s\n", call, (int)status, claude_error_json(error));
        _exit(1);
    }
}

static void refused(claude_status_t status, const char *call)
{
    known(status, call);
    if (status == CLAUDE_OK) {
        fprintf(stderr, "%s succeeds\n", call);
        _exit(1);
    }
}

static void dead_handle(claude_status_t status, const char *call)
{
    if (status != CLAUDE_ERR_INVALID_HANDLE) {
        fprintf(stderr, "%s is %s\n", call, claude_status_name(status));
        _exit(1);
    }
}

static void tidy_up(void)
{
    claude_error_free(error);
    claude_client_free(new_client_);
    claude_event_free(event);
    claude_request_free(request);
    claude_mcp_server_free(server);
    claude_tool_call_free(tool_call);
    claude_session_store_free(store);
    claude_spare_free(spare);
    claude_string_free(text);
    error = NULL, new_client_ = NULL, event = NULL, request = NULL, server = NULL, text = NULL;
    tool_call = NULL, store = NULL, spare = NULL;
}

/* A client that has started nothing, and handles of which none is alive. */
static void begin(void)
{
    claude_error_t *dead = NULL;

    OK(claude_client_create(TEXT, &client, &error));
    OK(claude_client_create(TEXT, &dead_client_, &error));
    claude_client_free(dead_client_);
    CHECK(claude_client_create("{", &new_client_, &dead) != CLAUDE_OK);
    claude_error_free(dead);
    bad[0] = NULL;
    bad[1] = (void *)1;
    bad[2] = &on_stack;
    bad[3] = (void *)(~(size_t)0);
    bad[4] = dead_client_;
    bad[5] = dead;
    bad[6] = (void *)((size_t)dead_client_ + ((size_t)1 << 21));
    bad[7] = (void *)begin;
}

static void end(void)
{
    claude_client_free(client);
    claude_client_free(client);
}
"#;

/// The program that makes all the calls.
fn misuse() -> String {
    let functions = prototypes(&read(HEADER));
    assert!(functions.len() > 60, "only {} functions found in {HEADER}", functions.len());
    let mut code = BEFORE.trim_start().to_owned();
    for function in &functions {
        write!(code, "\nstatic void misuse_{}(void)\n{{\n{}}}\n", function.name, calls_of(function)).unwrap();
    }
    code.push_str("\nint main(void)\n{\n");
    for function in &functions {
        writeln!(code, "    begin();\n    misuse_{}();\n    end();", function.name).unwrap();
    }
    code + "    OK(claude_runtime_shutdown(LONG_MS, &error));\n    return 0;\n}\n"
}

#[test]
fn every_function_survives_every_wrong_argument() {
    let fake = FakeClaude::new(json!({}));
    let source = fake.sandbox().root().join("misuse.c");
    std::fs::write(&source, misuse()).unwrap();
    let name = source.with_extension("");
    for variant in [Variant::Plain, Variant::Sanitized, Variant::Valgrind] {
        if variant.is_possible() {
            let name = name.to_str().unwrap();
            program::run(fake.sandbox(), name, variant, &json!({}), &[]).expect_success();
        }
    }
}

#[test]
fn prototypes_are_read_as_they_stand() {
    let header = "typedef int x;\n/* claude_no(int a); */\nextern \"C\" {\n const char *claude_a(void);\n\
                  claude_status_t claude_b(const claude_client_t *client,\n   size_t len);\n}";
    let found = prototypes(header);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        (found[0].name.as_str(), found[0].returns.as_str(), found[0].parameters.len()),
        ("claude_a", "const char *", 0)
    );
    assert_eq!(found[1].parameters, ["const claude_client_t *", "size_t"]);
}

fn dead_handles(variant: Variant) {
    if !variant.is_possible() {
        return;
    }
    let ask = json!({"ask": {"subtype": "can_use_tool"}, "wait": false});
    let fake = FakeClaude::new(json!({"on_user": ["init", ask, {"sleep": 20}, ask, {"text": "waiting"}]}));
    program::run(fake.sandbox(), "handles", variant, &options(&fake, json!({})), &[]).expect_success();
}

#[test]
fn handles_that_are_dead_are_error_codes() {
    dead_handles(Variant::Plain);
}

#[test]
fn handles_that_are_dead_are_error_codes_under_address_sanitizer() {
    dead_handles(Variant::Sanitized);
}

#[test]
fn handles_that_are_dead_are_error_codes_under_valgrind() {
    dead_handles(Variant::Valgrind);
}

#[test]
fn what_a_host_forgets_is_counted_and_named_at_the_shutdown() {
    let permission = json!({"ask": {"subtype": "can_use_tool"}, "wait": false});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow", "arguments": {}}});
    let call =
        json!({"ask": {"subtype": "mcp_message", "server_name": "calc", "message": message}, "wait": false});
    let fake = FakeClaude::new(json!({"on_user": [[permission, call, {"text": "waiting"}]]}));
    program::run(fake.sandbox(), "leaks", Variant::Plain, &options(&fake, json!({})), &[]).expect_success();
}
