"""Each check finds its problem, names the cure, and is silent where all is well."""

from __future__ import annotations

import json

import pytest
from safebasin.errors import MachineLacks
from safebasin.models.tiny import CHAT_TEMPLATE
from safebasin.preflight import machine
from safebasin.preflight.checks import find_all
from safebasin.preflight.disk import bytes_needed, check_disk
from safebasin.preflight.finding import Site
from safebasin.preflight.gpus import Gpus
from safebasin.preflight.machine import check_gpu, check_sandbox, gpus_asked
from safebasin.preflight.models import check_pairs
from safebasin.preflight.shapes import shapes_of
from safebasin.preflight.sources import check_access, check_lock
from safebasin.preflight.templates import check_templates
from safebasin.sizing import model_bytes
from safebasin.store.publish import publish
from safebasin.workflow import open_workflow

from ...workflow import ROOT, SMOKE
from ..sources.hub_lookalike import HubLookalike
from .conftest import CONFIG, checkpoint


def test_a_study_with_nothing_wrong_has_no_finding_and_writes_nothing(pair, build, tmp_path):
    site = build()
    before = sorted(tmp_path.rglob("*"))

    assert find_all(site) == []
    assert sorted(tmp_path.rglob("*")) == before


def test_a_source_without_an_entry_is_found(pair, build):
    findings = check_lock(build(locked=False))

    assert {each.what.split()[0] for each in findings} == {"source/base", "source/chat"}
    assert all("safebasin lock" in each.cure for each in findings)


@pytest.mark.parametrize(
    ("path", "what", "cure"),
    [
        ("gate", "gated", "accept its conditions"),
        ("revision", "no such revision", "mirror"),
        ("repository", "no such repository", "Correct repo"),
    ],
)
def test_what_stands_before_a_fetch_is_found_for_each_source(pair, build, path, what, cure):
    site = build()
    if path == "gate":
        pair.repositories["lab/chat"].token = "hf_right"
    elif path == "revision":
        pair.repositories["lab/chat"].commits.clear()
    else:
        del pair.repositories["lab/chat"]

    (finding,) = check_access(site)

    assert finding.what.startswith("source/chat: lab/chat")
    assert what in finding.what
    assert cure in finding.cure


def test_a_gate_is_found_before_anything_is_locked(pair, build):
    pair.repositories["lab/chat"].token = "hf_right"

    (finding,) = check_access(build(locked=False))

    assert finding.what.startswith("source/chat: lab/chat: 'config.json'")
    assert "gated" in finding.what


def test_a_mirror_that_has_the_files_makes_access_well(pair, build):
    mirror = HubLookalike()
    mirror.add("lab/chat", checkpoint(b"c"), commit="b" * 40)
    site = build({"sources": {"chat": {"hub": {"mirrors": [mirror.address]}}}})
    pair.repositories["lab/chat"].commits.clear()

    assert check_access(site) == []
    mirror.close()


def test_what_the_store_holds_is_not_asked_for(pair, build):
    site = build()
    node = site.workflow.graph.by_name("source/chat")
    pair.repositories.clear()
    asked = {each.what.split(":")[0] for each in check_access(site)}
    scratch = site.workflow.store.scratch(node.digest)
    scratch.mkdir(parents=True)
    (scratch / "model.safetensors").write_bytes(b"")
    publish(site.workflow.store, node.spec, ["*"], {})

    assert asked == {"source/base", "source/chat"}
    assert {each.what.split(":")[0] for each in check_access(site)} == {"source/base"}


def test_a_folder_that_lacks_a_file_is_found(pair, build, tmp_path):
    (tmp_path / "local").mkdir()
    for name, content in checkpoint(b"c").items():
        (tmp_path / "local" / name).write_bytes(content)
    site = build({"sources": {"chat": {"hub": None, "folder": str(tmp_path / "local")}}})
    (tmp_path / "local" / "config.json").unlink()

    (finding,) = check_access(site)

    assert "'config.json' is missing" in finding.what
    assert "put it back" in finding.cure


def test_the_disk_must_take_sources_checkpoints_direction_and_adapters(pair, build):
    site = build()
    files = sum(len(content) for content in checkpoint().values())
    layer = 2 * (4096 * 4096 + 11008 * 4096)  # q and v, up and down
    adapter = 4 * (2 * (4096 + 4096) + 2 * (11008 + 4096)) * 32
    adapters = len(site.workflow.graph.of_rule("tune_adapter"))

    assert bytes_needed(site) == (2 * files + 4 * 32 * layer + 4 * adapter * adapters)


def test_a_disk_that_is_too_small_is_found(pair, build):
    (finding,) = check_disk(
        build({"checkpoints": {"tiny": {"parameters": 10**15, "dtype": "float32"}}})
    )

    assert "will be written" in finding.what
    assert "SAFEBASIN_STORE" in finding.cure


