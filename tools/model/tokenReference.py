"""Token ids of hard strings from the reference implementation (Rust), for test/reference/token-ids.json.

    pip install tokenizers==0.23.3
    python tools/model/tokenReference.py > test/reference/token-ids.json

Control-token spellings are plain text: the added tokens are taken out of the tokenizer before it is built.
"""
import json
import random
import unicodedata

from tokenizers import Tokenizer

MODELS = {
    "smollm2-135m-instruct": "models/smollm2-135m-instruct/tokenizer.json",
    "tiny-gpt2": "test/fixtures/tiny-gpt2/tokenizer.json",
}
PIECES = [
    " ", "  ", "\n", "\n\n", "\t", "\r", "\ufeff", "\u0085", "\u00a0", "\u2028", "\u200b", "\u200d",
    "a", "word", "Word's", "don't", "WE'LL", "naïve", "e\u0301", "straße", "日本語", "한국어", "العربية", "हिन्दी",
    "🙂", "👩\u200d👩\u200d👧", "🇫🇮", "x1", "2024", "3.14", "٣٤", "Ⅷ", "½", "一二",
    "<|endoftext|>", "<|im_start|>", "==", "!=", "->", "{", "}", ";", "//", "\x04", "\x1d", "\x00", "!",
]


def strings():
    generator = random.Random(20261122)
    for piece in PIECES:
        yield piece
        yield "a" + piece + "b"
    for _ in range(160):
        yield "".join(generator.choice(PIECES) for _ in range(generator.randint(2, 12)))
    numbers = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Nd", "Nl", "No")]
    for _ in range(40):
        yield "x " + "".join(generator.choice(numbers) for _ in range(4)) + " y"


def main():
    texts = list(strings())
    ids = {}
    for name, path in MODELS.items():
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        data["added_tokens"] = []
        tokenizer = Tokenizer.from_str(json.dumps(data))
        ids[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    print(json.dumps({"texts": texts, "ids": ids}, ensure_ascii=True, separators=(",", ":")))


main()
