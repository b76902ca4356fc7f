//! Resumes a session from a store: loads it, writes it to a folder of its own, and passes that to the CLI.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Client;
use super::connect::Plan;
use super::mirror::ask;
use crate::error::{Error, Result, Status};
use crate::options::Launch;
use crate::process;
use crate::protocol::members::top_level_value;
use crate::sessions::store::answers::{self, Entry};
use crate::sessions::store::blocking::of_project;
use crate::sessions::store::key::{check_session_id, check_subpath};
use crate::sessions::store::resume::{self, Loaded, Source};
use crate::sessions::store::{Key, Operation, Store, cannot};

/// Loads a session, call by call.
struct Loading<'a> {
    store: &'a Arc<dyn Store>,
    limit: Duration,
}

impl Client {
    /// Detects problems with the store before anything is started.
    pub(super) fn check_store(&self) -> Result<()> {
        let Some(store) = self.mirror.store() else { return Ok(()) };
        let options = &self.options;
        let refuse = |pointer: &str, fault: &str, remedy: &str| {
            Err(Error::new(Status::InvalidOption, format!("option {pointer}: {fault}"))
                .with("pointer", pointer)
                .with("remedy", remedy))
        };
        if options.get("persist_session") == Some(&Value::Bool(false)) {
            let fault = "nothing is written, so that there is nothing to store";
            return refuse("/persist_session", fault, "leave it out, or take no session store");
        }
        if options.is_true("enable_file_checkpointing") {
            let fault =
                "the copies of files are not in the session store, so that they are lost with this machine";
            return refuse("/enable_file_checkpointing", fault, "leave it out, or take no session store");
        }
        let resumes = options.get("resume").is_some() || self.continues();
        if resumes && (options.launcher.is_some() || self.host.is_given()) {
            let pointer = if options.launcher.is_some() { "/launcher" } else { "/resume" };
            let fault = "the session would be laid down here, and the CLI runs elsewhere";
            return refuse(
                pointer,
                fault,
                "resume where the CLI runs, or lay the files down there: docs/remote.md",
            );
        }
        if options.get("resume").is_none() && self.continues() && !store.can(Operation::List) {
            return Err(
                cannot(Operation::List, "continue_conversation").with("pointer", "/continue_conversation")
            );
        }
        Ok(())
    }

    /// Writes the files of the session to be resumed, and makes the CLI use them.
    pub(super) async fn resume_from_store(&self, plan: &mut Plan) -> Result<()> {
        let Some(store) = self.mirror.store() else { return Ok(()) };
        let loading = Loading { store: &store, limit: self.options.load_timeout };
        let Some((key, loaded)) = self.find_stored(&loading, &plan.launch).await? else { return Ok(()) };
        let source = Source::of(&plan.launch.env);
        let owner = plan.launch.user.as_deref().and_then(process::owner);
        let (project, id) = (key.project_key.clone(), key.session_id.clone());
        let writing =
            tokio::task::spawn_blocking(move || resume::write(&project, &id, &loaded, &source, owner));
        let stopped = || Error::new(Status::Closed, "the library is shutting down");
        self.mirror.keep(writing.await.map_err(|_| stopped())??, key.session_id);
        Ok(())
    }

    async fn find_stored(&self, loading: &Loading<'_>, launch: &Launch) -> Result<Option<(Key, Loaded)>> {
        let cwd = launch.cwd.clone().or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        let project = crate::sessions::project_key(&cwd.to_string_lossy())?;
        let Some(id) = self.options.get("resume").and_then(Value::as_str) else {
            return if self.continues() { loading.newest(&project).await } else { Ok(None) };
        };
        check_session_id(id).map_err(|_| no_uuid(id))?;
        let key = Key::of_session(&project, id);
        match loading.entries(&key).await?.filter(|entries| !entries.is_empty()) {
            Some(entries) => loading.whole(key, entries).await.map(Some),
            None => Err(not_stored(&key)),
        }
    }
}

impl Loading<'_> {
    async fn entries(&self, key: &Key) -> Result<Option<Vec<Entry>>> {
        answers::entries(ask(self.store, Operation::Load, key.to_json(), None, self.limit).await?)
    }

    /// The newest session that is not a subagent's.
    async fn newest(&self, project: &str) -> Result<Option<(Key, Loaded)>> {
        let answer = ask(self.store, Operation::List, of_project(project), None, self.limit).await?;
        let mut rows = answers::listed(answer)?;
        rows.sort_by(|one, other| {
            other.mtime.cmp(&one.mtime).then_with(|| one.session_id.cmp(&other.session_id))
        });
        for row in rows {
            if check_session_id(&row.session_id).is_err() {
                continue;
            }
            let key = Key::of_session(project, &row.session_id);
            let Some(entries) = self.entries(&key).await? else { continue };
            let is_main = entries.first().is_some_and(|first| !is_sidechain(first));
            if is_main {
                return self.whole(key, entries).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Adds the subagents' files, if the store can list them.
    async fn whole(&self, key: Key, entries: Vec<Entry>) -> Result<(Key, Loaded)> {
        let mut loaded: Loaded = vec![(None, entries)];
        if self.store.can(Operation::ListSubkeys) {
            let answer = ask(self.store, Operation::ListSubkeys, key.to_json(), None, self.limit).await?;
            for subpath in answers::subkeys(answer)? {
                check_subpath(&subpath)?;
                if let Some(entries) = self.entries(&key.with_subpath(&subpath)).await? {
                    loaded.push((Some(subpath), entries));
                }
            }
        }
        Ok((key, loaded))
    }
}

fn is_sidechain(entry: &Entry) -> bool {
    top_level_value(entry.get().as_bytes(), b"isSidechain").is_some_and(|value| value.starts_with(b"true"))
}

fn no_uuid(id: &str) -> Error {
    Error::new(Status::InvalidOption, format!("option /resume: {} is no UUID", crate::error::quotable(id)))
        .with("pointer", "/resume")
        .with("remedy", "pass the id of a session; a title is not looked for in a session store")
}

/// If the CLI had its own copy, it would resume that, and the store would get the end of the session without its beginning.
fn not_stored(key: &Key) -> Error {
    Error::new(
        Status::SessionNotFound,
        format!("the session store has no session {} of the project {}", key.session_id, key.project_key),
    )
    .with("phase", "session_store")
    .with("pointer", "/resume")
    .with("session_id", key.session_id.clone())
    .with(
        "remedy",
        "the option cwd names the project; a session that is only on the disk is stored by claude_session_store_import",
    )
}
