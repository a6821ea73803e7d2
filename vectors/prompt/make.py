#!/usr/bin/env python3
"""Golden prompts: what mistral-common makes of the conversations in cases.py, for every template version.

Run by hand with mistral-common 1.13.1, sentencepiece, tiktoken:   python vectors/prompt/make.py [FOLDER OF shared/]

Writes, beside itself:
  cases.json        the conversations, with what they are rendered for
  tekken.json, versions.json, spm.vN
                    small tokenizers, trained on the conversations; a Tekken of version N is tekken.json with the
                    fields of versions.json
  golden.json       for every small tokenizer and conversation: tokens and text, or the message of the refusal
  real.json         the same for the tokenizers in shared/tokenizers, as a hash of the tokens; and the chats in
                    shared/conformance
  json.json         texts, and what Python's json makes of them
  jinja.json        what jinja2, set up as transformers does it, makes of the templates in templates/
"""

import base64
import datetime
import io
import json
import sys
import tempfile
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import jinja2.ext  # noqa: E402
import jinja2.sandbox  # noqa: E402
import sentencepiece  # noqa: E402
import tiktoken._educational  # noqa: E402
from mistral_common.exceptions import MistralCommonException  # noqa: E402
from mistral_common.protocol.fim.request import FIMRequest  # noqa: E402
from mistral_common.protocol.instruct.request import ChatCompletionRequest  # noqa: E402
from mistral_common.protocol.instruct.validator import ValidationMode  # noqa: E402
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer  # noqa: E402

from cases import CASES, CHATS, FIM, FINETUNING, JSON, SERVING  # noqa: E402

HERE = Path(__file__).resolve().parent
SHARED = Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "../../../shared").resolve()
PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]"]
TEKKEN += ["[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"]
V11 = TEKKEN + [f"<SPECIAL_{i}>" for i in range(20, 32)] + ["[ARGS]", "[CALL_ID]"]
V13 = V11 + ["[THINK]", "[/THINK]"]
V15 = V13 + ["[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"]
EFFORT = {"type": "enum", "values": ["none", "high"], "accepts_none": True, "default": "none"}
SCHEMA = {"type": "json_schema", "accepts_none": False, "default": None}
VERSIONS = {
    "v3": ("v3", None, None),
    "v7": ("v7", None, None),
    "v11": ("v11", V11, None),
    "v13": ("v13", V13, None),
    "v13-no-think": ("v13", V11, None),
    "v15": ("v15", V15, {"reasoning_effort": EFFORT}),
    "v15-schema": ("v15", V15, {"reasoning_effort": EFFORT, "json_schema": SCHEMA}),
}
SPM = ["[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"]
SPM3 = SPM + ["[IMG]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"]
SPM7 = SPM3 + ["[IMG_BREAK]", "[IMG_END]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"]
SPMS = {"v1": [], "v2": SPM, "v3": SPM3, "v7": SPM7}
NUM_SPECIAL = 40


def main():
    cases = {name: {"purpose": "test", "request": request} for name, request in CASES.items()}
    cases |= {f"serving: {name}": {"purpose": "serving", "request": CASES[name]} for name in SERVING}
    cases |= {f"finetuning: {name}": {"purpose": "finetuning", "request": request} for name, request in FINETUNING.items()}
    write("cases.json", {"conversations": cases, "chats": CHATS, "fim": {name: list(texts) for name, texts in FIM.items()}})
    write("jinja.json", jinja_renderings())
    write("json.json", [[text, python_json(text)] for text in JSON])
    corpus = " ".join(json.dumps(case["request"], ensure_ascii=False) for case in cases.values()).replace("\\n", "\n")
    make_spm(corpus)
    make_tekken(corpus)
    golden = {}
    for version in SPMS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"x.model.{version}"
            file.write_bytes((HERE / f"spm.{version}").read_bytes())
            golden[f"spm {version}"] = rendered(file, cases)
    base = json.loads((HERE / "tekken.json").read_text())
    for name in VERSIONS:
        golden[f"tekken {name}"] = rendered(tekken(base, name), cases)
    write("golden.json", golden)
    if SHARED.exists():
        write("real.json", real(cases))


def python_json(text):
    try:
        return json.dumps(json.loads(text), ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    except ValueError:
        return None


def jinja_renderings():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = lambda value, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
    now = datetime.datetime(2026, 2, 3, 4, 5, 6)
    return {
        template.stem: {name: jinja_rendering(env, template.read_text(), chat, now) for name, chat in CHATS.items()}
        for template in sorted((HERE / "templates").glob("*.jinja"))
    }


def jinja_rendering(env, source, chat, now):
    def raise_exception(message):
        raise jinja2.TemplateError(message)

    def plain(message):
        calls = [c | {"function": c["function"] | {"arguments": json.loads(c["function"]["arguments"])}} for c in message.get("tool_calls", [])]
        return {"content": ""} | message | ({"tool_calls": calls} if calls else {})

    known = {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True, "tools": chat.get("tools")}
    functions = {"raise_exception": raise_exception, "strftime_now": now.strftime}
    try:
        text = env.from_string(source).render(messages=[plain(m) for m in chat["messages"]], **known, **functions)
    except jinja2.TemplateError as error:
        return {"error": str(error)}
    return {"text": text}


def make_spm(corpus):
    for version, controls in SPMS.items():
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus.splitlines()), model_writer=model, model_type="bpe", vocab_size=700, byte_fallback=True,
            normalization_rule_name="identity", add_dummy_prefix=True, remove_extra_whitespaces=False, split_digits=True,
            control_symbols=controls, character_coverage=0.998, required_chars="☺", max_sentence_length=10**6, num_threads=1,
            minloglevel=2,
        )  # fmt: skip
        (HERE / f"spm.{version}").write_bytes(model.getvalue())


