"""The forms of conversation that a study puts to a model; a template is tried on them first."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.templates.conversation import ChatTemplate, Message

_SIGNS = """<&>"' Large and
small"""
"""What a template may change where other words stay what they are: signs, as HTML or JSON writes
them, letters' size and lines."""
_SYSTEM = {"role": "system", "content": f"how-to-answer {_SIGNS}."}
_ASKED = {"role": "user", "content": f"first-thing-asked {_SIGNS}?"}
_MORE = (
    {"role": "assistant", "content": f"first-thing-said {_SIGNS}."},
    {"role": "user", "content": f"second-thing-asked {_SIGNS}?"},
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Form:
    """One form, the simplest first."""

    learnt: bool = False
    """Whether an answer to it is learnt, and not only given."""
    system: bool = False
    """Whether a system message stands first."""
    turns: bool = False
    """Whether there are several turns, or one question."""

    @property
    def messages(self) -> list[Message]:
        """Messages of this form; their words occur in no template."""
        return [*([_SYSTEM] if self.system else []), _ASKED, *(_MORE if self.turns else ())]

    def __str__(self) -> str:
        """Return what it is called in messages."""
        parts = ["a system message"] * self.system
        parts += ["several turns"] * self.turns or ["a user's message"]
        parts += ["an answer to learn"] * self.learnt
        return ", ".join(parts)


USER = Form()


def examine(template: ChatTemplate, form: Form) -> None:
    """Raise where the template does not write a form as it must.

    Raises:
        TemplateFault: it does not; the message has the cure.
    """
    template.check_names()
    template.check_opening()
    if form.learnt:
        template.answer(form.messages, f"thing-learnt {_SIGNS}.")
    else:
        template.prompt(form.messages)
