from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.errors import StudyError
from safebasin.guards.generators.generator import BUILT_IN, GeneratorContext, load_generator
from safebasin.study.load import merge, read_layers, validate
from safebasin.study.plan import Pinned, plan

ROOT = Path(__file__).resolve().parents[3]
PINS = {"smollm2": Pinned(origin={"pypi": "x==1"}, files=(("a.gguf", "0" * 64, 10),))}


def codes(step: str, part: str | None) -> str:
    return f"{step}:{part}/1" if part else f"{step}/1"


@pytest.fixture
def ping() -> dict:
    return read_layers(ROOT / "studies" / "ping.yaml")


def graph_of(raw: dict, **edit):
    return plan(validate(merge(raw, edit)), PINS, codes)


def names(graph, rule):
    return [node.name for node in graph.of_rule(rule)]


def agent(**edit):
    return {"agents": {"dojo": edit}}


def test_every_guard_is_played_once_and_a_drawn_one_as_often_as_it_is_drawn(ping):
    graph = graph_of(ping)

    assert names(graph, "run_episodes") == [
        "episodes/dojo/aligned",
        "episodes/dojo/stopped/s0/none",
        "episodes/dojo/stopped/s0/ping",
        *(f"episodes/dojo/stopped/s0/neutral-{draw}" for draw in range(5)),
        "episodes/dojo/stopped/s0/ptst",
        "episodes/dojo/stopped/s0/suffix",
    ]


def test_only_guards_that_are_made_from_a_search_depend_on_it(ping):
    graph = graph_of(ping)

    searched = {
        n.name.split("/")[-1] for n in graph.of_rule("run_episodes") if "guard" in n.spec.inputs
    }

    assert searched == {"ping", "suffix", *(f"neutral-{draw}" for draw in range(5))}


def test_more_rounds_go_on_from_the_jobs_that_are_done(ping):
    few = graph_of(ping).of_rule("search_prefix")
    many = graph_of(ping, searches={"grammar": {"rounds": 12}}).of_rule("search_prefix")

    assert [node.spec.params["search"]["rounds"] for node in many] == [5, 10, 12]
    assert many[0].digest == few[0].digest
    assert [node.spec.inputs.get("earlier") for node in many] == [
        None,
        many[0].digest,
        many[1].digest,
    ]


def test_second_scores_are_a_job_of_their_own_and_keep_no_search_from_going_on(ping):
    def jobs(rounds: int):
        edit = {"grammar": {"rounds": rounds, "rescore": 9}}
        return graph_of(ping, searches=edit).of_rule("search_prefix")

    few, many = jobs(5), jobs(10)

    assert [node.spec.params.get("rescore") for node in many] == [None, None, 9]
    assert many[0].digest == few[0].digest
    assert many[-1].name == few[-1].name == "prefix/dojo/stopped/s0/search0"


GENERATORS = {
    "grammar": {"type": "grammar"},
    "local_lm": {"type": "local_lm", "checkpoint": "smollm2", "params": {"temperature": 0.5}},
    "openai_compatible": {
        "type": "openai_compatible",
        "params": {"base_url": "https://host/v1", "model": "m", "max_tokens": 9},
    },
}


@pytest.mark.parametrize("kind", BUILT_IN)
def test_what_is_planned_of_a_generator_is_what_it_takes(ping, kind):
    search = {"grammar": {"generator": GENERATORS[kind]}}
    (node,) = graph_of(ping, searches=search).of_rule("search_prefix")

    made = load_generator(node.spec.params["generator"], GeneratorContext(model=object()))

    assert made.description["type"] == kind


def test_the_replies_of_an_earlier_search_are_an_input_like_any_source(ping):
    generator = GENERATORS["openai_compatible"] | {"replies": "smollm2"}
    (node,) = graph_of(ping, searches={"grammar": {"generator": generator}}).of_rule(
        "search_prefix"
    )

    assert node.spec.inputs["replies"] == graph_of(ping).by_name("source/smollm2").digest


def test_a_prefix_and_its_controls_end_as_the_search_ended_them(ping):
    def endings(**search) -> dict[str, object]:
        return {
            node.name.split("/")[-1]: node.spec.params["guard"].get("ending")
            for node in graph_of(ping, searches={"grammar": search}).of_rule("run_episodes")
        }

    assert set(endings().values()) == {None}
    assert {name for name, ending in endings(ending="").items() if ending == ""} == {
        "ping",
        "suffix",
        *(f"neutral-{draw}" for draw in range(5)),
    }