def make_tekken(corpus):
    # As in the real files, the character that mistral-common cuts off before a suffix has two tokens.
    words = corpus[: len(corpus) // 2].replace("☺", "") + "\n☹\n☻\n☼\n☽\n☾" * 99
    ranks = tiktoken._educational.bpe_train(words, 700, PATTERN, visualise=None)
    vocab = [
        {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": None}
        for token, rank in sorted(ranks.items(), key=lambda item: item[1])
    ]
    size = {"num_vocab_tokens": len(vocab), "default_vocab_size": len(vocab) + NUM_SPECIAL, "default_num_special_tokens": NUM_SPECIAL}
    write("tekken.json", {"config": {"pattern": PATTERN, **size, "version": "v3"}, "vocab": vocab})
    write("versions.json", {name: fields(name) for name in VERSIONS})


def fields(name):
    version, specials, settings = VERSIONS[name]
    more = {"version": version}
    if specials:
        more["special_tokens"] = [{"rank": i, "token_str": s, "is_control": True} for i, s in enumerate(specials)]
    if settings:
        more["model_settings_builder"] = settings
    return more


def tekken(base, name):
    more = fields(name)
    file = Path(tempfile.mkdtemp()) / "tekken.json"
    config = base["config"] | {"version": more.pop("version")}
    kept = {key: value for key, value in base.items() if key not in ("image", "multimodal")}
    file.write_text(json.dumps(kept | {"config": config} | more))
    return file


def rendered(file, cases, hashed=False):
    out = {}
    for purpose in ("test", "serving", "finetuning"):
        tokenizer = MistralTokenizer.from_file(file, mode=ValidationMode(purpose))
        for name, case in cases.items():
            if case["purpose"] == purpose:
                out[name] = attempt(lambda: tokenizer.encode_chat_completion(request(case["request"], purpose)), hashed)
    if "[SUFFIX]" in tokenizer.instruct_tokenizer.tokenizer.vocab() or tokenizer.instruct_tokenizer.tokenizer.version == "v1":
        for name, (prompt, suffix) in FIM.items():
            out[f"fim: {name}"] = attempt(lambda: tokenizer.encode_fim(FIMRequest(prompt=prompt, suffix=suffix)), hashed)
    return out


def request(body, purpose):
    return ChatCompletionRequest.model_validate(body | ({"model": "m"} if purpose == "serving" else {}))


def attempt(render, hashed):
    try:
        done = render()
    except MistralCommonException as error:
        return {"error": error.message}
    except (ValueError, AssertionError, NotImplementedError) as error:
        return {"error": f"{type(error).__name__}: {error}".split("\n")[0][:200]}
    tokens = " ".join(map(str, done.tokens))
    return {"hash": fnv(tokens)} if hashed else {"tokens": tokens, "text": done._text}


def fnv(text):
    """FNV-1a, 64 bits, of the text as UTF-8."""
    hash = 0xCBF29CE484222325
    for byte in text.encode():
        hash = (hash ^ byte) * 0x100000001B3 % 2**64
    return f"{hash:016x}"


def real(cases):
    folder = SHARED / "tokenizers"
    files = {
        "spm v1": folder / "tokenizer.model.v1",
        "spm v2": folder / "mistral_instruct_tokenizer_240216.model.v2",
        "spm v3": folder / "mistral_instruct_tokenizer_240323.model.v3",
        "spm v7": folder / "mistral_instruct_tokenizer_241114.model.v7",
    }
    base = json.loads((folder / "tekken_240911.json").read_text())
    files |= {f"tekken {name}": tekken(base, name) for name in ("v3", "v7", "v11", "v13", "v15-schema")}
    samples = {
        f"sample: {sample.parent.name}": {"purpose": "test", "request": json.loads(sample.read_text())}
        for sample in sorted(SHARED.glob("conformance/mistral-common/samples/*/sample.json"))
    }
    return {name: rendered(file, cases | samples, hashed=True) for name, file in files.items()}


def write(name, value):
    lines = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, dict) and name == "golden.json":
        body = ",\n".join(f"{dump(key)}: {{\n" + ",\n".join(f"{dump(k)}: {dump(v)}" for k, v in group.items()) + "}" for key, group in lines)
        text = "{" + body + "}\n"
    elif isinstance(value, dict):
        text = "{" + ",\n".join(f"{dump(key)}: {dump(item)}" for key, item in lines) + "}\n"
    else:
        text = "[" + ",\n".join(dump(item) for _, item in lines) + "]\n"
    (HERE / name).write_text(text)


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
