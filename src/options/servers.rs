//! MCP servers and plugins.

use serde_json::{Map, Value, json};

use super::builder::{Builder, PrivateFile};
use super::document::{child, invalid, read_inside};
use super::rules;
use crate::error::Error;
use crate::protocol::tree;

pub fn plugins(builder: &mut Builder) {
    let options = builder.options;
    let plugins = options.get("plugins").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if plugins.is_empty() {
        return;
    }
    let parts = plugins.iter().map(|plugin| {
        (plugin["path"].as_str().unwrap_or_default(), plugin["skip_mcp_discovery"].as_bool().unwrap_or(false))
    });
    if options.text("plugin_delivery") == Some("argv") || builder.features.no_early_initialize {
        for (path, without_mcp) in parts {
            let flag = if without_mcp { "--plugin-dir-no-mcp" } else { "--plugin-dir" };
            builder.flag("plugins", flag, path);
        }
        return;
    }
    let wire = parts.map(|(path, without_mcp)| match without_mcp {
        true => json!({"type": "local", "path": path, "skipMcpDiscovery": true}),
        false => json!({"type": "local", "path": path}),
    });
    builder.field("plugins", wire.collect::<Vec<_>>());
    builder.await_initialize = true;
    builder.must_be_applied.push("plugins_applied");
}

pub fn mcp_servers(builder: &mut Builder) -> Result<(), Error> {
    let servers = match builder.options.get("mcp_servers") {
        None => Map::new(),
        Some(Value::Object(servers)) => tree::copy_of(servers),
        Some(text) => match inline(text.as_str().unwrap_or_default())? {
            Some(servers) => servers,
            None => {
                builder.flag("mcp_servers", "--mcp-config", text.as_str().unwrap_or_default());
                Map::new()
            }
        },
    };
    let (ours, theirs): (Map<_, _>, Map<_, _>) =
        servers.into_iter().partition(|(_, server)| server["type"].as_str() == Some("sdk"));
    if let Some((name, _)) =
        builder.features.sdk_mcp_servers.iter().find(|(name, _)| theirs.contains_key(name))
    {
        let fault = "an in-process server of this name was added too".to_owned();
        return Err(invalid(&child("/mcp_servers", name), fault, "rename one of the two"));
    }
    announce(builder, &ours)?;
    deliver(builder, theirs);
    Ok(())
}

/// The servers in a text that is JSON rather than a path, with the same checks as an object.
fn inline(text: &str) -> Result<Option<Map<String, Value>>, Error> {
    if !text.trim_start().starts_with('{') {
        return Ok(None);
    }
    let place = "/mcp_servers";
    let document = read_inside(text, place, "the text", "give an object, or a path")?;
    let servers = document.get("mcpServers").unwrap_or(&document);
    let Some(map) = servers.as_object() else {
        return Err(invalid(
            place,
            "mcpServers is not an object".into(),
            "write {\"mcpServers\": {\"name\": {…}}}",
        ));
    };
    rules::mcp_servers(servers, place)?;
    Ok(Some(tree::copy_of(map)))
}

/// In-process servers: the CLI learns their names, and calls them through the control protocol.
fn announce(builder: &mut Builder, entries: &Map<String, Value>) -> Result<(), Error> {
    let added = &builder.features.sdk_mcp_servers;
    if let Some(name) = entries.keys().find(|name| !added.iter().any(|(known, _)| known == *name)) {
        let fault = "no in-process server of this name was added".to_owned();
        let remedy = "call claude_client_add_mcp_server before connect, or give the server another type";
        return Err(invalid(&child("/mcp_servers", name), fault, remedy));
    }
    let mut configs = Map::new();
    for (name, registered) in added {
        let mut config = registered.as_object().cloned().unwrap_or_default();
        for (member, value) in entries.get(name).and_then(Value::as_object).into_iter().flatten() {
            // Null means absent, and removes nothing.
            if !matches!(member.as_str(), "type" | "name") && !value.is_null() {
                config.insert(member.clone(), tree::copy(value));
            }
        }
        if !config.is_empty() {
            configs.insert(name.clone(), config.into());
        }
    }
    if !added.is_empty() {
        let names: Vec<&str> = added.iter().map(|(name, _)| name.as_str()).collect();
        builder.field("sdkMcpServers", names);
    }
    if !configs.is_empty() {
        builder.field("sdkMcpServerConfigs", configs);
    }
    Ok(())
}

fn deliver(builder: &mut Builder, mut servers: Map<String, Value>) {
    if servers.is_empty() {
        return;
    }
    for server in servers.values_mut().filter_map(Value::as_object_mut) {
        // The CLI fails with an internal error when a command has no `args`.
        if server.contains_key("command") && !server.contains_key("args") {
            server.insert("args".into(), json!([]));
        }
    }
    let by_file =
        builder.options.text("mcp_servers_delivery") == Some("file") || builder.features.no_early_initialize;
    if by_file && builder.is_remote() {
        let text = "mcp_servers_delivery does nothing: a file written here may not exist where the CLI runs";
        builder.warnings.push(text.into());
    } else if by_file {
        let contents = json!({"mcpServers": servers}).to_string();
        builder.private_files.push(PrivateFile { flag: "--mcp-config", name: "mcp-config.json", contents });
        return;
    }
    builder.field("mcpServers", servers);
    builder.await_initialize = true;
    builder.must_be_applied.push("mcp_servers_applied");
}