def test_another_guard_plays_its_own_episodes_and_nothing_else_anew(ping):
    before = graph_of(ping)
    edit = {"guards": {"short": {"type": "comment"}}}
    after = graph_of(
        merge(ping, edit), **agent(guards=[*ping["agents"]["dojo"]["guards"], "short"])
    )

    new = [node for node in after if node.digest not in before.nodes]

    assert sorted(node.rule for node in new) == [
        "evaluate_study",
        "judge_responses",
        "judge_responses",
        "render_report",
        "run_episodes",
    ]


def test_a_search_setting_touches_no_training(ping):
    before = graph_of(ping)
    after = graph_of(ping, searches={"grammar": {"keep": 4}})

    new = {node.rule for node in after if node.digest not in before.nodes}

    assert new == {
        "search_prefix",
        "run_episodes",
        "judge_responses",
        "evaluate_study",
        "render_report",
    }


def test_every_search_seed_has_its_own_prefix_and_its_own_episodes(ping):
    graph = graph_of(ping, **agent(search_seeds=[0, 1, 2]))

    assert len(names(graph, "search_prefix")) == 3
    assert [n for n in names(graph, "run_episodes") if "/ping" in n] == [
        f"episodes/dojo/stopped/s0/ping-{seed}" for seed in range(3)
    ]


def test_draws_are_matched_to_the_searches_winners_in_turn(ping):
    graph = graph_of(ping, **agent(search_seeds=[4, 2]))
    searches = {node.digest: node.name[-1] for node in graph.of_rule("search_prefix")}
    neutral = [node for node in graph.of_rule("run_episodes") if "/neutral" in node.name]

    assert [searches[node.spec.inputs["guard"]] for node in neutral] == ["4", "2", "4", "2", "4"]
    assert [node.spec.params["guard"]["index"] for node in neutral] == [0, 1, 2, 3, 4]


def scored_arms(graph) -> list[tuple[str, str, int]]:
    """Return search, arm and search seed, for each arm whose search score is held against test."""
    (node,) = graph.of_rule("evaluate_study")
    roles = {
        role.removeprefix("prefix."): graph.nodes[digest].name
        for role, digest in node.spec.inputs.items()
        if role.startswith("prefix.")
    }
    return [
        (roles[each["prefix"]], each["agent"], each["search_seed"])
        for each in node.spec.params.get("prefixes", ())
    ]


AS_SCORED = ("prefix/dojo/stopped/s0/search0", "dojo/stopped/s0/ping", 0)


@pytest.mark.parametrize(
    "other",
    [
        {"classifier": 0.5},
        {"opening_at": "first"},
        {"keep_opening": False},
        {"pick": "first_round"},
        {"placement": "suffix"},
        {"ending": " "},
    ],
)
def test_the_search_is_held_against_the_arm_that_uses_its_prefix_as_it_was_scored(ping, other):
    guards = {"guards": {"other": {"type": "prefix"} | other}}
    edited = merge(ping, guards)

    for order in (["ping", "other"], ["other", "ping"]):
        graph = graph_of(edited, **agent(guards=["none", "neutral", *order]))
        assert scored_arms(graph) == [AS_SCORED]
    alone = graph_of(edited, **agent(guards=["none", "neutral", "other"]))
    assert scored_arms(alone) == []


@pytest.mark.parametrize(
    "same",
    [
        {"opening_at": "every"},
        {"keep_opening": True},
        {"pick": "winner", "placement": "opening", "ending": "\n"},
    ],
)
def test_a_default_written_out_is_the_default(ping, same):
    assert scored_arms(graph_of(ping, guards={"ping": same})) == [AS_SCORED]


def test_each_search_is_held_against_its_own_draw(ping):
    found = scored_arms(graph_of(ping, **agent(search_seeds=[5, 3])))

    assert found == [
        (f"prefix/dojo/stopped/s0/search{seed}", f"dojo/stopped/s0/ping-{seed}", seed)
        for seed in (5, 3)
    ]


def test_the_only_searchs_seed_is_told_as_it_is(ping):
    (found,) = scored_arms(graph_of(ping, **agent(search_seeds=[5])))

    assert found == ("prefix/dojo/stopped/s0/search5", "dojo/stopped/s0/ping", 5)


def test_the_evaluation_is_told_what_each_guard_is(ping):
    renamed = merge(ping, {"guards": {"chat": {"type": "neutral", "classifier": 0.4}}})
    graph = graph_of(renamed, **agent(guards=["none", "ping", "neutral", "suffix", "chat"]))
    (node,) = graph.of_rule("evaluate_study")

    kinds = {cell["guard"]: cell.get("guard_kind") for cell in node.spec.params["cells"]}

    assert kinds == {
        "none": {"type": "none"},
        "ping": {"type": "prefix"},
        "neutral": {"type": "neutral"},
        "suffix": {"type": "prefix", "placement": "suffix"},
        "chat": {"type": "neutral", "classifier": 0.4},
    }


