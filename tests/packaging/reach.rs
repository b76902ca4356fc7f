//! Every function of the C interface is reached from each binding: a wrapper calls it, or bindings/reach.json says why none does.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::support::packaging::{read, root};
use serde::Deserialize;

const EVERY: &str = "every binding";
/// What lies in bindings and is none.
const NO_BINDING: &[&str] = &["conformance"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Binding {
    /// The wrappers: `folder/*.extension`, below the binding.
    sources: Vec<String>,
    /// The functions that none of them calls, with the reason.
    left_out: BTreeMap<String, String>,
}

struct Reach {
    /// Left out of each of them.
    every: BTreeMap<String, String>,
    bindings: BTreeMap<String, Binding>,
}

fn reach() -> Reach {
    let mut rows: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&read("bindings/reach.json")).expect("bindings/reach.json is JSON");
    let every = rows.remove(EVERY).unwrap_or_else(|| panic!("bindings/reach.json has no {EVERY:?}"));
    let every = serde_json::from_value(every).expect("functions with reasons");
    let binding = |(name, row)| match serde_json::from_value(row) {
        Ok(row) => (name, row),
        Err(error) => panic!("bindings/reach.json: {name}: {error}"),
    };
    Reach { every, bindings: rows.into_iter().map(binding).collect() }
}

#[derive(Deserialize)]
struct Api {
    functions: Vec<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    /// It waits for what this one begins, which is how a binding reaches it.
    twin_of: Option<String>,
    /// A client in PULL mode refuses it, and the bindings' clients are in that mode.
    not_in_pull: bool,
}

fn functions() -> Vec<Function> {
    let api: Api = serde_json::from_str(&read("include/api.json")).expect("include/api.json is JSON");
    api.functions
}

/// The names of the C interface that a source calls. A name in a comment calls nothing; comments look the same in all languages here.
fn names(source: &str) -> BTreeSet<String> {
    let mut code = String::new();
    let mut rest = source;
    while let Some(at) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        code.push_str(&rest[..at]);
        let end = if rest[at..].starts_with("/*") { "*/" } else { "\n" };
        rest = rest[at..].split_once(end).map_or("", |(_, behind)| behind);
        code.push('\n');
    }
    code.push_str(rest);
    let words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("claude_")).map(str::to_owned).collect()
}

/// Tests and the runners of the conversations wrap nothing.
fn is_wrapper(name: &str) -> bool {
    !name.contains("test") && !name.contains("conformance")
}

fn wrapped(binding: &str, sources: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources {
        let place = root().join("bindings").join(binding).join(source);
        let (folder, pattern) = (place.parent().expect("a folder"), place.file_name().expect("a pattern"));
        let extension = pattern.to_str().and_then(|pattern| pattern.strip_prefix("*.")).expect("*.extension");
        let mut none = true;
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")).flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.extension().is_some_and(|has| has == extension) && is_wrapper(&name) {
                found.extend(names(&fs::read_to_string(&path).expect("a source")));
                none = false;
            }
        }
        assert!(!none, "bindings/reach.json: {binding} has no sources {source}");
    }
    found
}

fn is_reached(function: &Function, wrapped: &BTreeSet<String>) -> bool {
    wrapped.contains(&function.name) || function.twin_of.as_ref().is_some_and(|twin| wrapped.contains(twin))
}

/// What a binding owes: a line for each function that its users cannot reach.
fn owed(
    binding: &str,
    functions: &[Function],
    wrapped: &BTreeSet<String>,
    left_out: &[&BTreeMap<String, String>],
) -> String {
    let mut owed = String::new();
    for function in functions {
        let excused =
            function.not_in_pull || left_out.iter().any(|reasons| reasons.contains_key(&function.name));
        if !(is_reached(function, wrapped) || excused) {
            writeln!(owed, "{binding}: nothing calls {}", function.name).unwrap();
        }
    }
    owed
}

#[test]
fn every_function_is_reached_from_every_binding() {
    let (reach, functions) = (reach(), functions());
    let mut missing = String::new();
    for (name, binding) in &reach.bindings {
        let wrapped = wrapped(name, &binding.sources);
        missing += &owed(name, &functions, &wrapped, &[&reach.every, &binding.left_out]);
    }
    assert!(
        missing.is_empty(),
        "users of these bindings cannot reach what the C interface offers:\n{missing}\
         Give the function a wrapper in the language's own manner, and a step in a case of bindings/conformance where all have it. \
         An operation (a function with `done`) is written for Go and Zig by bindings/generate. Where a language has something \
         better, or no use for it, name the function with the reason in bindings/reach.json."
    );
}

