//! Every option in every state, and what it leads to: `tests/data/options/cases.json`.
//! `UPDATE_GOLDEN=1` writes the expectations anew; read the difference before you commit it.

use std::path::PathBuf;

use crate::common::{HOST, difference, environment, failure, pointer, view};
use claude_client::options::row::To;
use claude_client::options::table::rows;
use claude_client::options::{Features, Platform, parse};
use serde_json::{Map, Value, json};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/options/cases.json")
}

fn cases() -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap()
}

fn features(case: &Value) -> Features {
    let Some(given) = case.get("features") else { return Features::default() };
    Features {
        permission_handler: given["permission_handler"] == true,
        spare: given["spare"] == true,
        no_early_initialize: given["no_early_initialize"] == true,
        hooks: given.get("hooks").cloned(),
        sdk_mcp_servers: given["sdk_mcp_servers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, config)| (name.clone(), config.clone()))
            .collect(),
        dialog_kinds: given["dialog_kinds"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|kind| kind.as_str().unwrap().to_owned())
            .collect(),
        host_transport: given["host_transport"] == true,
        session_store: given["session_store"] == true,
    }
}

fn seen(options: &Value, features: &Features) -> Map<String, Value> {
    let parsed = parse(&options.to_string()).unwrap_or_else(|error| panic!("{options}: {error}"));
    let launch = parsed
        .launch_on(Platform::Unix, features, &environment(HOST))
        .unwrap_or_else(|error| panic!("{options}: {error}"));
    view(&parsed, &launch)
}

#[test]
fn e3_every_case_leads_to_what_is_written() {
    let base = seen(&json!({}), &Features::default());
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut all = cases();
    for case in &mut all {
        let mut found = difference(&base, &seen(&case["options"], &features(case)));
        found.retain(|_, value| *value != json!({}));
        if update {
            case["leads_to"] = found.into();
        } else {
            assert_eq!(case["leads_to"], Value::from(found), "case {}", case["options"]);
        }
    }
    if update {
        let mut lines = String::from("[\n");
        let texts: Vec<String> = all.iter().map(pretty).collect();
        lines.push_str(&texts.join(",\n"));
        lines.push_str("\n]\n");
        std::fs::write(file(), lines).unwrap();
    }
}

/// One line for each member of a case: short to read, and short to compare.
fn pretty(case: &Value) -> String {
    let members: Vec<String> = case
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("    {}: {value}", json!(name)))
        .collect();
    format!("  {{\n{}\n  }}", members.join(",\n"))
}

#[test]
fn every_row_of_the_table_has_a_case() {
    let all = cases();
    for row in rows().filter(|row| !matches!(row.to, To::Refused(_))) {
        let mine = || all.iter().filter(|case| !case["options"][row.name].is_null());
        assert!(mine().count() > 0, "no case sets {}", row.name);
        // Some options only choose how another one travels; all others must show by themselves.
        assert!(mine().any(|case| case["leads_to"] != json!({})), "no case shows what {} does", row.name);
    }
}

#[test]
fn e3_null_and_absence_are_the_same_for_every_row() {
    let base = seen(&json!({}), &Features::default());
    for row in rows().filter(|row| !matches!(row.to, To::Refused(_))) {
        assert_eq!(seen(&json!({ row.name: null }), &Features::default()), base, "{}", row.name);
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_for_every_row() {
    for row in rows().filter(|row| !matches!(row.to, To::Refused(_))) {
        let wrong = [json!(true), json!(1), json!("x"), json!([1]), json!({"\u{1}": 1})];
        let refused =
            wrong.iter().filter(|value| parse(&json!({ row.name: value }).to_string()).is_err()).count();
        assert!(refused >= 2, "{} takes almost everything", row.name);
    }
}

#[test]
fn names_that_are_not_options_say_what_to_use() {
    for row in rows() {
        let To::Refused(instead) = row.to else { continue };
        for name in [row.name, row.typescript].into_iter().filter(|name| !name.is_empty()) {
            let error = failure(&json!({ name: {} }).to_string(), &Features::default());
            assert_eq!(pointer(&error), format!("/{name}"));
            assert_eq!(error.detail("remedy"), Some(&json!(instead)), "{name}");
        }
    }
}

#[test]
fn spellings_of_the_typescript_sdk_are_pointed_to_ours() {
    for row in rows().filter(|row| !matches!(row.to, To::Refused(_))) {
        if row.typescript.is_empty() || row.typescript == row.name {
            continue;
        }
        let error = failure(&json!({ row.typescript: true }).to_string(), &Features::default());
        assert_eq!(error.detail("nearest"), Some(&json!(row.name)), "{}", row.typescript);
        assert!(error.message.contains(&format!("did you mean \"{}\"?", row.name)), "{error}");
    }
}