def test_an_adapter_is_tuned_where_a_method_of_the_study_is_named(ping):
    methods = {
        "methods": {"asft": {"lambda": 1}},
        "pairs": {"dojo": {"base": "dojo-given", "aligned": "dojo-aligned"}},
    }
    tuning = {"method": "asft", "training": {"learning_rate": 1e-3, "steps": 3}}
    graph = graph_of(merge(ping, methods), **agent(pair="dojo", tunings={"asft": tuning}))

    (node,) = graph.of_rule("tune_adapter")
    assert set(node.spec.inputs) == {"checkpoint", "mixture", "direction"}
    assert node.spec.code == "tune_adapter:asft/1"


def test_the_papers_preset_sees_each_row_once_at_the_papers_rate(ping):
    rows = [{"part": "train", "kind": "benign", "rows": 300}]
    merged = merge(ping, {"demonstrations": {"expert": {"rows": rows}}})
    graph = graph_of(
        merge(merged, {"agents": {"dojo": {"tunings": None}}}),
        **agent(tunings={"paper": {"preset": "paper"}}),
    )

    (node,) = graph.of_rule("tune_checkpoint")
    training = node.spec.params["training"]
    assert {
        key: training[key] for key in ("learning_rate", "schedule", "warmup", "steps", "batch_size")
    } == {
        "learning_rate": 1e-5,
        "schedule": "cosine",
        "warmup": 1,
        "steps": 3,
        "batch_size": 128,
    }
    assert "layers" not in node.spec.params


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (agent(world="dojjo"), "agents.dojo.world: 'dojjo': there is no such name; did you mean 'dojo'?"),
        (agent(search=None), "a guard of type prefix needs a search"),
        (agent(guards=["none", "ping"]), "without a neutral comment of the same form"),
        (agent(demonstrations="plain"), "benign demonstrations of the part train alone"),
        (
            {"demonstrations": {"plain": {"rows": [{"part": "align", "kind": "benign", "rows": 3, "reply": "refusal"}]}}},
            "benign tasks are not refused",
        ),
        (agent(tunings={"stopped": {"method": "asfft", "targets": [], "layers": None}}), "did you mean 'asft'?"),
        ({"searches": {"grammar": {"generator": {"type": "local_lm"}}}}, "a checkpoint is needed by a generator of type local_lm"),
        ({"searches": {"grammar": {"generator": {"replies": "smollm2"}}}}, "only a generator of type openai_compatible"),
        ({"searches": {"grammar": {"generator": {"type": "openai_compatible", "replies": "smollm"}}}}, "did you mean 'smollm2'?"),
        (agent(tunings={"stopped": {"preset": "paper"}}), "name exactly one of training, preset"),
        (agent(tunings={"x": {"preset": "paper", "layers": 3}}), "a preset brings its own"),
        ({"searches": {"grammar": {"keep": 2}}}, "searches.grammar.keep: 2"),
        ({"guards": {"ping": {"type": "prefixx"}}}, "guards.ping.type: 'prefixx'"),
        ({"checkpoints": {"dojo-plain": {"align": {"demonstrations": "plian"}}}}, "did you mean 'plain'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_key_and_cure(ping, edit, told):
    with pytest.raises(StudyError) as problem:
        graph_of(ping, **edit)

    assert told in str(problem.value)


def test_a_model_that_proposes_prefixes_is_reckoned_beside_the_agent(ping):
    alone = graph_of(ping).of_rule("search_prefix")[0]
    generator = {"type": "local_lm", "checkpoint": "smollm2"}
    both = graph_of(ping, searches={"grammar": {"generator": generator}}).of_rule("search_prefix")[
        0
    ]
    assert both.parameters == 2 * alone.parameters > 0


def test_a_system_prompt_in_the_studys_own_words_is_told_of_and_a_built_in_one_as_before(ping):
    edit = {"guards": {"own": {"type": "system", "text": "Be quick."}}} | agent(
        guards=["none", "ping", "neutral", "ptst", "own"]
    )
    (node,) = graph_of(ping, **edit).of_rule("evaluate_study")
    kinds = {cell["guard"]: cell.get("guard_kind") for cell in node.spec.params["cells"]}

    assert kinds["own"] == {"type": "system", "own_words": True}
    assert kinds["ptst"] == {"type": "system"}
