//! Checks the option `sandbox`: the CLI ignores members it does not know, and would start without the sandbox.

use serde_json::Value;

use super::document::{child, invalid};
use crate::error::{Error, quotable};
use crate::names::misspelt;

enum Form {
    Bool,
    Texts,
    Object(&'static [(&'static str, Form)]),
    Any,
}

use Form::{Any, Bool, Object, Texts};

const SANDBOX: &[(&str, Form)] = &[
    ("enabled", Bool),
    ("failIfUnavailable", Bool),
    ("autoAllowBashIfSandboxed", Bool),
    ("allowUnsandboxedCommands", Bool),
    ("excludedCommands", Texts),
    ("network", Object(NETWORK)),
    ("filesystem", Object(FILESYSTEM)),
    ("credentials", Any),
    ("ignoreViolations", Any),
    ("enableWeakerNestedSandbox", Bool),
    ("enableWeakerNetworkIsolation", Bool),
    ("allowNestedUserNamespaces", Bool),
    ("allowAppleEvents", Bool),
    ("ripgrep", Any),
    ("windows", Any),
    ("bwrapPath", Any),
    ("socatPath", Any),
];

const NETWORK: &[(&str, Form)] = &[
    ("allowedDomains", Texts),
    ("deniedDomains", Texts),
    ("strictAllowlist", Bool),
    ("allowManagedDomainsOnly", Bool),
    ("allowUnixSockets", Texts),
    ("allowAllUnixSockets", Bool),
    ("allowLocalBinding", Bool),
    ("allowMachLookup", Texts),
    ("httpProxyPort", Any),
    ("socksProxyPort", Any),
    ("tlsTerminate", Any),
];

const FILESYSTEM: &[(&str, Form)] = &[
    ("allowWrite", Texts),
    ("denyWrite", Texts),
    ("denyRead", Texts),
    ("allowRead", Texts),
    ("allowManagedReadPathsOnly", Bool),
    ("disabled", Bool),
];

/// Members that a later CLI may know are accepted.
pub fn check(value: &Value, pointer: &str) -> Result<(), Error> {
    members(value, SANDBOX, pointer)
}

fn members(value: &Value, known: &'static [(&'static str, Form)], pointer: &str) -> Result<(), Error> {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    for (name, value) in value.as_object().into_iter().flatten() {
        let place = child(pointer, name);
        if let Some(meant) = misspelt(name, &names) {
            let fault = format!("unknown member \"{}\"", quotable(name));
            return Err(invalid(&place, fault, &format!("write \"{meant}\"")));
        }
        if let Some((_, form)) = known.iter().find(|(known, _)| known == name) {
            check_form(value, form, &place)?;
        }
    }
    Ok(())
}

fn check_form(value: &Value, form: &Form, place: &str) -> Result<(), Error> {
    let expected = match form {
        Any => return Ok(()),
        Object(known) if value.is_object() => return members(value, known, place),
        Bool if value.is_boolean() => return Ok(()),
        Texts if value.as_array().is_some_and(|items| items.iter().all(Value::is_string)) => return Ok(()),
        Bool => "true or false",
        Texts => "a list of texts",
        Object(_) => "an object",
    };
    Err(invalid(
        place,
        format!("expected {expected}"),
        &format!("write {expected}: the CLI heeds nothing else"),
    ))
}
