//! The reference and the schema are what the table says. `UPDATE_DOCS=1` writes them anew.

use std::path::PathBuf;

use claude_client::options::{markdown, schema};

fn compare(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed.replace("\r\n", "\n") == text,
        "docs/{name} is not what src/options says; run UPDATE_DOCS=1"
    );
}

#[test]
fn the_reference_is_current() {
    compare("options.md", &markdown());
}

#[test]
fn the_schema_is_current() {
    compare("options.schema.json", &schema());
}
