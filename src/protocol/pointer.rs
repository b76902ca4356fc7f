//! Locates values in a JSON text by RFC 6901 without building them: nesting is unlimited, and numbers stay as
//! written. If a name occurs twice the last one counts, as in `JSON.parse`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::members::{Members, string_length, value_length};
use super::{scan, tolerant};

/// The JSON text of one value, without white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

/// A parsed pointer.
#[derive(Debug)]
pub struct Pointer<'a>(Vec<Cow<'a, str>>);

/// Why a text is not a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPointer {
    /// It does not begin with a slash.
    NoSlash,
    /// A tilde that is neither `~0` nor `~1`.
    Tilde,
}

impl<'a> Pointer<'a> {
    pub fn parse(text: &'a str) -> Result<Pointer<'a>, BadPointer> {
        if text.is_empty() {
            return Ok(Pointer(Vec::new()));
        }
        let names = text.strip_prefix('/').ok_or(BadPointer::NoSlash)?;
        names.split('/').map(unescaped).collect::<Result<_, _>>().map(Pointer)
    }
}

fn unescaped(name: &str) -> Result<Cow<'_, str>, BadPointer> {
    if !name.contains('~') {
        return Ok(name.into());
    }
    if name.split('~').skip(1).any(|behind| !behind.starts_with(['0', '1'])) {
        return Err(BadPointer::Tilde);
    }
    Ok(name.replace("~1", "/").replace("~0", "~").into())
}

/// A name, escaped for use in a pointer.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The index that a name in a pointer stands for.
fn index(name: &str) -> Option<usize> {
    let written_otherwise = name.starts_with('+') || (name.len() > 1 && name.starts_with('0'));
    if written_otherwise { None } else { name.parse().ok() }
}

impl<'a> Json<'a> {
    /// `None` when the text is not JSON.
    pub fn parse(text: &'a str) -> Option<Json<'a>> {
        scan::is_json(text.as_bytes(), text.len()).then(|| Json(text.trim_matches([' ', '\t', '\n', '\r'])))
    }

    pub fn text(self) -> &'a str {
        self.0
    }

    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    pub fn is_array(self) -> bool {
        self.0.starts_with('[')
    }

    /// The value if it is a string, with U+FFFD for what no text can hold.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') { tolerant::string(self.0).map(Cow::Owned) } else { Some(inner.into()) }
    }

    /// The value at a place. Each byte is read once, however deep the place is.
    pub fn at(self, Pointer(names): &Pointer) -> Option<Json<'a>> {
        let mut found = names.is_empty().then_some(self);
        // The brackets on the way, outermost first: for a list, how many elements have passed.
        let mut way: Vec<Option<usize>> = Vec::new();
        let mut rest = if found.is_none() { enter(&mut way, self.0) } else { "" };
        while let Some(last) = way.len().checked_sub(1) {
            rest = skip_space(rest);
            match rest.as_bytes().first()? {
                b',' => {
                    rest = &rest[1..];
                    continue;
                }
                b'}' | b']' => {
                    way.pop();
                    rest = &rest[1..];
                    continue;
                }
                _ => {}
            }
            let is_meant = match &mut way[last] {
                None => {
                    let (name, value) = member(rest)?;
                    rest = value;
                    is_name(name, &names[last])
                }
                Some(gone_by) => {
                    *gone_by += 1;
                    index(&names[last]) == Some(*gone_by - 1)
                }
            };
            if !is_meant {
                rest = value_and_rest(rest).1;
            } else if last + 1 == names.len() {
                let (value, behind) = value_and_rest(rest);
                (found, rest) = (Some(value), behind);
            } else {
                // A match under an earlier member of this name does not count.
                found = None;
                rest = enter(&mut way, rest);
            }
        }
        found
    }

    /// [`Json::at`] for a path written in the source.
    pub fn under(self, path: &[&'a str]) -> Option<Json<'a>> {
        self.at(&Pointer(path.iter().map(|name| Cow::Borrowed(*name)).collect()))
    }

    /// The elements of a list; none for anything else.
    pub fn elements(self) -> impl Iterator<Item = Json<'a>> {
        let mut rest = self.0.strip_prefix('[').unwrap_or("]");
        std::iter::from_fn(move || {
            rest = skip_space(rest);
            rest = skip_space(rest.strip_prefix(',').unwrap_or(rest));
            if rest.is_empty() || rest.starts_with(']') {
                return None;
            }
            let (value, behind) = value_and_rest(rest);
            rest = behind;
            Some(value)
        })
    }

    /// The members of an object as written, the name with its quotes; none for anything else.
    pub fn members(self) -> impl Iterator<Item = (Json<'a>, Json<'a>)> {
        let object = if self.is_object() { self.0 } else { "{}" };
        Members::of(object.as_bytes()).filter_map(move |(name, value)| {
            // Both are slices of a `str` that begin and end at ASCII characters.
            let start = name.as_ptr().addr() - object.as_ptr().addr() - 1;
            let name = object.get(start..start + name.len() + 2)?;
            Some((Json(name), value_and_rest(object.get(object.len() - value.len()..)?).0))
        })
    }

    /// The names of an object's members in order of first occurrence, each once.
    pub fn names(self) -> impl Iterator<Item = Cow<'a, str>> {
        let mut seen = HashSet::new();
        self.members().filter_map(|(name, _)| name.string()).filter(move |name| seen.insert(name.clone()))
    }
}

