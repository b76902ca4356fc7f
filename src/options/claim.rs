//! What a session is given when it is claimed from a spare: one JSON document in, the requests to the CLI out.

use serde_json::{Map, Value};

use super::custom::agents_of;
use super::document::{child, invalid, read};
use super::row::{Row, To, row};
use super::shape::Shape;
use super::{check, table};
use crate::error::{Error, quotable};
use crate::names::nearest;
use crate::protocol::tree;

/// Options that a claim can give, with the form that they have at a start.
const OPTIONS: [&str; 8] =
    ["cwd", "add_dirs", "permission_mode", "env", "title", "agents", "model", "max_thinking_tokens"];

/// Members that differ from the option of that name, or have none.
const OWN: [Row; 2] = [
    row("append_system_prompt", Shape::Text, To::Initialize("appendSystemPrompt"), ""),
    row("settings", Shape::Object, To::Custom("apply_flag_settings"), ""),
];

/// The variables that the CLI does not read before it is claimed.
const VARIABLES: [&str; 3] =
    ["CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_SESSION_ACCESS_TOKEN", "CLAUDE_CODE_HOST_SESSION_ID"];

/// Settings about hooks. The claim itself starts hooks, so they would come too late.
const HOOK_SETTINGS: [&str; 5] =
    ["hooks", "disableAllHooks", "allowManagedHooksOnly", "allowedHttpHookUrls", "httpHookAllowedEnvVars"];

/// A parked CLI takes these settings only after the claim, and all others only before it.
const LATE_SETTINGS: [&str; 6] =
    ["model", "agent", "fastMode", "permissions", "availableModels", "disableAutoMode"];

/// A checked claim.
#[derive(Debug)]
pub struct Claim(Map<String, Value>);

impl Claim {
    /// Reads and checks the document. Empty text stands for `{}`.
    pub fn parse(json: &str) -> Result<Claim, Error> {
        let mut values = Map::new();
        for (name, mut value) in read(json)? {
            let pointer = child("", &name);
            let row = find(&name).ok_or_else(|| unknown(&name, &pointer))?;
            if !value.is_null() {
                row.shape.tidy(&mut value);
                check(row, &value, &pointer)?;
                values.insert(name, value);
            }
        }
        let claim = Claim(values);
        claim.check_variables()?;
        claim.check_settings()?;
        Ok(claim)
    }

    /// As given; it may be relative.
    pub fn cwd(&self) -> Option<&str> {
        self.0.get("cwd").and_then(Value::as_str)
    }

    /// The requests, in the order in which the CLI must get them. `servers` are all in-process servers of the session.
    pub fn requests(&self, cwd: &str, servers: Vec<String>) -> Vec<Map<String, Value>> {
        let (early, late) = self.overlays();
        let mut requests = Vec::new();
        requests.extend(early.map(|settings| request("apply_flag_settings", [("settings", settings)])));
        requests.push(self.claim_session(cwd, servers));
        for (member, subtype) in [("model", "set_model"), ("max_thinking_tokens", "set_max_thinking_tokens")]
        {
            let value = self.0.get(member);
            requests.extend(value.map(|value| request(subtype, [(member, tree::copy(value))])));
        }
        requests.extend(late.map(|settings| request("apply_flag_settings", [("settings", settings)])));
        requests
    }

    fn claim_session(&self, cwd: &str, servers: Vec<String>) -> Map<String, Value> {
        let fixed = [
            ("cwd", cwd.into()),
            ("include_initialize", true.into()),
            ("sdk_mcp_servers", servers.into_iter().map(Value::from).collect()),
        ];
        let mut claim = request("claim_session", fixed);
        let members = [
            ("add_dirs", "additional_directories"),
            ("permission_mode", "permission_mode"),
            ("env", "env"),
            ("append_system_prompt", "append_system_prompt"),
            ("title", "title"),
        ];
        for (member, field) in members {
            if let Some(value) = self.0.get(member) {
                claim.insert(field.into(), tree::copy(value));
            }
        }
        if let Some(agents) = self.0.get("agents").and_then(Value::as_object) {
            claim.insert("agents".into(), agents_of(agents).into());
        }
        claim
    }

    /// The settings for before the claim, and those for after it.
    fn overlays(&self) -> (Option<Value>, Option<Value>) {
        let settings = self.0.get("settings").and_then(Value::as_object);
        let part = |late: bool| {
            let of_part = |name: &str| LATE_SETTINGS.contains(&name) == late;
            let members = settings.into_iter().flatten().filter(|(name, _)| of_part(name));
            let part: Map<String, Value> =
                members.map(|(name, value)| (name.clone(), tree::copy(value))).collect();
            (!part.is_empty()).then(|| part.into())
        };
        (part(false), part(true))
    }

    fn check_variables(&self) -> Result<(), Error> {
        for (name, value) in self.0.get("env").and_then(Value::as_object).into_iter().flatten() {
            let pointer = child("/env", name);
            if !VARIABLES.contains(&&**name) {
                let fault = "the CLI has read its environment before it is claimed".to_owned();
                let remedy = format!(
                    "give it in the option env of the client; a claim may set {}",
                    VARIABLES.join(", ")
                );
                return Err(invalid(&pointer, fault, &remedy));
            }
            if value.is_null() {
                let fault = "a claim removes no variable".to_owned();
                return Err(invalid(&pointer, fault, "remove it by the option env of the client"));
            }
        }
        Ok(())
    }

