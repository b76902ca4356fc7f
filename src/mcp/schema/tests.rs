use serde_json::json;

use super::*;

fn compiled(schema: Value) -> Schema {
    Schema::compile(&schema).unwrap_or_else(|fault| panic!("{schema}: {fault}"))
}

/// Values that fit, and values that do not.
fn check_all(schema: Value, fitting: &[Value], others: &[Value]) {
    let compiled = compiled(schema.clone());
    for value in fitting {
        assert_eq!(compiled.check(value), Ok(()), "{value} should fit {schema}");
    }
    for value in others {
        assert!(compiled.check(value).is_err(), "{value} should not fit {schema}");
    }
}

#[test]
fn faults_name_what_and_where() {
    let schema = compiled(json!({
        "type": "object",
        "properties": {"a": {"type": "number"}, "to": {"$ref": "#/$defs/place"}},
        "required": ["a"],
        "additionalProperties": false,
        "$defs": {"place": {"type": "object", "properties": {"city": {"pattern": "^[A-Z]"}}}},
    }));
    let fault = |arguments: Value| schema.check(&arguments).unwrap_err();
    assert_eq!(fault(json!({})), "'a' is a required property");
    assert_eq!(fault(json!({"a": "1"})), "\"1\" is not of type 'number' (at /a)");
    assert_eq!(fault(json!({"a": 1, "b": 2})), "'b' is not an allowed property");
    assert!(fault(json!({"a": 1, "to": {"city": "rome"}})).contains("/to/city"));
    assert!(fault(json!({"b": 1})).contains("; "), "both faults: {}", fault(json!({"b": 1})));
    let long = fault(json!({"a": "x".repeat(1000)}));
    assert!(long.len() < 200, "{long}");
    let words: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let fault = compiled(json!({"enum": words})).check(&json!("x")).unwrap_err();
    assert!(fault.starts_with("\"x\" is not one of [\"0\",") && fault.len() < 300, "{fault}");
}

#[test]
fn types_and_numbers() {
    check_all(
        json!({"type": "integer"}),
        &[json!(1), json!(-1), json!(2.0)],
        &[json!(1.5), json!("1"), json!(null)],
    );
    check_all(json!({"type": ["string", "null"]}), &[json!(""), json!(null)], &[json!(0), json!([])]);
    check_all(
        json!({"minimum": 1, "exclusiveMaximum": 2}),
        &[json!(1), json!(1.9), json!("x")],
        &[json!(0.9), json!(2)],
    );
    check_all(json!({"exclusiveMinimum": 1, "maximum": 2}), &[json!(2), json!(1.1)], &[json!(1), json!(2.1)]);
    check_all(
        json!({"multipleOf": 0.1}),
        &[json!(0.3), json!(7), json!(1e8 + 0.1)],
        &[json!(0.35), json!(6e7 + 0.05)],
    );
    check_all(
        json!({"multipleOf": 2}),
        &[json!(4e9), json!(-6)],
        &[json!(4_000_000_001_u64), json!(9.0), json!(2.5)],
    );
    check_all(
        json!({"enum": [1, "a", [1.0]]}),
        &[json!(1.0), json!("a"), json!([1])],
        &[json!("b"), json!([2])],
    );
    check_all(json!({"const": {"a": 1}}), &[json!({"a": 1.0})], &[json!({"a": 1, "b": 2}), json!({})]);
}

#[test]
fn large_integers_are_told_apart() {
    const ODD: u64 = (1 << 53) + 1;
    let even = &[json!(ODD - 1)];
    check_all(json!({"const": ODD}), &[json!(ODD)], &[json!(ODD - 1), json!(ODD as f64)]);
    check_all(json!({"enum": [ODD]}), &[json!(ODD)], even);
    check_all(json!({"uniqueItems": true}), &[json!([ODD, ODD - 1])], &[json!([ODD, ODD])]);
    check_all(json!({"minimum": ODD}), &[json!(ODD)], even);
    check_all(json!({"maximum": ODD - 1}), even, &[json!(ODD)]);
    check_all(json!({"multipleOf": 2}), even, &[json!(ODD)]);
    check_all(
        json!({"maximum": u64::MAX, "minimum": i64::MIN}),
        &[json!(u64::MAX), json!(i64::MIN)],
        &[json!(1e30)],
    );
}

