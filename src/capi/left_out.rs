//! What a library returns that was built without some of its features: `cargo test --no-default-features --lib capi::left_out`.

use std::ffi::{CString, c_char};
use std::ptr;

use serde_json::Value;

use super::client::claude_client_create;
use super::error::{claude_error_free, claude_error_json, claude_string_free};
use super::probe::claude_probe;
use super::types::claude_status_t::{self, CLAUDE_ERR_UNSUPPORTED, CLAUDE_OK};
use super::version::claude_build_info_json;
use crate::error::Result;
use crate::ffi::text;

const REPLAY: bool = cfg!(feature = "replay");
const PROBE: bool = cfg!(feature = "probe");

fn document(text: Result<&str>) -> Value {
    serde_json::from_str(text.unwrap()).unwrap()
}

fn build_info() -> Value {
    // SAFETY: a text that lives as long as the process.
    document(unsafe { text::required(claude_build_info_json(), "info") })
}

#[test]
fn the_build_says_what_it_has() {
    let expected: Vec<&str> = [("replay", REPLAY), ("probe", PROBE)]
        .into_iter()
        .filter(|(_, has)| *has)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(build_info()["features"], Value::from(expected));
}

#[test]
fn a_probe_that_was_left_out_is_unsupported() {
    let (mut report, mut error) = (ptr::null_mut::<c_char>(), ptr::null_mut());
    // SAFETY: texts end with a NUL, and the outputs are writable.
    let status =
        unsafe { claude_probe(c"{\"cli_path\":\"/nowhere\"}".as_ptr(), 10_000, &mut report, &mut error) };
    assert_eq!(status, if PROBE { CLAUDE_OK } else { CLAUDE_ERR_UNSUPPORTED });
    claude_string_free(report);
    claude_error_free(error);
}

fn create(options: &str) -> (claude_status_t, Value) {
    let (options, mut client, mut error) = (CString::new(options).unwrap(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: texts end with a NUL, and the outputs are writable; what was made is freed once.
    unsafe {
        let status = claude_client_create(options.as_ptr(), &mut client, &mut error);
        let document = if error.is_null() {
            Value::Null
        } else {
            document(text::required(claude_error_json(error), "json"))
        };
        claude_error_free(error);
        super::client::claude_client_free(client);
        (status, document)
    }
}

#[test]
fn records_that_were_left_out_are_unsupported() {
    assert_eq!(create("{}").0, CLAUDE_OK);
    for option in ["record", "replay"] {
        let (status, error) = create(&format!(r#"{{"{option}":"/tmp/one.ndjson"}}"#));
        if REPLAY {
            assert_eq!(status, CLAUDE_OK, "{error}");
        } else {
            assert_eq!(status, CLAUDE_ERR_UNSUPPORTED);
            assert_eq!(error["pointer"], format!("/{option}"));
            assert!(error["message"].as_str().unwrap().contains("replay"), "{error}");
        }
    }
}
