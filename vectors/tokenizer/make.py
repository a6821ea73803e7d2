"""Writes the small tokenizers of this folder, and golden.json: the ids that the reference gives for texts that hurt.

Reference: mistral-common (which calls sentencepiece and tiktoken), and sentencepiece alone for the unigram models.
Run by hand, with mistral-common, sentencepiece, tiktoken, regex and protobuf installed:
    python vectors/tokenizer/make.py [FOLDER WITH MISTRAL'S OWN FILES]
With the folder, real.json is written too: hashes of ids for the files in it.
"""

import base64
import collections
import io
import json
import pathlib
import sys
import tempfile

import regex
import sentencepiece
from mistral_common.tokens.tokenizers.sentencepiece import SentencePieceTokenizer
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from sentencepiece import sentencepiece_model_pb2

from texts import LONG, POOLS, RANDOM_BLOCK, RANDOM_COUNT, TEXTS, TRAINING, WORDS
from texts import Random, every_character, long_texts, random_texts

HERE = pathlib.Path(__file__).resolve().parent
PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

# Control tokens of Mistral's SentencePiece files after <unk> <s> </s>, by version.
SPM_V2 = "[INST] [/INST] [TOOL_CALLS] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS]".split()
SPM_V3 = SPM_V2 + "[IMG] [PREFIX] [MIDDLE] [SUFFIX]".split()
SPM_V7 = SPM_V3 + "[IMG_BREAK] [IMG_END] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT]".split()
REFERENCES = [f"[REFERENCE_DOC_{i}]" for i in range(3)]
SPM_VERSIONS = {
    "v1": ([], []),
    "v2": (SPM_V2, []),
    "v3": (SPM_V3, REFERENCES),
    "v7": (SPM_V7, REFERENCES + ["[REF]", "[/REF]"]),
}

# Special tokens of Mistral's tekken.json files by rank; files of v3 and v7 need not list them.
TEKKEN_V7 = (
    "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] [IMG] "
    "<pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT]"
).split()
TEKKEN_V11 = TEKKEN_V7 + [f"<SPECIAL_{i}>" for i in range(20, 32)] + ["[ARGS]", "[CALL_ID]"]
TEKKEN_V13 = TEKKEN_V11 + ["[THINK]", "[/THINK]"]
TEKKEN_V15 = TEKKEN_V13 + ["[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"]
SETTINGS = {
    "reasoning_effort": {"type": "enum", "values": ["none", "high"], "accepts_none": True, "default": "none"},
    "json_schema": {"type": "json_schema", "accepts_none": False, "default": None},
}
TEKKEN_NUM_SPECIAL = 100
TEKKEN_NUM_TEXT = {"v3": 500, "v7": 500, "v11": 500, "v13": 1000, "v15": 500}


def train_spm(**options):
    out = io.BytesIO()
    # SentencePiece learns from whole lines only.
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINING.split("\n") * 4), model_writer=out, num_threads=1, minloglevel=2, **options
    )
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(out.getvalue())
    # As in Mistral's models, ☺ (see `without_prefix` below) is a piece and no part of another.
    for at in reversed(range(len(model.pieces))):
        if "☺" in model.pieces[at].piece[1:] or model.pieces[at].piece.startswith("☺") and len(model.pieces[at].piece) > 1:
            del model.pieces[at]
    model.trainer_spec.vocab_size = len(model.pieces)
    return model


def mistral_like(base, controls, user_defined):
    """The model with more control and user-defined pieces after <unk> <s> </s>, as Mistral's files have them."""
    model = sentencepiece_model_pb2.ModelProto()
    model.CopyFrom(base)
    del model.pieces[3:]
    for names, kind in ((controls, CONTROL), (user_defined, USER_DEFINED)):
        for name in names:
            model.pieces.add(piece=name, score=0.0, type=kind)
    model.pieces.extend(base.pieces[3:])
    model.trainer_spec.vocab_size = len(model.pieces)
    return model