/// Steps into a value that has members or elements, or over one that has none.
fn enter<'a>(way: &mut Vec<Option<usize>>, text: &'a str) -> &'a str {
    match text.as_bytes().first() {
        Some(b'{') => way.push(None),
        Some(b'[') => way.push(Some(0)),
        _ => return value_and_rest(text).1,
    }
    &text[1..]
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

fn value_and_rest(text: &str) -> (Json<'_>, &str) {
    let (value, rest) = text.split_at(value_length(text.as_bytes()));
    (Json(value.trim_end_matches([' ', '\t', '\n', '\r'])), rest)
}

/// The name of the member that `text` starts with, without its quotes, and the text starting at its value.
fn member(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let (name, rest) = text.split_at(string_length(text.as_bytes())?);
    let value = skip_space(rest.strip_prefix('"')?).strip_prefix(':')?;
    Some((name, skip_space(value)))
}

/// Whether a name as written equals the wanted one.
fn is_name(written: &str, wanted: &str) -> bool {
    if written.contains('\\') {
        return tolerant::string(&format!("\"{written}\"")).is_some_and(|name| name == wanted);
    }
    written == wanted
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn at<'a>(text: &'a str, pointer: &str) -> Option<&'a str> {
        Json::parse(text).expect(text).at(&Pointer::parse(pointer).expect(pointer)).map(Json::text)
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let text = r#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5,
            "k\"l": 6, " ": 7, "m~n": 8}"#;
        assert_eq!(at(text, ""), Some(text));
        for (pointer, value) in [
            ("/foo", r#"["bar", "baz"]"#),
            ("/foo/0", "\"bar\""),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            (r"/i\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ] {
            assert_eq!(at(text, pointer), Some(value), "{pointer}");
        }
        for nowhere in ["/foo/2", "/foo/-", "/foo/00", "/foo/+1", "/foo/bar", "/foo/0/0", "/x", "//", "/a/b"]
        {
            assert_eq!(at(text, nowhere), None, "{nowhere}");
        }
        assert_eq!(Pointer::parse("foo").unwrap_err(), BadPointer::NoSlash);
        for bad in ["/~", "/a~2b", "/~~0", "/a/b~"] {
            assert_eq!(Pointer::parse(bad).unwrap_err(), BadPointer::Tilde, "{bad}");
        }
    }

    #[test]
    fn the_last_of_equal_names_counts() {
        assert_eq!(at(r#"{"a":1,"b":2,"\u0061":3}"#, "/a"), Some("3"));
        assert_eq!(at(r#"{"a":{"b":1},"a":{"c":2}}"#, "/a/b"), None);
        assert_eq!(at(r#"{"a":{"b":1},"a":5}"#, "/a/b"), None);
        assert_eq!(at(r#"{"a":5,"a":{"b":[1,{"b":2}]}}"#, "/a/b/1/b"), Some("2"));
        let names: Vec<_> = Json::parse(r#"{"a":1,"b":{"c":0},"\u0061":3}"#).unwrap().names().collect();
        assert_eq!(names, ["a", "b"]);
    }

    /// A small generator of random texts: no seed is special, and a failure names its text.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 33) % limit
        }

        fn space(&mut self) -> &'static str {
            ["", "", "", " ", "\n\t", "\r "][self.below(6) as usize]
        }

        fn name(&mut self) -> &'static str {
            [
                r#""a""#,
                r#""b~""#,
                r#""c/d""#,
                r#""\u0061""#,
                r#""""#,
                r#""0""#,
                r#""q\"u{[,:""#,
                r#""日本""#,
                r#""\ud83d\ude00""#,
            ][self.below(9) as usize]
        }

        fn value(&mut self, depth: u64) -> String {
            let inner = self.space();
            let text = match self.below(if depth == 0 { 7 } else { 11 }) {
                0 => "null".to_owned(),
                1 => "true".to_owned(),
                2 => ["-0", "1.50", "12345678901234567890", "1e5", "0"][self.below(5) as usize].to_owned(),
                3 => self.name().to_owned(),
                4 => "\"a long string, with \\\\ and \\\" in it, } and ] and , as well\"".to_owned(),
                5 => format!("[{inner}]"),
                6 => format!("{{{inner}}}"),
                7 | 8 => {
                    let items: Vec<String> = (0..=self.below(3)).map(|_| self.value(depth - 1)).collect();
                    format!("[{}]", items.join(","))
                }
                _ => {
                    let members: Vec<String> = (0..=self.below(4))
                        .map(|_| {
                            let (a, b) = (self.space(), self.space());
                            format!("{a}{}{b}:{}", self.name(), self.value(depth - 1))
                        })
                        .collect();
                    format!("{{{}}}", members.join(","))
                }
            };
            format!("{}{text}{}", self.space(), self.space())
        }
    }

    /// Every place of a value.
    fn places(value: &Value, pointer: String, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    places(item, format!("{pointer}/{index}"), found);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    places(member, format!("{pointer}/{}", escaped(name)), found);
                }
            }
            _ => {}
        }
        found.push(pointer);
    }

    #[test]
    fn random_texts_are_read_as_by_a_parser() {
        let mut dice = Dice(7);
        let mut looked = 0;
        for _ in 0..3000 {
            let text = dice.value(5);
            let value: Value = serde_json::from_str(&text).expect(&text);
            let json = Json::parse(&text).expect(&text);
            let mut pointers = Vec::new();
            places(&value, String::new(), &mut pointers);
            for pointer in &pointers {
                for wanted in [pointer.clone(), format!("{pointer}/a"), format!("{pointer}/1")] {
                    looked += 1;
                    let expected = value.pointer(&wanted);
                    let found = json.at(&Pointer::parse(&wanted).unwrap());
                    assert_eq!(found.is_some(), expected.is_some(), "{wanted} in {text}");
                    let (Some(found), Some(expected)) = (found, expected) else { continue };
                    assert_eq!(
                        serde_json::from_str::<Value>(found.text()).ok().as_ref(),
                        Some(expected),
                        "{text}"
                    );
                    assert_eq!(found.string().as_deref(), expected.as_str(), "{text}");
                    let names: Vec<_> = found.names().collect();
                    let expected_names: Vec<_> =
                        expected.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect();
                    assert_eq!(names, expected_names, "{wanted} in {text}");
                    let count = expected.as_array().map_or(0, Vec::len);
                    assert_eq!(found.elements().count(), count, "{wanted} in {text}");
                }
            }
        }
        assert!(looked > 20_000, "{looked}");
    }

    #[test]
    fn a_place_is_found_at_any_depth_in_time() {
        const DEPTH: usize = 1_000_000;
        let text = format!("{}5{}", r#"{"a":["#.repeat(DEPTH), "]}".repeat(DEPTH));
        assert_eq!(at(&text, &"/a/0".repeat(DEPTH)), Some("5"));
        assert_eq!(at(&text, &"/a/0".repeat(DEPTH + 1)), None);
        let beside = format!(r#"{{"deep":{text},"x":"y"}}"#);
        assert_eq!(at(&beside, "/x"), Some("\"y\""));
        assert_eq!(at(&beside, "/deep"), Some(&text[..]));
    }
}
