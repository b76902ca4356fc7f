//! Makes what the repository keeps of the interface: the header, its description as JSON and the list of symbols. `build.rs`
//! writes them under the cargo feature `header`; tests/packaging/header.rs makes them again and compares.
//!
//! cbindgen reads src/capi, [`parse`] reads what it wrote, [`sources`] knows chapters and order, [`layout`] writes the book,
//! and [`api`] describes it for generators of bindings.

pub mod api;
mod doc;
mod json;
pub mod layout;
pub mod parse;
mod roles;
mod sources;
#[cfg(test)]
mod tests;

use std::path::Path;

use parse::{Chapter, Item, Kind};

/// What is wrong, in words for whoever edits src/capi.
pub type Result<T> = std::result::Result<T, String>;

/// The page, the include guard and what surrounds the chapters; the chapters follow its table of contents.
const SKELETON: &str = "packaging/header/skeleton.h.in";

/// Macros that have no constant in Rust. They open the first chapter.
const MACROS: &str = "packaging/header/macros.h.in";

/// The kept files, as paths from the root and their texts.
pub fn make(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let skeleton = read(root, SKELETON)?;
    let chapters = chapters(root, &skeleton)?;
    let header = layout::header(&skeleton, &chapters);
    let symbols = symbols(&chapters);
    let api = api::describe(&chapters)?;
    Ok(vec![
        ("include/claude_client.h", header),
        ("include/api.json", api),
        ("packaging/symbols.txt", symbols),
    ])
}

fn read(root: &Path, path: &str) -> Result<String> {
    std::fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
}

/// The chapters of src/capi in the order of the table of contents, with what cbindgen makes of the exports.
fn chapters(root: &Path, skeleton: &str) -> Result<Vec<Chapter>> {
    let sources = sources::read(root)?;
    let generated = generate(root, &sources.types())?;
    let items = parse::items(&generated)?;
    let macros = parse::items(&with_version(&read(root, MACROS)?))?;
    sources.complete(items.iter().chain(&macros))?;
    let mut chapters = sources.arrange(items, &layout::contents(skeleton))?;
    if let Some(first) = chapters.first_mut() {
        first.items.splice(0..0, macros);
    }
    Ok(chapters)
}

fn generate(root: &Path, types: &[String]) -> Result<String> {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    // Types that no function names by themselves, such as enumerations that are passed as int32_t.
    config.export.include.extend_from_slice(types);
    let builder = cbindgen::Builder::new().with_config(config).with_src(root.join("src/capi/mod.rs"));
    let bindings = builder.generate().map_err(|error| format!("src/capi: {error}"))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map_err(|error| error.to_string())
}

fn with_version(text: &str) -> String {
    let numbers = ["MAJOR", "MINOR", "PATCH"].into_iter().zip(env!("CARGO_PKG_VERSION").split(['.', '-']));
    numbers.fold(text.to_owned(), |text, (name, number)| text.replace(&format!("@{name}@"), number))
}

fn functions(chapters: &[Chapter]) -> impl Iterator<Item = &Item> {
    let items = chapters.iter().flat_map(|chapter| &chapter.items);
    items.filter(|item| matches!(item.kind, Kind::Function { .. }))
}

fn symbols(chapters: &[Chapter]) -> String {
    let mut names: Vec<&str> = functions(chapters).map(|item| item.name.as_str()).collect();
    names.sort_unstable();
    names.iter().map(|name| format!("{name}\n")).collect()
}
