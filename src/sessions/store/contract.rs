//! What a store promises, promise by promise. The first fourteen are those of the official SDKs.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answers::Entry;
use super::blocking::Waiting;
use super::check::{Bench, Case, Failure, Outcome};
use super::fold;
use super::{Key, Operation};

use Operation::{Append, List, ListSubkeys, Remove, Summaries};

pub const CASES: &[Case] = &[
    Case { name: "what was appended is loaded in its order", needs: &[], run: loaded_in_order },
    Case { name: "a session that was never stored is null", needs: &[], run: unknown_is_null },
    Case { name: "appends in a row keep their order", needs: &[], run: appends_in_a_row },
    Case { name: "an append of nothing changes nothing", needs: &[], run: nothing_appended },
    Case { name: "a subpath is kept apart from its session", needs: &[], run: subpath_apart },
    Case { name: "projects are kept apart", needs: &[], run: projects_apart },
    Case { name: "list has the sessions of the project", needs: &[List], run: list_has_sessions },
    Case { name: "list leaves out subpaths", needs: &[List], run: list_without_subpaths },
    Case { name: "what was removed is null", needs: &[Remove], run: removed_is_null },
    Case { name: "a session is removed with its subpaths", needs: &[Remove], run: removed_with_subpaths },
    Case { name: "a subpath is removed alone", needs: &[Remove], run: subpath_removed_alone },
    Case { name: "list_subkeys has the subpaths of the session", needs: &[ListSubkeys], run: subkeys },
    Case {
        name: "list_subkeys leaves out the session itself",
        needs: &[ListSubkeys],
        run: subkeys_without_session,
    },
    Case { name: "summaries have the fold of what was appended", needs: &[Summaries, List], run: summaries },
    Case { name: "entries of any text come back as they were", needs: &[], run: any_text },
    Case { name: "entries of a megabyte come back as they were", needs: &[], run: large },
    Case { name: "keys with signs of SQL, globs and paths are keys", needs: &[], run: odd_keys },
    Case { name: "sessions that are stored at once do not mix", needs: &[], run: at_once },
    Case { name: "the newest session has the newest time", needs: &[List], run: newest },
];

fn entry(number: usize) -> Value {
    json!({"type": "user", "uuid": format!("00000000-0000-4000-8000-{number:012}"), "message": {"content": number.to_string()}})
}

fn raw(values: &[Value]) -> Result<Vec<Entry>, Failure> {
    let raw = values.iter().map(|value| RawValue::from_string(value.to_string()));
    raw.collect::<Result<_, _>>().map_err(|cause| Failure::Wrong(cause.to_string()))
}

fn append(store: &Waiting, key: &Key, values: &[Value]) -> Outcome {
    Ok(store.append(key, &raw(values)?)?)
}

fn numbered(store: &Waiting, key: &Key, numbers: std::ops::Range<usize>) -> Outcome {
    append(store, key, &numbers.map(entry).collect::<Vec<_>>())
}

/// The order of members may differ: some databases do not keep it.
fn load(store: &Waiting, key: &Key) -> Result<Option<Vec<Value>>, Failure> {
    let loaded = store.load(key)?;
    let read =
        |entry: &Entry| serde_json::from_str(entry.get()).map_err(|cause| Failure::Wrong(cause.to_string()));
    loaded.map(|entries| entries.iter().map(read).collect()).transpose()
}

fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(Failure::Wrong(otherwise())) }
}

fn has(store: &Waiting, key: &Key, wanted: &[Value]) -> Outcome {
    let loaded = load(store, key)?;
    holds(loaded.as_deref() == Some(wanted), || match loaded {
        None => "load gives null for what was appended".to_owned(),
        Some(found) => {
            let same = found.iter().zip(wanted).take_while(|(found, wanted)| found == wanted).count();
            let (have, want) = (found.len(), wanted.len());
            format!("load gives {have} entries, {want} were appended; they differ from number {same} on")
        }
    })
}

fn has_numbers(store: &Waiting, key: &Key, numbers: std::ops::Range<usize>) -> Outcome {
    has(store, key, &numbers.map(entry).collect::<Vec<_>>())
}

fn has_nothing(store: &Waiting, key: &Key) -> Outcome {
    let loaded = load(store, key)?;
    holds(loaded.is_none(), || {
        format!("load gives {} entries, null is right", loaded.map_or(0, |found| found.len()))
    })
}

fn loaded_in_order(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    numbered(store, &key, 0..20)?;
    has_numbers(store, &key, 0..20)
}