#[test]
fn texts() {
    check_all(
        json!({"minLength": 2, "maxLength": 3}),
        &[json!("äö"), json!("日本語"), json!(1)],
        &[json!("a"), json!("abcd")],
    );
    check_all(json!({"pattern": "^\\d{2}$"}), &[json!("12")], &[json!("123"), json!("ab")]);
}

#[test]
fn lists() {
    check_all(
        json!({"items": {"type": "number"}, "minItems": 1, "maxItems": 2}),
        &[json!([1, 2])],
        &[json!([]), json!([1, 2, 3]), json!(["a"])],
    );
    check_all(json!({"uniqueItems": true}), &[json!([1, "1"])], &[json!([1, 2, 1.0])]);
    check_all(
        json!({"prefixItems": [{"type": "string"}], "items": false}),
        &[json!(["a"]), json!([])],
        &[json!([1]), json!(["a", 1])],
    );
    check_all(
        json!({"items": [{"type": "string"}], "additionalItems": {"type": "number"}}),
        &[json!(["a", 1])],
        &[json!(["a", "b"]), json!([1])],
    );
    check_all(json!({"contains": {"const": 1}}), &[json!([2, 1])], &[json!([2]), json!([])]);
    check_all(
        json!({"contains": {"const": 1}, "minContains": 2, "maxContains": 2}),
        &[json!([1, 1])],
        &[json!([1]), json!([1, 1, 1])],
    );
}

#[test]
fn objects() {
    check_all(
        json!({"minProperties": 1, "maxProperties": 1}),
        &[json!({"a": 1})],
        &[json!({}), json!({"a": 1, "b": 1})],
    );
    check_all(
        json!({"properties": {"a": true}, "patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": {"type": "number"}}),
        &[json!({"a": [], "x-b": "c", "d": 1})],
        &[json!({"x-b": 1}), json!({"d": "1"})],
    );
    check_all(json!({"propertyNames": {"maxLength": 2}}), &[json!({"ab": 1})], &[json!({"abc": 1})]);
    check_all(
        json!({"dependentRequired": {"a": ["b"]}}),
        &[json!({"b": 1}), json!({"a": 1, "b": 1})],
        &[json!({"a": 1})],
    );
    check_all(json!({"dependentSchemas": {"a": {"required": ["b"]}}}), &[json!({})], &[json!({"a": 1})]);
    check_all(
        json!({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}),
        &[json!({"a": 1, "b": 1})],
        &[json!({"a": 1}), json!({"c": 1})],
    );
}

#[test]
fn alternatives() {
    let either = json!([{"type": "string"}, {"type": "number", "minimum": 5}]);
    check_all(json!({"anyOf": either}), &[json!("a"), json!(5)], &[json!(4), json!(null)]);
    check_all(json!({"oneOf": [{"type": "number"}, {"minimum": 5}]}), &[json!(4), json!("a")], &[json!(5)]);
    check_all(json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), &[json!(1)], &[json!(3)]);
    check_all(json!({"not": {"type": "null"}}), &[json!(1)], &[json!(null)]);
    let kinds = json!({"if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["x"]}, "else": {"required": ["y"]}});
    check_all(
        kinds,
        &[json!({"kind": "a", "x": 1}), json!({"kind": "b", "y": 1})],
        &[json!({"kind": "a"}), json!({"kind": "b"})],
    );
    let nearest = compiled(json!({"anyOf": either})).check(&json!(4)).unwrap_err();
    assert!(nearest.contains("4 is less than 5") || nearest.contains("not of type"), "{nearest}");
}

#[test]
fn references() {
    let tree = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}});
    check_all(tree, &[json!({"next": {"next": {}}})], &[json!({"next": {"next": 1}})]);
    check_all(
        json!({"properties": {"a": {"$ref": "#"}}, "type": "object"}),
        &[json!({"a": {"a": {}}})],
        &[json!({"a": 1})],
    );
    check_all(
        json!({"$ref": "#x", "$defs": {"any name": {"$anchor": "x", "type": "number"}}}),
        &[json!(1)],
        &[json!("1")],
    );
    check_all(
        json!({"$ref": "#/$defs/any%20name", "$defs": {"any name": {"type": "number"}}}),
        &[json!(1)],
        &[json!("1")],
    );
    // A reference to itself validates nothing, and must not loop for ever.
    assert!(compiled(json!({"$ref": "#"})).check(&json!(1)).is_err());
}

