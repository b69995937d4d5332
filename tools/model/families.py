"""Build a tiny random decoder of each family of models for test/model/families.test.ts, each with a tokenizer of its kind.

    pip install onnx==1.23.2 numpy tokenizers==0.23.3
    python tools/model/families.py test/fixtures/families

What differs between the families is here: rotary (whole or part of a head) positions, one or two norms before an attention and a feed-forward
layer that run side by side, shared key/value heads, sliding windows, scaled embeddings and soft caps (Gemma), tied and untied output embeddings,
`position_ids` as an input or worked out from the attention mask, weights in 4 or 8 bits, in 16-bit floats, in a file beside the graph.
`reference.json` holds what NumPy makes of the weights as they are stored, in float64 and without a cache, and what the reference implementation of
tokenizers (Rust) makes of hard strings.
"""
import json
import random
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers, AddedToken, Regex

POSITIONS, LAYERS, HIDDEN, HEADS, HEAD, FFN = 96, 2, 32, 4, 8, 32
BLOCK = 32  # of weights that share a scale
MASK = -1e4  # of float16 too

FAMILIES = {
    "llama": dict(norm="rms", kv=2, rotary=8, ffn="silu-gated", tied=False, position_ids=False, number="q4", external=False),
    "qwen2": dict(norm="rms", kv=2, rotary=8, ffn="silu-gated", tied=True, qkv_bias=True, position_ids=True, number="q8", external=True),
    "gemma2": dict(norm="rms", kv=1, rotary=8, ffn="gelu-gated", tied=True, post_norms=True, scaled=True, caps=(20.0, 10.0), window=6, position_ids=True, number="fp32", external=False),
    "phi": dict(norm="layer", kv=4, rotary=4, ffn="gelu", tied=False, biases=True, parallel="one norm", position_ids=False, number="fp32", external=True),
    "gpt_neox": dict(norm="layer", kv=4, rotary=2, ffn="gelu", tied=False, biases=True, parallel="two norms", position_ids=True, number="fp16", external=False),
}
FILES = {"fp32": "model.onnx", "fp16": "model_fp16.onnx", "q8": "model_quantized.onnx", "q4": "model_q4.onnx"}

CORPUS = """The harbour was quiet that morning. A few boats had come in before the rain, and their crews were sitting in the cafe on the quay,
drinking coffee and talking about the weather. Nobody expected the fog to lift before noon. When the children came out of school, the first
ferry of the day had just arrived, and the people on board were waving to their friends and families.

function average(numbers) {
  let sum = 0;
  for (const number of numbers) {
    sum += number;
  }
    return numbers.length > 0 ? sum / numbers.length : 0;
}
Die Fähre kam zurück. Où est le café naïf? 日本語の本。 Привет, мир! On Monday the temperature was 12, on Tuesday 2024.
"""
TEXT = """The children were waiting on the quay.  Nobody knew
when the ferry would come; the fog had not lifted, 🙂 and
  return numbers.length > 12 ? sum : 0;"""
STRINGS = [
    "", " ", "  ", "   three", "\n", "\n\n\n", "\t\tx\t", "a", " a", "a ", "The fog.", "the  double   spaces", "x\r\ny\r\n\r\nz", "\r", "\ufeffBOM first", "in \ufeff text",
    "🙂", "👩\u200d👧 and 🇫🇮", "e\u0301te\u0301", "\u0301 alone", "A\u030a \u212b \u00c5", "\u1112\u1161\u11ab \ud55c", "q\u0323\u0307 q\u0307\u0323", "日本語と中文", "Привет", "مرحبا",
    "12 345 6.78", "Ⅷ ½ ٣", "lone \ud83d high", "\ude42 low", "\ufffd", "<s>", "</s> <unk>", "<|endoftext|>", "<bos><eos>", "<0x0A>", "<0x41>b", "\u2581", "a\u2581b", "\u2581\u2581 \u2581x", " \u2581",
    "\x00\x04\x1d!", "don't WE'LL", "a\u00a0b\u3000c\u2028d", "//==->!{};", "word" * 9, "\u0958 \u2126", "0\n 1\n  2\n   3\n    4",
]


