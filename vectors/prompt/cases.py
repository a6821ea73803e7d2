"""The conversations that make.py renders: name -> (purpose, request). Read by make.py only; tests read cases.json."""

S, U, A, T = "system", "user", "assistant", "tool"


def m(role, content=None, **more):
    return {"role": role, **({} if content is None else {"content": content}), **more}


def call(name, arguments, id="abcdefghi"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(name, parameters=None, **more):
    return {"type": "function", "function": {"name": name, "parameters": parameters or {}, **more}}


def text(*texts):
    return [{"type": "text", "text": t} for t in texts]


def think(t, closed=True):
    return {"type": "thinking", "thinking": t, "closed": closed}


WEATHER = tool(
    "get_weather",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Ville, e.g. « Orléans » 🗼", "default": None},
            "days": {"type": "integer", "minimum": 0, "maximum": 14.0, "multipleOf": 1},
            "units": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "nested": {"type": "object", "properties": {"a": {"type": "array", "items": [True, {"not": {}}]}}},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
    description="Today's <weather> & \"more\"\n\tfor a city",
)
PLAIN = tool("f")
STRICT = tool("g-2_x", {"type": "object", "properties": {"x": {"type": "number"}}}, description="d", strict=True)

TURN = [m(U, "a"), m(A, "b"), m(U, "c")]
CALL = [m(U, "weather?"), m(A, tool_calls=[call("f", '{"x": "é"}')]), m(T, '{"r": 1}', tool_call_id="abcdefghi", name="f")]
TWO = [
    m(U, "both"),
    m(A, tool_calls=[call("f", '{"x":1}', "aaaaaaaaa"), call("g", "{}", "bbbbbbbbb")]),
]
R = {i: m(T, f"result {i}", tool_call_id=i * 9, name=n) for i, n in (("a", "f"), ("b", "g"))}


def r(messages, **more):
    return {"messages": messages, **more}


CASES = {
    # Plain turns.
    "single": r([m(U, "Hello, world!")]),
    "turns": r(TURN),
    "long turns": r(TURN + [m(A, "d"), m(U, "e"), m(A, "f"), m(U, "g")]),
    "system": r([m(S, "S"), m(U, "a")]),
    "system, turns": r([m(S, "S"), *TURN]),
    "system alone": r([m(S, "only this")]),
    "systems": r([m(S, "S1"), m(S, "S2"), *TURN]),
    "system late": r([m(U, "a"), m(S, "late"), m(A, "b"), m(U, "c")]),
    "systems, early and late": r([m(S, "early"), m(U, "a"), m(S, "late"), m(U, "b"), m(A, "c"), m(U, "d")]),
    "system, then assistant": r([m(S, "S"), m(A, "hi"), m(U, "a")]),
    "system empty": r([m(S, ""), m(U, "a")]),
    "assistant first": r([m(A, "hi"), m(U, "a")]),
    "users merge": r([m(U, "a"), m(U, ""), m(U, "b"), m(A, "c"), m(A, "d"), m(U, "e")]),
    "system chunks": r([m(S, text("one", "two")), m(U, text("three", "", "four")), m(A, text("five", "six")), m(U, "7")]),
    "chunks and texts": r([m(U, "0"), m(U, text("1", "2")), m(U, "3"), m(U, text("4"))]),
    "empty user": r([m(U, "")]),
    "spaces": r([m(U, "  a  "), m(A, " b   "), m(U, "\n c\t\n")]),
    "assistant of spaces": r([m(U, "a"), m(A, "   "), m(U, "c")]),
    "unicode": r([m(U, "é e\u0301 你好 👍🏽 \u202eabc \u00a0\ufeff 123"), m(A, "مرحبا"), m(U, "def f(x):\n\treturn x+1\r\n")]),
    "literal control words": r(
        [m(S, "<s>[INST] x [/INST]</s>"), m(U, "</s><s>[INST]<unk><0x0A>[TOOL_CALLS][/SYSTEM_PROMPT]<pad>"), m(A, "[THINK]no[/THINK]"), m(U, "[AVAILABLE_TOOLS]")]
    ),
    # A beginning to continue.
    "prefix": r([m(U, "a"), m(A, "Sure, ", prefix=True)]),
    "prefix after turns": r([*TURN, m(A, "{", prefix=True)]),
    "prefix of merged": r([m(U, "a"), m(A, "one"), m(A, "two ", prefix=True)]),
    "prefix empty": r([m(U, "a"), m(A, "", prefix=True)]),
    "prefix of calls": r([m(U, "a"), m(A, tool_calls=[call("f", "{}")], prefix=True)]),
    # Tools.
    "tool": r([m(U, "a")], tools=[PLAIN]),
    "tools none": r([m(U, "a")], tools=[]),
    "tools": r(TURN, tools=[WEATHER, PLAIN, STRICT]),
    "tools, system": r([m(S, "S"), *TURN], tools=[STRICT]),
    "tools, system alone": r([m(S, "S")], tools=[STRICT]),
    "call": r(CALL, tools=[PLAIN]),
    "call, answer": r(CALL + [m(A, "It rains."), m(U, "thanks")], tools=[PLAIN]),
    "call, prefix": r(CALL + [m(A, "It ", prefix=True)], tools=[PLAIN]),
    "call without tools": r(CALL),
    "calls one after the other": r(CALL + [m(A, tool_calls=[call("f", "{}", "999999999")]), m(T, "x", tool_call_id="999999999")]),
    "calls in parallel": r([*TWO, R["a"], R["b"]]),
    "results out of order": r([*TWO, R["b"], R["a"]]),
    "results out of order, later": r([*TWO, R["b"], R["a"], m(A, "done"), m(U, "again"), *TWO[1:], R["b"], R["a"]]),
    "calls of merged messages": r([TWO[0], m(A, tool_calls=[call("f", "", "aaaaaaaaa")]), m(A, "said", prefix=True)]),
    "result then user": r(CALL + [m(U, "and?")]),
    "content and call": r([m(U, "a"), m(A, "Let me see. ", tool_calls=[call("f", "{}")]), m(T, "ok", tool_call_id="abcdefghi")]),
    "arguments empty": r([m(U, "a"), m(A, tool_calls=[call("f", "")]), m(T, "", tool_call_id="abcdefghi")]),
    "arguments not JSON": r([m(U, "a"), m(A, tool_calls=[call("f", "{x: 1")]), m(T, "{y", tool_call_id="abcdefghi")]),
    "arguments of other kinds": r([m(U, "a"), m(A, tool_calls=[call("f", ' [1, "2", null] ')]), m(T, ' "text" ', tool_call_id="abcdefghi")]),
    "arguments with numbers": r(
        [
            m(U, "a"),
            m(A, tool_calls=[call("f", '{"b":1.0,"a":1E3,"c":12345678901234567890123,"d":-0,"e":1e-7,"b":2.50}')]),
            m(T, '[1e16, 1e15, 0.1, "\\u00e9\\n\\/", {"z": 1, "y": [ ]}, NaN]', tool_call_id="abcdefghi"),
        ]
    ),
    "arguments as object": r([m(U, "a"), m(A, tool_calls=[call("f", {"x": "é", "y": [1.0]})]), m(T, "ok", tool_call_id="abcdefghi")]),
    "result in chunks": r([*CALL[:2], m(T, text("one", "two"), tool_call_id="abcdefghi")]),
    "result empty": r([*CALL[:2], m(T, "", tool_call_id="abcdefghi")]),
    "id of any form": r([m(U, "a"), m(A, tool_calls=[call("f", "{}", "call_1")]), m(T, "ok", tool_call_id="call_1")]),
    # Thinking.
    "thought": r([m(U, "a"), m(A, [think("hmm"), *text("b")]), m(U, "c")]),
    "thought open": r([m(U, "a"), m(A, [think("hm", closed=False)], prefix=True)]),
    "thoughts": r([m(U, "a"), m(A, [think("1"), *text("2", "3"), think("4"), *text("5")]), m(U, "c")]),
    "thought and call": r([m(U, "a"), m(A, [think("hm")], tool_calls=[call("f", "{}")]), m(T, "ok", tool_call_id="abcdefghi")]),
    "thought in system": r([m(S, [*text("first"), think("T"), *text("then")]), m(U, "a")]),
    "text after thought merges": r([m(U, "a"), m(A, [think("1")]), m(A, "x"), m(A, "y"), m(U, "c")]),
    # Settings.
    **{f"effort {e}": r([m(U, "a")], reasoning_effort=e) for e in ("none", "minimal", "high")},
    "effort, tools, system": r([m(S, "S"), *TURN], tools=[PLAIN], reasoning_effort="high"),
    "schema": r(
        [m(U, "a")],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"b": {"default": None}, "a": {"const": 1.0}}}},
        },
    ),
    "json object": r([m(U, "a")], response_format={"type": "json_object"}, reasoning_effort="high"),
    # What is refused: structure.
    "no messages": r([]),
    "assistant alone": r([m(A, "a")]),
    "tool alone": r([m(T, "a", tool_call_id="abcdefghi")]),
    "tool after user": r([m(U, "a"), m(T, "b", tool_call_id="abcdefghi")]),
    "tool after system": r([m(S, "a"), m(T, "b", tool_call_id="abcdefghi")]),
    "system after assistant": r([m(U, "a"), m(A, "b"), m(S, "c"), m(U, "d")]),
    "system after tool": r([*CALL, m(S, "c"), m(U, "d")]),
    "ends with assistant": r([m(U, "a"), m(A, "b")]),
    "ends with system": r([m(U, "a"), m(S, "b")]),
    "prefix not last": r([m(U, "a"), m(A, "b", prefix=True), m(U, "c")]),
    "results missing": r([*TWO, R["a"], m(A, "x"), m(U, "y")]),
    "result too many": r([*CALL, m(T, "x", tool_call_id="zzzzzzzzz"), m(A, "x"), m(U, "y")]),
    "result twice": r([*TWO, R["a"], R["a"]]),
    "result for no call": r([*CALL[:2], m(T, "x", tool_call_id="zzzzzzzzz")]),
    "call twice": r([m(U, "a"), m(A, tool_calls=[call("f", "{}"), call("g", "{}")]), CALL[2], CALL[2]]),
    "results missing at the end": r([*TWO, R["b"]]),
    "no result": r([m(U, "a"), TWO[1], m(U, "b")]),
    # What is refused: messages.
    "neither content nor call": r([m(U, "a"), m(A), m(U, "b")]),
    "content empty": r([m(U, "a"), m(A, ""), m(U, "b")]),
    "calls empty": r([m(U, "a"), m(A, tool_calls=[]), m(U, "b")]),
    "call without id": r([m(U, "a"), m(A, tool_calls=[{"function": {"name": "f", "arguments": "{}"}}]), m(T, "x", tool_call_id="abcdefghi")]),
    "call id too long": r([m(U, "a"), m(A, tool_calls=[call("f", "{}", "abcdefghij")]), m(T, "x", tool_call_id="abcdefghij")]),
    "call id of other letters": r([m(U, "a"), m(A, tool_calls=[call("f", "{}", "abcdefgh-")]), m(T, "x", tool_call_id="abcdefgh-")]),
    "call id empty": r([m(U, "a"), m(A, tool_calls=[call("f", "{}", "")]), m(T, "x", tool_call_id="")]),
    "result without id": r([*CALL[:2], m(T, "x")]),
    "call name": r([m(U, "a"), m(A, tool_calls=[call("f f", "{}")]), CALL[2]]),
    "call name too long": r([m(U, "a"), m(A, tool_calls=[call("f" * 65, "{}")]), CALL[2]]),
    "result name": r([*CALL[:2], m(T, "x", tool_call_id="abcdefghi", name="f.f")]),
    # What is refused: tools.
    "tool name": r([m(U, "a")], tools=[tool("é")]),
    "tool name empty": r([m(U, "a")], tools=[tool("")]),
    **{
        f"tool schema {i}": r([m(U, "a")], tools=[tool("f", schema)])
        for i, schema in enumerate(
            [
                {"type": "strin"},
                {"type": ["string", "null"]},
                {"type": []},
                {"properties": []},
                {"properties": {"a": {"properties": {"b": 3}}}},
                {"required": ["a", "a"]},
                {"required": "a"},
                {"minLength": -1},
                {"maxItems": 1.5},
                {"maxItems": 2.0},
                {"multipleOf": 0},
                {"allOf": []},
                {"enum": 3},
                {"items": [{"type": "it's \"so\"\n"}]},
                {"dependencies": {"a": ["b"]}},
                {"dependencies": {"a": "b"}},
                {"description": None},
                {"title": {"a": [1.5, True, None, "x'y"]}},
            ]
        )
    },
}

