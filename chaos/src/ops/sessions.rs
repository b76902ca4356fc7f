//! Sessions on the disk: of a folder that is not there, since what the driver does must not touch any that is.

use std::ffi::CStr;

use super::Actor;
use crate::raw::*;

const ID: &CStr = c"11111111-1111-4111-8111-111111111111";

impl Actor {
    fn session(&mut self) -> (Text<'static>, Text<'static>) {
        let id = self.rng.pick(&[Some(ID), Some(ID), Some(c"../../etc"), Some(c""), None]);
        let options = self.rng.pick(&[
            c"{\"config_dir\": \"/nonexistent/chaos\"}",
            c"{\"config_dir\": \"/nonexistent/chaos\", \"directory\": \"/\"}",
            c"{\"config_dir\": \"/nonexistent/chaos\", \"limits\": 3}",
            c"{\"config_dir\": 5}",
        ]);
        (id, Some(options))
    }

    pub fn sessions_list(&mut self) {
        let (_, options) = self.session();
        self.text(|text, error| claude_sessions_list(options, text, error));
    }

    pub fn session_info(&mut self) {
        let (id, options) = self.session();
        self.text(|text, error| claude_session_info(id, options, text, error));
    }

    pub fn session_messages(&mut self) {
        let (id, options) = self.session();
        self.call(|error| claude_session_messages(id, options, None, UserData::NULL, error));
    }

    pub fn session_subagents(&mut self) {
        let (id, options) = self.session();
        self.text(|text, error| claude_session_subagents(id, options, text, error));
    }

    pub fn session_subagent_messages(&mut self) {
        let (id, options) = self.session();
        self.call(|error| {
            claude_session_subagent_messages(id, Some(c"a"), options, None, UserData::NULL, error)
        });
    }

    pub fn session_rename(&mut self) {
        let (id, options) = self.session();
        let title = self.rng.pick(&[Some(c"title"), Some(c" "), None]);
        self.call(|error| claude_session_rename(id, title, options, error));
    }

    pub fn session_tag(&mut self) {
        let (id, options) = self.session();
        let tag = self.rng.pick(&[Some(c"tag"), Some(c" "), None]);
        self.call(|error| claude_session_tag(id, tag, options, error));
    }

    pub fn session_archive(&mut self) {
        let ((id, options), archived) = (self.session(), self.rng.one_in(2));
        self.call(|error| claude_session_archive(id, archived, options, error));
    }

    pub fn session_delete(&mut self) {
        let (id, options) = self.session();
        self.call(|error| claude_session_delete(id, options, error));
    }

    pub fn session_fork(&mut self) {
        let (id, options) = self.session();
        self.text(|text, error| claude_session_fork(id, options, text, error));
    }

    pub fn session_project_key(&mut self) {
        let directory = self.rng.pick(&[Some(c"/"), Some(c"relative"), Some(c""), None]);
        self.text(|text, error| claude_session_project_key(directory, text, error));
    }
}