#[test]
fn references_may_lead_anywhere() {
    check_all(
        json!({"$ref": "#/components/schemas/A", "components": {"schemas": {"A": {"pattern": "^a"}}}}),
        &[json!("ab")],
        &[json!("ba")],
    );
    let refused = |schema: Value| Schema::compile(&schema).map(drop).unwrap_err();
    let hidden = json!({"$ref": "#/$defs/ns/A", "$defs": {"ns": {"A": {"unevaluatedProperties": false}}}});
    assert!(refused(hidden).starts_with("/$defs/ns/A/unevaluatedProperties"));
    let further = json!({"$ref": "#/x/A", "x": {"A": {"$ref": "#/x/B"}, "B": {"items": {"type": "?"}}}});
    assert!(refused(further).starts_with("/x/B/items/type"));
    assert!(refused(json!({"$ref": "#/title", "title": "t"})).starts_with("/$ref"));
}

/// `depth` levels of sums around a number.
fn nested(depth: usize, leaf: Value) -> Value {
    (0..depth).fold(leaf, |inner, n| json!({"left": inner, "kind": if n % 2 == 0 { "add" } else { "sub" }}))
}

#[test]
fn unions_that_contain_themselves_are_checked_in_no_time() {
    for alternatives in ["oneOf", "anyOf"] {
        let kind = |name: &str| {
            json!({"type": "object", "properties": {"left": {"$ref": "#/$defs/x"}, "kind": {"const": name}},
                   "required": ["kind", "left"]})
        };
        let schema = compiled(json!({"$ref": "#/$defs/x",
            "$defs": {"x": {alternatives: [kind("add"), kind("sub"), kind("mul"), {"type": "number"}]}}}));
        let begin = std::time::Instant::now();
        assert_eq!(schema.check(&nested(60, json!(1))), Ok(()));
        // As deep as a JSON text can be.
        assert_eq!(schema.check(&nested(127, json!(1))), Ok(()));
        let fault = schema.check(&nested(60, json!("one"))).unwrap_err();
        assert!(fault.contains("fits none of the alternatives"), "{fault}");
        let shallow =
            schema.check(&json!({"kind": "sub", "left": {"kind": "mul", "left": "one"}})).unwrap_err();
        assert!(shallow.contains("(at /left/left)") && !shallow.contains("is not \"add\""), "{shallow}");
        // Doubling the time at each level would take years.
        assert!(begin.elapsed() < std::time::Duration::from_secs(10), "{:?}", begin.elapsed());
    }
}

#[test]
fn a_check_without_end_is_given_up() {
    let twice =
        |n: usize| json!({"anyOf": [{"$ref": format!("#/$defs/{n}")}, {"$ref": format!("#/$defs/{n}")}]});
    let mut definitions: serde_json::Map<String, Value> =
        (0..60).map(|n| (n.to_string(), twice(n + 1))).collect();
    definitions.insert("60".into(), json!({"type": "number"}));
    let schema = compiled(json!({"$ref": "#/$defs/0", "$defs": definitions}));
    assert_eq!(schema.check(&json!(1)), Ok(()));
    assert!(schema.check(&json!("x")).unwrap_err().contains("too complex"));
    // Nor does it count as a mismatch that `not` could negate.
    let negated = compiled(json!({"not": {"$ref": "#"}}));
    assert!(negated.check(&json!(1)).unwrap_err().contains("too complex"));
    let long: Vec<usize> = (0..20_000).collect();
    assert!(compiled(json!({"uniqueItems": true})).check(&json!(long)).unwrap_err().contains("too complex"));
    assert_eq!(compiled(json!({"items": {"type": "number"}})).check(&json!(long)), Ok(()));
}

