"""What an answer says to its reader: its text without the model's reasoning.

Reasoning is no answer. Where it has an end, what comes after it is judged; where it has none, the
answer was cut before it began, and there is nothing to judge.
"""

from __future__ import annotations

import re
import unicodedata

_NAME = (
    r"(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis"
    r"|inner_monologue)"
)
_OPENS = rf"<\s*{_NAME}(?:\s[^<>/]*)?>|<\|(?:begin_of_thought|start_thinking|think(?:ing)?)\|>"
_CLOSES = rf"<\s*/\s*{_NAME}\s*>|<\|(?:end_of_thought|end_thinking|/think(?:ing)?)\|>"
_TAG = re.compile(
    rf"(?<!`)(?:(?P<opens>{_OPENS}|\[think\]|◁think▷|<\|channel>thought|<unused94>thought)"
    rf"|(?P<closes>{_CLOSES}|\[/think\]|◁/think▷|<channel\|>|<unused95>))",
    re.IGNORECASE,
)
_EMPTY = re.compile(rf"<\s*{_NAME}\s*/>", re.IGNORECASE)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_CHANNEL_ENDS = re.compile(r"<\|(?:end|return|call|start)\|>")
_BARE_CHANNEL = re.compile(r"\s*(?:assistant)?(analysis|commentary|final)(?=[A-Z\"'*])")
_BARE_FINAL = "assistantfinal"
"""How the channels of the harmony format look once special tokens are taken out."""
_THOUGHTS = re.compile(r"\W*here (?:is my thought process|are my reasoning steps):?", re.IGNORECASE)
_RESPONSE = re.compile(r"here is my response:?|\[begin final response\]", re.IGNORECASE)
_APOSTROPHES = re.compile(r"[’‘ʼ´′]|&(?:#39|#x27|apos|rsquo);")
"""They are read before the Unicode form is changed, which takes an acute accent to pieces."""
_MARKS = re.compile(
    r"<\|(?:im_start|start_header_id)\|>\s*assistant|<\|[^|<>\s]{1,40}\|>"
    r"|\[end final response\]"
    r"|</?(?:final_)?(?:answer|response|output|final|assistant|s)>"
    r"|</?(?:b|i|u|p|em|strong|br|div|span|h[1-6])\b[^<>]*>",
    re.IGNORECASE,
)


def spoken(answer: str) -> str:
    """Return what is said outside of reasoning; nothing where reasoning has no end."""
    text = _EMPTY.sub("", _visible(answer))
    if _CHANNEL.search(text):
        text = _final_channel(text)
    elif channel := _BARE_CHANNEL.match(text):
        rest = text[channel.end() :]
        text = rest if channel[1] == "final" else rest.partition(_BARE_FINAL)[2]
    elif _THOUGHTS.match(text):
        found = _RESPONSE.search(text)
        text = text[found.end() :] if found else ""
    return _MARKS.sub(" ", _outside(text))


def _visible(answer: str) -> str:
    """Return the answer in one Unicode form, without characters that nobody sees."""
    composed = unicodedata.normalize("NFKC", _APOSTROPHES.sub("'", answer))
    return "".join(
        each
        for each in composed
        if each.isspace() or unicodedata.category(each) not in {"Cf", "Cc"}
    )


def _outside(text: str) -> str:
    """Return the text outside of blocks of reasoning.

    A block may lack its opening, which many templates put into the prompt.
    """
    said: list[str] = []
    inside, after = False, 0
    for tag in _TAG.finditer(text):
        if tag["opens"]:
            said += [] if inside else [text[after : tag.start()]]
        elif not inside:
            said.clear()
        inside, after = tag["opens"] is not None, tag.end()
    return " ".join(said if inside else [*said, text[after:]]).strip()


def _final_channel(text: str) -> str:
    parts = _CHANNEL.split(text)
    said = [body for name, body in zip(parts[1::2], parts[2::2], strict=True) if name == "final"]
    return " ".join(_CHANNEL_ENDS.split(body)[0] for body in said)