def write_spm():
    mistral = dict(
        model_type="bpe", vocab_size=800, byte_fallback=True, split_digits=True, remove_extra_whitespaces=False,
        normalization_rule_name="identity", add_dummy_prefix=True, character_coverage=0.997,
        allow_whitespace_only_pieces=True,
    )
    base = train_spm(**mistral)
    assert any(piece.piece == "☺" for piece in base.pieces)
    for version, (controls, user_defined) in SPM_VERSIONS.items():
        model = mistral_like(base, controls, user_defined)
        (HERE / f"tokenizer.model.{version}").write_bytes(model.SerializeToString())
    # Other families: no bytes and no prefix, scores instead of merges, a table of characters and folded spaces.
    plain = train_spm(**mistral | dict(byte_fallback=False, add_dummy_prefix=False, vocab_size=500))
    (HERE / "plain.model").write_bytes(plain.SerializeToString())
    unigram = train_spm(**mistral | dict(model_type="unigram", vocab_size=600, user_defined_symbols=["[REF]", "<a b>"]))
    (HERE / "unigram.model").write_bytes(unigram.SerializeToString())
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write("FB01\t66 69\n2026\t2E 2E 2E\n41 30A\tC5\n3000\t20\n9\t20\nA0\t20\nAD\t\n")
        rules.flush()
        folding = dict(byte_fallback=False, remove_extra_whitespaces=True, normalization_rule_tsv=rules.name)
        options = {k: v for k, v in mistral.items() if k != "normalization_rule_name"} | folding
        folded = train_spm(**options | dict(model_type="unigram", vocab_size=400, character_coverage=0.98, user_defined_symbols=["[REF]", "  ", "x\u00a0"]))
        folded.normalizer_spec.normalization_rule_tsv = ""
    (HERE / "folding.model").write_bytes(folded.SerializeToString())
    return mistral_like(base, *SPM_VERSIONS["v7"])


def train_bpe(count):
    """Byte strings by rank: the 256 bytes, then the most frequent pair again and again."""
    words = collections.Counter(part.encode() for part in regex.findall(PATTERN, TRAINING))
    words = [([bytes([byte]) for byte in word], frequency) for word, frequency in words.items()]
    vocabulary = [bytes([byte]) for byte in range(256)]
    known = set(vocabulary)
    while len(vocabulary) < count:
        pairs = collections.Counter()
        for symbols, frequency in words:
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += frequency
        (left, right), _ = max(pairs.items(), key=lambda item: (item[1], item[0]))
        if left + right not in known:
            known.add(left + right)
            vocabulary.append(left + right)
        for symbols, _ in words:
            at = 0
            while at + 1 < len(symbols):
                if symbols[at] == left and symbols[at + 1] == right:
                    symbols[at : at + 2] = [left + right]
                at += 1
    return vocabulary


def token_str(token):
    try:
        return token.decode()
    except UnicodeDecodeError:
        return None


def write_tekken():
    vocabulary = train_bpe(max(TEKKEN_NUM_TEXT.values()))
    specials = {"v11": TEKKEN_V11, "v13": TEKKEN_V13, "v15": TEKKEN_V15, "v7": TEKKEN_V7}
    for version, count in TEKKEN_NUM_TEXT.items():
        # More entries than are used, as in the real files.
        entries = vocabulary[: count + 5]
        file = {
            "config": {
                "pattern": PATTERN,
                "num_vocab_tokens": len(entries),
                "default_vocab_size": count + TEKKEN_NUM_SPECIAL,
                "default_num_special_tokens": TEKKEN_NUM_SPECIAL,
                "version": version,
            },
            "vocab": [
                {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": token_str(token)}
                for rank, token in enumerate(entries)
            ],
        }
        if version in specials:
            names = enumerate(specials[version])
            file["special_tokens"] = [{"rank": rank, "token_str": name, "is_control": True} for rank, name in names]
        file["image"] = {"image_patch_size": 14, "max_image_size": 1540, "spatial_merge_size": 2}
        if version == "v15":
            file["model_settings_builder"] = SETTINGS
        write_json(f"tekken_{version}.json", file, ("vocab",))
    return vocabulary[: TEKKEN_NUM_TEXT["v13"]]


def gpt2_spelling():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + at) for at, byte in enumerate(hidden)}


