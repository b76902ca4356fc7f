//! What the CLI knows about permissions: the modes, and the rules that block tools. A rule that matches nothing
//! forbids nothing, and the CLI does not report it.

use crate::error::quotable;
use crate::names::{self, TOOLS};

pub const MODES: &[&str] = &["default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto"];

/// What is wrong with a rule, and what to write instead.
type Fault = (String, String);

/// Tools whose own rules the CLI ignores, and the tools whose rules it applies to them.
const COVERED: &[(&str, &str)] =
    &[("Write", "Edit"), ("MultiEdit", "Edit"), ("NotebookEdit", "Edit"), ("Glob", "Read")];

pub fn fault(rule: &str) -> Option<Fault> {
    let (tool, content) = match parts(rule) {
        Ok(parts) => parts,
        Err(fault) => return Some(fault),
    };
    let rest = rule.strip_prefix(tool).unwrap_or_default();
    fault_at(tool, content, |meant| format!("{meant}{}", quotable(rest)))
}

/// As [`fault`]. `written` formats the same rule for another tool.
pub fn fault_at(tool: &str, content: Option<&str>, written: impl Fn(&str) -> String) -> Option<Fault> {
    // The CLI treats these as no content.
    let content = content.filter(|content| !matches!(*content, "" | "*"));
    if let Some(rest) = tool.strip_prefix("mcp__") {
        return mcp_fault(tool, rest, content);
    }
    if let Some(meant) = names::mcp_meant(tool) {
        return Some((format!("no tool's name looks like {}", quotable(tool)), meant));
    }
    if tool.contains('*') {
        return pattern_fault(tool);
    }
    if content.is_some()
        && let Some((_, by)) = COVERED.iter().find(|(covered, _)| *covered == tool)
    {
        let fault = format!("the CLI looks at no rule of {tool} with a content: those of {by} cover it");
        return Some((fault, format!("write {}", written(by))));
    }
    let meant = names::meant(tool, TOOLS)?;
    Some((format!("there is no tool {}", quotable(tool)), format!("write {}", written(meant))))
}

/// The rules in a text, split as the CLI splits them: the first closing parenthesis ends a group.
pub fn split(text: &str) -> Vec<&str> {
    let mut inside = false;
    let rules = text.split(move |letter| {
        inside = (inside || letter == '(') && letter != ')';
        !inside && matches!(letter, ',' | ' ')
    });
    rules.filter(|rule| !rule.is_empty()).collect()
}

/// The tool, and what is in parentheses after it.
fn parts(rule: &str) -> Result<(&str, Option<&str>), Fault> {
    let malformed = |what: &str| {
        Err((
            format!("{what}, and the CLI takes all of it for a tool's name"),
            "write Tool or Tool(content)".into(),
        ))
    };
    let Some((tool, rest)) = rule.split_once('(') else {
        return if rule.contains(')') { malformed("a parenthesis is not opened") } else { Ok((rule, None)) };
    };
    if tool.is_empty() {
        return malformed("no tool stands before the parenthesis");
    }
    if tool.contains(')') {
        return malformed("a parenthesis is not opened");
    }
    let Some(content) = rest.strip_suffix(')') else {
        return malformed("something stands behind the closing parenthesis");
    };
    let backslashes = content.chars().rev().take_while(|letter| *letter == '\\').count();
    if backslashes % 2 == 1 {
        return malformed("a backslash escapes the closing parenthesis");
    }
    Ok((tool, Some(content)))
}

fn mcp_fault(tool: &str, rest: &str, content: Option<&str>) -> Option<Fault> {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*');
    if rest.is_empty() || rest.starts_with("__") || !rest.chars().all(kept) {
        let fault = format!("no tool's name looks like {}", quotable(tool));
        return Some((fault, "write mcp__<server>__<tool>".into()));
    }
    content.map(|_| {
        let fault = "rules for tools of MCP servers have no content, and one with it forbids nothing";
        (fault.to_owned(), format!("write {}, and judge the input in a hook", quotable(tool)))
    })
}

fn pattern_fault(pattern: &str) -> Option<Fault> {
    if may_fit(pattern) {
        return None;
    }
    let lower = pattern.to_lowercase();
    let meant = TOOLS.iter().find(|tool| fits(&lower, &tool.to_lowercase()))?;
    // One that starts with a wildcard may be for tools of MCP servers.
    (!pattern.starts_with('*')).then(|| {
        let fault = format!("{} fits no tool: the CLI tells upper case from lower case", quotable(pattern));
        (fault, format!("write it as in {meant}"))
    })
}