/// A line for each row that says nothing, or no longer the truth. `wrapped`: what each binding calls.
fn stale(reach: &Reach, functions: &[Function], wrapped: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut stale = String::new();
    let mut row = |section: &str, name: &String, reason: &String, bindings: &[&String]| {
        let function = functions.iter().find(|function| function.name == *name);
        let reaches =
            |binding: &&&String| function.is_some_and(|function| is_reached(function, &wrapped[**binding]));
        let reaching: Vec<_> = bindings.iter().filter(reaches).map(|binding| binding.as_str()).collect();
        let fault = if function.is_none() {
            "include/api.json has no such function".to_owned()
        } else if section == EVERY && !reaching.is_empty() {
            format!("reached from {}, so name those that do not", reaching.join(", "))
        } else if !reaching.is_empty() {
            "a wrapper calls it, so take the row away".to_owned()
        } else if section != EVERY && reach.every.contains_key(name) {
            format!("{EVERY:?} leaves it out already")
        } else if reason.len() < 8 {
            format!("{reason:?} is no reason")
        } else {
            return;
        };
        writeln!(stale, "{section}: {name}: {fault}").unwrap();
    };
    for (name, reason) in &reach.every {
        row(EVERY, name, reason, &wrapped.keys().collect::<Vec<_>>());
    }
    for (binding, rows) in &reach.bindings {
        for (name, reason) in &rows.left_out {
            row(binding, name, reason, &[binding]);
        }
    }
    stale
}

#[test]
fn what_is_left_out_is_a_function_that_nothing_calls_and_has_a_reason() {
    let (reach, functions) = (reach(), functions());
    let calls = |(name, binding): (&String, &Binding)| (name.clone(), wrapped(name, &binding.sources));
    let stale = stale(&reach, &functions, &reach.bindings.iter().map(calls).collect());
    assert!(stale.is_empty(), "rows of bindings/reach.json:\n{stale}");
}

#[test]
fn every_binding_says_how_its_users_reach_the_interface() {
    let bindings = reach().bindings;
    for entry in fs::read_dir(root().join("bindings")).expect("the bindings").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if Path::is_dir(&entry.path()) && !NO_BINDING.contains(&name.as_str()) {
            assert!(
                bindings.contains_key(&name),
                "bindings/{name} has no row in bindings/reach.json: give it one, with its `sources` and what is `left_out`"
            );
        }
    }
}

fn new(name: &str, twin_of: Option<&str>, not_in_pull: bool) -> Function {
    Function { name: name.to_owned(), twin_of: twin_of.map(str::to_owned), not_in_pull }
}

/// The test itself: a new function is missed by name, and a name in a comment is no call.
#[test]
fn a_function_that_is_only_talked_about_is_missed() {
    let functions = [
        new("claude_new", None, false),
        new("claude_called", None, false),
        new("claude_called_wait", Some("claude_called"), false),
        new("claude_generator", None, true),
        new("claude_better", None, false),
    ];
    let source = "/* claude_new()\n */ call(claude_called); // claude_new\n/// claude_new\nnot_claude_new(claude_newer)";
    let reasons = BTreeMap::from([("claude_better".to_owned(), "the language has it".to_owned())]);
    assert_eq!(owed("x", &functions, &names(source), &[&reasons]), "x: nothing calls claude_new\n");
}

/// The test itself: a row is stale in every section, and each says why.
#[test]
fn a_row_that_is_not_true_any_more_is_found() {
    let rows = |rows: &[(&str, &str)]| {
        rows.iter()
            .map(|(name, reason)| ((*name).to_owned(), (*reason).to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let reason = "the language has it";
    let binding = |left_out| Binding { sources: Vec::new(), left_out: rows(left_out) };
    let reach = Reach {
        every: rows(&[
            ("claude_good", reason),
            ("claude_gone", reason),
            ("claude_called", reason),
            ("claude_called_wait", reason),
            ("claude_why", "-"),
        ]),
        bindings: BTreeMap::from([
            ("x".to_owned(), binding(&[("claude_good", reason), ("claude_mine", reason)])),
            ("y".to_owned(), binding(&[("claude_mine", reason), ("claude_past", reason)])),
        ]),
    };
    let known =
        ["claude_good", "claude_called", "claude_why", "claude_mine"].map(|name| new(name, None, false));
    let functions: Vec<_> =
        known.into_iter().chain([new("claude_called_wait", Some("claude_called"), false)]).collect();
    let calls = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let wrapped = BTreeMap::from([
        ("x".to_owned(), calls(&["claude_called"])),
        ("y".to_owned(), calls(&["claude_called", "claude_mine"])),
    ]);
    let expected = [
        "every binding: claude_called: reached from x, y, so name those that do not",
        "every binding: claude_called_wait: reached from x, y, so name those that do not",
        "every binding: claude_gone: include/api.json has no such function",
        "every binding: claude_why: \"-\" is no reason",
        "x: claude_good: \"every binding\" leaves it out already",
        "y: claude_mine: a wrapper calls it, so take the row away",
        "y: claude_past: include/api.json has no such function",
    ];
    assert_eq!(stale(&reach, &functions, &wrapped).lines().collect::<Vec<_>>(), expected);
}