def write_gguf(spm, tekken):
    """The metadata that GGUF files of tokenizer.model.v7 and tekken_v13.json carry."""
    spelling = gpt2_spelling()
    specials = TEKKEN_V13 + [f"<SPECIAL_{i}>" for i in range(len(TEKKEN_V13), TEKKEN_NUM_SPECIAL)]
    write_json("gguf.json", {
        "spm": {
            "model": "llama",
            "tokens": [piece.piece for piece in spm.pieces],
            "scores": [piece.score for piece in spm.pieces],
            "token_types": [piece.type for piece in spm.pieces],
            "bos_id": 1, "eos_id": 2, "unknown_id": 0,
        },
        "tekken": {
            "model": "gpt2",
            "pre": "tekken",
            "tokens": specials + ["".join(spelling[byte] for byte in token) for token in tekken],
            "token_types": [CONTROL] * len(specials) + [NORMAL] * len(tekken),
            "bos_id": 1, "eos_id": 2, "unknown_id": 0, "padding_id": 11,
        },
    }, ())


class Unigram:
    """A SentencePiece model that mistral-common would not name."""

    def __init__(self, path):
        self.model = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.n_words = self.model.get_piece_size()
        self.num_special_tokens = sum(map(self.model.IsControl, range(self.n_words)))

    def encode(self, text, bos, eos):
        return self.model.encode(text)

    def decode(self, ids):
        return self.model.decode(ids)


def load(path):
    if path.suffix == ".json":
        return Tekkenizer.from_file(path)
    return SentencePieceTokenizer(path) if ".model.v" in path.name else Unigram(path)


def fnv(lists):
    """FNV-1a over the ids of some texts, each ended by 0xffffffff."""
    state = 0xCBF29CE484222325
    for ids in lists:
        for number in [*ids, 0xFFFFFFFF]:
            for byte in number.to_bytes(4, "little"):
                state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{state:016x}"


def hashes(tokenizer):
    def encode(text):
        return tokenizer.encode(text, False, False)

    ids = [encode(text) for text in random_texts(RANDOM_COUNT)]
    blocks = [ids[start : start + RANDOM_BLOCK] for start in range(0, len(ids), RANDOM_BLOCK)]
    return {"long": [fnv([encode(text)]) for text in long_texts()], "random": [fnv(block) for block in blocks]}


def sizes(tokenizer):
    return {"vocab_size": tokenizer.n_words, "num_special": tokenizer.num_special_tokens}


def golden(path):
    tokenizer = load(path)
    random = Random(5)
    # Half of the ids are small, where special tokens and bytes are.
    spans = (tokenizer.n_words, min(400, tokenizer.n_words))
    decoded = [[random.below(spans[random.below(2)]) for _ in range(random.below(12))] for _ in range(60)]
    out = sizes(tokenizer) | {"ids": [tokenizer.encode(text, False, False) for text in TEXTS]} | hashes(tokenizer)
    out["decoded"] = [[ids, tokenizer.decode(ids)] for ids in decoded]
    if not isinstance(tokenizer, Unigram):
        out["without_prefix"] = [tokenizer.encode("☺" + text, False, False)[2:] for text in TEXTS[:40]]
        out["debug"] = [tokenizer._to_string(ids) for ids in decoded]
    return out


def write_json(name, value, rows):
    """JSON with a line for each entry of the long lists."""
    def line(value):
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"))

    def body(value, depth):
        if depth and isinstance(value, list) and value and not isinstance(value[0], (int, float)):
            return "[\n" + ",\n".join(map(line, value)) + "\n]"
        if depth and isinstance(value, dict):
            return "{\n" + ",\n".join(f"{line(key)}:{body(item, depth - 1)}" for key, item in value.items()) + "\n}"
        return line(value)

    (HERE / name).write_text(body(value, 4 if not rows else 2) + "\n")


def main():
    spm = write_spm()
    write_gguf(spm, write_tekken())
    rule = {"texts": TEXTS, "long_rule": LONG, "pools": POOLS, "words": WORDS, "random": [RANDOM_COUNT, RANDOM_BLOCK]}
    names = [f"tokenizer.model.{version}" for version in SPM_VERSIONS] + ["plain.model", "unigram.model", "folding.model"]
    names += [f"tekken_{version}.json" for version in TEKKEN_NUM_TEXT]
    every = load(HERE / "tekken_v13.json")
    rule["every_character"] = [fnv([every.encode(text, False, False)]) for text in every_character()]
    write_json("golden.json", rule | {"tokenizers": {name: golden(HERE / name) for name in names}}, ())
    if len(sys.argv) > 1:
        files = sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if ".model" in path.name or path.suffix == ".json")
        write_json("real.json", {path.name: sizes(t := load(path)) | hashes(t) for path in files}, ())


main()
