//! What the library is made of: an exact list of crates, where they come from, what of them runs while it is built, and the
//! notice that whoever ships the library has to pass on. `make deny` asks more, with a tool of its own.
//! `UPDATE_NOTICE=1` (or `make notice`) writes the notice anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::packaging::{read, root};
use serde_json::Value;

const NOTICE: &str = "packaging/THIRD-PARTY.txt";

const TARGETS: &[&str] = &[
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "x86_64-pc-windows-gnu",
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
];

/// All crates that are linked into the library, on one target or another. A new one is a decision: who writes it, what it
/// is for, and what it would take to do without.
const LINKED: &[&str] = &[
    "base64",
    "bitflags",
    "bytemuck",
    "bytes",
    "cfg-if",
    "equivalent",
    "errno",
    "foldhash",
    "getrandom",
    "hashbrown",
    "indexmap",
    "itoa",
    "libc",
    "linux-raw-sys",
    "lock_api",
    "memchr",
    "mio",
    "once_cell",
    "parking_lot",
    "parking_lot_core",
    "pin-project-lite",
    "regex-lite",
    "rustix",
    "safe_arch",
    "scopeguard",
    "serde",
    "serde_core",
    "serde_json",
    "simdutf8",
    "smallvec",
    "socket2",
    "strsim",
    "thiserror",
    "tinyvec",
    "tokio",
    "unicode-normalization",
    "uuid",
    "wide",
    "windows-link",
    "windows-sys",
    "zmij",
];

/// Code of others that runs on the machine that builds the library: build scripts, macros and what these link. Without the
/// feature `header`, which only this project's own developers need.
const RUN_AT_BUILD: &[&str] = &[
    "getrandom",
    "libc",
    "parking_lot_core",
    "proc-macro2",
    "quote",
    "rustix",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "syn",
    "thiserror",
    "thiserror-impl",
    "tokio-macros",
    "unicode-ident",
    "zmij",
];

/// The licence that we take where a crate leaves the choice, the first that it offers.
const TAKEN: &[&str] = &["MIT", "Zlib", "Unicode-3.0"];

struct Graph {
    packages: BTreeMap<String, Value>,
    nodes: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Crates {
    linked: BTreeSet<String>,
    at_build: BTreeSet<String>,
    with_script: BTreeSet<String>,
}

fn by_id(list: &Value) -> BTreeMap<String, Value> {
    let list = list.as_array().expect("a list").iter();
    list.map(|one| (one["id"].as_str().expect("an id").to_owned(), one.clone())).collect()
}

impl Graph {
    /// Cargo's own view of the lock file; `None` where crates that are not on this machine cannot be had.
    fn load() -> Option<Graph> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(root()).args(["metadata", "--locked", "--format-version", "1"]);
        TARGETS.iter().for_each(|target| {
            command.args(["--filter-platform", target]);
        });
        let output = command.output().expect("cargo starts");
        if !output.status.success() {
            let advice = format!(
                "the crates of other targets are missing: `cargo fetch --locked`\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let strict = std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_some_and(|value| !value.is_empty());
            assert!(!strict, "{advice}");
            eprintln!("SKIPPED: {advice}");
            return None;
        }
        let all: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
        Some(Graph { packages: by_id(&all["packages"]), nodes: by_id(&all["resolve"]["nodes"]) })
    }

    fn name(&self, id: &str) -> &str {
        self.packages[id]["name"].as_str().expect("a name")
    }

    fn has_target(&self, id: &str, kind: &str) -> bool {
        let targets = self.packages[id]["targets"].as_array().expect("targets");
        targets.iter().any(|target| target["kind"][0] == kind)
    }

    /// What a crate depends on, other than for its tests; with whether that is for its build script.
    fn needs(&self, id: &str) -> Vec<(String, bool)> {
        let edges = self.nodes[id]["deps"].as_array().expect("dependencies").iter();
        let kinds = edges.flat_map(|edge| {
            let to = edge["pkg"].as_str().expect("an id").to_owned();
            edge["dep_kinds"].as_array().expect("kinds").iter().map(move |kind| (to.clone(), &kind["kind"]))
        });
        kinds.filter(|(_, kind)| *kind != "dev").map(|(to, kind)| (to, *kind == "build")).collect()
    }

    fn walk(&self, id: &str, at_build: bool, found: &mut Crates) {
        let at_build = at_build || self.has_target(id, "proc-macro");
        if self.has_target(id, "custom-build") {
            found.with_script.insert(id.to_owned());
        }
        let into = if at_build { &mut found.at_build } else { &mut found.linked };
        if into.insert(id.to_owned()) {
            self.needs(id).iter().for_each(|(to, for_script)| self.walk(to, at_build || *for_script, found));
        }
    }

