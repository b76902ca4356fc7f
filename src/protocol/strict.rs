//! Reading a document that the host wrote: a name that stands twice in one object is a fault, at any depth, and not "the last
//! one wins". Nobody means that, and one of the two may be a refusal.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a text is no such document.
#[derive(Debug)]
pub enum Fault {
    Syntax(serde_json::Error),
    /// The RFC 6901 pointer of the name that stands twice.
    Twice(String),
}

/// The value of the whole text.
pub fn value(text: &str) -> Result<Value, Fault> {
    let twice = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Strict { twice: &twice, place: Place::Root }.deserialize(&mut deserializer);
    let read = read.and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|cause| twice.take().map_or(Fault::Syntax(cause), Fault::Twice))
}

/// Where the reader stands. Only a fault makes a text of it.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Element(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Member(parent, name) => {
                write!(formatter, "{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Place::Element(parent, index) => write!(formatter, "{parent}/{index}"),
        }
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    twice: &'a RefCell<Option<String>>,
    place: Place<'a>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = {
            let place = Place::Element(&self.place, items.len());
            access.next_element_seed(Strict { place, ..self })?
        } {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let place = Place::Member(&self.place, &name);
            if members.contains_key(&name) {
                self.twice.replace(Some(place.to_string()));
                return Err(A::Error::custom("a name stands twice"));
            }
            let value = access.next_value_seed(Strict { place, ..self })?;
            members.insert(name, value);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_as_by_the_usual_parser() {
        for text in [
            r#"{"a":[1,-2,1.5,1e300,true,null,"x\ny",{"a":{}}],"b":18446744073709551615}"#,
            "[]",
            "5",
            "\"\\u00e9\"",
            " null ",
        ] {
            assert_eq!(value(text).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        for text in ["", "{", "{} {}", "{\"a\":1,}", "nul", "\"\\ud800\""] {
            let fault = value(text).unwrap_err();
            let usual = serde_json::from_str::<Value>(text).unwrap_err().to_string();
            assert!(
                matches!(&fault, Fault::Syntax(cause) if cause.to_string() == usual),
                "{fault:?}, not {usual}"
            );
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_found_anywhere() {
        for (text, pointer) in [
            (r#"{"a":1,"a":1}"#, "/a"),
            (r#"{"a":{"b/~":1,"c":2,"b/~":3}}"#, "/a/b~1~0"),
            (r#"[0,{"x":[{"":1,"":2}]}]"#, "/1/x/0/"),
            (r#"{"\u0061":1,"a":2}"#, "/a"),
        ] {
            let fault = value(text).unwrap_err();
            assert!(matches!(&fault, Fault::Twice(place) if place == pointer), "{text}: {fault:?}");
        }
        assert!(value(r#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }
}
