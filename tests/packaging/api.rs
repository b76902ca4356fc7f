//! include/api.json says what a C compiler makes of the header, and enough for a generator of bindings.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::process::Command;

use crate::support::packaging::{HEADER, functions, need, read, root, run};
use serde_json::Value;

fn api() -> Value {
    serde_json::from_str(&read("include/api.json")).expect("include/api.json is JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("{name} is no list in {value}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {value}"))
}

fn names(values: &[Value]) -> BTreeSet<&str> {
    values.iter().map(|value| text(value, "name")).collect()
}

/// A line of the program that says `what` unless `holds` in C.
fn check(program: &mut String, holds: &str, what: &str) {
    writeln!(program, "    if (!({holds})) {{ puts(\"{what}\"); wrong = 1; }}").unwrap();
}

/// Numbers as they stand in JSON; C reads what exceeds an int as a long.
fn numbers(program: &mut String, api: &Value) {
    let values = list(api, "enums").iter().flat_map(|each| list(each, "values"));
    for constant in values.chain(list(api, "constants")) {
        let (name, value) = (text(constant, "name"), &constant["value"]);
        assert!(value.is_i64(), "{name} is {value}");
        check(program, &format!("(long long){name} == {value}LL"), name);
    }
}

fn sizes(program: &mut String, api: &Value) {
    for number in list(api, "types") {
        let name = text(number, "name");
        check(program, &format!("sizeof({name}) == {}", number["bytes"]), name);
    }
    for each in list(api, "enums") {
        let name = text(each, "name");
        check(program, &format!("sizeof({name}) == 4 && ({name})-1 < ({name})0"), name);
    }
    for each in list(api, "structs") {
        let name = text(each, "name");
        check(program, &format!("sizeof({name}) == {}", each["bytes"]), name);
        for member in list(each, "members") {
            let (member, offset, bytes) = (text(member, "name"), &member["offset"], &member["bytes"]);
            let holds = format!(
                "offsetof({name}, {member}) == {offset} && sizeof((({name} *)0)->{member}) == {bytes}"
            );
            check(program, &holds, &format!("{name}.{member}"));
        }
    }
}

/// Pointers to the functions, declared with the types that the description gives.
fn prototypes(program: &mut String, api: &Value) {
    for function in list(api, "functions") {
        let types: Vec<&str> = list(function, "parameters").iter().map(|each| text(each, "type")).collect();
        let types = if types.is_empty() { "void".to_owned() } else { types.join(", ") };
        let (name, returns) = (text(function, "name"), text(function, "returns"));
        writeln!(program, "static {returns} (*const use_{name})({types}) = {name};").unwrap();
    }
    for callback in list(api, "callbacks") {
        let types: Vec<&str> = list(callback, "parameters").iter().map(|each| text(each, "type")).collect();
        let (name, returns) = (text(callback, "name"), text(callback, "returns"));
        writeln!(program, "extern {returns} take_{name}({});", types.join(", ")).unwrap();
        writeln!(program, "static const {name} use_{name} = take_{name};").unwrap();
    }
}

#[test]
fn a_compiler_finds_the_same_types() {
    if !(need("cc", "gcc") && need("c++", "g++")) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("types.c");
    let mut types = "#include <claude_client.h>\n".to_owned();
    prototypes(&mut types, &api());
    fs::write(&file, types).unwrap();
    // C++ tells enumerations from numbers.
    for (compiler, standard, language) in [("cc", "-std=c99", "c"), ("c++", "-std=c++11", "c++")] {
        let mut command = Command::new(compiler);
        command.args([standard, "-pedantic", "-Werror", "-fsyntax-only", "-I"]).arg(root().join("include"));
        run(command.args(["-x", language]).arg(&file));
    }
}

#[test]
fn a_compiler_finds_the_same_numbers_and_sizes() {
    if !cfg!(target_pointer_width = "64") || !need("cc", "gcc") {
        return;
    }
    let (api, directory) = (api(), tempfile::tempdir().unwrap());
    let mut program =
        "#include <claude_client.h>\n#include <stdio.h>\nint main(void) {\n    int wrong = 0;\n".to_owned();
    numbers(&mut program, &api);
    sizes(&mut program, &api);
    let file = directory.path().join("sizes.c");
    fs::write(&file, program + "    return wrong;\n}\n").unwrap();
    let binary = directory.path().join("sizes");
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-pedantic", "-Werror", "-I"]).arg(root().join("include"));
    run(cc.arg(&file).arg("-o").arg(&binary));
    run(&mut Command::new(&binary));
}

#[test]
fn the_description_has_all_that_the_header_has() {
    let (api, header) = (api(), read(HEADER));
    let declared = functions(&header);
    let declared: BTreeSet<&str> = declared.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(names(list(&api, "functions")), declared);
    let word = |line: &str| line.split(['(', ')', ' ', ';']).nth(1).map(str::to_owned);
    let enums: BTreeSet<String> =
        header.lines().filter(|line| line.starts_with("CLAUDE_ENUM(")).filter_map(word).collect();
    assert_eq!(names(list(&api, "enums")), enums.iter().map(String::as_str).collect());
    for kind in ["handles", "callbacks", "structs", "constants", "chapters"] {
        assert!(!list(&api, kind).is_empty(), "no {kind}");
    }
}

#[test]
fn every_name_that_the_description_refers_to_is_in_it() {
    let api = api();
    let known = |kind: &str| names(list(&api, kind));
    let callbacks = list(&api, "callbacks").iter();
    let parameters =
        list(&api, "functions").iter().chain(callbacks).flat_map(|each| list(each, "parameters"));
    let members = list(&api, "structs").iter().flat_map(|each| list(each, "members"));
    for place in parameters.chain(members) {
        assert!(place["role"].is_string(), "no role: {place}");
        for (member, kind) in [
            ("enum", "enums"),
            ("handle", "handles"),
            ("callback", "callbacks"),
            ("struct", "structs"),
            ("free", "functions"),
        ] {
            let name = &place[member];
            assert!(
                name.is_null() || known(kind).contains(name.as_str().unwrap_or_default()),
                "{member} of {place}"
            );
        }
    }
    for function in list(&api, "functions") {
        assert!(
            function["chapter"]
                .as_str()
                .is_some_and(|id| list(&api, "chapters").iter().any(|c| c["id"] == id))
        );
        for twin in ["wait_twin", "twin_of"] {
            let name = &function[twin];
            assert!(
                name.is_null() || known("functions").contains(name.as_str().unwrap_or_default()),
                "{function}"
            );
        }
    }
}

#[test]
fn the_article_explains_every_member_of_the_description() {
    let article = read("docs/bindings-api.md");
    let api = api();
    let mut members = BTreeSet::new();
    collect(&api, &mut members);
    let missing: Vec<&String> =
        members.iter().filter(|name| !article.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/bindings-api.md does not name {missing:?}");
}

fn collect(value: &Value, members: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            members.extend(object.keys().cloned());
            object.values().for_each(|value| collect(value, members));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, members)),
        _ => {}
    }
}
