"""Conversations as a chat template writes them, checked for saying what was said.

A template may refuse a message, leave one out or change it. Each of these is an error with a cure:
answers to a prompt that lacks its system message, say, would be figures of another experiment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from safebasin.errors import DamagedInput
from safebasin.templates.process import TemplateRefused, render, variables
from safebasin.templates.settings import OURS, ChatSettings

Message = Mapping[str, str]
"""``{"role": ..., "content": ...}``."""

STAND_INS = {
    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>",
}  # fmt: skip
"""What stands for a tokenizer's special tokens where it is not at hand."""

_INTO_USER = (
    "`chat_system: into_first_user_turn` of the checkpoint puts a system message before the first "
    "user's text, or give a `chat_template` with a system role"
)
_ANOTHER = "give the checkpoint a `chat_template` that does"
_RIGHT = "give the checkpoint a `chat_template` that is one"
_ASKED = {"role": "user", "content": "asked-of-the-model"}
_SAID = "said-by-the-model"
_THOUGHT = "</think>"
_SHOWN = 160


class TemplateFault(DamagedInput):
    """A chat template does not write a conversation as it must."""

    def __init__(self, name: str, what: str, cure: str) -> None:
        """Tell whose template it is, what is wrong with it, and the cure."""
        super().__init__(f"{name}: its chat template {what}; {cure}")
        self.what, self.cure = f"its chat template {what}", cure


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a template writes around an answer; empty where it writes nothing."""

    before: str = ""
    """What stands between a prompt and the answer to it."""
    after: str = ""
    """What stands behind an answer that nothing follows."""
    between: str = ""
    """What stands between an answer and the end of the next question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTemplate:
    """One template, and what it is given besides the messages."""

    name: str
    """Whose it is, for messages."""
    text: str
    tokens: Mapping[str, Any] = field(default_factory=dict)
    """The tokenizer's special tokens by name, such as ``bos_token``."""
    settings: ChatSettings = field(default_factory=ChatSettings)

    def prompt(self, messages: Sequence[Message]) -> str:
        """Return a conversation up to where the assistant speaks.

        Raises:
            TemplateFault: the template refuses it, or writes something else.
        """
        return self._checked(messages, open_turn=True)

    def answer(self, messages: Sequence[Message], response: str) -> str:
        """Return all that the template writes after the prompt where ``response`` is the answer.

        Raises:
            TemplateFault: it writes another prompt before an answer than without one, or changes
                the answer.
        """
        prompt = self.prompt(messages)
        whole = self._checked([*messages, _answered(response)], open_turn=False)
        if not whole.startswith(prompt):
            same = next(
                (at for at, (a, b) in enumerate(zip(prompt, whole, strict=False)) if a != b),
                min(len(prompt), len(whole)),
            )
            raise TemplateFault(
                self.name,
                f"ends a prompt with {_shown(prompt[same:])} and begins an answer with "
                f"{_shown(whole[same:])}, so an answer cannot be learnt as it would be given",
                "a value of `chat_template_kwargs` may switch that off (enable_thinking: false), "
                f"or {_ANOTHER} otherwise",
            )
        rest = whole[len(prompt) :]
        if _bare(response) not in _bare(rest):
            raise TemplateFault(
                self.name, f"changes the answer {_shown(response)}", f"{_ANOTHER} not"
            )
        return rest

    def frame(self) -> Frame:
        """Return what stands around an answer, as far as that can be told."""
        asked, answered = [_ASKED], [_ASKED, _answered(_SAID)]
        prompt = self._tried(asked, open_turn=True)
        whole = self._tried(answered, open_turn=False)
        longer = self._tried([*answered, _ASKED], open_turn=False)
        begun, found, after = whole.rpartition(_SAID)
        if not found:
            begun = after = ""
        return Frame(
            before=begun.removeprefix(prompt) if begun.startswith(prompt) else "",
            after=after,
            between=longer.partition(_SAID)[2],
        )

    def check_names(self) -> None:
        """Raise where the template knows nothing of a value that it is to be given.

        Raises:
            TemplateFault: it does not, or it is no template.
        """
        if not self.settings.kwargs:
            return
        try:
            known = variables(self.text, self.settings.date)
        except TemplateRefused as refusal:
            raise TemplateFault(self.name, f"is none: {refusal}", _RIGHT) from None
        if unknown := sorted(self.settings.kwargs.keys() - set(known)):
            open_to = [name for name in known if name not in OURS | self.tokens.keys()]
            raise TemplateFault(
                self.name,
                f"has no {', '.join(unknown)}, which `chat_template_kwargs` sets",
                f"name what it takes: {', '.join(open_to) or 'nothing'}",
            )

    def check_opening(self) -> None:
        """Raise where a prompt does not lead into the assistant's turn.

        Raises:
            TemplateFault: it does not.
        """
        try:
            bare, led, whole = (
                self._rendered([_ASKED, *more], open_turn=opens)
                for more, opens in (([], False), ([], True), ([_answered(_SAID)], False))
            )
        except TemplateRefused:
            return
        header = whole[len(bare) :].partition(_SAID)[0] if whole.startswith(bare) else ""
        if led == bare and any(letter.isalpha() for letter in header):
            raise TemplateFault(
                self.name,
                f"begins an answer with {_shown(header)} and leaves that out of the prompt "
                "(add_generation_prompt changes nothing)",
                "give the checkpoint a `chat_template` that writes it",
            )

    def _checked(self, messages: Sequence[Message], *, open_turn: bool) -> str:
        try:
            text = self._rendered(messages, open_turn=open_turn)
        except TemplateRefused as refusal:
            raise self._explained(messages, refusal) from None
        for message in messages:
            said = message["content"].rpartition(_THOUGHT)[2].strip()
            if message["role"] == "assistant":
                if _bare(said) in _bare(text):
                    continue
                what, cure = f"leaves out or changes what the assistant said: {_shown(said)}", ""
            elif message["content"].strip() in text:
                continue
            elif message["role"] == "system":
                what, cure = "leaves out or changes the system message", _INTO_USER
            else:
                what, cure = f"leaves out or changes what is asked: {_shown(said)}", ""
            raise TemplateFault(self.name, what, cure or f"{_ANOTHER} not")
        self._check_order(messages, _bare(text))
        return text

    def _check_order(self, messages: Sequence[Message], written: str) -> None:
        """Raise where turns are not written one after the other; a system message may be moved."""
        at = 0
        for message in messages:
            if message["role"] == "system":
                continue
            said = _bare(message["content"].rpartition(_THOUGHT)[2])
            place = written.find(said, at)
            if place < 0:
                raise TemplateFault(
                    self.name, "writes the turns in another order", f"{_ANOTHER} not"
                )
            at = place + len(said)

    def _tried(self, messages: Sequence[Message], *, open_turn: bool) -> str:
        """Return the text; nothing where the template refuses the messages."""
        try:
            return self._rendered(messages, open_turn=open_turn)
        except TemplateRefused:
            return ""

    def _rendered(self, messages: Sequence[Message], *, open_turn: bool) -> str:
        turns = [{"role": turn["role"], "content": turn["content"]} for turn in messages]
        values = {
            **self.tokens,
            **self.settings.kwargs,
            "messages": self._placed(turns),
            "tools": None,
            "documents": None,
            "add_generation_prompt": open_turn,
        }
        return render(self.text, self.settings.date, values)

    def _placed(self, turns: list[dict[str, str]]) -> list[dict[str, str]]:
        """Return the turns with the system message where the study wants it."""
        if self.settings.system == "own_role" or len(turns) < 2 or turns[0]["role"] != "system":
            return turns
        system, first, *rest = turns
        if first["role"] != "user":
            return turns
        return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]

    def _explained(self, messages: Sequence[Message], refusal: TemplateRefused) -> TemplateFault:
        """Return the fault that tells which of the messages was refused."""
        rest = [message for message in messages if message["role"] != "system"]
        own = self.settings.system == "own_role"
        if own and rest and len(rest) < len(messages) and self._takes(rest):
            return TemplateFault(self.name, f"takes no system message ({refusal})", _INTO_USER)
        roles = ", ".join(message["role"] for message in messages)
        if len(messages) > 1 and self._takes([_ASKED]):
            what = f"does not write these turns: {roles} ({refusal})"
            return TemplateFault(self.name, what, f"{_ANOTHER}, or rows whose turns it takes")
        what = f"does not render {'a user' if roles == 'user' else roles}'s message: {refusal}"
        return TemplateFault(self.name, what, _ANOTHER)

    def _takes(self, messages: Sequence[Message]) -> bool:
        try:
            self._rendered(messages, open_turn=messages[-1]["role"] != "assistant")
        except TemplateRefused:
            return False
        return True


def _answered(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _bare(text: str) -> str:
    """Return a text without white space, which templates trim and set around thoughts."""
    return "".join(text.split())


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
