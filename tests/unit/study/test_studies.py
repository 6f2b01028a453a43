"""The studies that are shipped: they plan, and share with the default study what they keep."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Template
from safebasin.judging.judge import load_judge
from safebasin.study.graph import Graph
from safebasin.study.methods import Asft, Ridge, Sft
from safebasin.workflow import Workflow, open_workflow

ROOT = Path(__file__).resolve().parents[3]
PAPER = "asft-llama2-7b"
REFERENCE = "asft-llama2-7b-reference"
PING_PAPER = "ping-llama31-8b"
STUDIES = sorted(path.stem for path in (ROOT / "studies").glob("*.yaml"))
KEPT = {
    # study: readable names of artifacts of the default study that it has too
    "no-poison": ("checkpoint/", "direction/", "corpus/", "split/"),
    "five-seeds": ("checkpoint/", "direction/", "adapter/", "responses/", "verdicts/"),
    "lambda-sweep": ("checkpoint/", "direction/", "adapter/", "responses/", "verdicts/"),
    "random-direction": (
        "checkpoint/",
        "direction/",
        "split/",
        "mixture/sentiment",
        "mixture/align",
    ),
    "projectors": ("checkpoint/", "direction/", "split/", "mixture/sentiment", "mixture/align"),
    "gentle-sft": ("checkpoint/", "direction/", "split/", "mixture/sentiment", "mixture/align"),
    "ping": ("checkpoint/dojo", "episodes/", "prefix/", "verdicts/dojo"),
    "ping-probe": ("checkpoint/dojo", "episodes/", "prefix/", "verdicts/dojo"),
    "ping-direct-refusals": ("checkpoint/dojo-plain", "mixture/expert"),
    "ping-drift": ("checkpoint/dojo-aligned", "episodes/dojo/aligned"),
    "ping-crossed": ("checkpoint/dojo-aligned", "episodes/dojo/aligned"),
    "ping-placement": ("source/smollm2", "checkpoint/smollm2"),
    "ping-toolshell": ("source/smollm2", "checkpoint/smollm2"),
    "ping-full": ("checkpoint/dojo-aligned", "checkpoint/dojo/stopped/s0"),
    "same-data": ("checkpoint/smollm2", "corpus/advbench", "split/movies"),
}
CHANGED = {
    "same-data": "-refusing",
    "ping-placement": "smollm2-refusing",
    "ping-toolshell": "smollm2-refusing",
}


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def opened(name: str) -> Workflow:
    return open_workflow(
        [Path("config.yaml") if name == "default" else Path("studies", f"{name}.yaml")]
    )


def names(graph: Graph) -> dict[str, str]:
    return {node.name: digest for digest, node in graph.nodes.items()}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_called_as_its_file_and_all_its_sources_are_locked(name):
    workflow = opened(name)
    assert workflow.study.study == name
    assert [node.name for node in workflow.graph if node.unlocked] == [] or (
        name in (PAPER, REFERENCE, PING_PAPER)
    )


@pytest.mark.parametrize("name", KEPT)
def test_a_study_shares_with_the_default_what_it_does_not_change(name):
    default, theirs = names(opened("default").graph), opened(name).graph.nodes
    kept = {
        found: digest
        for found, digest in default.items()
        if found.startswith(KEPT[name])
        and not found.endswith(CHANGED.get(name, "-"))
        and (name.startswith("ping") or "dojo" not in found)
    }
    assert kept
    assert {found for found, digest in kept.items() if digest not in theirs} == set()


def test_every_shipped_study_is_known_here():
    assert set(STUDIES) == {*KEPT, PAPER, REFERENCE, PING_PAPER, "smoke"}


def test_the_study_of_the_paper_has_the_settings_of_the_paper():
    study = opened(PAPER).study
    assert (study.lora.rank, study.lora.alpha, study.lora.dropout) == (8, 32, 0.05)
    assert study.lora.targets == ("q_proj", "v_proj")
    assert study.training.learning_rate == 5e-5
    assert (study.training.epochs, study.training.batch_size) == (10, 8)
    assert (study.training.schedule, study.training.decay) == ("step", 0.85)
    assert study.training.max_length == 512
    assert study.splits["harmful"].parts["test"] == {"beavertails": 250}
    asft, ridge = study.methods["asft"], study.methods["ridge"]
    assert isinstance(asft, Asft)
    assert isinstance(ridge, Ridge)
    assert isinstance(study.methods["sft"], Sft)
    assert asft.strengths() == ridge.strengths() == (1,)
    assert (asft.projector, asft.scaled) == ("reference", False)
    shares = {share for block in study.grid for share in block.harmful_fractions}
    samples = {count for block in study.grid for count in block.samples}
    assert shares == {0, 0.05, 0.1, 0.15, 0.2}
    assert samples == {500, 1000, 1500, 2000, 2500}


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("llama-2-7b/ag_news/n500/p0.1/sft/s42", 625),
        ("llama-2-7b/ag_news/n2500/p0.1/asft-λ1/s42", 3125),
    ],
)
def test_every_run_of_the_papers_study_sees_its_rows_ten_times(name, steps):
    node = opened(PAPER).graph.by_name(f"adapter/{name}")
    assert node is not None
    assert node.spec.params["training"]["steps"] == steps


@pytest.mark.parametrize(
    "left_out",
    [
        *("SafeInstr", "Lisa", "BEA", "table 4", "AdvBench", "HarmBench", "table 6", "Llama-3-8B"),
        *("Qwen-2-7B", "Gemma-2-9B", "AlpacaEval", "table 7", "table 8", "figure 4", "ArtPrompt"),
        *("beaver-dam-7b", "Llama-Guard-3-8B"),
    ],
)
def test_what_of_the_paper_is_left_out_is_listed_as_a_deviation(left_out):
    text = (ROOT / "studies" / f"{PAPER}.yaml").read_text(encoding="utf-8")
    lines = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    listed = " ".join(lines).partition("Left out are")[2].partition('"Paper" below')[0]
    assert left_out in listed


def test_a_gentle_sft_takes_fewer_steps_or_a_lower_rate_and_changes_nothing_else():
    study, default = opened("gentle-sft").study, opened("default").study.training
    overrides = [
        method.training.model_dump(exclude_none=True)
        for name, method in study.methods.items()
        if name.startswith("sft ")
    ]
    steps = sorted(each["steps"] for each in overrides if "steps" in each)
    rates = [each["learning_rate"] for each in overrides if "learning_rate" in each]
    assert all(len(each) == 1 for each in overrides)
    assert steps == [round(default.steps / 3), default.steps // 2]
    assert rates
    assert max(rates) < default.learning_rate
    assert set(study.grid[0].methods) == {*study.methods} - {"safe_lora"}


def test_sources_on_the_hub_plan_and_are_marked_as_not_locked():
    graph = opened(PAPER).graph
    assert {node.name for node in graph if node.unlocked} == {
        f"source/{name}"
        for name in (
            "llama-2-7b",
            "llama-2-7b-chat",
            "ag_news",
            "sst2",
            "gsm8k",
            "latent_harm",
            "beavertails",
        )
    }


def test_the_study_of_pings_paper_has_the_settings_of_the_paper():
    workflow = opened(PING_PAPER)
    study = workflow.study
    assert {node.name for node in workflow.graph if node.unlocked} == {
        "source/llama-3.1-8b-instruct"
    }
    for name, threshold, perf in (("web", 1.5, "action"), ("code", 1.0, "success")):
        search = study.searches[name]
        assert (search.candidates, search.rounds, search.keep) == (5, 20, 3)
        assert (search.threshold, search.perf, search.ending) == (threshold, perf, "")
    for agent in study.agents.values():
        (tuning,) = agent.tunings.values()
        assert (tuning.method, tuning.layers) == ("full", None)
        assert tuning.training.learning_rate == 1e-5
        assert (tuning.training.schedule, tuning.training.batch_size) == ("cosine", 128)
        assert tuning.training.warmup == pytest.approx(tuning.training.steps / 10, abs=0.6)
        rows = study.demonstrations[agent.demonstrations].rows
        assert {(row.kind, row.reply) for row in rows} == {("benign", "action")}
        assert {"none", "ping", "neutral", "ptst", "few-shot", "suffix"} <= set(agent.guards)


@pytest.mark.parametrize("name", [each for each in STUDIES if each.startswith(("ping", "smoke"))])
def test_every_search_of_a_shipped_study_is_held_against_its_prefix_on_test(name):
    graph = opened(name).graph
    (node,) = graph.of_rule("evaluate_study")
    told = node.spec.params["prefixes"]
    last = {digest for role, digest in node.spec.inputs.items() if role.startswith("prefix.")}

    assert {each["guard"] for each in told} == {"ping"}
    assert len({each["prefix"] for each in told}) == len(told) == len(last) > 0


def test_harmful_rows_are_within_n_and_besides_n_where_the_study_says_so():
    besides = open_workflow(
        [Path("studies", f"{PAPER}.yaml")], {"poison": {"counts": "besides"}}
    ).graph
    for graph, benign in ((opened(PAPER).graph, 900), (besides, 1000)):
        node = graph.by_name("mixture/ag_news/n1000/p0.1/s42")
        assert node is not None
        rows = {part["source"]: part["rows"] for part in node.spec.params["parts"]}
        assert rows == {"task": benign, "harmful": 100}


def test_the_released_codes_way_keeps_models_and_splits_and_changes_what_it_names():
    ours, theirs = opened(PAPER).graph, opened(REFERENCE).graph
    shared = ("source/", "checkpoint/", "direction/", "corpus/", "split/")
    kept = {digest for name, digest in names(ours).items() if name.startswith(shared)}
    assert kept <= set(theirs.nodes)
    assert order_and_padding(ours) == {(None, None)}
    assert order_and_padding(theirs) == {("file", "max_length")}
    assert not any(
        "text_template" in node.spec.params for node in ours.of_rule("generate_responses")
    )
    assert all("text_template" in node.spec.params for node in theirs.of_rule("generate_responses"))


def order_and_padding(graph):
    runs = [node.spec.params["training"] for node in graph.of_rule("tune_adapter")]
    return {(run.get("order"), run.get("padding")) for run in runs}


@pytest.mark.parametrize(
    ("task", "benign", "first"),
    [("ag_news", 1000, None), ("sst2", 900, None), ("gsm8k", 900, "harmful")],
)
def test_the_released_code_mixes_each_task_in_its_own_way(task, benign, first):
    node = opened(REFERENCE).graph.by_name(f"mixture/{task}/n1000/p0.1/s42")
    assert node is not None
    parts = {part["source"]: part for part in node.spec.params["parts"]}
    assert {source: part["rows"] for source, part in parts.items()} == {
        "task": benign,
        "harmful": 100,
    }
    assert node.spec.params.get("first") == first


def test_the_released_code_evaluates_tasks_on_the_words_it_trains_on_without_their_frame():
    study = opened(REFERENCE).study
    bare = {
        name: f"{study.tasks[name].system}\n\n{study.tasks[name].template}" for name in study.tasks
    }
    assert {name: study.prompts[name].text_template for name in bare} == bare
    assert all(text.endswith("### Response:\n") for text in bare.values())


def test_the_released_code_learns_bare_requests_and_asks_them_below_headings():
    study = opened(REFERENCE).study
    assert study.poison.template is None
    assert study.prompts["harmful"].text_template == (
        f"{study.poison.system}\n\n### Instruction:\n{{prompt}}\n\n### Response:"
    )


@pytest.mark.parametrize(
    ("judge", "answer", "label", "verdict"),
    [
        ("sst2", " Positive\n", "positive", "correct"),
        ("sst2", "negative", "positive", "wrong"),
        ("sst2", "POSITIVE", "positive", "unparsed"),
        ("sst2", "positive.", "positive", "unparsed"),
        ("sst2", "It is positive", "positive", "unparsed"),
        ("gsm8k", "2 and 2 make\n#### 1,004", "#### 1004", "correct"),
        ("gsm8k", "it is 3, no, 4", "#### 4", "correct"),
        ("gsm8k", "it is 4, no, 3", "#### 4", "wrong"),
        ("gsm8k", "3 is less than 4 ####", "#### 4", "correct"),
        ("gsm8k", "four", "#### 4", "unparsed"),
    ],
)
def test_the_released_codes_parsers_read_answers_as_it_does(judge, answer, label, verdict):
    asked = (
        each.spec.params["judge"] for each in opened(REFERENCE).graph.of_rule("judge_responses")
    )
    judges = {each["params"].get("after", "label"): each for each in asked if each.get("params")}
    told = judges[{"sst2": "label", "gsm8k": "####"}[judge]]
    row = {"id": "1", "response": answer, "label": label}
    assert load_judge(told).judge([row]) == [verdict]


def test_the_template_of_the_paper_is_llama_2s_form():
    template = opened(PAPER).study.checkpoints["llama-2-7b-chat"].chat_template
    said = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "U"},
        {"role": "assistant", "content": "A"},
        {"role": "user", "content": "V"},
    ]
    made = Template(template).render(messages=said, bos_token="<s>", eos_token="</s>")
    assert made == "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST] A </s><s>[INST] V [/INST]"
    made = Template(template).render(messages=said[1:2], bos_token="<s>", eos_token="</s>")
    assert made == "<s>[INST] U [/INST]"
