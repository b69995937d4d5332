"""What Hugging Face's own logits processors keep of random distributions, for test/reference/sampling.json.

    pip install torch==2.13.0 transformers==5.23.0
    python tools/model/samplingTable.py > test/reference/sampling.json

The rows are not stored: they are made from a seed by PCG32 and arithmetic that is exact in every language, here and in test/core/sampling.test.ts.
The list of processors, its order included, is what `generate` itself would build from the settings.
"""
import hashlib
import json
import math
import random

import numpy
import torch
import transformers
from transformers import GenerationConfig
from transformers.generation import GenerationMixin

CASES = 300
SIZES = [5, 8, 13, 50, 200, 1000, 5000, 49152]
CHOICES = {
    "temperature": [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.1, 1.3, 2.0, 5.0],
    "topK": [1, 2, 3, 5, 10, 20, 40, 50, 200, 1000],
    "topP": [0.0, 0.05, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999],
    "minP": [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0],
    "typical": [0.05, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99],
}
NAMES = {"temperature": "temperature", "topK": "top_k", "topP": "top_p", "minP": "min_p", "typical": "typical_p"}
RULES = {
    "TemperatureLogitsWarper": "temperature",
    "TopKLogitsWarper": "topK",
    "TopPLogitsWarper": "topP",
    "MinPLogitsWarper": "minP",
    "TypicalLogitsWarper": "typical",
}
IN_FORCE = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": None, "typical_p": 1.0}


class Pcg32:
    def __init__(self, seed, stream=0):
        self.increment = (stream << 1 | 1) % 2**64
        self.state = 0
        self.step()
        self.state += seed
        self.step()

    def step(self):
        self.state = (self.state * 6364136223846793005 + self.increment) % 2**64

    def next32(self):
        state = self.state
        self.step()
        word = (state >> 18 ^ state) >> 27 & 0xFFFFFFFF
        turn = state >> 59
        return (word >> turn | word << (-turn & 31)) & 0xFFFFFFFF


def make_row(recipe):
    """Logits, none above 0, as logarithms of probabilities are. `step` above 0 rounds down to its multiples, which makes ties; `blocked` of 256 tokens have none (the first always has one)."""
    numbers = Pcg32(recipe["seed"])
    row = []
    for index in range(recipe["size"]):
        value = numbers.next32() / 2**32
        if recipe["shape"] == "peaked":
            value *= value
            value *= value
            value *= value
        elif recipe["shape"] == "triangle":
            value += numbers.next32() / 2**32
            value -= 1
        value = (value - 1) * recipe["spread"]
        if recipe["step"]:
            value = math.floor(value / recipe["step"]) * recipe["step"]
        if recipe["blocked"] and numbers.next32() % 256 < recipe["blocked"] and index > 0:
            value = -math.inf
        row.append(value)
    return numpy.array(row, dtype=numpy.float32)


def canonical(kept, row):
    """Which of equal tokens a top-p border keeps is left to an unstable sort, so to the processor at hand. Of those, the lowest ids are listed."""
    values = row[kept]
    border = [value for value in numpy.unique(values) if (row == value).sum() > (values == value).sum()]
    renamed = [index for value in border for index in numpy.flatnonzero(row == value)[: (values == value).sum()]]
    return numpy.sort(numpy.concatenate([kept[~numpy.isin(values, border)], numpy.array(renamed, dtype=kept.dtype)]))


def run(row, settings, dtype):
    """Kept ids after each rule in force, and the probabilities after the last."""
    scores = torch.tensor(row, dtype=dtype)[None]
    if settings.get("temperature") == 0:
        best = int(torch.argmax(scores))
        return [("temperature", numpy.array([best]))], (numpy.arange(len(row)) == best).astype(numpy.float64), False
    config = GenerationConfig(**{**IN_FORCE, **{NAMES[name]: value for name, value in settings.items()}})
    stages, renamed = [], False
    for processor in GenerationMixin()._get_logits_processor(config):
        scores = processor(None, scores)
        kept = numpy.flatnonzero(numpy.isfinite(scores[0].numpy()))
        listed = canonical(kept, row)
        renamed |= not numpy.array_equal(kept, listed)
        stages.append((RULES[type(processor).__name__], listed))
    return stages, torch.softmax(scores, dim=-1)[0].double().numpy(), renamed


def same(a, b):
    return all(numpy.array_equal(one[1], other[1]) for one, other in zip(a, b, strict=True))


def near_tie(row, settings, exact):
    """Whether a threshold moved by a millionth keeps other tokens."""
    for name in ("topP", "minP", "typical"):
        for factor in (1 - 1e-6, 1 + 1e-6):
            moved = settings.get(name, 0) * factor
            if moved == 0 or moved > 1:
                continue
            if not same(exact, run(row, {**settings, name: moved}, torch.float64)[0]):
                return True
    return False


def listing(ids):
    if len(ids) <= 40:
        return {"ids": ids.tolist()}
    return {"count": len(ids), "sha256": hashlib.sha256(",".join(map(str, ids.tolist())).encode()).hexdigest()}


def make_settings(choose):
    if choose.random() < 0.04:
        return {"temperature": 0}
    names = list(CHOICES)
    count = choose.choice([1, 1, 2, 3, 4, 5])
    chosen = choose.sample(names, count)
    return {name: choose.choice(CHOICES[name]) for name in names if name in chosen}


def make_recipe(choose, seed):
    return {
        "size": choose.choice(SIZES),
        "seed": seed,
        "shape": choose.choice(["flat", "triangle", "peaked"]),
        "spread": choose.choice([1, 3, 6, 12, 25]),
        "step": choose.choice([0, 0, 0.25, 1, 4]),
        "blocked": choose.choice([0, 0, 0, 60, 200]),
    }


def main():
    choose = random.Random(1)
    cases, skipped, renamed_count, seed = [], {"arithmetic": 0, "nearTie": 0}, 0, 0
    while len(cases) < CASES:
        seed += 1
        recipe, settings = make_recipe(choose, seed), make_settings(choose)
        row = make_row(recipe)
        stages, after, renamed = run(row, settings, torch.float32)
        exact = run(row, settings, torch.float64)[0]
        if not same(stages, exact):
            skipped["arithmetic"] += 1
            continue
        if near_tie(row, settings, exact):
            skipped["nearTie"] += 1
            continue
        raw = torch.softmax(torch.tensor(row, dtype=torch.float64), dim=-1).numpy()
        after = by_value(row, after)
        kept = stages[-1][1]
        ordered = kept[numpy.lexsort((kept, -row[kept]))]
        probes = sorted({0, len(ordered) // 20, len(ordered) // 2, len(ordered) - 1})
        cases.append({
            "row": recipe,
            "settings": settings,
            "stages": [{"rule": rule, "tokensLeft": len(ids), "rawMassLeft": float(raw[ids].sum())} for rule, ids in stages],
            "kept": listing(kept),
            "probabilities": [[int(ordered[i]), float(raw[ordered[i]]), float(after[ordered[i]])] for i in probes],
        })
        renamed_count += renamed
    made = {"torch": torch.__version__, "transformers": transformers.__version__}
    body = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    print(f'{{"made":{json.dumps(made)},"skipped":{json.dumps(skipped)},"topPTies":{renamed_count},"cases":[\n{body}\n]}}')


def by_value(row, after):
    """For each token the largest probability after sampling among its equals: the one it has if kept, whichever of them was."""
    values, places = numpy.unique(row, return_inverse=True)
    largest = numpy.zeros(len(values))
    numpy.maximum.at(largest, places, after)
    return largest[places]


main()