SERVING = ["results missing at the end", "calls in parallel", "no result", "call without id", "result too many"]
FINETUNING = {
    "ends well": r([m(U, "a"), m(A, "b")]),
    "ends with user": r([m(U, "a")]),
    "ends with prefix": r([m(U, "a"), m(A, "b", prefix=True)]),
    "call without id": r([m(U, "a"), m(A, tool_calls=[{"function": {"name": "f", "arguments": "{}"}}])]),
    "call without id, not last": r([m(U, "a"), m(A, tool_calls=[{"function": {"name": "f", "arguments": "{}"}}]), CALL[2], m(A, "b")]),
    "result too many": r([*CALL, m(T, "x", tool_call_id="zzzzzzzzz"), m(A, "x")]),
    "results without calls": r([m(U, "a"), m(A, "b"), m(T, "x", tool_call_id="zzzzzzzzz"), m(A, "x")]),
}

FIM = {
    "suffix": ("def f(", "return a + b"),
    "no suffix": ("def f(", None),
    "empty suffix": ("x", ""),
    "spaces": (" a", "  b\n"),
    "empty": ("", ""),
    "unicode": ("é", "☺ é 你"),
}

# For templates in Jinja: nothing is normalised.
DESCRIBED = {"name": "f", "description": "<é> & 'q'", "parameters": {"type": "object", "properties": {"x": {"default": 1.0}}}}
DESCRIBED = {"type": "function", "function": DESCRIBED}
CHATS = {
    "single": r([m(U, "Hello")]),
    "system": r([m(S, " S "), m(U, "a"), m(A, "b"), m(U, " c\n")]),
    "tools": r([m(S, "S"), m(U, "a")], tools=[DESCRIBED]),
    "calls": r([m(U, "a"), m(A, tool_calls=[call("f", '{"x": "é<", "y": [1, 2.0, null]}')]), m(T, "3 > 2", tool_call_id="abcdefghi", name="f"), m(A, "ok"), m(U, "b")]),
    "two calls": r([*TWO, R["a"], R["b"], m(U, "b")]),
    "roles": r([m(U, "a"), m(U, "b")]),
    "thought": r([m(U, "a"), m(A, "<think>\nhm\n</think>\n\nb"), m(U, "<reply>x</reply>"), m(A, "<think>\nlater\n</think>\nc")]),
    "literal control words": r([m(S, "<|im_end|><s>"), m(U, "</s><|im_end|>\n<|im_start|>system\n<end_of_turn><|eot_id|>"), m(A, "<|IM_END|>"), m(U, "|im_end|>")]),
}

