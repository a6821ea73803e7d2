"""Texts for make.py: what the small tokenizers learn from, and what hurts tokenizers. All written for this project."""

TRAINING = """The tramontane is a dry wind from the north, and it clears the sky.
When the wind blows, the boats stay in the harbour and the people stay in their houses.
A model reads tokens, not letters; a tokenizer cuts the text into tokens and puts it together again.
The answer must be the same on every machine, with every number of threads, in every batch.
She said that she would come when the work was done, but the work was never done.
Nothing leaves the machine: no question, no answer, no name, no number.
How many words are there in a line? Twelve, perhaps thirteen, or 14, 15, 16, 2024, 1999.
It's what they don't say that we'd like to hear, isn't it?
Il vento del nord porta il freddo e pulisce il cielo sopra la città.
Le mistral souffle pendant trois jours, puis le ciel est bleu et la mer est calme.
L'été, les enfants jouent près de la forêt; où est le garçon à côté du café?
Der Wind weht über die Dächer, und die Fensterläden schlagen gegen die Wände.
El viento del norte sopla sobre el mar; mañana será otro día.
Ветер дует с севера, и небо становится чистым. Вода холодная.
Ο άνεμος φυσά από τον βορρά και ο ουρανός είναι καθαρός.
الريح تهب من الشمال والسماء صافية اليوم.
הרוח נושבת מצפון והשמים בהירים היום.
北风吹过山谷,天空很蓝。今天的水很冷,我们回家吧。
北の風が吹いて、空は青いです。今日は水が冷たい。カタカナもあります。
북쪽에서 바람이 불고 하늘이 맑다.
ลมพัดมาจากทางเหนือ ท้องฟ้าแจ่มใส
उत्तर से हवा चलती है और आकाश साफ है।
def wind(speed, direction="north"):
    if speed > 10 and direction != "south":
        return {"name": "tramontane", "speed": speed}
    return None  # calm
for (int i = 0; i < count; i++) { total += values[i] * weights[i]; }
fn main() { let x: Vec<u32> = (0..10).map(|i| i * 2).collect(); println!("{:?}", x); }
https://example.org/path/to/file.html?query=wind&lang=en#top
{"role": "user", "content": "Hello, world!", "tools": [{"type": "function"}]}
☺ ☺hello ☺the ☺ wind ☺☺ 👍 👍 👍 😀 😀 é è ê ü ö ä ß ñ ç
        eight spaces    four spaces  two spaces\tand a tab
return a + b; return x; the the the and and of of in in to to is is that that
HTTP HTML JSON XML UTF-8 API GPU CPU HttpServer getName parseJSON iPhone
... !!! ??? --- === *** /// ### "quoted" 'single' (round) [square] <angle> {curly}"""

TEXTS = [
    "", " ", "  ", "   ", "a", " a", "a ", "\n", "\n\n", " \n", "\n ", "\t", "\r\n", "\r\n\r\n  x", "\0", "a\0b",
    "Hello, world!", "Hello world", "  hi\n\n123 é 你好 👍", "def f(x):\n    return x+1\n", "a/b//c\n/d",
    "[INST] not special </s>", "<s>", "</s>", "<unk>", "<pad>", "[INST]", "[/INST]", "<0x41>", "<0x0A>", "▁", "▁▁a▁ b",
    "[REF]", "[REFERENCE_DOC_0][REFERENCE_DOC_1]x[REFERENCE_DOC_", "[REF][/REF]", "a[REF]b", "[[REF]", "<a b>c<a▁b>",
    "<SPECIAL_20>", "return a + b", "☺", "☺☺", "☺ x", "x☺", "don't can't I'm we'll", "DON'T",
    "camelCase PascalCase SCREAMING_CASE snake_case", "HTTPServer iPhone XMLHttpRequest", "ǅungla ǅ Ǆ ǆ ªº ʰʲ",
    "0 12 123 1234 12345 3.14159 1,000,000 ½ Ⅷ ² ٣٤ ४५ 𝟙𝟚",
    "e\u0301 = é, n\u0303 = ñ", "\u0301", " \u0301", "\u0301A", "\u0301AB", "A\u0301B\u0301c", "क्षि नमस्ते",
    "Z̷̢͉͐ạ̶͂l̴̰̈́g̶̻̒ȍ̵̬", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈 🇫🇷🇮🇹", "1️⃣ #️⃣", "😀😀😀", "\ufeffBOM", "a\u200bb\u200cc\u200dd",
    "\u00a0\u00a0x\u3000y\u2028z\u2029", "x\u0085y\u000bz\u000cw", "   \t  \t x", "x   \n   \n   y", "\n\n\n\n\n\nx\n\n\n", "x \r\n\r \n",
    "مرحبا بالعالم، كيف حالك؟", "שלום עולם", "اَلْعَرَبِيَّةُ", "你好,世界!今天天气很好。", "こんにちは世界。カタカナ ﾊﾝｶｸ ー々",
    "안녕하세요 세계", "สวัสดีชาวโลก ภาษาไทย", "Привет, мир! Ёлка", "Γειά σου Κόσμε", "Հայերեն ქართული አማርኛ",
    "ﬁn … ÅÅ A\u030a soft\u00adhyphen", "\ufffd\ufffd", "\U0010ffff\U000e0041\U000e0100", "𝒜𝓑𝔠 𐐀𐐨 𒀀 𠮷",
    "!!!", "...", "---", "//", "/\n/", "#!/bin/sh\n", "a.b.c", "a_b-c+d", "x=1;y=2", "$100 €50 £20 ₿1", "@user #tag", "C++ C# F#",
    "{\"a\": [1, 2.5, null, true], \"b\": \"\\n\\\"\"}", "<div class=\"x\">a &amp; b</div>", "if (a && b) {\n\treturn !c;\n}\n",
    "\tfor i in range(10):\n\t\tprint(i)\n", "SELECT * FROM t WHERE a = 'x' -- c\n", "https://example.org/a?b=c&d=%20#e",
    "The tramontane is a dry wind from the north, and it clears the sky.",
    "Le mistral souffle pendant trois jours ; l'été, où est le café ?",
    "a  b   c    d", "  a  ", "x\u00a0y \u00a0x\u00a0", "ﬁ[REF] ﬁ  ﬁ",
    "Ａｆｕｌｌ　ｗｉｄｔｈ", "i\u0307stanbul İSTANBUL ıI", "ß ẞ ﬀ", "\u1e9b\u0323", "\u202eabc\u202c \u2066x\u2069",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]

