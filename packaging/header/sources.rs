//! What src/capi says about the header beyond what cbindgen reads: which chapter an export is in, and in which order.
//!
//! The documentation of a module begins with the chapter that its exports are in: `//! @defgroup receive Receiving`, with the
//! chapter's introduction below, or `//! @addtogroup receive` where another module has these. A line `@ingroup receive` in an
//! export's own documentation goes before that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::doc::Doc;
use super::parse::{Chapter, Item, Kind};
use super::{Result, read as file};

/// How the line of an export begins; its name follows.
const EXPORTS: &[&str] = &["pub unsafe extern \"C\" fn ", "pub extern \"C\" fn "];
const TYPES: &[&str] = &["pub enum ", "pub struct ", "pub type "];

#[derive(Default)]
pub struct Sources {
    chapters: Vec<Chapter>,
    /// Each export and type: its place in the sources and its chapter.
    places: BTreeMap<String, Place>,
    types: Vec<String>,
}

struct Place {
    order: usize,
    chapter: String,
    /// A constant that is written with a suffix.
    unsigned: bool,
}

/// Reads the modules in the order of src/capi/mod.rs.
pub fn read(root: &Path) -> Result<Sources> {
    let mut sources = Sources::default();
    for line in file(root, "src/capi/mod.rs")?.lines() {
        let name = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';'));
        if let Some(name) = name {
            let path = format!("src/capi/{name}.rs");
            sources.module(&path, &file(root, &path)?)?;
        }
    }
    Ok(sources)
}

impl Sources {
    fn module(&mut self, path: &str, text: &str) -> Result<()> {
        let chapter = self.mark(text);
        for line in text.lines() {
            let named = |starts: &[&str]| starts.iter().find_map(|start| line.strip_prefix(start)).map(word);
            let constant = named(&["pub const "]).filter(|name| name.starts_with("CLAUDE_"));
            let ty = named(TYPES).filter(|name| name.contains("claude_"));
            let Some(name) = named(EXPORTS).or(constant).or(ty) else { continue };
            let chapter = chapter.clone().ok_or_else(|| {
                format!("{path}: {name} is in no chapter; begin with `//! @defgroup id Title` or `//! @addtogroup id`")
            })?;
            let place = Place { order: self.places.len(), chapter, unsigned: line.contains(": u32 =") };
            self.places.insert(name.to_owned(), place);
            self.types.extend(ty.map(str::to_owned));
        }
        Ok(())
    }

    /// The chapter that the module's documentation names. One that begins here is kept with its introduction: the lines
    /// up to the end of the module's documentation.
    fn mark(&mut self, text: &str) -> Option<String> {
        let lines: Vec<&str> =
            text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            if let Some(id) = line.strip_prefix("@addtogroup ") {
                return Some(word(id).to_owned());
            }
            if let Some((id, title)) = line.strip_prefix("@defgroup ").and_then(|rest| rest.split_once(' ')) {
                let intro = Doc::parse(&lines[at + 1..].join("\n"));
                let (id, title) = (id.to_owned(), title.to_owned());
                self.chapters.push(Chapter { id: id.clone(), title, intro, items: Vec::new() });
                return Some(id);
            }
        }
        None
    }

    /// The names of all types, whether or not a function names them.
    pub fn types(&self) -> Vec<String> {
        self.types.clone()
    }

    /// cbindgen leaves out in silence what it does not understand.
    pub fn complete<'a>(&self, items: impl Iterator<Item = &'a Item>) -> Result<()> {
        let made: BTreeSet<&str> = items.map(|item| item.name.as_str()).collect();
        let lost: Vec<&str> =
            self.places.keys().map(String::as_str).filter(|name| !made.contains(name)).collect();
        if lost.is_empty() { Ok(()) } else { Err(format!("cbindgen makes nothing of {}", lost.join(", "))) }
    }

    /// Puts the declarations into the chapters, and these into the order of the table of contents.
    pub fn arrange(mut self, items: Vec<Item>, contents: &[String]) -> Result<Vec<Chapter>> {
        let mut chapters = Vec::new();
        for id in contents {
            let at = self.chapters.iter().position(|chapter| chapter.id == *id);
            let at =
                at.ok_or_else(|| format!("no module of src/capi begins with `//! @defgroup {id} Title`"))?;
            chapters.push(self.chapters.remove(at));
        }
        if let Some(chapter) = self.chapters.first() {
            return Err(format!("the table of contents does not have the chapter {}", chapter.id));
        }
        for item in items {
            let id = self.chapter(&item)?;
            let chapter = chapters.iter_mut().find(|chapter| chapter.id == id);
            let chapter = chapter.ok_or_else(|| format!("{}: there is no chapter {id}", item.name))?;
            chapter.items.push(self.finished(item));
        }
        for chapter in &mut chapters {
            chapter.items.sort_by_key(|item| (rank(&item.kind), self.places[&item.name].order));
        }
        Ok(chapters)
    }

    fn chapter(&self, item: &Item) -> Result<String> {
        let place = self.places.get(&item.name);
        let place = place.ok_or_else(|| format!("{}: not found in src/capi", item.name))?;
        Ok(item.doc.command("ingroup").map_or_else(|| place.chapter.clone(), str::to_owned))
    }

    /// Without what is a note to this step, and with constants as literals: masks as masks, unsigned ones with their suffix.
    fn finished(&self, mut item: Item) -> Item {
        item.doc.blocks.retain(|block| block.command.as_deref() != Some("ingroup"));
        match &mut item.kind {
            Kind::Macro { value, .. } if self.places[&item.name].unsigned => {
                *value = format!("{}u", literal(value))
            }
            Kind::Enum(values) => values.iter_mut().for_each(|value| value.value = literal(&value.value)),
            _ => {}
        }
        item
    }
}

fn literal(value: &str) -> String {
    match value {
        "UINT32_MAX" | "4294967295" => "0xFFFFFFFF".to_owned(),
        "INT32_MAX" | "2147483647" => "0x7FFFFFFF".to_owned(),
        other => other.to_owned(),
    }
}

/// Types in the order in which C can read them; functions last.
fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Macro { .. } => 0,
        Kind::Enum(_) => 1,
        Kind::Handle => 2,
        Kind::Callback { .. } => 3,
        Kind::Struct(_) => 4,
        Kind::Function { .. } => 5,
    }
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}
