"""What a step may see of the environment: only a fetch has the network and the user's token."""

from __future__ import annotations

import os

import pytest
from safebasin.run_step import OFFLINE, SECRETS, _set_environment
from safebasin.store.kinds import RULES


@pytest.mark.parametrize("step", RULES)
def test_only_a_fetch_may_reach_the_hub_and_sees_the_token(step, monkeypatch):
    for name in SECRETS:
        monkeypatch.setenv(name, "hf_secret")
    for name in OFFLINE:
        monkeypatch.setenv(name, "0")

    _set_environment(step)

    fetches = step == "fetch_source"
    assert all((os.environ.get(name) == "hf_secret") == fetches for name in SECRETS)
    assert all((os.environ[name] == "1") != fetches for name in OFFLINE)
