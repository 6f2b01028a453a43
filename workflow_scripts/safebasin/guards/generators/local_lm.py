"""Prefixes from a checkpoint on this machine, sampled; the grammar fills up what it fails to say.

A model of this size keeps the asked-for form badly; every candidate says who wrote it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from safebasin.errors import StudyError
from safebasin.guards.generators.generator import Feedback, GeneratorContext, Proposal
from safebasin.guards.generators.grammar import GrammarGenerator
from safebasin.guards.generators.instructions import marked_prefixes, request_text
from safebasin.store.canonical import Json

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel


@dataclass(frozen=True, kw_only=True)
class LocalModelSettings:
    """The options of ``local_lm``."""

    seed: int = 0
    temperature: Annotated[float, Field(gt=0)] = 0.7
    max_new_tokens: Annotated[int, Field(ge=1)] = 400

    def make(self, context: GeneratorContext) -> LocalModelGenerator:
        """Return the generator.

        Raises:
            StudyError: no checkpoint was given to generate with.
        """
        if context.model is None:
            raise StudyError("generator local_lm: it needs a checkpoint to write with")
        return LocalModelGenerator(self, context.model)


class LocalModelGenerator:
    """Samples one reply a round and reads its marked lines."""

    reproducible = True

    def __init__(self, settings: LocalModelSettings, loaded: LoadedModel) -> None:
        """Take an untuned model; the seed of a round follows from the settings' and its number."""
        self._settings = settings
        self._loaded = loaded
        self._grammar = GrammarGenerator(settings.seed)

    @property
    def description(self) -> Mapping[str, Json]:
        """Type and settings."""
        settings = self._settings
        return {
            "type": "local_lm",
            "seed": settings.seed,
            "temperature": settings.temperature,
            "max_new_tokens": settings.max_new_tokens,
            "filled_up_by": "grammar",
        }

    def propose(self, count: int, feedback: Feedback | None, round: int) -> list[Proposal]:
        """Return what the model wrote, then the grammar's sentences up to ``count``."""
        from safebasin.models.chat import ChatFormat
        from safebasin.models.generate import end_tokens

        chat = ChatFormat(self._loaded.tokenizer)
        prompt = chat.prompt([{"role": "user", "content": request_text(count, feedback)}])
        said = sample(
            self._loaded,
            prompt,
            end_tokens(self._loaded, chat),
            has_ended=chat.has_ended,
            longest=self._settings.max_new_tokens,
            temperature=self._settings.temperature,
            seed=f"local_lm {self._settings.seed} round {round}",
        )
        shown = feedback.texts() if feedback is not None else ()
        own = [
            Proposal(text=text, parents=shown, source="local_lm")
            for text in marked_prefixes(chat.text(said))[:count]
        ]
        known = {each.text for each in own}
        filling = [
            each for each in self._grammar.propose(count, feedback, round) if each.text not in known
        ]
        return (own + filling)[:count]


def sample(
    loaded: LoadedModel,
    prompt: Sequence[int],
    ends: frozenset[int],
    *,
    has_ended: Callable[[Sequence[int]], bool] = lambda _: False,
    longest: int,
    temperature: float,
    seed: str,
) -> list[int]:
    """Return sampled tokens after ``prompt``, without the one that ends the turn.

    The draws are made on the CPU in fp64 by a generator of their own, so that the device changes
    them only through the logits.
    """
    import torch
    from transformers import DynamicCache

    generator = torch.Generator()
    generator.manual_seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:7], "big"))
    cache = DynamicCache(config=loaded.model.config)
    tokens = torch.tensor([list(prompt)], device=loaded.device)
    said: list[int] = []
    with torch.inference_mode():
        while len(said) < longest:
            logits = loaded.model(
                input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1
            ).logits[0, -1]
            chances = torch.softmax(logits.double().cpu() / temperature, dim=-1)
            token = int(torch.multinomial(chances, 1, generator=generator))
            if token in ends:
                break
            said.append(token)
            if has_ended(said):
                break
            tokens = torch.tensor([[token]], device=loaded.device)
    return said
