//! Every known way in which programs that drive the CLI fail is a row of tests/data/field-problems, and every row has a
//! test that bears its id in front of its name (`a1_…`, `a1_d2_…`), or a reason why it does not apply. The page that shows
//! both, docs/fault-matrix.md, is generated: `make fault-matrix`. A row with tests may say in a fourth cell what they do not show.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROWS: &str = "tests/data/field-problems";
const PAGE: &str = "docs/fault-matrix.md";

/// The rows that there are, so that none can be lost: how many each letter has, in which file.
const FILES: &[(&str, &[(char, u32)])] = &[
    ("a-i.tsv", &[('A', 9), ('B', 10), ('C', 9), ('D', 3), ('E', 3), ('F', 1), ('G', 6), ('H', 8), ('I', 7)]),
    (
        "j-x.tsv",
        &[
            ('J', 6),
            ('K', 6),
            ('L', 4),
            ('M', 2),
            ('N', 6),
            ('O', 5),
            ('P', 3),
            ('Q', 5),
            ('R', 2),
            ('S', 6),
            ('T', 4),
            ('U', 2),
            ('X', 8),
        ],
    ),
];

const HEAD: &str = "# Fault matrix

How programs that drive the CLI are known to fail, and the tests that show that this library does not. A row without a
test says why it does not apply, and what there is instead; one whose tests do not show all of it says what they leave out.

This page is generated from `tests/data/field-problems` and the names of the tests: `make fault-matrix` writes it anew.

";

/// A letter and a number: rows are sorted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id(char, u32);

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

impl Id {
    /// As the rows write it: `A1`.
    fn of_row(text: &str) -> Option<Id> {
        let (letter, number) = text.split_at_checked(1)?;
        let letter = letter.chars().next().filter(char::is_ascii_uppercase)?;
        let canonical = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
        Some(Id(letter, number.parse().ok().filter(|_| canonical)?))
    }