fn unknown_is_null(bench: &Bench) -> Outcome {
    has_nothing(bench.store, &bench.session())?;
    has_nothing(bench.store, &bench.session().with_subpath("subagents/agent-1"))
}

fn appends_in_a_row(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    for at in 0..10 {
        numbered(store, &key, at * 3..at * 3 + 3)?;
    }
    has_numbers(store, &key, 0..30)
}

fn nothing_appended(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    numbered(store, &key, 0..1)?;
    append(store, &key, &[])?;
    has_numbers(store, &key, 0..1)
}

fn subpath_apart(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    let (one, other) = (key.with_subpath("subagents/agent-1"), key.with_subpath("subagents/agent-2"));
    numbered(store, &key, 0..2)?;
    numbered(store, &one, 2..4)?;
    numbered(store, &other, 4..5)?;
    has_numbers(store, &key, 0..2)?;
    has_numbers(store, &one, 2..4)?;
    has_numbers(store, &other, 4..5)
}

fn projects_apart(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    let other = Key { project_key: format!("{}-other", key.project_key), ..key.clone() };
    numbered(store, &key, 0..2)?;
    has_nothing(store, &other)?;
    if store.can(List) {
        let rows = store.list(&other.project_key)?;
        holds(rows.is_empty(), || format!("list of a project without sessions gives {} rows", rows.len()))?;
    }
    Ok(())
}

fn listed(store: &Waiting, project: &str) -> Result<Vec<String>, Failure> {
    let mut ids: Vec<String> = store.list(project)?.into_iter().map(|row| row.session_id).collect();
    ids.sort();
    Ok(ids)
}

fn list_has_sessions(bench: &Bench) -> Outcome {
    let (store, mut ids) = (bench.store, Vec::new());
    for _ in 0..3 {
        let key = bench.session();
        numbered(store, &key, 0..2)?;
        ids.push(key.session_id);
    }
    ids.sort();
    let found = listed(store, &bench.project)?;
    holds(found == ids, || format!("list gives {found:?}, stored are {ids:?}"))
}

fn list_without_subpaths(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    numbered(store, &key, 0..1)?;
    numbered(store, &key.with_subpath("subagents/agent-1"), 1..2)?;
    let found = listed(store, &bench.project)?;
    holds(found == [key.session_id], || format!("list gives {found:?}, and one session is stored"))
}

fn removed_is_null(bench: &Bench) -> Outcome {
    let (store, key, other) = (bench.store, bench.session(), bench.session());
    numbered(store, &key, 0..2)?;
    numbered(store, &other, 2..4)?;
    store.remove(&key)?;
    // Removing what does not exist must succeed as well.
    store.remove(&key)?;
    has_nothing(store, &key)?;
    has_numbers(store, &other, 2..4)
}

fn removed_with_subpaths(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    let subpath = key.with_subpath("subagents/agent-1");
    numbered(store, &key, 0..1)?;
    numbered(store, &subpath, 1..2)?;
    store.remove(&key)?;
    has_nothing(store, &subpath)?;
    if store.can(ListSubkeys) {
        let left = store.list_subkeys(&key)?;
        holds(left.is_empty(), || format!("list_subkeys of a removed session gives {left:?}"))?;
    }
    Ok(())
}

fn subpath_removed_alone(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    let (gone, kept) = (key.with_subpath("subagents/agent-1"), key.with_subpath("subagents/agent-10"));
    numbered(store, &key, 0..1)?;
    numbered(store, &gone, 1..2)?;
    numbered(store, &kept, 2..3)?;
    store.remove(&gone)?;
    has_nothing(store, &gone)?;
    has_numbers(store, &key, 0..1)?;
    has_numbers(store, &kept, 2..3)
}

fn subkeys(bench: &Bench) -> Outcome {
    let (store, key, other) = (bench.store, bench.session(), bench.session());
    let wanted = ["subagents/agent-1", "subagents/workflows/run/agent-2"];
    for subpath in wanted {
        numbered(store, &key.with_subpath(subpath), 0..1)?;
    }
    numbered(store, &other.with_subpath("subagents/agent-3"), 0..1)?;
    let mut found = store.list_subkeys(&key)?;
    found.sort();
    holds(found == wanted, || format!("list_subkeys gives {found:?}, stored are {wanted:?}"))
}

