"""Build tiny random decoders for tests: kinds of model file that the bundled model and test/fixtures/tiny-gpt2 are not.

    pip install onnx==1.23.2 numpy
    python tinyModels.py ../../test/fixtures

tiny-old   float32, ONNX operators of version 10: too old for the scoring head
tiny-half  16-bit floats throughout (weights, cache, logits), operators of version 12

Both are one network: token and position embeddings, one block of attention and a feed-forward layer without norms, tied
output embedding; vocabulary and tokenizer of tiny-gpt2. `reference.json` holds what NumPy makes of the same weights in
float64, for ids whose first stands before the text: bits of surprisal and of entropy, and rank, of every id after it.
"""
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCAB, POSITIONS, HIDDEN, HEADS, HEAD, FFN = 422, 128, 32, 4, 8, 64
HIDDEN_MASK = -1e4  # of float16 too


def weights(seed):
    rng = np.random.default_rng(seed)
    shapes = {"tokens": (VOCAB, HIDDEN), "positions": (POSITIONS, HIDDEN), "up": (HIDDEN, FFN), "down": (FFN, HIDDEN)}
    shapes |= {name: (HIDDEN, HIDDEN) for name in ("query", "key", "value", "out")}
    # Rounded to float16, so that both models and the reference have the very same weights.
    return {name: rng.normal(0, 0.4 if name in ("tokens", "positions") else 0.25, shape).astype(np.float16) for name, shape in shapes.items()}


def build(w, opset, number):
    """The graph, with weights, cache and logits of NumPy type `number`."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(number))
    nodes = []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    constants = {name: value.astype(number) for name, value in w.items()} | {
        "mask": (np.triu(np.ones((POSITIONS, POSITIONS)), 1) * HIDDEN_MASK).astype(number).reshape(1, 1, POSITIONS, POSITIONS),
        "scale": np.array(HEAD**-0.5, number),
        "split": np.array([0, 0, HEADS, HEAD], np.int64), "merged": np.array([0, 0, HIDDEN], np.int64),
        "one": np.array([1], np.int64), "two": np.array([2], np.int64), "zero": np.array([0], np.int64), "three": np.array([3], np.int64),
    }
    x = node("Add", [node("Gather", ["tokens", "input_ids"], "token_rows"), node("Gather", ["positions", "position_ids"], "position_rows")], "x")

    def heads(name):
        return node("Transpose", [node("Reshape", [node("MatMul", [x, name], name + "_x"), "split"], name + "_split")], name + "_heads", perm=[0, 2, 1, 3])

    query = heads("query")
    key = node("Concat", ["past_key_values.0.key", heads("key")], "present.0.key", axis=2)
    value = node("Concat", ["past_key_values.0.value", heads("value")], "present.0.value", axis=2)
    total = node("Gather", [node("Shape", ["attention_mask"], "mask_shape"), "one"], "total")
    past = node("Sub", [total, node("Gather", [node("Shape", ["input_ids"], "ids_shape"), "one"], "count")], "past")
    rows = node("Slice", ["mask", past, total, "two"], "mask_rows")
    mask = node("Slice", [rows, "zero", total, "three"], "mask_here")
    logits = node("MatMul", [query, node("Transpose", [key], "keys_across", perm=[0, 1, 3, 2])], "products")
    weight = node("Softmax", [node("Add", [node("Mul", [logits, "scale"], "scaled"), mask], "masked")], "attention", axis=3)
    mixed = node("Reshape", [node("Transpose", [node("MatMul", [weight, value], "mixed")], "mixed_rows", perm=[0, 2, 1, 3]), "merged"], "mixed_x")
    x = node("Add", [x, node("MatMul", [mixed, "out"], "mixed_out")], "x_attended")
    x = node("Add", [x, node("MatMul", [node("Relu", [node("MatMul", [x, "up"], "upper")], "active"), "down"], "lower")], "x_out")
    node("MatMul", [x, node("Transpose", ["tokens"], "tokens_across")], "logits")

    info, int64 = helper.make_tensor_value_info, TensorProto.INT64
    inputs = [info("input_ids", int64, ["batch_size", "sequence_length"]), info("attention_mask", int64, ["batch_size", "total_sequence_length"]), info("position_ids", int64, ["batch_size", "sequence_length"])]
    outputs = [info("logits", kind, ["batch_size", "sequence_length", VOCAB])]
    for part in ("key", "value"):
        inputs.append(info(f"past_key_values.0.{part}", kind, ["batch_size", HEADS, "past_sequence_length", HEAD]))
        outputs.append(info(f"present.0.{part}", kind, ["batch_size", HEADS, "total_sequence_length", HEAD]))
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6, producer_name="token-lens tiny models")
    onnx.checker.check_model(model)
    return model


def reference(w, ids):
    w = {name: value.astype(np.float64) for name, value in w.items()}
    count = len(ids)
    x = w["tokens"][ids] + w["positions"][:count]
    query, key, value = ((x @ w[name]).reshape(count, HEADS, HEAD).swapaxes(0, 1) for name in ("query", "key", "value"))
    scores = query @ key.swapaxes(1, 2) * HEAD**-0.5 + np.triu(np.ones((count, count)), 1) * HIDDEN_MASK
    attention = np.exp(scores - scores.max(-1, keepdims=True))
    attention /= attention.sum(-1, keepdims=True)
    x = x + (attention @ value).swapaxes(0, 1).reshape(count, HIDDEN) @ w["out"]
    x = x + np.maximum(x @ w["up"], 0) @ w["down"]
    logits = x @ w["tokens"].T
    logs = logits - logits.max(-1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(-1, keepdims=True))
    own = np.take_along_axis(logits[:-1], np.array(ids)[1:, None], 1)
    rounded = lambda values: [round(float(v), 6) for v in values]
    return {
        "ids": ids,
        "surprisalBits": rounded(-np.take_along_axis(logs[:-1], np.array(ids)[1:, None], 1)[:, 0] / np.log(2)),
        "entropyBits": rounded(-(np.exp(logs[:-1]) * logs[:-1]).sum(-1) / np.log(2)),
        "ranks": [int(n) for n in 1 + (logits[:-1] > own).sum(-1)],
    }


def main(fixtures):
    w = weights(7)
    ids = [0] + [int(i) for i in np.random.default_rng(8).integers(1, VOCAB, 99)]
    for name, opset, number, dtype, file in (("tiny-old", 10, np.float32, "fp32", "model.onnx"), ("tiny-half", 12, np.float16, "fp16", "model_fp16.onnx")):
        folder = fixtures / name
        (folder / "onnx").mkdir(parents=True, exist_ok=True)
        onnx.save(build(w, opset, number), folder / "onnx" / file)
        for copied in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(fixtures / "tiny-gpt2" / copied, folder / copied)
        config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": VOCAB, "n_positions": POSITIONS, "n_embd": HIDDEN, "n_layer": 1, "n_head": HEADS, "bos_token_id": 0, "eos_token_id": 0, "transformers.js_config": {"dtype": dtype}}
        for path, content in (("config.json", json.dumps(config, indent=1)), ("reference.json", json.dumps(reference(w, ids)))):
            (folder / path).write_text(content + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