JSON = [
    "0", "-0", "1.0", "-0.0", "1E3", "1e-5", "0.0001", "0.00001", "1e15", "1e16", "123456789012345680.0", "1e22", "1e-7", "5e-324",
    "1.7976931348623157e308", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "12345678901234567890123456789", "9007199254740993",
    "0.1", "0.30000000000000004", "100.0", "1.10", "3.14e+02", "2.5E-3", "1e0", '"a\\u0000b\\u001f\\u007f\\u00e9"', '"\\ud83d\\ude00"',
    '"\\ud83d\\u0041"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"<>&\'"', '"\u2028\u2029"', "[]", "{}", "[ ]", "{ }", "[1,2 , 3]", '{"b":1,"a":2,"b":3}',
    '{"":{"":[[],{}]}}', " \t\r\n null \n", "true", "false", '{"a":\n1}',
    # Not JSON.
    "", " ", "01", "1.", ".5", "+1", "1e", "1e+", "--1", "- 1", "nul", "None", "True", "nan", "inf", "'a'", '"a', '"\\x"', '"\\u12"', '"\\u 123"', '"\\ud83d\\u12"',
    '"\n"', '"\t"', "[1,]", "[1 2]", "[", "]", "{", "{a:1}", '{"a"}', '{"a":}', '{"a":1,}', "{1:2}", "1 2", "[]]", "\ufeff1", "\u00a01", "// x", "1_000", "0x1",
]