/// Whether a known tool matches, or one of an MCP server may.
fn may_fit(pattern: &str) -> bool {
    let start = pattern.split('*').next().unwrap_or_default();
    let may_be_mcp = start.starts_with("mcp__") || (!start.is_empty() && "mcp__".starts_with(start));
    may_be_mcp || TOOLS.iter().any(|tool| fits(pattern, tool))
}

/// Whether a name matches a pattern in which `*` is anything. The first match of each part is always the best one.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inside = name.strip_prefix(start).and_then(|name| name.strip_suffix(end));
    inside.is_some_and(|mut left| {
        middle.split('*').all(|part| match left.split_once(part) {
            Some((_, after)) => {
                left = after;
                true
            }
            None => false,
        })
    })
}

/// Tools in the rules that the tested CLI does not have.
pub fn unknown<'a>(rules: &[&'a str]) -> Vec<&'a str> {
    let tool = |rule: &&'a str| rule.split_once('(').map_or(*rule, |(tool, _)| tool);
    let known = |tool: &str| {
        TOOLS.contains(&tool) || tool.starts_with("mcp__") || (tool.contains('*') && may_fit(tool))
    };
    rules.iter().map(tool).filter(|tool| !known(tool)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_forbids_nothing_is_found_and_what_forbids_something_passes() {
        for rule in [
            "Bash",
            "Bash()",
            "Bash(*)",
            "Bash(git *)",
            "Bash(echo (x))",
            "Bash(echo \\\\)",
            "Edit(/etc/**)",
            "Read(x)",
            "Write",
            "Write(*)",
            "Glob()",
            "WebFetch(domain:x)",
            "Skill(name)",
            "Agent(x)",
            "Task(x)",
            "mcp__server",
            "mcp__server__*",
            "mcp__*",
            "mcp__me__tool",
            "mcp__me__tool()",
            "mcp__me__tool(*)",
            "*",
            "mcp*",
            "Ba*",
            "*Edit",
            "*_delete",
            "*delete",
            "Web*",
            "ToolOfTomorrow",
            "ToolOfTomorrow(x)",
            "Frob*",
        ] {
            assert_eq!(fault(rule), None, "{rule}");
        }
        for (rule, remedy) in [
            ("Bash(rm *)x", "Tool(content)"),
            ("Bash()x", "Tool(content)"),
            ("Bash)", "Tool(content)"),
            ("Bash)(x)", "Tool(content)"),
            ("(rm)", "Tool(content)"),
            ("Bash(rm \\)", "Tool(content)"),
            ("Write(/etc/**)", "Edit(/etc/**)"),
            ("NotebookEdit(x)", "Edit(x)"),
            ("MultiEdit(x)", "Edit(x)"),
            ("Glob(x)", "Read(x)"),
            ("mcp__me__delete(prod)", "mcp__me__delete"),
            ("mcp__me(prod)", "mcp__me"),
            ("mcp__", "mcp__<server>__<tool>"),
            ("MCP__me__delete", "mcp__me__delete"),
            ("mcp-me-delete", "mcp__"),
            ("bash*", "Bash"),
            ("web*", "WebFetch"),
            ("BASH*", "Bash"),
            ("bash", "Bash"),
            ("bash(rm *)", "Bash(rm *)"),
        ] {
            let (_, found) = fault(rule).unwrap_or_else(|| panic!("{rule} passes"));
            assert!(found.contains(remedy), "{rule}: {found}");
        }
    }

    #[test]
    fn a_star_is_anything_and_every_letter_counts_once() {
        for pattern in ["*", "**", "B*h", "Bash*", "*Bash", "*a*s*", "B**h", "*B*ash", "Ba*sh"] {
            assert!(fits(pattern, "Bash"), "{pattern}");
        }
        for pattern in ["", "B", "Bas*ash", "*s*a*", "Bash*h", "*B*B*", "b*", "*x*"] {
            assert!(!fits(pattern, "Bash"), "{pattern}");
        }
    }

    #[test]
    fn a_text_has_the_rules_that_the_cli_finds_in_it() {
        assert_eq!(split("Bash(rm a, b) Edit,Read, "), ["Bash(rm a, b)", "Edit", "Read"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn a_pattern_that_fits_nothing_is_unknown() {
        let rules = ["Frob*", "*bash", "Bash", "mcp*", "mcp__a*", "*", "New(x)"];
        assert_eq!(unknown(&rules), ["Frob*", "*bash", "New"]);
    }
}
