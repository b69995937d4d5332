"""What tiny-gpt2 says with parts of it switched off: test/reference/switched-off-tiny-gpt2.json.

    pip install onnx==1.23.2 numpy
    python tools/model/switchedOffTable.py

A decoder written out in NumPy, in float64, over the weights of test/fixtures/tiny-gpt2: what a head that is off gives is zero before the output
projection. Ids are those of context-tiny-gpt2.json: the start token, the context, the target.
"""
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[2]
HEADS, LAYERS, EPSILON, WRITTEN = 4, 2, 1e-5, 6

model = onnx.load(ROOT / "test/fixtures/tiny-gpt2/onnx/model.onnx")
weights = {tensor.name: numpy_helper.to_array(tensor).astype(np.float64) for tensor in model.graph.initializer}


def norm(x, name):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * weights[name + ".weight"] + weights[name + ".bias"]


def linear(x, name):
    return x @ weights[name + ".weight"] + weights[name + ".bias"]


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def log_probabilities(ids, switches):
    count = len(ids)
    x = weights["transformer.wte.weight"][ids] + weights["transformer.wpe.weight"][:count]
    later = np.triu(np.full((count, count), -np.inf), 1)
    for layer in range(LAYERS):
        name = f"transformer.h.{layer}"
        query, key, value = (
            part.reshape(count, HEADS, -1).transpose(1, 0, 2) for part in np.split(linear(norm(x, name + ".ln_1"), name + ".attn.c_attn"), 3, -1)
        )
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1]) + later
        attention = np.exp(scores - scores.max(-1, keepdims=True))
        attention /= attention.sum(-1, keepdims=True)
        mixed = (attention @ value) * switches[layer][:, None, None]
        x = x + linear(mixed.transpose(1, 0, 2).reshape(count, -1), name + ".attn.c_proj")
        x = x + linear(gelu(linear(norm(x, name + ".ln_2"), name + ".mlp.c_fc")), name + ".mlp.c_proj")
    logits = norm(x, "transformer.ln_f") @ weights["lm_head.weight_T"]
    highest = logits.max(-1, keepdims=True)
    return logits - highest - np.log(np.exp(logits - highest).sum(-1, keepdims=True))


def case(text, off):
    switches = np.ones((LAYERS, HEADS))
    if off["kind"] == "head":
        switches[off["layer"], off["head"]] = 0
    elif off["kind"] == "layer":
        switches[off["layer"]] = 0
    elif off["kind"] == "all":
        switches[:] = 0
    ids = [text["startTokenId"], *text["contextIds"]]
    rows = log_probabilities(ids, switches)
    bits = [-rows[at][label] / np.log(2) for at, label in enumerate([*text["contextIds"], text["targetId"]])]
    written = []
    for _ in range(WRITTEN):
        written.append(int(log_probabilities(ids + written, switches)[-1].argmax()))
    return {"off": off, "surprisalBits": [round(value, 6) for value in bits], "writtenIds": written}


texts = json.loads((ROOT / "test/reference/context-tiny-gpt2.json").read_text())
offs = [
    {"kind": "none"},
    {"kind": "head", "layer": 0, "head": 3},
    {"kind": "head", "layer": 1, "head": 0},
    {"kind": "layer", "layer": 1},
    {"kind": "all"},
]
for name, text in texts.items():
    plain = case(text, offs[0])["surprisalBits"][-1]
    assert abs(plain - text["surprisalBits"]) < 1e-4, (name, plain, text["surprisalBits"])
table = {name: [case(text, off) for off in offs] for name, text in texts.items()}
lines = [f'"{name}": [\n' + ",\n".join(json.dumps(found) for found in cases) + "\n]" for name, cases in table.items()]
(ROOT / "test/reference/switched-off-tiny-gpt2.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