# Long texts: a unit and how often it is repeated.
LONG = [
    ["the wind blows over the harbour; 1999 boats stay.\n", 2000], [" ", 20000], ["\n", 20000], [" \n", 10000], ["a", 20000],
    ["A", 20000], ["ab", 30000], ["中", 8000], ["👍", 5000], ["\u0301", 10000], ["A\u0301", 5000], ["▁", 10000], ["!", 20000], ["/\n", 10000],
    ["é", 10000], ["0", 10000], ["the", 20000], ["\0", 5000], ["[REF]", 3000], ["\U0010fffe", 3000],
]

# Ranges of characters that random texts draw from, end excluded.
POOLS = [
    [0x00, 0x20], [0x20, 0x7F], [0x7F, 0x250], [0x250, 0x300], [0x300, 0x370], [0x370, 0x530], [0x530, 0x700], [0x700, 0x900],
    [0x900, 0xE80], [0xE80, 0x1100], [0x1100, 0x1200], [0x1200, 0x1C80], [0x1C80, 0x2000], [0x2000, 0x2070], [0x2070, 0x2C00],
    [0x2C00, 0x3040], [0x3040, 0x3400], [0x4E00, 0x5200], [0xA000, 0xAC00], [0xAC00, 0xAD00], [0xF900, 0x10000],
    [0x10000, 0x11000], [0x11000, 0x20000], [0x1F300, 0x1F700], [0x20000, 0x20100], [0xE0000, 0xE0200], [0x10000, 0x110000],
]
WORDS = [
    "the", " of", " wind", "\n", "\r\n", "  ", "    ", "\t", "[INST]", "</s>", "<unk>", "<0x41>", "▁", "☺", "def ", "_", "/", "//",
    "[REF]", "[REFERENCE_DOC_1]", "[/REF]", "<a b>", "don't", "'s", "HTTP", "iPhone", "1234", "é", "e\u0301", "👍🏽", "\u200d", "ǅ", "ﬁ",
    " \n", "...", "), ", "北", "ветер", " ", "x", "A",
]
REPEATS = [1, 1, 1, 2, 7]
RANDOM_COUNT = 5000
RANDOM_BLOCK = 50


class Random:
    """SplitMix64, as in the crate `testkit`."""

    def __init__(self, seed):
        self.state = seed

    def below(self, end):
        mask = 0xFFFFFFFFFFFFFFFF
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        return (z ^ (z >> 31)) % end


def random_text(random):
    """The rule that crates/tokenizer/tests/it/golden.rs repeats."""
    parts = []
    for _ in range(random.below(24)):
        if random.below(2) == 0:
            parts.append(WORDS[random.below(len(WORDS))])
        else:
            start, end = POOLS[random.below(len(POOLS))]
            parts.append(chr(start + random.below(end - start)) * REPEATS[random.below(len(REPEATS))])
    return "".join(parts)


def random_texts(count):
    random = Random(1)
    return [random_text(random) for _ in range(count)]


def long_texts():
    return [unit * count for unit, count in LONG]


def every_character():
    """All characters, in three places each, by blocks of 4096."""
    for start in range(0, 0x110000, 4096):
        codes = (code for code in range(start, start + 4096) if not 0xD800 <= code <= 0xDFFF)
        yield "".join("x{0}Y{0} {0}".format(chr(code)) for code in codes)