fn subkeys_without_session(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    numbered(store, &key, 0..1)?;
    let found = store.list_subkeys(&key)?;
    holds(found.is_empty(), || format!("list_subkeys gives {found:?} for a session without any"))
}

fn summaries(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    let first = [
        json!({"type": "user", "timestamp": "2026-01-31T00:00:00.000Z", "cwd": "/w", "message": {"content": "first"}}),
    ];
    let second =
        [json!({"type": "custom-title", "customTitle": "title"}), json!({"type": "tag", "tag": "t"})];
    append(store, &key, &first)?;
    append(store, &key, &second)?;
    numbered(store, &key.with_subpath("subagents/agent-1"), 0..1)?;
    let wanted =
        fold::fold(Some(&fold::fold(None, &key.session_id, &raw(&first)?)), &key.session_id, &raw(&second)?);
    let rows = store.summaries(&bench.project)?;
    let [row] = rows.as_slice() else {
        return Err(Failure::Wrong(format!("summaries gives {} rows for one session", rows.len())));
    };
    holds(wanted["session_id"] == row.session_id.as_str() && row.data == wanted["data"], || {
        format!("summaries gives {} of {}, the fold is {}", row.data, row.session_id, wanted["data"])
    })?;
    let time = store.list(&bench.project)?.first().map_or(0, |row| row.mtime);
    holds(row.mtime >= time, || {
        format!(
            "the summary is of {}, older than the session, of {time}: both take the store's own clock",
            row.mtime
        )
    })
}

fn any_text(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    let texts =
        ["", "ä 日本 😀", "\u{0}\u{1}\u{7f}", "a\nb\r\n\tc\\d\"e'f", "\u{2028}\u{fffd}", "%s %n ; -- $1 {}"];
    let mut entries: Vec<Value> = texts.iter().map(|text| json!({"type": "x", "text": text})).collect();
    entries.push(json!({"type": "x", "numbers": [0, -1, 9_007_199_254_740_993_u64, 0.25, 1e-7], "null": null, "deep": [[[{}]]]}));
    append(store, &key, &entries)?;
    has(store, &key, &entries)
}

fn large(bench: &Bench) -> Outcome {
    let (store, key) = (bench.store, bench.session());
    let entries: Vec<Value> =
        ["a", "é"].iter().map(|letter| json!({"type": "x", "text": letter.repeat(1 << 20)})).collect();
    append(store, &key, &entries)?;
    has(store, &key, &entries)
}

fn odd_keys(bench: &Bench) -> Outcome {
    let store = bench.store;
    let session = bench.session();
    let odd = ["'; DROP TABLE x; --", "a%b_c*?[d]", "..", "ä😀", "UPPER", "upper"];
    let keys: Vec<Key> = odd
        .iter()
        .map(|name| Key { project_key: format!("{}{name}", bench.project), ..session.clone() })
        .collect();
    for (at, key) in keys.iter().enumerate() {
        numbered(store, key, at..at + 1)?;
    }
    for (at, key) in keys.iter().enumerate() {
        has_numbers(store, key, at..at + 1)?;
        if store.can(Remove) {
            store.remove(key)?;
        }
    }
    Ok(())
}

fn at_once(bench: &Bench) -> Outcome {
    let store = bench.store;
    let keys: Vec<Key> = (0..8).map(|_| bench.session()).collect();
    for round in 0..4 {
        let entries =
            serde_json::to_string(&raw(&[entry(round * 2), entry(round * 2 + 1)])?).unwrap_or_default();
        let begun: Vec<_> =
            keys.iter().map(|key| store.begin(Append, key.to_json(), Some(entries.clone()))).collect();
        for answer in &begun {
            store.end(Append, answer)?;
        }
    }
    keys.iter().try_for_each(|key| has_numbers(store, key, 0..8))
}

fn newest(bench: &Bench) -> Outcome {
    let (store, first, second) = (bench.store, bench.session(), bench.session());
    numbered(store, &first, 0..1)?;
    // Some stores' clocks count in milliseconds, those of file systems in hundredths of a second.
    std::thread::sleep(std::time::Duration::from_millis(30));
    numbered(store, &second, 0..1)?;
    std::thread::sleep(std::time::Duration::from_millis(30));
    numbered(store, &first, 1..2)?;
    let rows = store.list(&bench.project)?;
    let time = |key: &Key| rows.iter().find(|row| row.session_id == key.session_id).map(|row| row.mtime);
    holds(time(&first) > time(&second), || {
        format!("list gives {rows:?}; the last append was to {}", first.session_id)
    })
}
