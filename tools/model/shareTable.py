"""Wilson's interval of a share and Newcombe's of the difference of two, for test/reference/shares.json.

    pip install statsmodels==0.15.0
    python tools/model/shareTable.py > test/reference/shares.json
"""
import json
import random
import sys

import scipy
import statsmodels
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

TRIALS = [1, 2, 3, 5, 10, 17, 30, 50, 100, 128, 1000, 20000]


def wilson(count, trials):
    low, high = proportion_confint(count, trials, alpha=0.05, method="wilson")
    return {"count": count, "trials": trials, "low": float(low), "high": float(high)}


def newcombe(a, b):
    # statsmodels takes the first less the second.
    low, high = confint_proportions_2indep(b[0], b[1], a[0], a[1], method="newcomb", compare="diff", alpha=0.05)
    return {"a": a, "b": b, "low": float(low), "high": float(high)}


def main():
    rng = random.Random(1)
    shares = []
    for trials in TRIALS:
        counts = {0, 1, trials // 2, trials - 1, trials, rng.randint(0, trials), rng.randint(0, trials)}
        shares += [wilson(count, trials) for count in sorted(counts) if 0 <= count <= trials]
    differences = []
    for _ in range(100):
        pair = []
        for _ in range(2):
            trials = rng.choice(TRIALS)
            pair.append([rng.choice([0, trials, rng.randint(0, trials)]), trials])
        differences.append(newcombe(*pair))
    made = {"python": sys.version.split()[0], "statsmodels": statsmodels.__version__, "scipy": scipy.__version__}
    print(json.dumps({"made": made, "shares": shares, "differences": differences}, indent=1))


main()
