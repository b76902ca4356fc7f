//! `ARCHITECTURE.md` names files and functions that are there.

use crate::support::packaging::{read, root};

/// What stands between backticks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Each file that the page names, with the functions that it names behind it in the same line.
fn named(page: &str) -> Vec<(String, Vec<String>)> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for line in page.lines() {
        let mut is_of_line = false;
        for word in quoted(line) {
            if word.ends_with(".rs") && !word.contains('*') {
                files.push((word.to_owned(), Vec::new()));
                is_of_line = true;
            } else if let Some((_, functions)) = files.last_mut().filter(|_| is_of_line)
                && word.contains('_')
            {
                functions.push(word.to_owned());
            }
        }
    }
    files
}

fn missing(page: &str, text_of: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut missing = Vec::new();
    for (file, functions) in named(page) {
        let Some(text) = text_of(&file) else {
            missing.push(file);
            continue;
        };
        let gone = functions.iter().filter(|name| !text.contains(&format!("fn {name}")));
        missing.extend(gone.map(|name| format!("{file}: {name}")));
    }
    missing
}

fn source(file: &str) -> Option<String> {
    let places = [root().join("src").join(file), root().join(file)];
    places.iter().find_map(|path| std::fs::read_to_string(path).ok())
}

#[test]
fn what_the_page_names_is_there() {
    let page = read("ARCHITECTURE.md");
    assert!(named(&page).len() > 20, "{:?}", named(&page));
    assert_eq!(missing(&page, source), Vec::<String>::new());
}

#[test]
fn a_file_and_a_function_that_are_not_there_are_found() {
    let page = "1. `a/there.rs` `read_all`, `write_all`\n2. `gone.rs` `read_all`\n3. words about `read_all`";
    let text = |file: &str| (file == "a/there.rs").then(|| "fn read_all() {}".to_owned());
    assert_eq!(missing(page, text), ["a/there.rs: write_all", "gone.rs"]);
}