def tokenizer_of(family):
    """Trained on the corpus; then put into the form that the family's files have."""
    special = {"llama": ["<unk>", "<s>", "</s>"], "gemma2": ["<pad>", "<eos>", "<bos>", "<unk>"]}.get(family, ["<|endoftext|>"])
    if family in ("llama", "gemma2"):
        trained = Tokenizer(models.BPE())
        trained.normalizer = normalizers.Replace(" ", "\u2581")
        trained.pre_tokenizer = pre_tokenizers.Split(Regex("\u2581*[^\u2581\n]+|\u2581+|\n+"), "isolated")
        letters = sorted({c for c in CORPUS.replace(" ", "\u2581") if c < "\u0250" or c == "\u2581"})
        trained.train_from_iterator([CORPUS] * 2, trainers.BpeTrainer(vocab_size=len(letters) + 90, initial_alphabet=letters, limit_alphabet=len(letters)))
        file = json.loads(trained.to_str())
        inner = file["model"]
        pieces = sorted(inner["vocab"], key=inner["vocab"].get)
        extra = ["\n\n", "\n\n\n", "\u2581\u2581", "\u2581\u2581\u2581\u2581"]
        merges = [["\n", "\n"], ["\n\n", "\n"], ["\u2581", "\u2581"], ["\u2581\u2581", "\u2581\u2581"]]
        if family == "llama":  # no token for a line feed but its byte's
            pieces = [piece for piece in pieces if "\n" not in piece]
            extra, merges = extra[2:], merges[2:]
        merges += [merge for merge in inner["merges"] if "".join(merge) not in extra and "\n" not in "".join(merge)]
        pieces += [piece for piece in extra if piece not in pieces]
        # Merges that come to control tokens, as converted files have them where their parts are tokens.
        pieces += [piece for piece in ("<", ">", "s>", "/", "/s>", "bos>") if piece not in pieces]
        if family == "llama":
            merges += [["s", ">"], ["<", "s>"], ["/", "s>"], ["<", "/s>"]]
        tokens = special + [f"<0x{byte:02X}>" for byte in range(256)] + pieces
        inner.update(vocab={token: index for index, token in enumerate(tokens)}, merges=merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
        known = set(tokens)
        inner["merges"] = [merge for merge in merges if set(merge) | {"".join(merge)} <= known]
        replace = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
        if family == "llama":
            file["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, replace]}
            file["pre_tokenizer"] = None
        else:
            file["normalizer"] = replace
            file["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
        start = "<s>" if family == "llama" else "<bos>"
        file["post_processor"] = {
            "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": start, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
            "special_tokens": {start: {"id": start, "ids": [special.index(start)], "tokens": [start]}},
        }
        file["decoder"] = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}
        file["added_tokens"] = [added(index, token, True) for index, token in enumerate(special)]
        return file
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if family == "qwen2":
        pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        trained.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    if family in ("qwen2", "gpt_neox"):
        trained.normalizer = normalizers.NFC()
    trained.decoder = decoders.ByteLevel()
    # Some composed characters are tokens, so that it makes a difference whether text is composed.
    corpus = [CORPUS, "é é é Å Å 한 한 한 "] * 2
    trained.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=256 + 120, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    file = json.loads(trained.to_str())
    size = len(file["model"]["vocab"])
    file["added_tokens"] = [added(size, "<|endoftext|>", True)]
    if family == "qwen2":
        file["added_tokens"].append(added(size + 1, "<tool_call>", False))
    if family == "gpt_neox":
        file["added_tokens"] += [added(size + 25 - count, " " * count, False, True) for count in range(24, 1, -1)]
    if family == "phi":
        file["added_tokens"] += [added(size + 1 + index, run, False, True) for index, run in enumerate([" " * count for count in range(9, 1, -1)] + ["\t" * count for count in range(5, 1, -1)])]
    return file


def added(index, content, special, normalized=False):
    return {"id": index, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": normalized, "special": special}


def reference_ids(file):
    """Of the scored copies of the strings. Spellings of control tokens are plain text: neither added tokens nor merges come to them."""
    file = json.loads(json.dumps(file))
    control = {token["content"] for token in file["added_tokens"] if token["special"] or token["content"].strip() != ""}
    for token in file["added_tokens"]:  # none is left out: they are numbered anew
        if token["content"] in control and token["content"] not in file["model"]["vocab"]:
            control.discard(token["content"])
            token["content"] = f"\U0010fffd{token['id']}"
    file["added_tokens"] = [token for token in file["added_tokens"] if token["content"] not in control]
    file["model"]["merges"] = [merge for merge in file["model"]["merges"] if "".join(merge) not in control]
    reference = Tokenizer.from_str(json.dumps(file))
    copies = [string.removeprefix("\ufeff").replace("\r\n", "\n").encode("utf-16", "surrogatepass").decode("utf-16", "replace") for string in STRINGS + [TEXT]]
    return [reference.encode(copy, add_special_tokens=False).ids for copy in copies]


def weights(shape, vocab, seed):
    rng = np.random.default_rng(seed)
    kv = shape["kv"] * HEAD
    names = {"tokens": (vocab, HIDDEN)}
    if not shape["tied"]:
        names["head"] = (HIDDEN, vocab)
    for layer in range(LAYERS):
        own = {"query": (HIDDEN, HEADS * HEAD), "key": (HIDDEN, kv), "value": (HIDDEN, kv), "out": (HEADS * HEAD, HIDDEN), "up": (HIDDEN, FFN), "down": (FFN, HIDDEN)}
        if "gated" in shape["ffn"]:
            own["gate"] = (HIDDEN, FFN)
        names |= {f"{name}.{layer}": size for name, size in own.items()}
    made = {name: rng.normal(0, 0.5 if name == "tokens" else 0.3, size) for name, size in names.items()}
    for name in list(made):
        base = name.split(".")[0]
        if (shape.get("qkv_bias") and base in ("query", "key", "value")) or (shape.get("biases") and base != "tokens"):
            made[f"{name}.bias"] = rng.normal(0, 0.2, made[name].shape[-1])
    for name in ["last"] + [f"{norm}.{layer}" for layer in range(LAYERS) for norm in ("before", "beside", "after_attention", "after_ffn")]:
        made[f"norm.{name}"] = rng.normal(0.2 if shape.get("scaled") else 1, 0.1, HIDDEN)
        if shape["norm"] == "layer":
            made[f"norm.{name}.bias"] = rng.normal(0, 0.1, HIDDEN)
    kind = np.float16 if shape["number"] == "fp16" else np.float32
    return {name: value.astype(kind) for name, value in made.items()}


def quantised(matrix, bits):
    """MatMulNBits' form of [K, N]: bytes [N, blocks, bytes of a block] and scales [N * blocks], and the numbers that they stand for."""
    depth, width = matrix.shape
    blocks = matrix.astype(np.float32).T.reshape(width, depth // BLOCK, BLOCK)
    middle = 1 << (bits - 1)
    scale = np.abs(blocks).max(-1, keepdims=True) / (middle - 1)
    codes = np.clip(np.round(blocks / scale) + middle, 0, 2 * middle - 1).astype(np.uint8)
    packed = codes if bits == 8 else codes[..., 0::2] | (codes[..., 1::2] << 4)
    return packed, scale.astype(np.float32).reshape(-1), ((codes.astype(np.float32) - middle) * scale).reshape(width, depth).T


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def reference(shape, w, ids):
    """Logits of every position, in float64."""
    w = {name: value.astype(np.float64) for name, value in w.items()}
    count = len(ids)

    def project(x, name):
        return x @ w[name] + w.get(f"{name}.bias", 0)

    def norm(x, name):
        weight = w[f"norm.{name}"]
        if shape["norm"] == "layer":
            x = x - x.mean(-1, keepdims=True)
            return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * weight + w[f"norm.{name}.bias"]
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * (weight + (1 if shape.get("scaled") else 0))

    def turned(x):
        size = shape["rotary"]
        angle = np.arange(count)[:, None] * 10000.0 ** (-np.arange(0, size, 2) / size)
        cos, sin = np.cos(angle), np.sin(angle)
        a, b = x[..., : size // 2], x[..., size // 2 : size]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin, x[..., size:]], -1)

    def attention(x, layer):
        def heads(name, number):
            return project(x, f"{name}.{layer}").reshape(count, number, HEAD).swapaxes(0, 1)

        query, key, value = turned(heads("query", HEADS)), turned(heads("key", shape["kv"])), heads("value", shape["kv"])
        key, value = (np.repeat(part, HEADS // shape["kv"], 0) for part in (key, value))
        scores = query @ key.swapaxes(1, 2) * HEAD**-0.5
        if "caps" in shape:
            scores = shape["caps"][0] * np.tanh(scores / shape["caps"][0])
        distance = np.arange(count)[:, None] - np.arange(count)[None]
        hidden = distance < 0
        if "window" in shape and layer % 2 == 0:
            hidden |= distance >= shape["window"]
        scores = np.where(hidden, -np.inf, scores)
        weight = np.exp(scores - scores.max(-1, keepdims=True))
        weight /= weight.sum(-1, keepdims=True)
        return project((weight @ value).swapaxes(0, 1).reshape(count, HEADS * HEAD), f"out.{layer}")

    def feed_forward(x, layer):
        up = project(x, f"up.{layer}")
        if shape["ffn"] == "gelu":
            return project(gelu(up), f"down.{layer}")
        gate = project(x, f"gate.{layer}")
        active = gelu(gate) if shape["ffn"] == "gelu-gated" else gate / (1 + np.exp(-gate))
        return project(active * up, f"down.{layer}")

    x = w["tokens"][ids] * (HIDDEN**0.5 if shape.get("scaled") else 1)
    for layer in range(LAYERS):
        attended = attention(norm(x, f"before.{layer}"), layer)
        if shape.get("parallel"):
            beside = norm(x, f"{'before' if shape['parallel'] == 'one norm' else 'beside'}.{layer}")
            x = x + attended + feed_forward(beside, layer)
            continue
        x = x + (norm(attended, f"after_attention.{layer}") if shape.get("post_norms") else attended)
        fed = feed_forward(norm(x, f"beside.{layer}"), layer)
        x = x + (norm(fed, f"after_ffn.{layer}") if shape.get("post_norms") else fed)
    x = norm(x, "last")
    logits = x @ w["tokens"].T if shape["tied"] else project(x, "head")
    return shape["caps"][1] * np.tanh(logits / shape["caps"][1]) if "caps" in shape else logits


def numbers(logits, ids):
    logs = logits - logits.max(-1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(-1, keepdims=True))
    own = np.take_along_axis(logits[:-1], np.array(ids)[1:, None], 1)
    rounded = lambda values: [round(float(value), 6) for value in values]
    return {
        "ids": [int(index) for index in ids],
        "surprisalBits": rounded(-np.take_along_axis(logs[:-1], np.array(ids)[1:, None], 1)[:, 0] / np.log(2)),
        "entropyBits": rounded(-(np.exp(logs[:-1]) * logs[:-1]).sum(-1) / np.log(2)),
        "ranks": [int(rank) for rank in 1 + (logits[:-1] > own).sum(-1)],
    }


def build(shape, w):
    """The graph, and the weights as NumPy has to take them."""
    number = np.float16 if shape["number"] == "fp16" else np.float32
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(number))
    bits = {"q4": 4, "q8": 8}.get(shape["number"])
    vocab = w["tokens"].shape[0]
    stored = dict(w)
    nodes, constants = [], {}

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(name, value):
        constants.setdefault(name, np.asarray(value))
        return name

    def scalar(value):
        return constant(f"c{value}", np.array(value, number))

    def whole(*values):
        return constant("i" + "_".join(map(str, values)), np.array(values, np.int64))

    def weight(name):
        return constant(name, w[name])

    def project(x, name, output):
        if bits:
            packed, scales, stored[name] = quantised(w[name], bits)
            inputs = [x, constant(name + ".codes", packed), constant(name + ".scales", scales)]
            attributes = dict(K=w[name].shape[0], N=w[name].shape[1], bits=bits, block_size=BLOCK, accuracy_level=4 if bits == 8 else 1)
            y = node("MatMulNBits", inputs, output + "_product", domain="com.microsoft", **attributes)
        else:
            y = node("MatMul", [x, weight(name)], output + "_product")
        return node("Add", [y, weight(name + ".bias")], output) if name + ".bias" in w else y

    def norm(x, name, output):
        scale = f"norm.{name}"
        if shape["norm"] == "layer":
            x = node("Sub", [x, node("ReduceMean", [x], output + "_mean", axes=[-1], keepdims=1)], output + "_centred")
        square = node("ReduceMean", [node("Mul", [x, x], output + "_squares")], output + "_square", axes=[-1], keepdims=1)
        x = node("Div", [x, node("Sqrt", [node("Add", [square, scalar(1e-5)], output + "_positive")], output + "_size")], output + "_unit")
        if shape.get("scaled"):
            return node("Mul", [x, node("Add", [weight(scale), scalar(1.0)], output + "_weight")], output)
        x = node("Mul", [x, weight(scale)], output + "_scaled")
        return node("Add", [x, weight(scale + ".bias")], output) if shape["norm"] == "layer" else x

    def capped(x, cap, output):
        return node("Mul", [node("Tanh", [node("Div", [x, scalar(cap)], output + "_small")], output + "_tanh"), scalar(cap)], output)

    def gelu_of(x, output):
        cube = node("Mul", [node("Mul", [x, x], output + "_x2"), x], output + "_x3")
        inner = node("Mul", [node("Add", [x, node("Mul", [cube, scalar(0.044715)], output + "_part")], output + "_sum"), scalar(float(np.sqrt(2 / np.pi)))], output + "_inner")
        factor = node("Add", [node("Tanh", [inner], output + "_tanh"), scalar(1.0)], output + "_factor")
        return node("Mul", [node("Mul", [x, scalar(0.5)], output + "_half"), factor], output)

    one = whole(1)
    total = node("Gather", [node("Shape", ["attention_mask"], "mask_shape"), one], "total")
    count = node("Gather", [node("Shape", ["input_ids"], "ids_shape"), one], "count")
    past = node("Sub", [total, count], "past")
    if shape["position_ids"]:
        positions = "position_ids"
    else:  # as exporters do without the input: the mask summed up, less one, of the last inputs
        summed = node("Sub", [node("CumSum", ["attention_mask", constant("axis1", np.array(1, np.int64))], "mask_sum"), one], "all_positions")
        positions = node("Slice", [summed, past, total, one], "positions")
    size = shape["rotary"]
    angles = np.arange(POSITIONS)[:, None] * 10000.0 ** (-np.arange(0, size, 2) / size)
    cos = node("Unsqueeze", [node("Gather", [constant("cos_table", np.cos(angles).astype(number)), positions], "cos_rows"), one], "cos")
    sin = node("Unsqueeze", [node("Gather", [constant("sin_table", np.sin(angles).astype(number)), positions], "sin_rows"), one], "sin")

    def mask(window, name):
        distance = np.arange(POSITIONS)[:, None] - np.arange(POSITIONS)[None]
        table = constant(name + "_table", np.where((distance < 0) | (distance >= window), MASK, 0).astype(number).reshape(1, 1, POSITIONS, POSITIONS))
        return node("Slice", [node("Slice", [table, past, total, whole(2)], name + "_rows"), whole(0), total, whole(3)], name)

    masks = [mask(POSITIONS, "mask")] + ([mask(shape["window"], "window_mask")] if "window" in shape else [])

    def turned(x, output):
        a = node("Slice", [x, whole(0), whole(size // 2), whole(3)], output + "_a")
        b = node("Slice", [x, whole(size // 2), whole(size), whole(3)], output + "_b")
        new_a = node("Sub", [node("Mul", [a, cos], output + "_ac"), node("Mul", [b, sin], output + "_bs")], output + "_na")
        new_b = node("Add", [node("Mul", [b, cos], output + "_bc"), node("Mul", [a, sin], output + "_as")], output + "_nb")
        parts = [new_a, new_b] + ([node("Slice", [x, whole(size), whole(HEAD), whole(3)], output + "_rest")] if size < HEAD else [])
        return node("Concat", parts, output, axis=3)

    def attention(x, layer):
        name = lambda part: f"{part}_{layer}"

        def heads(part, number_of_heads):
            y = project(x, f"{part}.{layer}", name(part))
            return node("Transpose", [node("Reshape", [y, whole(0, 0, number_of_heads, HEAD)], name(part) + "_split")], name(part) + "_heads", perm=[0, 2, 1, 3])

        kv = shape["kv"]
        query, key, value = turned(heads("query", HEADS), name("query") + "_turned"), turned(heads("key", kv), name("key") + "_turned"), heads("value", kv)
        key = node("Concat", [f"past_key_values.{layer}.key", key], f"present.{layer}.key", axis=2)
        value = node("Concat", [f"past_key_values.{layer}.value", value], f"present.{layer}.value", axis=2)
        if kv < HEADS:  # each shared head as often as it is used
            index = constant("shared", np.repeat(np.arange(kv), HEADS // kv))
            key, value = (node("Gather", [part, index], name(what) + "_shared", axis=1) for part, what in ((key, "key"), (value, "value")))
        scores = node("Mul", [node("MatMul", [query, node("Transpose", [key], name("across"), perm=[0, 1, 3, 2])], name("products")), scalar(HEAD**-0.5)], name("scores"))
        if "caps" in shape:
            scores = capped(scores, shape["caps"][0], name("capped"))
        masked = node("Add", [scores, masks[-1] if layer % 2 == 0 else masks[0]], name("masked"))
        mixed = node("MatMul", [node("Softmax", [masked], name("attention"), axis=-1), value], name("mixed"))
        rows = node("Reshape", [node("Transpose", [mixed], name("mixed") + "_rows", perm=[0, 2, 1, 3]), whole(0, 0, HEADS * HEAD)], name("mixed") + "_x")
        return project(rows, f"out.{layer}", name("out"))

    def feed_forward(x, layer):
        up = project(x, f"up.{layer}", f"up_{layer}")
        if shape["ffn"] == "gelu":
            return project(gelu_of(up, f"active_{layer}"), f"down.{layer}", f"down_{layer}")
        gate = project(x, f"gate.{layer}", f"gate_{layer}")
        active = gelu_of(gate, f"active_{layer}") if shape["ffn"] == "gelu-gated" else node("Mul", [gate, node("Sigmoid", [gate], f"sigmoid_{layer}")], f"active_{layer}")
        return project(node("Mul", [active, up], f"gated_{layer}"), f"down.{layer}", f"down_{layer}")

    x = node("Gather", [weight("tokens"), "input_ids"], "embedded")
    if shape.get("scaled"):
        x = node("Mul", [x, scalar(HIDDEN**0.5)], "embedded_scaled")
    for layer in range(LAYERS):
        normed = norm(x, f"before.{layer}", f"before_{layer}")
        attended = attention(normed, layer)
        if shape.get("parallel"):
            beside = normed if shape["parallel"] == "one norm" else norm(x, f"beside.{layer}", f"beside_{layer}")
            x = node("Add", [node("Add", [x, attended], f"x_attended_{layer}"), feed_forward(beside, layer)], f"x_{layer}")
            continue
        x = node("Add", [x, norm(attended, f"after_attention.{layer}", f"after_attention_{layer}") if shape.get("post_norms") else attended], f"x_attended_{layer}")
        fed = feed_forward(norm(x, f"beside.{layer}", f"beside_{layer}"), layer)
        x = node("Add", [x, norm(fed, f"after_ffn.{layer}", f"after_ffn_{layer}") if shape.get("post_norms") else fed], f"x_{layer}")
    x = norm(x, "last", "last")
    if shape["tied"]:
        logits = node("MatMul", [x, node("Transpose", [weight("tokens")], "tokens_across", perm=[1, 0])], "raw_logits")
    else:
        logits = project(x, "head", "raw_logits")
    node("Identity", [capped(logits, shape["caps"][1], "capped_logits") if "caps" in shape else logits], "logits")

    info, int64 = helper.make_tensor_value_info, TensorProto.INT64
    inputs = [info(name, int64, ["batch_size", length]) for name, length in (("input_ids", "sequence_length"), ("attention_mask", "total_sequence_length"))]
    if shape["position_ids"]:
        inputs.append(info("position_ids", int64, ["batch_size", "sequence_length"]))
    outputs = [info("logits", kind, ["batch_size", "sequence_length", vocab])]
    for layer in range(LAYERS):
        for part in ("key", "value"):
            inputs.append(info(f"past_key_values.{layer}.{part}", kind, ["batch_size", shape["kv"], "past_sequence_length", HEAD]))
            outputs.append(info(f"present.{layer}.{part}", kind, ["batch_size", shape["kv"], "total_sequence_length", HEAD]))
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [numpy_helper.from_array(value, name) for name, value in constants.items()])
    operators = [helper.make_opsetid("", 14), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=operators, ir_version=8, producer_name="token-lens families"), stored


def main(fixtures):
    for seed, (family, shape) in enumerate(FAMILIES.items()):
        folder = fixtures / family
        (folder / "onnx").mkdir(parents=True, exist_ok=True)
        tokenizer = tokenizer_of(family)
        vocab = 1 + max(list(tokenizer["model"]["vocab"].values()) + [token["id"] for token in tokenizer["added_tokens"]])
        vocab += -vocab % 8 + 8  # a model has more logits than its tokenizer has tokens
        model, stored = build(shape, weights(shape, vocab, seed))
        name = FILES[shape["number"]]
        for old in (folder / "onnx").iterdir():
            old.unlink()
        options = dict(save_as_external_data=True, location=f"{name}_data", size_threshold=256) if shape["external"] else {}
        onnx.save(model, folder / "onnx" / name, **options)
        start = {"llama": 1, "gemma2": 2}.get(family, tokenizer["added_tokens"][0]["id"])
        references = reference_ids(tokenizer)
        rng = np.random.default_rng(100 + seed)
        ids = [start] + references[-1]
        ids += [int(index) for index in rng.integers(3, vocab - 16, POSITIONS - 1 - len(ids))]
        config = {
            "model_type": family, "vocab_size": vocab, "max_position_embeddings": POSITIONS, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "num_key_value_heads": shape["kv"], "head_dim": HEAD, "bos_token_id": start, "eos_token_id": start,
            "transformers.js_config": {"use_external_data_format": {name: 1}} if shape["external"] else {},
        }
        # The newer form of the same: a pre-tokenizer in place of normalisers.
        variants = []
        for scheme, split in [("first", False), ("always", True), ("never", False)] if family == "llama" else []:
            pre_tokenizer = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": split}
            variants.append({"pre_tokenizer": pre_tokenizer, "ids": reference_ids(tokenizer | {"normalizer": None, "pre_tokenizer": pre_tokenizer})})
        strings = [{"text": text, "ids": found} for text, found in zip(STRINGS + [TEXT], references)]
        for path, content in (
            ("config.json", config), ("tokenizer_config.json", {"model_max_length": POSITIONS}), ("tokenizer.json", tokenizer),
            ("reference.json", {"start": start, "strings": strings, "variants": variants, "scores": numbers(reference(shape, stored, ids), ids)}),
        ):
            (folder / path).write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
