//! The official JSON-Schema-Test-Suite: a schema is applied correctly or refused.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// The results so far, draft by draft.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    right: usize,
    wrong: Vec<String>,
    /// Groups whose schema is refused, and why.
    refused: Vec<String>,
}

fn suite() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/json-schema-suite/tests");
    if folder.is_dir() {
        return Some(folder);
    }
    let hint =
        "the JSON-Schema-Test-Suite is missing: sh testkit/install-schema-suite.sh build/json-schema-suite";
    assert!(std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_none(), "{hint}");
    eprintln!("SKIPPED {hint}");
    None
}

fn groups(draft: &Path) -> Vec<(String, Value)> {
    let mut files: Vec<PathBuf> = fs::read_dir(draft)
        .expect("the folder of a draft")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).expect("a file of the suite");
        let groups: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        groups.into_iter().map(move |group| (name.clone(), group)).collect::<Vec<_>>()
    };
    files.iter().flat_map(read).collect()
}

fn judged(draft: &Path) -> Tally {
    let mut tally = Tally::default();
    for (file, group) in groups(draft) {
        let name = format!("{file}: {}", group["description"].as_str().unwrap_or_default());
        let mut schema = group["schema"].clone();
        // The suite tells its drafts apart by folder.
        if let (Some(members), true) = (schema.as_object_mut(), draft.ends_with("draft7")) {
            members.entry("$schema").or_insert_with(|| "http://json-schema.org/draft-07/schema#".into());
        }
        let schema = match Schema::compile(&schema) {
            Ok(schema) => schema,
            Err(why) => {
                tally.refused.push(format!("{name}: {why}"));
                continue;
            }
        };
        for test in group["tests"].as_array().into_iter().flatten() {
            match schema.check(&test["data"]).is_ok() == (test["valid"] == true) {
                true => tally.right += 1,
                false => tally.wrong.push(format!("{name}: {}", test["description"])),
            }
        }
    }
    tally
}

/// Why a schema may be refused: what docs/tools.md lists.
const REASONS: &[&str] = &[
    "is a keyword that is not supported",
    "leads nowhere within the schema",
    "at the top of the schema, where alone it is understood",
    "cannot be used as a pattern",
    "is not a list with a schema in it",
    "is not a draft of JSON Schema that is known",
];

#[test]
fn the_official_suite_is_judged_right_or_its_schema_is_refused() {
    let Some(suite) = suite() else { return };
    for (draft, least) in [("draft2020-12", 946), ("draft7", 840)] {
        let tally = judged(&suite.join(draft));
        eprintln!("{draft}: {} right, {} groups refused", tally.right, tally.refused.len());
        let odd: Vec<_> =
            tally.refused.iter().filter(|text| !REASONS.iter().any(|reason| text.contains(reason))).collect();
        assert!(odd.is_empty(), "refused without a known reason: {odd:#?}");
        assert_eq!(tally.wrong, [""; 0], "{draft}");
        assert!(tally.right >= least, "{draft}: only {} tests were applied", tally.right);
    }
}