def test_a_pair_of_two_shapes_is_found(hub, build):
    hub.add("lab/base", checkpoint(num_key_value_heads=8), commit="a" * 40)
    hub.add("lab/chat", checkpoint(b"c"), commit="b" * 40)

    (finding,) = check_pairs(build())

    assert finding.what.startswith("pairs.tiny: tiny-aligned")
    assert "name the base" in finding.cure


def test_a_checkpoint_that_is_talked_to_needs_a_template(hub, build):
    hub.add("lab/base", checkpoint(), commit="a" * 40)
    bare = {**checkpoint(b"c"), "tokenizer_config.json": b"{}"}
    hub.add("lab/chat", bare, commit="b" * 40)
    names = {each.what.split(":")[0] for each in check_templates(build())}

    hub.add("lab/chat", {**bare, "chat_template.jinja": CHAT_TEMPLATE.encode()}, commit="e" * 40)
    with_file = check_templates(build({"sources": {"chat": {"files": ["*"]}}}))
    given = check_templates(
        build({"checkpoints": {"tiny-aligned": {"chat_template": CHAT_TEMPLATE}}})
    )

    assert names == {"checkpoints.tiny-aligned"}
    assert with_file == given == []


def test_a_gpu_that_is_too_small_is_found_once_for_each_kind_of_job(pair, build):
    assert check_gpu(build()) == []
    assert check_gpu(build(gpus=Gpus(bytes_each=1 << 40, count=1, stated=False))) == []
    findings = check_gpu(build(gpus=Gpus(bytes_each=1 << 30, count=1, stated=False)))

    assert len(findings) == len({each.what.split("/")[0] for each in findings}) == 2
    assert all("does not fit 1 GPU of 1.07 GB" in each.what for each in findings)
    assert any("micro_batch" in each.cure for each in findings)
    assert any("generation.precision" in each.cure for each in findings)


@pytest.mark.parametrize(("count", "found"), [(1, {"adapter"}), (2, set()), (8, set())])
def test_a_job_is_compared_with_the_gpus_that_it_is_granted(pair, build, count, found):
    # 12.3 GB to tune an adapter in fp32, 4 GB to generate
    site = build(gpus=Gpus(bytes_each=10**10, count=count))
    assert {each.what.split("/")[0] for each in check_gpu(site)} == found
    asked = {node.rule: gpus for node, gpus in gpus_asked(site)}
    assert asked == {"tune_adapter": min(2, count), "generate_responses": 1}


def test_where_no_gpu_is_seen_the_stated_figure_serves_and_is_called_that(pair, build):
    (finding,) = check_gpu(build(gpus=Gpus(bytes_each=10**10, count=1)))
    assert finding.what.endswith("does not fit 1 GPU of 10 GB (stated)")


def test_memory_grows_with_the_micro_batch_and_shrinks_with_the_precision(pair, build):
    def needed(**training):
        site = build({"training": training})
        return model_bytes(site.workflow.graph.of_rule("tune_adapter")[0])

    weights = 4 * 10**9
    one, four = needed(micro_batch=1) - weights, needed(micro_batch=4) - weights
    assert four == pytest.approx(4 * one, rel=1e-6)
    assert needed(precision="bfloat16", micro_batch=1) == pytest.approx(
        needed(micro_batch=1) / 2, rel=1e-6
    )


@pytest.mark.parametrize(("world", "found"), [("dojo", 0), ("toolshell", 1)])
def test_a_machine_without_a_sandbox_is_found_where_code_would_run(
    tmp_path, monkeypatch, world, found
):
    monkeypatch.chdir(ROOT)
    (tmp_path / "edit.yaml").write_text(f"worlds: {{dojo: {{type: {world}}}}}\n")
    files = [SMOKE, tmp_path / "edit.yaml"]
    site = Site(workflow=open_workflow(files, store=tmp_path / "store"))

    def refuse():
        raise MachineLacks("toolshell: no sandbox: none; nothing was run. Install bubblewrap")

    monkeypatch.setattr(machine, "require_sandbox", refuse)
    findings = check_sandbox(site)
    assert [each.what for each in findings] == ["worlds.dojo: toolshell: no sandbox: none"] * found
    assert all("Install bubblewrap" in each.cure for each in findings)


@pytest.mark.parametrize(
    "missing", ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]
)
def test_shapes_that_a_config_does_not_tell_are_none(missing):
    assert shapes_of({key: value for key, value in CONFIG.items() if key != missing}) is None


def test_shapes_of_grouped_heads():
    told = shapes_of({**CONFIG, "num_key_value_heads": 8})

    assert told is not None
    assert told.matrix("k_proj") == (1024, 4096)
    assert told.matrix("lm_head") is None


def test_a_settings_file_that_is_no_object_is_passed_over(pair, build):
    pair.add(
        "lab/chat", {**checkpoint(b"c"), "config.json": json.dumps([1]).encode()}, commit="f" * 40
    )

    assert check_pairs(build()) == []