    fn check_settings(&self) -> Result<(), Error> {
        let settings = self.0.get("settings").and_then(Value::as_object);
        let about_hooks = settings.into_iter().flatten().find(|(name, _)| HOOK_SETTINGS.contains(&&***name));
        match about_hooks {
            None => Ok(()),
            Some((name, _)) => Err(invalid(
                &child("/settings", name),
                "settings about hooks come too late in a claim".to_owned(),
                "give them in the option settings of the client",
            )),
        }
    }
}

fn find(name: &str) -> Option<&'static Row> {
    let option = OPTIONS.contains(&name).then(|| table::find(name)).flatten();
    option.or_else(|| OWN.iter().find(|row| row.name == name))
}

fn unknown(name: &str, pointer: &str) -> Error {
    if let Some(row) = table::find(name) {
        let fault = "the CLI has taken this option before it is claimed".to_owned();
        return invalid(pointer, fault, &format!("give {} to the client that becomes the spare", row.name));
    }
    let known = nearest(name, OPTIONS.into_iter().chain(OWN.map(|row| row.name)));
    let remedy = match known {
        Some(known) => format!("did you mean \"{known}\"?"),
        None => "docs/start-at-once.md lists what a claim can give".to_owned(),
    };
    invalid(pointer, format!("a claim has no member \"{}\"", quotable(name)), &remedy)
        .with_opt("nearest", known)
}

fn request<const N: usize>(subtype: &str, members: [(&str, Value); N]) -> Map<String, Value> {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
    std::iter::once(("subtype".to_owned(), subtype.into())).chain(members).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn requests(claim: &Value) -> Vec<Value> {
        let claim = Claim::parse(&claim.to_string()).unwrap();
        claim.requests("/project", vec!["tools".into()]).into_iter().map(Value::from).collect()
    }

    fn refused(claim: &Value) -> (String, String) {
        let error = Claim::parse(&claim.to_string()).unwrap_err();
        let pointer = error.detail("pointer").and_then(Value::as_str).unwrap_or_default().to_owned();
        (pointer, error.message)
    }

    #[test]
    fn nothing_but_the_folder_and_the_servers_is_a_claim() {
        let bare = json!({"subtype": "claim_session", "cwd": "/project", "include_initialize": true,
            "sdk_mcp_servers": ["tools"]});
        for claim in [json!({}), json!({"model": null, "settings": {}})] {
            assert_eq!(requests(&claim), std::slice::from_ref(&bare));
        }
    }

    #[test]
    fn what_decides_which_servers_start_goes_ahead_of_the_claim_and_the_rest_behind_it() {
        let made = requests(&json!({
            "settings": {"permissions": {"deny": ["Bash"]}, "disabledMcpjsonServers": ["x"], "fastMode": true},
            "max_thinking_tokens": 0, "model": "opus", "title": "T", "add_dirs": ["/a"], "permission_mode": "plan",
            "append_system_prompt": "Be brief.", "env": {"CLAUDE_CODE_HOST_SESSION_ID": "7"},
            "agents": {"a": {"description": "d", "prompt": "p", "model": null}},
        }));
        assert_eq!(
            made[0],
            json!({"subtype": "apply_flag_settings", "settings": {"disabledMcpjsonServers": ["x"]}})
        );
        assert_eq!(
            made[1],
            json!({"subtype": "claim_session", "cwd": "/project", "include_initialize": true, "sdk_mcp_servers": ["tools"],
                "additional_directories": ["/a"], "permission_mode": "plan",
                "env": {"CLAUDE_CODE_HOST_SESSION_ID": "7"}, "append_system_prompt": "Be brief.", "title": "T",
                "agents": {"a": {"description": "d", "prompt": "p"}}})
        );
        assert_eq!(made[2], json!({"subtype": "set_model", "model": "opus"}));
        assert_eq!(made[3], json!({"subtype": "set_max_thinking_tokens", "max_thinking_tokens": 0}));
        let late = json!({"permissions": {"deny": ["Bash"]}, "fastMode": true});
        assert_eq!(made[4], json!({"subtype": "apply_flag_settings", "settings": late}));
        assert_eq!(made.len(), 5);
    }

    #[test]
    fn what_comes_too_late_names_its_place() {
        let (pointer, fault) = refused(&json!({"env": {"HTTPS_PROXY": "x"}}));
        assert!(pointer == "/env/HTTPS_PROXY" && fault.contains("CLAUDE_CODE_OAUTH_TOKEN"), "{fault}");
        assert_eq!(
            refused(&json!({"env": {"CLAUDE_CODE_OAUTH_TOKEN": null}})).0,
            "/env/CLAUDE_CODE_OAUTH_TOKEN"
        );
        assert_eq!(refused(&json!({"settings": {"hooks": {}}})).0, "/settings/hooks");
        let (pointer, fault) = refused(&json!({"allowed_tools": []}));
        assert!(pointer == "/allowed_tools" && fault.contains("becomes the spare"), "{fault}");
        assert!(refused(&json!({"models": "opus"})).1.contains("did you mean \"model\""));
        assert!(refused(&json!({"xyzzy": 1})).1.contains("docs/start-at-once.md"));
        for (claim, pointer) in [
            (json!({"cwd": 7}), "/cwd"),
            (json!({"settings": "/a/file"}), "/settings"),
            (json!({"permission_mode": "mine"}), "/permission_mode"),
            (json!({"agents": {"a": {}}}), "/agents/a"),
        ] {
            assert!(refused(&claim).0.starts_with(pointer), "{claim}");
        }
    }
}