    fn of_the_library(&self) -> Crates {
        let mut found = Crates::default();
        let library = self.packages.keys().find(|id| self.name(id) == "claude-client").expect("the library");
        // Its own build dependencies are those of the feature `header`, all of them.
        let direct = self.needs(library).into_iter().filter(|(_, for_script)| !for_script);
        direct.for_each(|(id, _)| self.walk(&id, false, &mut found));
        found
    }

    fn names(&self, ids: &BTreeSet<String>) -> Vec<&str> {
        let mut names: Vec<&str> = ids.iter().map(|id| self.name(id)).collect();
        names.sort_unstable();
        names
    }

    fn folder(&self, id: &str) -> PathBuf {
        let manifest = Path::new(self.packages[id]["manifest_path"].as_str().expect("a path"));
        manifest.parent().expect("a folder").to_owned()
    }
}

/// The licences that we take of an expression: one of each choice that it offers.
fn taken(expression: &str) -> Option<Vec<&'static str>> {
    let one_of = |choice: &str| {
        let choice = choice.trim_matches(['(', ')']);
        TAKEN.iter().find(|licence| choice.split(" OR ").any(|one| one == **licence)).copied()
    };
    expression.split(" AND ").map(one_of).collect()
}

/// The text of that licence as the crate ships it.
fn text_of(folder: &Path, licence: &str) -> Option<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    let lower = licence.to_lowercase();
    let fits = |name: &&String| {
        name.to_lowercase().trim_end_matches(".md").trim_end_matches(".txt").ends_with(&lower)
    };
    let plain = |name: &&String| *name == "LICENSE" || *name == "LICENSE.md" || *name == "LICENSE.txt";
    let name = names.iter().find(fits).or_else(|| names.iter().find(plain))?;
    let text = fs::read_to_string(folder.join(name)).ok()?;
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Some(lines.join("\n").trim().to_owned())
}

fn notice(graph: &Graph, linked: &BTreeSet<String>) -> String {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in linked {
        let package = &graph.packages[id];
        let of = |member: &str| package[member].as_str().unwrap_or_default().to_owned();
        let place = format!("{} {}", of("name"), of("version"));
        let licences = taken(&of("license"));
        let licences =
            licences.unwrap_or_else(|| panic!("{place}: nothing of `{}` is in TAKEN", of("license")));
        for licence in licences {
            let text = text_of(&graph.folder(id), licence.trim_end_matches("-3.0"));
            let text = text.unwrap_or_else(|| panic!("{place} ships no text of its licence {licence}"));
            let line = format!("{place} ({licence}, of `{}`) {}", of("license"), of("repository"));
            texts.entry(text).or_default().push(line);
        }
    }
    let mut groups: Vec<(Vec<String>, String)> =
        texts.into_iter().map(|(text, crates)| (crates, text)).collect();
    groups.sort();
    let mut all = include_str!("../../packaging/third-party-head.txt").to_owned();
    for (crates, text) in groups {
        let rule = "-".repeat(80);
        writeln!(all, "{rule}\n{}\n\n{text}\n", crates.join("\n")).expect("a text can be written to");
    }
    all
}

#[test]
fn the_library_links_these_crates_and_no_others_and_none_of_them_twice() {
    let Some(graph) = Graph::load() else { return };
    assert_eq!(graph.names(&graph.of_the_library().linked), LINKED);
}

#[test]
fn these_crates_run_code_while_the_library_is_built_and_no_others() {
    let Some(graph) = Graph::load() else { return };
    let Crates { mut at_build, with_script, .. } = graph.of_the_library();
    at_build.extend(with_script);
    assert_eq!(graph.names(&at_build), RUN_AT_BUILD);
}

#[test]
fn every_crate_comes_from_the_registry_with_a_checksum_in_the_lock_file() {
    let lock = read("Cargo.lock");
    let packages: Vec<&str> = lock.split("[[package]]").skip(1).collect();
    assert!(packages.len() > LINKED.len(), "{}", packages.len());
    for package in packages {
        let name = package.lines().find_map(|line| line.strip_prefix("name = ")).expect("a name");
        if ["\"claude-client\"", "\"claude-testkit\"", "\"claude-chaos\""].contains(&name) {
            assert!(!package.contains("source = "), "{package}");
            continue;
        }
        let registry = package.contains("source = \"registry+https://github.com/rust-lang/crates.io-index\"");
        assert!(registry && package.contains("checksum = \""), "{package}");
    }
}

#[test]
fn the_notice_has_every_crate_of_the_library_with_the_text_of_its_licence() {
    let Some(graph) = Graph::load() else { return };
    let notice = notice(&graph, &graph.of_the_library().linked);
    if std::env::var_os("UPDATE_NOTICE").is_some() {
        fs::write(root().join(NOTICE), &notice).expect("the notice can be written");
    }
    let kept = fs::read_to_string(root().join(NOTICE)).unwrap_or_default();
    assert!(kept == notice, "{NOTICE} is not what Cargo.lock says: run `make notice`");
}
