//! `docs/messages.md` against the CLI: its tables hold for every message and request of a session with the tested CLI, and
//! `docs/messages.schema.json` is what they say. `UPDATE_DOCS=1` writes the schema anew.
#![cfg(unix)]

mod article;
mod session;

use article::{Article, Part};
use serde_json::Value;

#[test]
fn every_sample_fits_its_own_table() {
    let article = Article::read();
    for section in &article.sections {
        assert!(!section.rows.is_empty(), "{} has no table", section.name);
        section.check(&section.sample).unwrap_or_else(|fault| panic!("the sample of {fault}"));
    }
}

#[test]
fn a_table_that_does_not_hold_is_found() {
    let article = Article::read();
    let result = article.section(Part::Messages, "result").expect("there is a result");
    let mut damaged = result.sample.clone();
    damaged["is_error"] = Value::from("no");
    assert!(result.check(&damaged).unwrap_err().contains("/is_error"));
    damaged.as_object_mut().unwrap().remove("is_error");
    assert!(result.check(&damaged).unwrap_err().contains("/is_error"));
}

#[test]
fn the_schema_is_current() {
    let path = article::path("docs/messages.schema.json");
    let schema = Article::read().schema();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &schema).expect("the schema can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == schema, "docs/messages.schema.json is not what docs/messages.md says: UPDATE_DOCS=1");
}

/// Every frame fits, every kind and every place that is documented was seen, but for those that the article excepts.
#[test]
fn the_article_holds_for_the_tested_cli() {
    let Some(frames) = session::frames("the_article_holds_for_the_tested_cli") else { return };
    let article = Article::read();
    let mut faults = Vec::new();
    for frame in &frames {
        match article.section(frame.part, &frame.name) {
            Some(section) => faults.extend(section.check(&frame.json).err()),
            None if article.is_mentioned(&frame.name) => {}
            None => faults.push(format!("the article does not have {}: {}", frame.name, frame.json)),
        }
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));

    let unseen: Vec<String> = article.sections.iter().flat_map(|section| section.unseen(&frames)).collect();
    assert_eq!(unseen, session::NOT_OFFLINE, "documented, and not seen with the stand-in API");
}

/// What each hook event adds.
#[test]
fn the_events_of_hooks_have_their_members() {
    let Some(frames) = session::frames("the_events_of_hooks_have_their_members") else { return };
    let article = Article::read();
    let mut seen = std::collections::BTreeSet::new();
    for frame in frames.iter().filter(|frame| frame.name == "hook_callback") {
        let input = &frame.json["input"];
        let event = input["hook_event_name"].as_str().expect("an event has a name");
        let Some(members) = article.hook_members.get(event) else { panic!("{event} is not in the article") };
        seen.insert(event.to_owned());
        for member in members {
            assert!(input.get(member).is_some(), "{event} has no {member}: {input}");
        }
    }
    let documented: std::collections::BTreeSet<String> = article.hook_members.keys().cloned().collect();
    assert_eq!(documented, seen, "documented events, and those that came");
}
