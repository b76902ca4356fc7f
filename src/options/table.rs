//! The one table of options. Parsing, the list of known names, the suggestions, most of the command line, the
//! reference (`docs/options.md`) and the JSON schema all come from it.

use super::shape::Shape;
use super::{rows_host, rows_model, rows_session, rows_tools};

/// Where a value goes.
#[derive(Debug, Clone, Copy)]
pub enum To {
    /// `--flag=value`; a list is joined by commas, and an empty list gives `--flag=`.
    Flag(&'static str),
    /// As `Flag`, but an empty text or list leaves the flag out.
    FlagUnlessEmpty(&'static str),
    /// `--flag=value` once for each element.
    Repeated(&'static str),
    /// `--flag` when true.
    Switch(&'static str),
    /// `--flag` when false.
    SwitchOff(&'static str),
    /// A field of the initialize request, as it is.
    Initialize(&'static str),
    /// A field of the initialize request, only when true.
    InitializeIfTrue(&'static str),
    /// An environment variable of the child: this name and, for a switch, this text.
    Env(&'static str, &'static str),
    /// Code of its own makes it; the text says what.
    Made(&'static str),
    /// Stays in this library.
    Host(&'static str),
    /// Not an option here: why, and what to use in its place.
    Refused(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub shape: Shape,
    pub to: To,
    /// What happens without it, in words.
    pub default: &'static str,
    pub doc: &'static str,
    /// The names in the official SDKs, empty where there is none.
    pub python: &'static str,
    pub typescript: &'static str,
    /// The first CLI that knows it, empty where every supported one does.
    pub since_cli: &'static str,
}

/// A chapter of the reference.
pub struct Group {
    pub title: &'static str,
    pub rows: &'static [Row],
}

pub const GROUPS: &[Group] = &[
    Group { title: "Model and prompt", rows: rows_model::ROWS },
    Group { title: "Tools, permissions, agents, servers", rows: rows_tools::ROWS },
    Group { title: "Session and settings", rows: rows_session::ROWS },
    Group { title: "Process and environment", rows: rows_host::PROCESS },
    Group { title: "This library", rows: rows_host::LIBRARY },
    Group { title: "Not options here", rows: rows_host::REFUSED },
];

/// Every row, in the order of the reference.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}

pub fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

pub const fn row(name: &'static str, shape: Shape, to: To, doc: &'static str) -> Row {
    Row { name, shape, to, default: "not set", doc, python: "", typescript: "", since_cli: "" }
}

impl Row {
    /// The option of the same meaning has the same name in Python, and this one in TypeScript.
    pub const fn both(mut self, typescript: &'static str) -> Row {
        self.python = self.name;
        self.typescript = typescript;
        self
    }

    pub const fn python(mut self, name: &'static str) -> Row {
        self.python = name;
        self
    }

    pub const fn typescript(mut self, name: &'static str) -> Row {
        self.typescript = name;
        self
    }

    pub const fn default(mut self, text: &'static str) -> Row {
        self.default = text;
        self
    }

    pub const fn since(mut self, version: &'static str) -> Row {
        self.since_cli = version;
        self
    }

    /// Whether the option may become this flag.
    pub fn makes(&self, flag: &str) -> bool {
        match self.to {
            To::Flag(own)
            | To::FlagUnlessEmpty(own)
            | To::Repeated(own)
            | To::Switch(own)
            | To::SwitchOff(own) => own == flag,
            To::Made(text) => text.split(['`', '=', ' ']).any(|word| word == flag),
            _ => false,
        }
    }

    /// Whether a text of this option ends up where NUL cannot be: in an argument, a variable or a path.
    pub fn is_c_text(&self) -> bool {
        !matches!(self.to, To::Initialize(_) | To::InitializeIfTrue(_))
    }
}
