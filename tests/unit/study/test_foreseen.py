"""What the last steps of a study would stop at is said when the study is checked."""

from __future__ import annotations

from typing import Any

import pytest
from safebasin.errors import StudyError
from safebasin.study.load import examine, merge

Layer = dict[str, Any]
BLOCK = {
    "pairs": ["tiny"], "tasks": ["words"], "samples": [32], "harmful_fractions": [0.25],
    "methods": ["sft", "asft", "ridge"], "seeds": [0],
}  # fmt: skip
SUMS = {
    "tasks": {"sums": {"split": "everything", "corpus": "words"}},
    "prompts": {"words": {"split": "everything", "judge": "words", "parts": ["dev", "test"], "task": "words"}},
}  # fmt: skip


def block(**edit: object) -> Layer:
    return {"grid": [BLOCK | edit]}


FORESEEN: dict[str, tuple[Layer, str, str]] = {
    "a contrast whose treatment no run has": (
        {"contrast": {"treatment": "safe_lora", "control": "sft"}} | block(),
        "contrast.treatment: 'safe_lora'",
        "no run of the grid has this method (it runs asft, ridge, sft)",
    ),
    "an inherited contrast over a grid of other methods": (
        block(methods=["sft"]), "contrast.control: 'ridge'", "`contrast: null`",
    ),
    "an inherited contrast over an empty grid": (
        {"grid": []}, "contrast.treatment: 'asft'", "the grid is empty",
    ),
    "an inherited contrast of a method that is gone": (
        {"methods": {"ridge": None}, "controls": False} | block(methods=["sft", "asft"]),
        "contrast.control: 'ridge'",
        "there is no such name",
    ),
    "a contrast of an evaluation set that is gone": (
        {"eval_sets": {"requests": None}}, "contrast.eval_sets: 'requests'", "no such name",
    ),
    "a contrast with itself": (
        {"contrast": {"control": "asft"}}, "contrast: ", "nothing to compare",
    ),
    "a contrast without a common setting": (
        {"methods": {"ridge": {"lambda": [2, 3]}}, "controls": False},
        "contrast: ['asft', 'ridge']",
        "share no setting (λ: asft 1 and ridge 2, 3)",
    ),
    "a contrast of a method with λ and one without": (
        {"contrast": {"control": "sft"}},
        "contrast: ['asft', 'sft']",
        "share no setting (λ: asft 1 and sft none)",
    ),
    "a contrast on other seeds": (
        {"grid": [BLOCK, BLOCK | {"methods": ["asft", "ridge"], "seeds": [1]},
                  BLOCK | {"methods": ["asft"], "seeds": [2]}], "controls": False},
        "contrast: ['asft', 'ridge']",
        "asft the seeds 0, 1, 2 and ridge the seeds 0, 1; run both on the same seeds",
    ),
    "a contrast in a condition where one method is not run": (
        {"grid": [BLOCK, BLOCK | {"samples": [16], "methods": ["asft"]}], "controls": False},
        "contrast: ['asft', 'ridge']",
        "at tiny, words, 16 samples, 25 % harmful, the grid gives asft the seeds 0 and ridge no run",
    ),
    "a contrast on prompts that its runs do not answer": (
        SUMS | {"prompts": {"requests": {"task": "sums"}}},
        "contrast.eval_sets: 'requests'",
        "no run of asft or ridge answers its prompts",
    ),
    "a condition that answers no set of the contrast": (
        SUMS | {"prompts": {"requests": {"task": "words"}}, "choice": None} | block(tasks=["words", "sums"]),
        "contrast.eval_sets: ['requests']",
        "models that are tuned for sums answer none of them",
    ),
    "a post-hoc defence of several settings": (
        {"methods": {"asft": {"lambda": [1, 2]}, "ridge": {"lambda": [1, 2]},
                     "safe_lora": {"of": "asft"}}},
        "methods.safe_lora.of: 'asft'",
        "it has several settings (1, 2)",
    ),
    "several settings and no choice": (
        {"methods": {"asft": {"lambda": [1, 2]}, "ridge": {"lambda": [1, 2]}}, "choice": None,
         "contrast": None},
        "choice: None",
        "the method asft has several settings (1, 2)",
    ),
    "a choice by a set that some runs do not answer": (
        SUMS | {"prompts": {"requests": {"task": "sums"}}, "contrast": None,
                "methods": {"asft": {"lambda": [1, 2]}, "ridge": {"lambda": [1, 2]}}},
        "choice.refusal: 'requests dev'",
        "models that are tuned for words do not answer it",
    ),
    "a choice without accuracy for some runs": (
        SUMS | {"methods": {"asft": {"lambda": [1, 2]}, "ridge": {"lambda": [1, 2]}}}
        | block(tasks=["words", "sums"]),
        "choice.accuracy: 'words dev'",
        "no set of the part dev measures the accuracy of models tuned for sums",
    ),
    "a method called like another's run": (
        {"methods": {"asft 1": {"type": "asft", "lambda": 2}, "asft 1-": {"type": "sft"},
                     "sft-": {"type": "sft"}, "safe_lora-1 matrices": None,
                     "ridge": {"lambda": [1, 2]}, "a": {"type": "safe_lora", "of": "sft", "matrices": 2},
                     "a-2matrices": {"type": "sft"}}} | block(methods=["sft", "asft", "ridge", "a", "a-2matrices"]),
        "methods.a-2matrices",
        "is called a-2matrices like another of a",
    ),
    "two fractions that are written alike": (
        block(harmful_fractions=[0.25, 0.25000001]),
        "grid.0.harmful_fractions",
        "2 of them are written 0.25",
    ),
    "an adapter called like what is measured beside it": (
        {"sources": {"s": {"folder": "x", "files": ["*"]}},
         "adapters": {"aligned": {"source": "s", "pair": "tiny"}}},
        "adapters.aligned",
        "what the pair's own aligned model is called",
    ),
    "an agent called like prompts": (
        {"agents": {"words": {"world": "dojo", "aligned": "tiny-aligned", "demonstrations": "expert",
                              "tunings": {"a": {"targets": ["q_proj"], "training": {"learning_rate": 1e-3, "steps": 1}}},
                              "guards": ["none"], "tasks": {"harmful": 1, "benign": 1}}}},
        "agents.words",
        "the name of prompts too",
    ),
    "a seed of an agent that stands twice": (
        {"agents": {"dojo": {"seeds": [0, 1, 0]}}}, "agents.dojo.seeds: [0, 1, 0]", "an entry stands here twice",
    ),
    "a search seed that stands twice": (
        {"agents": {"dojo": {"search_seeds": [3, 3]}}}, "agents.dojo.search_seeds", "an entry stands here twice",
    ),
    "a guard called like a draw of another": (
        {"guards": {"neutral": {"draws": 3}, "neutral-1": {"type": "system"}},
         "agents": {"dojo": {"guards": ["none", "ping", "neutral", "neutral-1"]}}},
        "agents.dojo.guards: 'neutral-1'",
        "what a draw of neutral is called too",
    ),
    "more harmful rows than there are": (
        {"splits": {"everything": {"parts": {"poison": {"requests": 5}}}}},
        "grid.0.harmful_fractions: [0.25]",
        "8 harmful rows are wanted, and the part poison has only 5",
    ),
    "more task rows than a part of all corpora holds": (
        {"tasks": {"words": {"corpus": None}}} | block(samples=[80]),
        "grid.0.samples: 80",
        "only 40 rows in the part train, and 60 are wanted",
    ),
    "more rows to align on than a part of all corpora holds": (
        {"checkpoints": {"tiny-aligned": {"align": {"rows": [
            {"split": "everything", "part": "align", "rows": 25, "response": "refusal", "source": "safety"}]}}}},
        "checkpoints.tiny-aligned.align.rows.0.rows: 25",
        "holds only 24 such rows",
    ),
    "rows to align on that are taken twice": (
        {"checkpoints": {"tiny-aligned": {"align": {"rows": [
            {"split": "everything", "part": "align", "corpus": "requests", "rows": 4, "response": answer, "source": answer}
            for answer in ("refusal", "self")]}}}},
        "checkpoints.tiny-aligned.align.rows: 'align'",
        "2 entries take rows of requests in the part align of the split everything",
    ),
    "harmful rows that are the task's": (
        {"poison": {"corpus": "words", "part": "train"}}, "poison.part: 'train'", "no row is taken twice",
    ),
    "a share of one row": (
        {"splits": {"everything": {"parts": {"search": {"words": 1}}}}},
        "splits.everything.parts.search.words: 1",
        "2 or more rows are needed, a fraction below 1, or `rest`",
    ),
    "a share that is all": (
        {"splits": {"everything": {"parts": {"search": {"words": 1.0}}}}},
        "splits.everything.parts.search.words: 1",
        "2 or more rows are needed, a fraction below 1, or `rest`",
    ),
    "a share of nothing": (
        {"splits": {"everything": {"parts": {"search": {"words": 0.0}}}}},
        "splits.everything.parts.search.words: 0.0",
        "a fraction below 1",
    ),
    "a part without rows": (
        {"splits": {"everything": {"parts": {"search": {}}}}},
        "splits.everything.parts.search: {}",
        "at least 1 item",
    ),
    "the rest of a corpus twice": (
        {"splits": {"everything": {"parts": {"search": {"words": "rest"}, "dev": {"words": "rest"}}}}},
        "splits.everything",
        "two parts want the rest of words",
    ),
    "fractions of more than a corpus": (
        {"splits": {"everything": {"parts": {"search": {"words": 0.6}, "dev": {"words": 0.5}}}}},
        "splits.everything",
        "the fractions of words are more than all of it",
    ),
    "a set of a part with none of the prompts' corpora": (
        {"prompts": {"words": {"corpora": ["words"], "parts": ["dev", "test", "poison"]}},
         "eval_sets": {"w": {"prompts": "words", "part": "poison", "metrics": "accuracy"}}},
        "eval_sets.w.part: 'poison'",
        "has requests and none of words, which the prompts are of",
    ),
    "a set of no category": (
        {"eval_sets": {"words": {"categories": []}}}, "eval_sets.words.categories", "at least 1 item",
    ),
    "a set of no corpus": (
        {"eval_sets": {"words": {"corpora": []}}}, "eval_sets.words.corpora", "at least 1 item",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FORESEEN)
def test_what_would_stop_a_late_step_is_found_by_check_with_key_and_cure(smoke, case):
    layer, key, cure = FORESEEN[case]
    examined = examine(merge(smoke, layer), "the study")
    with pytest.raises(StudyError) as caught:
        examined.sound()
    told = [line for line in str(caught.value).splitlines()[1:] if line.strip().startswith(key)]
    assert any(cure in line for line in told), str(caught.value)


RIGHT: dict[str, Layer] = {
    "several settings, compared where both have them": {
        "methods": {"asft": {"lambda": [1, 2]}, "ridge": {"lambda": [1, 2, 3]}}
    },
    "a contrast of methods without a setting": {
        "methods": {"gentle": {"type": "sft", "training": {"learning_rate": 1e-4}}},
        "contrast": {"treatment": "gentle", "control": "sft"},
        "grid": [BLOCK | {"methods": ["sft", "gentle"]}],
    },
    "a method with several settings that nothing runs": {
        "methods": {"other": {"type": "ridge", "lambda": [1, 2]}},
        "choice": None,
        "contrast": None,
    },
    "a contrast that one of two tasks answers, whose methods both run there": {
        **SUMS,
        "grid": [BLOCK, BLOCK | {"tasks": ["sums"], "methods": ["sft"]}],
        "contrast": {"eval_sets": ["requests"]},
    },
    "a choice where each task has accuracy of its own": {
        **SUMS,
        "prompts": SUMS["prompts"]
        | {"sums": {**SUMS["prompts"]["words"], "task": "sums"}},
        "eval_sets": {"sums dev": {"prompts": "sums", "corpora": ["words"], "part": "dev", "metrics": "accuracy"}},
        "methods": {"asft": {"lambda": [1, 2]}, "ridge": {"lambda": [1, 2]}},
        "grid": [BLOCK | {"tasks": ["words", "sums"]}],
    },
    "as many rows as there are": {"grid": [BLOCK | {"samples": [48], "harmful_fractions": [0.25]}]},
    "two parts of an alignment from two parts of a split": {},
    "fractions that add up to 1": {
        "splits": {"everything": {"parts": {"search": {"words": 0.1}, "align": {"words": 0.9}}}}
    },
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_what_the_last_steps_can_do_is_taken(smoke, case):
    examine(merge(smoke, RIGHT[case]), "the study").sound()
