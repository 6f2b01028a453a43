"""A value that nothing could be right about is refused by its key; what is in bounds is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.errors import StudyError
from safebasin.study.load import load_study, validate
from safebasin.study.methods import Asft

from .test_problems import edited

TINY = "checkpoints.tiny.tiny"
ALIGN = "checkpoints.tiny-aligned.align"
DOJO = "agents.dojo"
STOPPED = f"{DOJO}.tunings.stopped"
PARTS = "splits.everything.parts"
HUB = {"hub": {"repo": "a/b", "revision": "unlocked"}, "files": ["*"]}
READER = "corpora.words.reader"
CSV = {"type": "csv", "columns": {}}
REVIEWS = {"type": "vader_reviews", "positive": "Good", "negative": "good!"}

CASES = {
    # numbers
    "a seed of 2^70": ("grid.0.seeds", [2**70], "grid.0.seeds.0: 118059162"),
    "a seed of 2^32": ("grid.0.seeds", [2**32], "grid.0.seeds.0: 4294967296: .* 4294967295"),
    "a negative seed, which draws as its opposite": ("grid.0.seeds", [-1], "grid.0.seeds.0: -1: "),
    "a seed of an agent twice": (f"{DOJO}.seeds", [1, 1], f"{DOJO}.seeds: .* twice"),
    "a seed of a search twice": (f"{DOJO}.search_seeds", [1, 1], f"{DOJO}.search_seeds: .* twice"),
    "a count that no library counts up to": ("lora.rank", 2**31, "lora.rank: 2147483648: "),
    "a number of 10,000 digits": ("lora.rank", 10**10_000, "lora.rank: a number of thousands"),
    "a rate beyond all rates": ("training.learning_rate", 1e300, "training.learning_rate: 1e.300"),
    "no number": ("training.learning_rate", float("nan"), "training.learning_rate: nan"),
    "infinity": ("methods.asft.lambda", [1, float("inf")], "methods.asft.lambda.1: inf"),
    "infinity where any type may stand": (
        "judges.phrases.params",
        {"a": [{"b": float("-inf")}]},
        r"judges.phrases.params.a.0.b: -inf",
    ),
    "one λ twice": ("methods.asft.lambda", [1, 1.0], "methods.asft.lambda: .* twice"),
    "a number of one's own twice": (
        "grid.0.harmful_fractions",
        [0.25, 0.25],
        "grid.0.harmful_fractions: .* twice",
    ),
    "0 rows": (f"{PARTS}.align.requests", 0, f"{PARTS}.align.requests: 0: "),
    "all rows, as a fraction that reads as 1 row": (
        f"{PARTS}.align.requests",
        1.0,
        "requests: 1.0: ",
    ),
    "more than all rows by fractions": (
        PARTS,
        {"align": {"requests": 0.7}, "test": {"requests": 0.6, "words": "rest"}},
        "splits.everything: .*the fractions of requests are more than all",
    ),
    "the rest twice": (
        PARTS,
        {"align": {"requests": "rest"}, "test": {"requests": "rest"}},
        "splits.everything: .*two parts want the rest of requests",
    ),
    "more passes than anybody takes": (
        "training",
        {"learning_rate": 1, "epochs": 1e8},
        "training.epo",
    ),
    "rounds without end": ("searches.grammar.rounds", 10**6, "searches.grammar.rounds: 1000000"),
    "draws without end": ("guards.neutral.draws", 10**6, "guards.neutral.draws: 1000000"),
    "a grid without end": (
        "grid",
        [
            {
                **{"pairs": ["tiny"], "tasks": ["words"], "samples": [32]},
                **{
                    "harmful_fractions": [n / 50 for n in range(10, 50)],
                    "seeds": list(range(1300)),
                },
                "methods": ["sft"],
            }
        ],
        "grid.0: 52000: so many runs; at most 50000",
    ),
    "a fraction that is no row": (
        "grid.0.harmful_fractions",
        [0, 0.01],
        "grid.0.harmful_fractions: 0.01: of 32 samples that is no row",
    ),
    # the one architecture that a study knows
    "5 heads of 64": (
        f"{TINY}.heads",
        5,
        f"{TINY}: .*hidden 64 is no multiple of twice the 5 heads",
    ),
    "heads of one value": (f"{TINY}.heads", 64, f"{TINY}: .*hidden 64 is no multiple"),
    "a tiny model that is none": (f"{TINY}.hidden", 10**6, f"{TINY}.hidden: 1000000"),
    "an aligned layer 9 of 2": (f"{ALIGN}.layers", 9, f"{ALIGN}.layers: 9: .*has 2 layers"),
    "a tuned layer 9 of 2": (f"{STOPPED}.layers", 9, f"{STOPPED}.layers: 9: .*has 2 layers"),
    "a probed layer 9 of 2": (
        f"{DOJO}.probe.layers",
        [1, 9],
        f"{DOJO}.probe.layers.1: 9.*has 2 la",
    ),
    "a headline 3 of 2": (f"{DOJO}.probe.headline", 3, f"{DOJO}.probe.headline: 3.*has 2 layers"),
    "a steered layer 3 of 2": (f"{DOJO}.probe.steering.layers", [3], "steering.layers.0: 3"),
    "a layer twice": (f"{DOJO}.probe.layers", [1, 1.0], f"{DOJO}.probe.layers: .*twice"),
    # names, words and lists
    "an empty label": ("checkpoints.tiny.label", "", "checkpoints.tiny.label: ''"),
    "a blank label": (
        "checkpoints.tiny.label",
        " ",
        "checkpoints.tiny.label: ' ': one line of text",
    ),
    "a label of two lines": (
        "checkpoints.tiny.label",
        "a\nb",
        r"checkpoints.tiny.label: 'a\\nb': one l",
    ),
    "one label for two": (
        "checkpoints.tiny.label",
        "The same after  200 steps of refusals",
        "checkpoints.tiny-aligned.label: .*checkpoints.tiny is called the same",
    ),
    "labels of a judge twice": ("judges.words.labels", ["animal", "animal"], "judges.words.labels"),
    "labels that are one to a judge": (
        "judges.words.labels",
        ["animal", "Animal!"],
        "words.labels: ",
    ),
    "an empty label of a judge": (
        "judges.words.labels",
        ["animal", ""],
        "judges.words.labels.1: ''",
    ),
    "two words for reviews that are one": (READER, REVIEWS, f"{READER}: .*cannot be told apart"),
    "a filter that filters nothing": (READER, {**CSV, "where": {}}, rf"{READER}.where: {{}}: "),
    "words for no label": (READER, {**CSV, "labels": {}}, rf"{READER}.labels: {{}}: "),
    "no corpora, which would be all": ("prompts.words.corpora", [], r"prompts.words.corpora: \[\]"),
    "no categories": ("eval_sets.words.categories", [], r"eval_sets.words.categories: \[\]"),
    "a part without rows": (f"{PARTS}.align", {}, rf"{PARTS}.align: {{}}"),
    "a corpus twice": (
        "splits.everything.corpora",
        ["words", "words"],
        "everything.corpora: .*twice",
    ),
    "a layer name twice": ("lora.targets", ["q_proj", "q_proj"], "lora.targets: .*twice"),
    "an empty layer name": ("lora.targets", ["q_proj", ""], "lora.targets.1: ''"),
    "an empty text of a guard": (
        "guards.ping",
        {"type": "system", "text": ""},
        "guards.ping.text: ''",
    ),
    "a folder that is this one": (
        "sources",
        {"s": {"folder": "", "files": ["*"]}},
        "sources.s.folder: '",
    ),
    "a folder with NUL": (
        "sources",
        {"s": {"folder": "a\0", "files": ["*"]}},
        "sources.s.folder: ",
    ),
    "a folder that none can be": (
        "sources",
        {"s": {"folder": "a" * 300, "files": ["*"]}},
        "sources.s.folder: 'aaa.*255 bytes between two slashes",
    ),
    "an empty pattern": ("sources", {"s": {"folder": "a", "files": [""]}}, "sources.s.files.0: ''"),
    "a repository above": (
        "sources",
        {"s": {**HUB, "hub": {**HUB["hub"], "repo": "../.."}}},
        "hub.repo",
    ),
    "a contrast with itself": (
        "contrast",
        {"treatment": "asft", "control": "asft", "eval_sets": ["requests"]},
        "contrast: .*one method: there is nothing to compare",
    ),
    "a method called like full tuning": (
        "methods.full",
        {"type": "sft"},
        "methods.full: 'full': an ",
    ),
    "names that are one file to some": (
        "judges",
        {"words": {"type": "label", "labels": ["a", "b"]}, "Words": {"type": "phrases"}},
        "judges: .*'words' and 'Words' differ in case alone",
    ),
    "a name that ends with a dot": (
        "tasks.words.",
        {"split": "a"},
        r"tasks.words\.: .*a name has letters",
    ),
    "a name with a line end": ("tasks.a\nb", {"split": "a"}, r"tasks.a\\nb: .*a name has letters"),
    "half a character": ("title", "\ud800", r"title: '\\ud800': it holds a character that is none"),
    "NUL": ("description", "a\0b", r"description: 'a\\x00b': it holds"),
    "bytes": ("title", b"a", "title: b'a': a value is text, a number, a list or a mapping"),
    "a set": ("lora.targets", {"a"}, "lora.targets: {'a'}: a value is text"),
    "a key that is a number": (
        "judges.phrases.params",
        {1: 2},
        "judges.phrases.params: 1: a key is a wo",
    ),
    "a mapping without end": (
        "judges.phrases.params",
        None,
        r"judges.phrases.params[.a]*: None: it has more than 50 levels",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_nothing_could_be_right_about_is_refused_by_its_key(smoke, case):
    path, value, said = CASES[case]
    if value is None:
        value = {}
        value["a"] = value
    if path.endswith("."):  # a name with a dot at its end
        smoke["tasks"]["words."] = value
    else:
        smoke = edited(smoke, path, value)
    with pytest.raises(StudyError, match=rf"(?m)^  (.*\.)?{said}") as caught:
        validate(smoke)
    assert len(str(caught.value)) < 4000


ALLOWED = {
    "the largest seed": ("grid.0.seeds", [0, 2**32 - 1]),
    "a whole number for one with a fraction": ("lora.alpha", 2),
    "a fraction of rows": (f"{PARTS}.test.requests", 0.25),
    "a head of two values": (f"{TINY}.heads", 32),
    "the last layer": (f"{DOJO}.probe.headline", 2),
    "half the depth": (f"{DOJO}.probe.layers", [0.5, 1]),
    "a model of 405B": ("checkpoints.tiny.parameters", 405_853_388_800),
    "any script": ("checkpoints.tiny.label", "小さなモデル \U0001f600"),
    "a method named like a type": ("methods.int", {"type": "sft"}),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_is_in_bounds_is_taken(smoke, case):
    validate(edited(smoke, *ALLOWED[case]))


def test_a_key_is_named_whole_though_it_is_called_like_a_type(smoke):
    smoke["methods"]["int"] = {"type": "ridge", "lambda": 0}
    with pytest.raises(StudyError, match=r"methods\.int\.lambda: 0: λ must be above 0"):
        validate(smoke)


def test_a_thousand_mistakes_are_counted_and_the_first_are_told(smoke):
    with pytest.raises(StudyError, match=r"1000 problems(?s:.*)… and 900 more$") as caught:
        validate(edited(smoke, "lora.targets", list(range(1000))))
    assert len(str(caught.value).splitlines()) == 102


def test_settings_that_differ_are_told_apart_where_they_are_read():
    method = Asft(type="asft", lambda_=(1.0, 1.0000001, 1e-5, 500000.0))
    told = [method.setting(strength) for strength in method.strengths()]
    assert told == ["λ=1", "λ=1.0000001", "λ=1e-05", "λ=500000"]


def test_what_extends_a_file_that_is_none_is_named_too(tmp_path: Path):
    above, below = tmp_path / "above.yaml", tmp_path / "below.yaml"
    above.write_text("extends: below.yaml")
    with pytest.raises(StudyError, match=r"above\.yaml: extends: .*below\.yaml: .* cannot be read"):
        load_study([above])
    below.write_text("lora: {rank: 010}")
    with pytest.raises(
        StudyError, match=r"above\.yaml: extends: .*below\.yaml: lora\.rank, line 1"
    ):
        load_study([above])


def test_a_long_chain_of_files_is_refused(tmp_path: Path):
    for number in range(40):
        (tmp_path / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml")
    with pytest.raises(StudyError, match="20 files below one another are enough"):
        load_study([tmp_path / "0.yaml"])
