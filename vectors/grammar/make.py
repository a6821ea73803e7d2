"""Which values a schema allows, said by PyPI `jsonschema`; which texts a regular expression matches, said by Python's `re`.

    python make.py          writes schemas.json and regexes.json
    python make.py check    reads drawn.json, which the Rust test drew at random under each schema, and checks each value

Objects are written with their keys in the order of the schema, because a constraint fixes that order.
"""

import json
import re
import sys
from pathlib import Path

import jsonschema

HERE = Path(__file__).parent

# Tried under every schema, beside its own candidates.
COMMON = [None, True, False, 0, 1, -1, 7, 1.5, -0.25, "", "a", "red", "\"quoted\" \\ \n", "é👍", [], [1], ["a", "b"], [[]], {}, {"a": 1}]


def obj(properties, required=None, closed=True, **more):
    schema = {"type": "object", "properties": properties}
    if required is None:
        required = list(properties)
    if required:
        schema["required"] = required
    if closed:
        schema["additionalProperties"] = False
    return {**schema, **more}


STRING, INTEGER, NUMBER, BOOLEAN = ({"type": t} for t in ("string", "integer", "number", "boolean"))

SCHEMAS = {
    "anything": ({}, [1e20, 5e-9]),
    "true": (True, []),
    "null": ({"type": "null"}, []),
    "boolean": (BOOLEAN, []),
    "string": (STRING, ["x" * 300, "tab\t", "\u0001", "/", "日本語"]),
    "integer": (INTEGER, [10**15, -10**15, 123456789]),
    "number": (NUMBER, [0.1, 1e-7, -1e300, 123.456]),
    "several types": ({"type": ["string", "null", "integer"]}, []),
    "array": ({"type": "array"}, [[1, "a", None, {"b": [2]}]]),
    "object": ({"type": "object"}, [{"a": {"b": {"c": [1, {"d": None}]}}}, {"": 0}, {"é\"": 1}]),
    "const string": ({"const": "only \"this\""}, ["only \"this\"", "only"]),
    "const number": ({"const": 42}, [42, 43, 4, 420]),
    "const object": ({"const": {"a": [1, {"b": None}]}}, [{"a": [1, {"b": None}]}, {"a": [1, {"b": 1}]}, {"a": [1]}]),
    "const null": ({"const": None}, []),
    "enum of strings": ({"enum": ["red", "green", "blue", "reddish"]}, ["green", "reddis", "reddish", "Red"]),
    "enum of kinds": ({"enum": ["a", 7, None, True, [1], {"a": 1}]}, [{"a": 2}, [2]]),
    "enum with type": ({"type": "string", "enum": ["a", "b"]}, ["b"]),
    "minimum": ({"type": "integer", "minimum": 5}, [4, 5, 6, 100, -5]),
    "maximum": ({"type": "integer", "maximum": 5}, [4, 5, 6, -100]),
    "range": ({"type": "integer", "minimum": -12, "maximum": 137}, [-12, -13, 137, 138, 99, 100, -9]),
    "exclusive range": ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10}, [9, 10, 5]),
    "range of floats": ({"type": "number", "minimum": 0.5, "maximum": 2.75}, [0.5, 0.49, 2.75, 2.76, 1, 2.5, 3]),
    "open range of floats": ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, [0.5, 0.0001, 0.9999]),
    "multiples": ({"type": "integer", "multipleOf": 3}, [3, 6, 9, 10, 300, 301, -3, -4]),
    "halves": ({"type": "number", "multipleOf": 0.5}, [0.25, 0.5, 0.3, -2.5, 12]),
    "minLength": ({"type": "string", "minLength": 2}, ["ab", "é👍", "👍", "abc"]),
    "maxLength": ({"type": "string", "maxLength": 3}, ["abc", "abcd", "é👍é", "é👍éé", "\"\"\""]),
    "exact length": ({"type": "string", "minLength": 2, "maxLength": 2}, ["ab", "abc", "\\\\", "éé"]),
    "pattern, anchored": ({"type": "string", "pattern": "^[A-Z]{2}-\\d{3}$"}, ["AB-123", "AB-12", "ab-123", "AB-1234", "xAB-123"]),
    "pattern, searched": ({"type": "string", "pattern": "b+c"}, ["abbc", "bc", "xbcx", "cb"]),
    "pattern, alternatives": ({"type": "string", "pattern": "^(a|bc)*$"}, ["abca", "bcbc", "ab", "abc"]),
    "pattern and length": ({"type": "string", "pattern": "^[0-9]+$", "maxLength": 3}, ["12", "1234", "12a"]),
    "date": ({"type": "string", "format": "date"}, ["2024-02-29", "2024-13-01", "2024-1-1", "2023-11-30", "2023-11-31"]),
    "uuid": ({"type": "string", "format": "uuid"}, ["123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"]),
    "ipv4": ({"type": "string", "format": "ipv4"}, ["192.168.0.1", "256.1.1.1", "1.2.3", "0.0.0.0"]),
    "list of integers": ({"type": "array", "items": INTEGER}, [[1, 2, 3], [1, "a"], [1.5], list(range(40))]),
    "minItems": ({"type": "array", "items": INTEGER, "minItems": 2}, [[1, 2], [1, 2, 3]]),
    "maxItems": ({"type": "array", "items": INTEGER, "maxItems": 2}, [[1, 2], [1, 2, 3]]),
    "many items": ({"type": "array", "items": {"const": 1}, "minItems": 15, "maxItems": 17}, [[1] * n for n in (14, 15, 16, 17, 18)]),
    "no items": ({"type": "array", "maxItems": 0}, []),
    "tuple": ({"type": "array", "prefixItems": [STRING, INTEGER], "items": False, "minItems": 2}, [["a", 1], ["a"], ["a", 1, 2], [1, "a"]]),
    "open tuple": ({"type": "array", "prefixItems": [STRING], "items": INTEGER}, [["a", 1, 2], ["a", "b"], ["a"]]),
    "list of lists": ({"type": "array", "items": {"type": "array", "items": BOOLEAN, "maxItems": 2}}, [[[True], []], [[True, False, True]], [[1]]]),
    "record": (obj({"name": STRING, "age": INTEGER}), [{"name": "A", "age": 3}, {"name": "A"}, {"name": 1, "age": 3}, {"name": "A", "age": 3, "x": 1}]),
    "optional": (obj({"a": INTEGER, "b": INTEGER, "c": INTEGER}, ["b"]), [{"b": 1}, {"a": 1, "b": 1}, {"b": 1, "c": 2}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 3}]),
    "all optional": (obj({"a": INTEGER, "b": STRING}, []), [{"b": "x"}, {"a": 1, "b": "x"}, {"c": 1}, {"a": "x"}]),
    "open record": (obj({"a": INTEGER}, ["a"], closed=False), [{"a": 1, "other": [1]}, {"other": 1}, {"a": "x", "other": 1}]),
    "map": ({"type": "object", "additionalProperties": INTEGER}, [{"x": 1, "y": 2}, {"x": "1"}]),
    "map with minimum": ({"type": "object", "additionalProperties": INTEGER, "minProperties": 1, "maxProperties": 2}, [{"x": 1}, {"x": 1, "y": 2}, {"x": 1, "y": 2, "z": 3}]),
    "pattern properties": ({"type": "object", "patternProperties": {"^n_": INTEGER, "^s_": STRING}, "additionalProperties": False}, [{"n_a": 1}, {"s_a": "x", "n_b": 2}, {"n_a": "x"}, {"z": 1}]),
    "required but undescribed": ({"type": "object", "properties": {"a": INTEGER}, "required": ["a", "z"]}, [{"a": 1, "z": 2}, {"z": 1}]),
    "nested records": (obj({"who": obj({"name": STRING, "tags": {"type": "array", "items": STRING}}), "ok": BOOLEAN}), [{"who": {"name": "A", "tags": ["x"]}, "ok": True}, {"who": {"name": "A", "tags": [1]}, "ok": True}, {"who": {"name": "A"}, "ok": True}]),
    "anyOf": ({"anyOf": [INTEGER, {"type": "string", "maxLength": 2}]}, ["ab", "abc"]),
    "anyOf of records": ({"anyOf": [obj({"a": INTEGER}), obj({"b": STRING})]}, [{"b": "x"}, {"a": "x"}, {"a": 1, "b": "x"}]),
    "oneOf, tagged": ({"oneOf": [obj({"kind": {"const": "circle"}, "r": NUMBER}), obj({"kind": {"const": "square"}, "side": NUMBER})]}, [{"kind": "circle", "r": 1.5}, {"kind": "square", "side": 2}, {"kind": "square", "r": 2}, {"kind": "circle"}]),
    "oneOf, by type": ({"oneOf": [STRING, {"type": "array", "items": STRING}]}, [["a"], [1]]),
    "allOf": ({"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 8}]}, [2, 3, 8, 9]),
    "allOf of records": ({"allOf": [{"type": "object", "properties": {"a": INTEGER}, "required": ["a"]}, {"type": "object", "properties": {"b": STRING}, "required": ["b"]}]}, [{"a": 1, "b": "x"}, {"b": "x"}, {"a": 1, "b": 2}]),
    "nullable": (obj({"a": {"anyOf": [STRING, {"type": "null"}]}}), [{"a": None}, {"a": "x"}]),
    "reference": (obj({"from": {"$ref": "#/$defs/point"}, "to": {"$ref": "#/$defs/point"}}, **{"$defs": {"point": obj({"x": INTEGER, "y": INTEGER})}}), [{"from": {"x": 1, "y": 2}, "to": {"x": 3, "y": 4}}, {"from": {"x": 1}, "to": {"x": 3, "y": 4}}]),
    "tree": ({"$ref": "#/definitions/node", "definitions": {"node": obj({"v": INTEGER, "children": {"type": "array", "items": {"$ref": "#/definitions/node"}}}, ["v"])}}, [{"v": 1}, {"v": 1, "children": [{"v": 2, "children": [{"v": 3}]}]}, {"v": 1, "children": [{"v": "x"}]}]),
    "list of itself": ({"type": "array", "items": {"$ref": "#"}}, [[[], [[]]], [[1]]]),
    "keys to escape": (obj({"a\"b": INTEGER, "ü\\": INTEGER}), [{"a\"b": 1, "ü\\": 2}, {"a\"b": 1}]),
    "words for people": ({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "T", "description": "D", "examples": ["x"], "default": "y", "deprecated": True, "type": "string"}, []),
    "conditions on another type": ({"type": "integer", "minLength": 3, "pattern": "^x"}, []),
    "draft 7 tuple": ({"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": [INTEGER, STRING], "additionalItems": False, "minItems": 2}, [[1, "a"], [1], [1, "a", 2], ["a", 1]]),
}

REGEXES = {
    "yes|no": ["yes", "no", "yesno", "ye", ""],
    "[a-z]+@[a-z]+\\.(com|org)": ["a@b.com", "a@b.net", "a@b.comx", "ab@cd.org"],
    "\\d{4}-\\d{2}-\\d{2}": ["2024-01-02", "2024-1-2", "20240-01-02"],
    "(a+)+b": ["aaab", "b", "ab", "aaa"],
    "a?b*c": ["c", "ac", "bbc", "aac"],
    "[^\\x00-\\x7f]+": ["é", "👍👍", "a", ""],
    "(?i)hello": ["hello", "HeLLo", "help"],
    "a.c": ["abc", "a\nc", "aéc", "ac"],
    "(?s)a.c": ["abc", "a\nc", "ac"],
    "\\w+( \\w+){0,3}": ["one", "one two three four", "one two three four five", "one  two", ""],
    "a/b\\\\c\"": ["a/b\\c\"", "a/b/c\""],
    "(ab){2,3}": ["ab", "abab", "ababab", "abababab"],
    " indented": [" indented", "indented"],
}


def texts(value):
    return [json.dumps(value, ensure_ascii=False), json.dumps(value, separators=(",", ":"), ensure_ascii=False), json.dumps(value, indent=2, ensure_ascii=False)]


def validator(schema):
    if isinstance(schema, dict) and "$schema" in schema:
        cls = jsonschema.validators.validator_for(schema)
    else:
        cls = jsonschema.Draft202012Validator
    cls.check_schema(schema)
    return cls(schema, format_checker=jsonschema.FormatChecker())


def make():
    rows = []
    for name, (schema, own) in SCHEMAS.items():
        check = validator(schema)
        row = {"name": name, "schema": schema, "valid": [], "invalid": []}
        for value in COMMON + own:
            valid = check.is_valid(value)
            every = texts(value) if valid else texts(value)[:1]
            target = row["valid" if valid else "invalid"]
            target.extend(text for text in every if text not in target)
        assert row["valid"], name
        rows.append(row)
    write("schemas.json", rows)
    write("regexes.json", [
        {
            "regex": regex,
            "valid": [text for text in own if re.fullmatch(regex, text)],
            "invalid": [text for text in own if not re.fullmatch(regex, text)],
        }
        for regex, own in REGEXES.items()
    ])


def check():
    drawn = json.loads((HERE / "drawn.json").read_text())
    count = 0
    for name, values in drawn.items():
        check = validator(SCHEMAS[name][0])
        for text in values:
            count += 1
            errors = [error.message for error in check.iter_errors(json.loads(text))]
            assert not errors, (name, text, errors)
    print(f"{count} values under {len(drawn)} schemas are valid")


def write(name, rows):
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (HERE / name).write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    check() if sys.argv[1:] == ["check"] else make()
