//! What a careful parser of another make sees in a JSON text: the model that the library's own readers are held against.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Whether a text is JSON, at any depth.
pub fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok() && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// How many brackets are open at most.
pub fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut inside, mut escaped) = (0usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'{' | b'[' if !inside => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !inside => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The members of an object in their order, those of one name each by itself.
pub struct Members<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// `None` when it is no object, or one of its names is no text.
pub fn members(text: &str) -> Option<Vec<(String, &str)>> {
    let Members(members) = serde_json::from_str(text).ok()?;
    Some(members.into_iter().map(|(name, value)| (name, value.get())).collect())
}

/// Whether a name stands twice in one object, anywhere in the text.
pub struct Twice(pub bool);

impl<'de> Deserialize<'de> for Twice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Twice;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Twice, A::Error> {
                let (mut names, mut twice) = (HashSet::new(), false);
                while let Some((name, Twice(inside))) = map.next_entry::<Cow<str>, Twice>()? {
                    twice |= inside | !names.insert(name);
                }
                Ok(Twice(twice))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Twice, A::Error> {
                let mut twice = false;
                while let Some(Twice(inside)) = items.next_element()? {
                    twice |= inside;
                }
                Ok(Twice(twice))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Twice, E> {
                Ok(Twice(false))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Twice, E> {
                Ok(Twice(false))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Twice, E> {
                Ok(Twice(false))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Twice, E> {
                Ok(Twice(false))
            }

            fn visit_str<E>(self, _: &str) -> Result<Twice, E> {
                Ok(Twice(false))
            }

            fn visit_unit<E>(self) -> Result<Twice, E> {
                Ok(Twice(false))
            }
        }
        deserializer.deserialize_any(Look)
    }
}