    /// As names of tests write it: `a1`.
    fn of_word(word: &str) -> Option<Id> {
        let lower = word.starts_with(|letter: char| letter.is_ascii_lowercase());
        if lower { Id::of_row(&word.to_ascii_uppercase()) } else { None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    problem: String,
    /// Why it does not apply; empty for a row that has tests.
    reason: String,
    /// What the tests do not show.
    limit: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    file: String,
    name: String,
}

/// All that is known, and what was wrong with how it is written.
#[derive(Debug, Default)]
struct Matrix {
    rows: BTreeMap<Id, Row>,
    tests: BTreeMap<Id, BTreeSet<Test>>,
    faults: Vec<String>,
}

impl Matrix {
    fn add_rows(&mut self, file: &str, text: &str) {
        for (at, line) in text.lines().enumerate() {
            let place = format!("{file}:{}", at + 1);
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            let (id, problem, reason, limit) = match cells[..] {
                [id, problem] => (id, problem, "", ""),
                [id, problem, reason] => (id, problem, reason, ""),
                [id, problem, reason, limit] => (id, problem, reason, limit),
                _ => {
                    let text = "not ID, problem, reason and limit with tabs between them";
                    self.faults.push(format!("{place}: {text}"));
                    continue;
                }
            };
            let Some(id) = Id::of_row(id) else {
                self.faults.push(format!("{place}: {id:?} is no id"));
                continue;
            };
            if problem.is_empty() {
                self.faults.push(format!("{place}: {id} does not say what the problem is"));
            }
            if !reason.is_empty() && !limit.is_empty() {
                self.faults.push(format!("{place}: {id} has a limit of tests and a reason for having none"));
            }
            let row = Row { problem: problem.to_owned(), reason: reason.to_owned(), limit: limit.to_owned() };
            if self.rows.insert(id, row).is_some() {
                self.faults.push(format!("{place}: {id} is there twice"));
            }
        }
    }

    fn add_tests(&mut self, file: &str, source: &str) {
        for name in tests_in(source) {
            for id in name.split('_').map_while(Id::of_word) {
                let test = Test { file: file.to_owned(), name: name.clone() };
                self.tests.entry(id).or_default().insert(test);
            }
        }
    }

    /// What is wrong, `expected` being the rows that must be there.
    fn all_faults(&self, expected: &[(char, u32)]) -> Vec<String> {
        let mut faults = self.faults.clone();
        let expected: BTreeSet<Id> = expected
            .iter()
            .flat_map(|&(letter, count)| (1..=count).map(move |number| Id(letter, number)))
            .collect();
        let there: BTreeSet<Id> = self.rows.keys().copied().collect();
        faults.extend(expected.difference(&there).map(|id| format!("row {id} is lost")));
        faults.extend(
            there.difference(&expected).map(|id| format!("row {id} is not in the counts of this check")),
        );
        for (id, row) in &self.rows {
            match (self.tests.get(id), row.reason.is_empty()) {
                (None, true) => {
                    faults.push(format!("row {id} has neither a test nor a reason: {}", row.problem))
                }
                (Some(tests), false) => {
                    faults.push(format!("row {id} has a reason and yet tests: {tests:?}"))
                }
                _ => {}
            }
        }
        for (id, tests) in self.tests.iter().filter(|(id, _)| !self.rows.contains_key(id)) {
            faults.push(format!("there is no row {id} for {tests:?}"));
        }
        faults
    }

    fn page(&self) -> String {
        let mut page = HEAD.to_owned() + "| row | problem | tests, or why there is none |\n|---|---|---|\n";
        for (id, row) in &self.rows {
            let last = match self.tests.get(id) {
                Some(tests) if row.limit.is_empty() => listed(tests),
                Some(tests) => format!("{}<br>Not shown: {}", listed(tests), cell(&row.limit)),
                None => cell(&row.reason),
            };
            page += &format!("| {id} | {} | {last} |\n", cell(&row.problem));
        }
        page
    }
}

/// The tests of a row, file by file.
fn listed(tests: &BTreeSet<Test>) -> String {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for test in tests {
        files.entry(&test.file).or_default().push(format!("`{}`", test.name));
    }
    let files: Vec<String> =
        files.iter().map(|(file, names)| format!("{file}: {}", names.join(", "))).collect();
    files.join("<br>")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn is_name(byte: char) -> bool {
    byte.is_ascii_alphanumeric() || byte == '_'
}

/// The names behind `#[test]`, and those that a macro of the file makes tests of. A test that is ignored is none.
fn tests_in(source: &str) -> Vec<String> {
    let code = without_comments(source);
    let (mut names, mut makers) = (Vec::new(), Vec::new());
    let mut rest = code.as_str();
    while let Some(at) = rest.find("#[test]") {
        let before = code.len() - rest.len() + at;
        rest = &rest[at + "#[test]".len()..];
        let Some(function) = rest.find("fn ") else { break };
        let (attributes, named) = (&rest[..function], &rest[function + "fn ".len()..]);
        let ignored = attributes.contains("#[ignore") || ignored_before(&code[..before]);
        match named.strip_prefix('$') {
            // The macro whose body this is.
            Some(_) => {
                makers.extend(code[..before].rsplit_once("macro_rules!").map(|(_, maker)| word(maker)))
            }
            None if !ignored => names.push(word(named)),
            None => {}
        }
    }
    names.extend(
        makers.iter().collect::<BTreeSet<_>>().into_iter().flat_map(|maker| arguments_of(&code, maker)),
    );
    names
}

/// Whether the attributes that end `code` have one that ignores the test.
fn ignored_before(code: &str) -> bool {
    let attributes =
        code.lines().rev().map(str::trim).take_while(|line| line.is_empty() || line.starts_with("#["));
    attributes.into_iter().any(|line| line.starts_with("#[ignore"))
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|&byte| is_name(byte)).collect()
}

/// The words between the parentheses of every use of a macro.
fn arguments_of(code: &str, maker: &str) -> Vec<String> {
    let call = format!("{maker}!(");
    let uses = code.split(call.as_str()).skip(1);
    // What stands in another macro, or in its own definition, has `$` or `@` in it.
    let arguments = uses.filter_map(|text| text.split(')').next()).filter(|text| !text.contains(['$', '@']));
    arguments.flat_map(|text| text.split(|byte| !is_name(byte)).map(str::to_owned)).collect()
}

fn without_comments(source: &str) -> String {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("read a folder of tests") {
        let path = entry.expect("read a folder of tests").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// What the tree has.
fn of_the_tree() -> Matrix {
    let mut matrix = Matrix::default();
    let mut files: Vec<PathBuf> = fs::read_dir(root().join(ROWS))
        .expect("read the rows")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    for file in files {
        let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
        if !FILES.iter().any(|(known, _)| *known == name) {
            matrix.faults.push(format!("{ROWS}/{name} is not among the files of this check"));
        }
        matrix.add_rows(&name, &fs::read_to_string(&file).expect("read rows"));
    }
    let mut sources = Vec::new();
    rust_files(&root().join("tests"), &mut sources);
    rust_files(&root().join("testkit/tests"), &mut sources);
    // The names in the made-up sources below are none.
    for source in sources.iter().filter(|source| !source.ends_with(file!())) {
        let name = source.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        matrix.add_tests(&name, &fs::read_to_string(source).expect("read tests"));
    }
    matrix
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    let expected: Vec<(char, u32)> = FILES.iter().flat_map(|(_, letters)| letters.iter().copied()).collect();
    let faults = of_the_tree().all_faults(&expected);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_page_is_current() {
    let (page, path) = (of_the_tree().page(), root().join(PAGE));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("write the page");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(outdated(&committed, &page), None);
}

/// What is wrong with the page that is committed: the first line that differs.
fn outdated(committed: &str, page: &str) -> Option<String> {
    let (mut is, mut must_be) = (committed.lines(), page.lines());
    loop {
        match (is.next(), must_be.next()) {
            (None, None) => return None,
            (is, must_be) if is == must_be => {}
            (is, must_be) => {
                return Some(format!("{PAGE} has {is:?} for {must_be:?}: run `make fault-matrix`"));
            }
        }
    }
}

/// A tree of one letter with two rows.
fn made_up(rows: &str, source: &str) -> Matrix {
    let mut matrix = Matrix::default();
    matrix.add_rows("z.tsv", rows);
    matrix.add_tests("tests/made_up.rs", source);
    matrix
}

/// The one fault that there is.
#[track_caller]
fn only_fault(rows: &str, source: &str) -> String {
    let faults = made_up(rows, source).all_faults(&[('Z', 2)]);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.into_iter().next().unwrap_or_default()
}

const GOOD_ROWS: &str = "Z1\tIt hangs.\t\nZ2\tIt leaks.\tThere is nothing to leak.\n";
const GOOD_TESTS: &str = "#[test]\nfn z1_it_does_not_hang() {}\n";

#[test]
fn a_good_matrix_has_no_fault_and_a_page() {
    let matrix = made_up(GOOD_ROWS, GOOD_TESTS);
    assert_eq!(matrix.all_faults(&[('Z', 2)]), [""; 0]);
    let page = matrix.page();
    assert!(page.contains("| Z1 | It hangs. | tests/made_up.rs: `z1_it_does_not_hang` |\n"), "{page}");
    assert!(page.ends_with("| Z2 | It leaks. | There is nothing to leak. |\n"), "{page}");
}

#[test]
fn a_limit_stands_behind_the_tests() {
    let page = made_up("Z1\tIt hangs.\t\tOn Mars.\n", GOOD_TESTS).page();
    assert!(page.ends_with("`z1_it_does_not_hang`<br>Not shown: On Mars. |\n"), "{page}");
}

#[test]
fn rows_are_sorted_by_number_and_a_bar_does_not_end_a_cell() {
    let rows = "Z10\tten\tno\nZ2\ttwo | three\tno\n";
    let page = made_up(rows, "").page();
    assert!(page.ends_with("| Z2 | two \\| three | no |\n| Z10 | ten | no |\n"), "{page}");
}

#[test]
fn each_fault_is_found() {
    let lost = GOOD_ROWS.replace("Z2\tIt leaks.\tThere is nothing to leak.\n", "");
    assert_eq!(only_fault(&lost, GOOD_TESTS), "row Z2 is lost");
    let one_more = format!("{GOOD_ROWS}Z3\tIt is late.\tNo.\n");
    assert_eq!(only_fault(&one_more, GOOD_TESTS), "row Z3 is not in the counts of this check");
    assert!(only_fault(GOOD_ROWS, "").starts_with("row Z1 has neither a test nor a reason"));
    let both = format!("{GOOD_TESTS}#[test] fn z2_it_does_not_leak() {{}}");
    assert!(only_fault(GOOD_ROWS, &both).starts_with("row Z2 has a reason and yet tests"));
    let of_nothing = format!("{GOOD_TESTS}#[test] fn y7_z1_it_is_fine() {{}}");
    let said = only_fault(GOOD_ROWS, &of_nothing);
    assert!(said.starts_with("there is no row Y7 for") && said.contains("y7_z1_it_is_fine"), "{said}");
    let twice = format!("{GOOD_ROWS}Z1\tIt hangs again.\t\n");
    assert_eq!(only_fault(&twice, GOOD_TESTS), "z.tsv:3: Z1 is there twice");
    let nameless = format!("{GOOD_ROWS}Zebra\tIt bites.\t\n");
    assert_eq!(only_fault(&nameless, GOOD_TESTS), "z.tsv:3: \"Zebra\" is no id");
    let spaces = format!("{GOOD_ROWS}Z3 It has no tabs.\n");
    assert!(only_fault(&spaces, GOOD_TESTS).starts_with("z.tsv:3: not ID"));
    let limited = format!("{GOOD_ROWS}Z3\tIt is late.\tNo.\tOnly at night.\n");
    let faults = made_up(&limited, GOOD_TESTS).all_faults(&[('Z', 3)]);
    assert_eq!(faults, ["z.tsv:3: Z3 has a limit of tests and a reason for having none"]);
    let silent = GOOD_ROWS.replace("It hangs.", "");
    assert_eq!(only_fault(&silent, GOOD_TESTS), "z.tsv:1: Z1 does not say what the problem is");
}

#[test]
fn a_page_that_differs_is_found() {
    let page = made_up(GOOD_ROWS, GOOD_TESTS).page();
    assert_eq!(outdated(&page, &page), None);
    assert_eq!(outdated(&page.replace('\n', "\r\n"), &page), None, "as a checkout for Windows has it");
    let renamed = made_up(GOOD_ROWS, "#[test] fn z1_it_ends() {}").page();
    let said = outdated(&page, &renamed).unwrap_or_default();
    assert!(said.contains("z1_it_does_not_hang") && said.contains("make fault-matrix"), "{said}");
    assert!(outdated(page.trim_end(), &format!("{page}more\n")).is_some());
    assert!(outdated("", &page).is_some());
}

#[test]
fn tests_are_found_however_they_are_declared() {
    let source = r"
        #[test]
        #[cfg(unix)]
        fn z1_with_another_attribute() {}
        fn z1_no_test() {}
        // #[test] fn z1_commented_out() {}
        #[test]
        #[ignore]
        fn z1_ignored() {}
        #[ignore = 'slow']
        #[test]
        fn z1_ignored_as_well() {}
        macro_rules! tests_of {
            ($name:ident; $($test:ident),+) => { mod $name { $(#[test] fn $test() { super::$test(); })+ } };
        }
        tests_of!(one; z1_made_by_a_macro,
            z2_as_well);
        other_macro!(z1_of_another_macro);
    ";
    let found = tests_in(source).into_iter().filter(|name| name.starts_with('z')).collect::<Vec<_>>();
    assert_eq!(found, ["z1_with_another_attribute", "z1_made_by_a_macro", "z2_as_well"]);
}

#[test]
fn a_name_may_start_with_several_ids() {
    let matrix = made_up("", "#[test] fn z1_z12_y2_u8_values_a1_last() {}\n#[test] fn utf8_z1_none() {}");
    let ids: Vec<String> = matrix.tests.keys().map(Id::to_string).collect();
    assert_eq!(ids, ["U8", "Y2", "Z1", "Z12"]);
}
