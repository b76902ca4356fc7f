//! One option: its name, what its value may look like, and where that goes.

use super::prose::Prose;
use super::shape::Shape;

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
    /// Built by custom code; the text says what it becomes.
    Custom(&'static str),
    /// Stays in this library.
    Host,
    /// Not an option here: why, and what to use instead.
    Refused(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub shape: Shape,
    pub to: To,
    /// The name in the official SDK for TypeScript, empty where there is none.
    pub typescript: &'static str,
    /// The first CLI that knows it, empty where every supported one does.
    pub since_cli: &'static str,
    pub prose: Prose,
}

pub const fn row(name: &'static str, shape: Shape, to: To, doc: &'static str) -> Row {
    Row { name, shape, to, typescript: "", since_cli: "", prose: Prose::new(doc) }
}

/// A row whose value stays in this library; `what` says what it is used for.
pub const fn host_row(name: &'static str, shape: Shape, what: &'static str, doc: &'static str) -> Row {
    let row = row(name, shape, To::Host, doc);
    Row { prose: row.prose.stays(what), ..row }
}

impl Row {
    /// The equivalent option has the same name in Python, and this one in TypeScript.
    pub const fn both(mut self, typescript: &'static str) -> Row {
        self.typescript = typescript;
        self.python(self.name)
    }

    pub const fn python(mut self, name: &'static str) -> Row {
        self.prose = self.prose.python(name);
        self
    }

    pub const fn typescript(mut self, name: &'static str) -> Row {
        self.typescript = name;
        self
    }

    pub const fn default(mut self, text: &'static str) -> Row {
        self.prose = self.prose.default(text);
        self
    }

    pub const fn since(mut self, version: &'static str) -> Row {
        self.since_cli = version;
        self
    }

    /// Whether the option can produce this flag.
    pub fn makes(&self, flag: &str) -> bool {
        match self.to {
            To::Flag(own)
            | To::FlagUnlessEmpty(own)
            | To::Repeated(own)
            | To::Switch(own)
            | To::SwitchOff(own) => own == flag,
            To::Custom(text) => text.split(['`', '=', ' ']).any(|word| word == flag),
            _ => false,
        }
    }

    /// Whether a text of this option ends up where NUL is not allowed: in an argument, a variable or a path.
    pub fn is_c_text(&self) -> bool {
        !matches!(self.to, To::Initialize(_) | To::InitializeIfTrue(_))
    }

    /// What to do about a word the option does not accept: if it is a flag of the CLI, `extra_args` can be used instead.
    pub fn other_word(&self) -> &'static str {
        let is_flag = match self.to {
            To::Flag(_) | To::FlagUnlessEmpty(_) | To::Repeated(_) => true,
            To::Custom(text) => text.starts_with("`--") && !text.contains("initialize"),
            _ => false,
        };
        if is_flag {
            "use one of these; a value that only a newer CLI knows can be passed by extra_args"
        } else {
            "use one of these"
        }
    }
}
