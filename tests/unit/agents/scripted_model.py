"""A language model whose words follow a script; tokenizer, template, batches and cache are real."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from safebasin.models.load import LoadedModel
from safebasin.models.tiny import CHAT_TEMPLATE, train_tokenizer
from transformers import LlamaConfig

Script = Callable[[str], str]
"""A rendered text, opening and all, to what the model says after it."""


class ScriptedModel:
    """Stands where the language model does and says, token by token, what the script answers.

    It keeps tokens where others keep keys and values, so it knows of a text what it was fed.
    """

    generation_config = None

    def __init__(self, tokenizer: Any, script: Script) -> None:
        self.config = LlamaConfig(num_hidden_layers=1)
        self.asked: list[str] = []
        """The texts to go on from, in their order; pages that are only read are among them."""
        self._tokenizer, self._script = tokenizer, script
        self._begun: dict[tuple[int, ...], tuple[int, ...]] = {}

    def __call__(
        self, *, input_ids: Any, past_key_values: Any, attention_mask: Any = None, **_: Any
    ) -> Any:
        fed = input_ids[:, None, :, None]
        held, _ = past_key_values.update(fed, fed, 0)
        if attention_mask is None:  # the head that all texts share; nobody listens yet
            return None
        rows = zip(held[:, 0, :, 0], attention_mask.bool(), strict=True)
        said = torch.tensor([self._next(tuple(row[seen].tolist())) for row, seen in rows])
        size = len(self._tokenizer)
        return SimpleNamespace(logits=torch.nn.functional.one_hot(said, size)[:, None].float())

    def _next(self, text: tuple[int, ...]) -> int:
        rest = self._begun.get(text)
        if rest is None:
            self.asked.append(self._tokenizer.decode(text))
            reply = self._tokenizer(self._script(self.asked[-1]), add_special_tokens=False)
            rest = (*reply["input_ids"], self._tokenizer.eos_token_id)
        self._begun[*text, rest[0]] = rest[1:]
        return rest[0]


def scripted(script: Script, template: str = CHAT_TEMPLATE) -> LoadedModel:
    """Return a model that speaks by the script, loaded as a real one is."""
    tokenizer = train_tokenizer(400)
    tokenizer.chat_template = template
    model = ScriptedModel(tokenizer, script)
    return LoadedModel(model=model, tokenizer=tokenizer, device=torch.device("cpu"))
