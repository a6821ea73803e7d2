"""Writes crates/tokenizer/src/tekken/class_table.rs: the classes of characters that Tekken's pattern tells apart.

The classes are asked of tiktoken itself (its regex engine, of Unicode 16.0), so that they are the reference's by
construction, and then compared with Python's `unicodedata` on what that knows. Run by hand:
    python vectors/tokenizer/classes.py
"""

import pathlib
import unicodedata

import tiktoken

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODES = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
TEXT = "".join(map(chr, CODES))
CLASSES = {
    "Upper": (r"[\p{Lu}\p{Lt}]", ("Lu", "Lt")),
    "Lower": (r"\p{Ll}", ("Ll",)),
    "Letter": (r"[\p{Lm}\p{Lo}]", ("Lm", "Lo")),
    "Mark": (r"\p{M}", ("Mn", "Mc", "Me")),
    "Number": (r"\p{N}", ("Nd", "Nl", "No")),
    "Space": (r"\s", ()),
    "Newline": (r"[\r\n]", ()),
}


def matched(pattern):
    """All characters that a pattern of one character matches: tiktoken leaves out what does not match."""
    bytes_only = {bytes([byte]): byte for byte in range(256)}
    encoding = tiktoken.Encoding("classes", pat_str=pattern, mergeable_ranks=bytes_only, special_tokens={})
    parts = (TEXT[start : start + 65536] for start in range(0, len(TEXT), 65536))
    return {ord(char) for part in parts for char in encoding.decode(encoding.encode_ordinary(part))}


def classes():
    found = ["Other"] * 0x110000
    for name, (pattern, categories) in CLASSES.items():
        codes = matched(pattern)
        for code in codes:
            found[code] = name
        differ = [code for code in CODES if categories and (unicodedata.category(chr(code)) in categories) != (code in codes)]
        assert all(unicodedata.category(chr(code)) == "Cn" for code in differ), (name, differ)
    return found


def runs(found):
    """(start, class, class): from `start` on, the two classes in turn. Cased letters mostly alternate."""
    out = []
    start = 0
    while start < 0x110000:
        even, odd = found[start], found[start + 1] if start + 1 < 0x110000 else found[start]
        end = start
        while end < 0x110000 and found[end] == (even, odd)[(end - start) % 2]:
            end += 1
        if even != odd and end - start < 4:
            odd, end = even, start + 1
        out.append((start, even, odd))
        start = end
    return out


def main():
    table = runs(classes())
    lines = [
        "//! Classes of all characters, Unicode 16.0. Written by `vectors/tokenizer/classes.py`: change that.",
        "",
        "use super::class::Class::{self, Letter, Lower, Mark, Newline, Number, Other, Space, Upper};",
        "",
        "/// First code point of each run, and the classes of its even and odd members, counted from the first.",
        "#[rustfmt::skip]",
        "pub(super) static RUNS: &[(u32, Class, Class)] = &[",
    ]
    row = "   "
    for start, even, odd in table:
        entry = f" ({start:#x}, {even}, {odd}),"
        if len(row) + len(entry) > 120:
            lines.append(row)
            row = "   "
        row += entry
    lines += [row, "];"]
    path = ROOT / "crates/tokenizer/src/tekken/class_table.rs"
    path.write_text("\n".join(lines) + "\n")
    print(len(table), "runs,", path.stat().st_size, "bytes")


main()
