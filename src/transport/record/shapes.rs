//! Credentials that are recognised by their form, whatever service they belong to.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::format::REDACTED;

/// Prefixes of keys and tokens of well-known services, and their minimum length.
const STARTS: &[(&str, usize)] = &[
    ("sk-ant-", 8),
    ("sk-", 20),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 15),
    ("xoxb-", 15),
    ("xoxp-", 15),
    ("AKIA", 20),
    ("ASIA", 20),
    ("AIza", 30),
    ("eyJ", 30),
];

static FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| STARTS.iter().map(|(start, _)| finder(start)).collect());

#[inline(never)]
pub fn finder(text: &str) -> Finder<'static> {
    Finder::new(text).into_owned()
}

/// `text` without what has the form of a credential; `None` if there is none.
pub fn without_credentials(text: &str) -> Option<String> {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let bytes = text.as_bytes();
    known_shapes(text, &mut spans);
    for at in memchr::memmem::find_iter(bytes, "-----BEGIN ") {
        spans.push((at, end_of_block(text, at)));
    }
    for name in ["authorization", "api-key", "api_key"] {
        spans.extend(find_caseless(bytes, name).filter_map(|at| value_behind(text, at + name.len())));
    }
    spans.extend(find_caseless(bytes, "bearer ").filter_map(|at| credential(text, at + "bearer ".len(), 8)));
    spans.extend(memchr::memmem::find_iter(bytes, "://").filter_map(|at| password_span(text, at + 3)));
    if spans.is_empty() {
        return None;
    }
    spans.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in spans {
        if start >= done {
            out.push_str(&text[done..start]);
            out.push_str(REDACTED);
        }
        done = done.max(end);
    }
    out.push_str(&text[done..]);
    Some(out)
}

fn known_shapes(text: &str, spans: &mut Vec<(usize, usize)>) {
    for (finder, (start, shortest)) in FINDERS.iter().zip(STARTS) {
        for at in finder.find_iter(text.as_bytes()) {
            let is_inside = at > 0 && text.as_bytes()[at - 1].is_ascii_alphanumeric();
            let length = shape_length(&text[at..], start);
            if !is_inside && length >= *shortest {
                spans.push((at, at + length));
            }
        }
    }
}

/// 0 if only the beginning looks like one.
fn shape_length(text: &str, start: &str) -> usize {
    let is_token = start == "eyJ";
    let length =
        run(text, |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (is_token && byte == b'.'));
    let shape = &text.as_bytes()[..length];
    let fits = match is_token {
        true => shape.iter().filter(|byte| **byte == b'.').count() == 2,
        false => start == "sk-ant-" || shape.iter().any(u8::is_ascii_digit),
    };
    if fits { length } else { 0 }
}

/// The end of a PEM block, or of the text.
fn end_of_block(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let end = rest.find("-----END ").and_then(|end| Some(end + 9 + rest[end + 9..].find("-----")? + 5));
    at + end.unwrap_or(rest.len())
}

fn run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| belongs(*byte)).count()
}

fn find_caseless<'a>(text: &'a [u8], name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let first = name.as_bytes()[0];
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), text).filter(move |at| {
        text.get(*at..at + name.len()).is_some_and(|part| part.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// `: Bearer VALUE`, `=VALUE` or `": "VALUE"`, starting after the name: where VALUE is.
fn value_behind(text: &str, from: usize) -> Option<(usize, usize)> {
    let quotes = |byte: u8| b" \t\"'\\".contains(&byte);
    let at = from + run(&text[from..], quotes);
    if !text[at..].starts_with([':', '=']) {
        return None;
    }
    let at = at + 1 + run(&text[at + 1..], quotes);
    let scheme = ["bearer ", "basic ", "token "].into_iter().find(|scheme| {
        text.as_bytes()[at..].get(..scheme.len()).is_some_and(|b| b.eq_ignore_ascii_case(scheme.as_bytes()))
    });
    credential(text, at + scheme.map_or(0, str::len), 4)
}

fn credential(text: &str, from: usize, shortest: usize) -> Option<(usize, usize)> {
    let length = run(&text[from..], |byte| byte.is_ascii_graphic() && !b"\"'\\,;<>(){}[]`".contains(&byte));
    (length >= shortest).then_some((from, from + length))
}

/// `user:PASSWORD@host`: where PASSWORD is.
fn password_span(text: &str, from: usize) -> Option<(usize, usize)> {
    let authority = run(&text[from..], |byte| byte.is_ascii_graphic() && !b"/?#\"'\\<>".contains(&byte));
    let user = text[from..from + authority].rsplit_once('@')?.0;
    let (name, password) = user.split_once(':')?;
    let start = from + name.len() + 1;
    (!password.is_empty()).then_some((start, start + password.len()))
}