#[test]
fn annotations_judge_nothing() {
    let schema = json!({"title": "t", "description": "d", "default": 1, "examples": [1], "format": "date", "$schema": "http://json-schema.org/draft-07/schema#",
                        "$id": "urn:x", "$comment": "c", "readOnly": true, "x-own": {"type": "nonsense"}});
    check_all(schema, &[json!(1), json!("no date"), json!(null)], &[]);
    check_all(json!(true), &[json!(1)], &[]);
    check_all(json!(false), &[], &[json!(1)]);
}

#[test]
fn unusable_schemas_are_refused_with_their_place() {
    for (schema, place) in [
        (json!({"type": "objekt"}), "/type"),
        (json!({"type": []}), "/type"),
        (json!({"properties": {"a": {"anyOf": []}}}), "/properties/a/anyOf"),
        (json!({"oneOf": []}), "/oneOf"),
        (json!({"$id": "urn:x", "$ref": "urn:x"}), "/$ref"),
        (json!({"pattern": "\\p{L}"}), "/pattern"),
        (json!({"pattern": "(a)\\1"}), "/pattern"),
        (json!({"properties": {"a": {"pattern": "("}}}), "/properties/a/pattern"),
        (json!({"properties": {"a": {"pattern": "(?=a)"}}}), "/properties/a/pattern"),
        (json!({"patternProperties": {"[": {}}}), "/patternProperties"),
        (json!({"$ref": "http://127.0.0.1:1/schema.json"}), "/$ref"),
        (json!({"$ref": "#/$defs/none"}), "/$ref"),
        (json!({"properties": []}), "/properties"),
        (json!({"anyOf": {}}), "/anyOf"),
        (json!({"items": {"items": 1}}), "/items/items"),
        (json!({"required": "a"}), "/required"),
        (json!({"minLength": -1}), "/minLength"),
        (json!({"minimum": "1"}), "/minimum"),
        (json!({"exclusiveMinimum": true}), "/exclusiveMinimum"),
        (json!({"multipleOf": 0}), "/multipleOf"),
        (json!({"$defs": {"a": {"enum": 1}}}), "/$defs/a/enum"),
        (json!({"properties": {"a": {"$id": "b"}}}), "/properties/a/$id"),
        (json!({"unevaluatedProperties": false}), "/unevaluatedProperties"),
        (json!({"$dynamicRef": "#a"}), "/$dynamicRef"),
    ] {
        let fault = Schema::compile(&schema).map(drop).unwrap_err();
        assert!(fault.starts_with(place), "{schema}: {fault}");
    }
    assert!(Schema::compile(&json!(1)).is_err());
}

#[test]
fn the_draft_says_what_counts_beside_a_reference() {
    let schema = |draft: Value| {
        let mut schema = json!({"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n", "maximum": 3}}});
        schema["$schema"] = draft;
        schema
    };
    for new in [
        "https://json-schema.org/draft/2020-12/schema",
        "http://json-schema.org/draft/2019-09/schema#",
        "http://json-schema.org/schema#",
    ] {
        check_all(schema(new.into()), &[json!({"a": 3})], &[json!({"a": 4}), json!({"a": "3"})]);
    }
    for old in [
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-04/schema",
        "https://json-schema.org/draft-06/schema#",
    ] {
        check_all(schema(old.into()), &[json!({"a": 3}), json!({"a": 4})], &[json!({"a": "3"})]);
    }
    for unknown in [
        json!("http://localhost/mine"),
        json!(""),
        json!(7),
        json!("https://json-schema.org/draft/2099-01/schema"),
    ] {
        let fault = Schema::compile(&schema(unknown)).err().expect("it is refused");
        assert!(fault.starts_with("/$schema is not a draft"), "{fault}");
    }
    // Deeper in the schema it is an ordinary name.
    check_all(
        json!({"properties": {"$schema": {"type": "string"}}}),
        &[json!({"$schema": "x"})],
        &[json!({"$schema": 1})],
    );
}
