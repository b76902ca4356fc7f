//! Writes the header as a book: chapters in the order of the table of contents, each declaration with its text.

use super::doc::{Block, Doc, columns, wrap};
use super::parse::{Chapter, Item, Kind, Member, Parameter, Value};

const WIDTH: usize = 120;

/// Where the chapters go in the skeleton.
const PLACE: &str = "@CHAPTERS@\n";

/// The identifiers of the chapters, in the order of the table of contents: two a line, each with a short text.
pub fn contents(skeleton: &str) -> Vec<String> {
    let table = skeleton.split("CONTENTS\n").nth(1).and_then(|rest| rest.split("THE CONTRACT").next());
    let lines = table.unwrap_or_default().lines().filter_map(|line| line.strip_prefix(" *     "));
    let cells = lines.flat_map(|line| line.split("  ")).map(str::trim).filter(|cell| !cell.is_empty());
    cells.step_by(2).map(str::to_owned).collect()
}

pub fn header(skeleton: &str, chapters: &[Chapter]) -> String {
    let chapters: Vec<String> = chapters.iter().map(chapter).collect();
    skeleton.replace(PLACE, &chapters.join("\n"))
}

fn chapter(chapter: &Chapter) -> String {
    let mut text =
        format!("/* {} */\n/** @defgroup {} {}\n", "=".repeat(WIDTH - 6), chapter.id, chapter.title);
    text.extend(lines(&chapter.intro, WIDTH - 3).iter().map(|line| starred(line)));
    text.push_str(" * @{ */\n");
    let mut before: Option<&Item> = None;
    for item in &chapter.items {
        if !before.is_some_and(|before| close(before, item)) {
            text.push('\n');
        }
        text.push_str(&declaration(item, &chapter.items));
        before = Some(item);
    }
    text.push_str("\n/** @} */\n");
    text
}

/// Whether the second follows the first without an empty line: a twin, a list of handles.
fn close(first: &Item, second: &Item) -> bool {
    match (&first.kind, &second.kind) {
        (Kind::Handle, Kind::Handle) => true,
        _ => second.doc.command("copydoc") == Some(&first.name),
    }
}

fn declaration(item: &Item, all: &[Item]) -> String {
    let name = &item.name;
    let before = comment(&item.doc);
    match &item.kind {
        Kind::Macro { parameters, value } => format!("{before}#define {name}{parameters} {value}\n"),
        Kind::Enum(values) => {
            format!("{before}CLAUDE_ENUM({name}) {{\n{}}} CLAUDE_ENUM_END({name});\n", enumeration(values))
        }
        Kind::Handle => handle(item, all),
        Kind::Callback { returns, parameters } => {
            format!("{before}{}", call(&format!("typedef {}(*{name})(", spaced(returns)), parameters))
        }
        Kind::Struct(members) => format!("{before}typedef struct {{\n{}}} {name};\n", structure(members)),
        Kind::Function { returns, parameters } => {
            format!("{before}{}", call(&format!("{}{name}(", spaced(returns)), parameters))
        }
    }
}

/// The comment before a declaration: short where it fits three lines, a block where it does not.
fn comment(doc: &Doc) -> String {
    let short = lines(doc, WIDTH - " *  ".len());
    let fits = short.last().is_some_and(|last| columns(last) + " *   */".len() <= WIDTH);
    if short.is_empty() {
        String::new()
    } else if fits && short.len() <= 3 && short.iter().all(|line| !line.is_empty()) {
        format!("/** {} */\n", short.join("\n *  "))
    } else {
        let lines = lines(doc, WIDTH - " * ".len());
        format!("/**\n{} */\n", lines.iter().map(|line| starred(line)).collect::<String>())
    }
}

fn starred(line: &str) -> String {
    if line.is_empty() { " *\n".to_owned() } else { format!(" * {line}\n") }
}

/// The lines of a text, an empty one between its paragraphs.
fn lines(doc: &Doc, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, current) in doc.blocks.iter().enumerate() {
        if at > 0 && current.command.is_none() && !current.text.starts_with("- ") {
            lines.push(String::new());
        }
        lines.extend(block(current, width));
    }
    lines
}

fn block(block: &Block, width: usize) -> Vec<String> {
    match &block.command {
        None => wrap(&block.text, width),
        Some(command) => {
            let lines = wrap(&format!("@{command} {}", block.text), width - 2);
            lines
                .iter()
                .enumerate()
                .map(|(at, line)| format!("{}{line}", if at == 0 { "" } else { "  " }))
                .collect()
        }
    }
}

fn enumeration(values: &[Value]) -> String {
    let last = values.len().saturating_sub(1);
    let comma = |at: usize| if at == last { "" } else { "," };
    let rows = values.iter().enumerate();
    aligned(
        rows.map(|(at, value)| (format!("    {} = {}{}", value.name, value.value, comma(at)), &value.doc))
            .collect(),
    )
}

fn structure(members: &[Member]) -> String {
    let code = |member: &Member| format!("    {}{};", spaced(&member.parameter.ty), member.parameter.name);
    aligned(members.iter().map(|member| (code(member), &member.doc)).collect())
}

fn handle(item: &Item, all: &[Item]) -> String {
    let code = |item: &Item| format!("typedef struct {0} {0};", item.name);
    let handles = all.iter().filter(|item| matches!(item.kind, Kind::Handle));
    let width = handles.map(|item| columns(&code(item))).max().unwrap_or(0);
    row(&code(item), &item.doc, width)
}

/// Lines with their texts behind them, in one column.
fn aligned(rows: Vec<(String, &Doc)>) -> String {
    let width = rows.iter().map(|(code, _)| columns(code)).max().unwrap_or(0);
    rows.iter().map(|(code, doc)| row(code, doc, width)).collect()
}

fn row(code: &str, doc: &Doc, width: usize) -> String {
    if doc.blocks.is_empty() {
        return format!("{code}\n");
    }
    let start = " ".repeat(width + 6);
    let lines = wrap(&doc.text(), WIDTH - width - 6 - 3);
    format!("{code:width$} /**< {} */\n", lines.join(&format!("\n{start}")))
}

/// `const char *` or `size_t `: what a name follows.
fn spaced(ty: &str) -> String {
    match ty.find('*') {
        Some(at) => format!("{} {}", &ty[..at], &ty[at..]),
        None => format!("{ty} "),
    }
}

/// The parameters behind their parenthesis, filled up to the width.
fn call(head: &str, parameters: &[Parameter]) -> String {
    if parameters.is_empty() {
        return format!("{head}void);\n");
    }
    let indent = " ".repeat(columns(head));
    let (mut text, mut line) = (String::new(), head.to_owned());
    for (at, parameter) in parameters.iter().enumerate() {
        let end = if at + 1 == parameters.len() { ");" } else { "," };
        let part = format!("{}{}{end}", spaced(&parameter.ty), parameter.name);
        let blank = if at == 0 { "" } else { " " };
        if at > 0 && columns(&line) + 1 + columns(&part) > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = format!("{indent}{part}");
        } else {
            line.push_str(blank);
            line.push_str(&part);
        }
    }
    format!("{text}{line}\n")
}
