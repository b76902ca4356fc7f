//! A documentation comment as blocks: what a generator needs to wrap it anew and to find the parameters in it.

/// The commands that begin a block wherever they stand.
const COMMANDS: &[&str] = &[
    "param",
    "return",
    "thread",
    "callback",
    "since",
    "see",
    "copydoc",
    "ingroup",
    "defgroup",
    "addtogroup",
];

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Doc {
    pub blocks: Vec<Block>,
}

/// A paragraph, or a command and what belongs to it, without line ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub command: Option<String>,
    pub text: String,
}

impl Doc {
    /// Reads a comment with or without its stars and slashes.
    pub fn parse(comment: &str) -> Doc {
        let mut doc = Doc::default();
        let inner = comment.trim().trim_start_matches("/**").trim_start_matches('<').trim_end_matches("*/");
        let mut fresh = true;
        for line in inner.lines() {
            let line = line.trim();
            let line = line.strip_prefix('*').unwrap_or(line).trim();
            fresh |= line.is_empty() || line.starts_with("- ");
            for word in line.split_whitespace() {
                doc.push(word, &mut fresh);
            }
        }
        doc
    }

    fn push(&mut self, word: &str, fresh: &mut bool) {
        let command = word.strip_prefix('@').filter(|name| COMMANDS.contains(name));
        if let Some(name) = command {
            self.blocks.push(Block { command: Some(name.to_owned()), text: String::new() });
            *fresh = false;
            return;
        }
        let word = plain(word);
        match self.blocks.last_mut() {
            Some(block) if !*fresh => {
                if !block.text.is_empty() {
                    block.text.push(' ');
                }
                block.text.push_str(&word);
            }
            _ => self.blocks.push(Block { command: None, text: word }),
        }
        *fresh = false;
    }

    /// What is said of the whole, in one line.
    pub fn text(&self) -> String {
        let told = self.blocks.iter().filter(|block| block.command.is_none());
        told.map(|block| block.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The parameters that are told of, with their texts.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.blocks
            .iter()
            .filter(|block| block.command.as_deref() == Some("param"))
            .map(|block| block.text.split_once(' ').unwrap_or((&block.text, "")))
    }

    /// The text of the first block with this command.
    pub fn command(&self, name: &str) -> Option<&str> {
        let block = self.blocks.iter().find(|block| block.command.as_deref() == Some(name))?;
        Some(&block.text)
    }
}

/// Doxygen links names that are not in backticks, which Rust's documentation wants there.
fn plain(word: &str) -> String {
    let parts: Vec<&str> = word.split('`').collect();
    if parts.len() == 3 && is_name(parts[1]) { parts.concat() } else { word.to_owned() }
}

fn is_name(text: &str) -> bool {
    let text = text.trim_end_matches("()");
    (text.starts_with("claude_") || text.starts_with("CLAUDE_"))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Breaks a text into lines of at most so many columns. `NULL = none` stays together, so that it can be searched for.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut().filter(|last| word == "=" || last.ends_with(" =")) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
    }
    let mut lines = vec![String::new()];
    for word in &words {
        let line =
            lines.last_mut().filter(|line| line.is_empty() || columns(line) + 1 + columns(word) <= width);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.clone()),
        }
    }
    lines
}

pub fn columns(text: &str) -> usize {
    text.chars().count()
}
