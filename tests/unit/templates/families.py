"""Chat templates modelled on those of well-known families, and tokenizers that know their marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safebasin.models.tiny import CHAT_TEMPLATE, train_tokenizer

STRICT = (
    "{%- for m in messages %}"
    "{%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{- raise_exception('Roles must alternate user, assistant, user') }}"
    "{%- endif %}{%- endfor %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    + STRICT
    + "{% for m in messages %}"
    "{% set role = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + role + '\n' + m.content | trim + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{{- bos_token }}" + STRICT + "{%- for m in messages %}"
    "{%- if m.role == 'user' %}{{- '[INST] ' + m.content + ' [/INST]' }}"
    "{%- else %}{{- ' ' + m.content | trim + eos_token }}{%- endif %}{%- endfor %}"
)
DATED = (
    "{{- bos_token }}{% set today = strftime_now('%d %b %Y') %}"
    "{% if messages[0].role == 'system' %}{% set said = messages[0].content | trim %}"
    "{% set messages = messages[1:] %}{% else %}{% set said = '' %}{% endif %}"
    "{{- '<|head|>system<|/head|>\n\nToday Date: ' + today + '\n\n' + said + '<|eot_id|>' }}"
    "{% for m in messages %}"
    "{{- '<|head|>' + m.role + '<|/head|>\n\n' + m.content | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{- '<|head|>assistant<|/head|>\n\n' }}{% endif %}"
)
PHI = (
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
CHATML = CHAT_TEMPLATE
_THINKING = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
    "{% if m.role == 'assistant' %}{% set said = m.content.split('</think>')[-1].lstrip('\n') %}"
    "{% if loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{{ said }}"
    "{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
)
QWEN3 = (
    _THINKING + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
THINKS_FIRST = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}"
)
CHANNELS = (
    "{% for m in messages %}{{ '<|start|>' + m.role + ('<|channel|>final' if m.role == 'assistant'"
    " else '') + '<|message|>' + m.content }}"
    "{{ '<|return|>' if loop.last and m.role == 'assistant' else '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)
ENDS_TWICE = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start|>' + m.role + '<|message|>' }}"
    "{% if m.role == 'assistant' %}{{ '<|answer|>' + m.content + '<|/answer|>' }}"
    "{% else %}{{ m.content }}{% endif %}{{ '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant<|message|>' }}{% endif %}"
)
PHI_MINI = (
    "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"
)
ZEPHYR = (
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + eos_token + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
PLAIN = (
    "{% for m in messages %}{{ '### ' + m.role + ':\n' + m.content + '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### assistant:\n' }}{% endif %}"
)
WORDS = (
    "{% for m in messages %}{{ m.role + ':\n' + m.content + ' END OF TURN\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:\n' }}{% endif %}"
)
NEXT_TURN = (
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
GENERATION = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PROGRAM = (
    "{%- set ns = namespace(seen=0, found=none) %}{%- set d = dict(a=1) %}"
    "{%- macro turn(m) %}{{ '<|im_start|>' ~ m['role'] ~ '\n' ~ m.content ~ '<|im_end|>\n' }}"
    "{%- endmacro %}"
    "{%- for m in messages %}{%- set ns.seen = ns.seen + 1 %}"
    "{%- if m.role == 'nobody' %}{%- continue %}{%- endif %}{{ turn(m) }}{%- endfor %}\n"
    "    {% if tools is none and not documents %}\n  {{ {'é': '<b>', 'n': ns.seen} | tojson }}\n"
    "    {% endif %}{{ (d.items() | list)[0][0] }}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}\n\n"
)

SPECIAL = (
    *("<start_of_turn>", "<end_of_turn>", "<|head|>", "<|/head|>", "<|eot_id|>", "<|end|>"),
    *("<|user|>", "<|assistant|>", "<s>", "</s>", "<|endoftext|>"),
    *("<|start|>", "<|channel|>", "<|message|>", "<|return|>", "<|answer|>", "<|/answer|>"),
    *("[THINK]", "[/THINK]"),
)


@dataclass(frozen=True, kw_only=True)
class Family:
    """A template, the tokenizer's own end, and the end of turn that the template writes."""

    template: str
    end: str
    eos: str = "<|im_end|>"
    bos: str = "<|im_start|>"
    before: str = ""
    """What the template writes between prompt and answer."""
    kwargs: tuple[tuple[str, Any], ...] = ()
    special: tuple[str, ...] = SPECIAL


FAMILIES = {
    "chatml": Family(template=CHATML, end="<|im_end|>"),
    "chatml, another eos": Family(template=CHATML, end="<|im_end|>", eos="<|endoftext|>"),
    "gemma": Family(template=GEMMA, end="<end_of_turn>", eos="</s>", bos="<s>"),
    "mistral": Family(template=MISTRAL, end="</s>", eos="</s>", bos="<s>", before=" "),
    "dated": Family(template=DATED, end="<|eot_id|>", eos="<|endoftext|>", bos="<s>"),
    "phi": Family(template=PHI, end="<|end|>", eos="<|endoftext|>"),
    "phi mini": Family(template=PHI_MINI, end="<|end|>", eos="<|endoftext|>"),
    "channels": Family(
        template=CHANNELS, end="<|return|>", eos="<|return|>", before="<|channel|>final<|message|>"
    ),
    "thinking": Family(template=QWEN3, end="<|im_end|>", before="<think>\n\n</think>\n\n"),
    "thinking off": Family(template=QWEN3, end="<|im_end|>", kwargs=(("enable_thinking", False),)),
    "zephyr": Family(template=ZEPHYR, end="</s>", eos="</s>"),
    "generation": Family(template=GENERATION, end="<|im_end|>"),
    "plain": Family(template=PLAIN, end="<|im_end|>"),
    "words": Family(template=WORDS, end=" END OF TURN", eos="</s>"),
    "an end that is no special token": Family(template=CHATML, end="<|im_end|>", special=()),
}


def tokenizer_of(family: Family) -> Any:
    """Return a tokenizer that knows the family's marks."""
    tokenizer = train_tokenizer(400)
    tokenizer.add_special_tokens({"additional_special_tokens": list(family.special)})
    tokenizer.add_tokens([mark for mark in SPECIAL if mark not in family.special])
    tokenizer.eos_token, tokenizer.bos_token = family.eos, family.bos
    tokenizer.chat_template = family.template
    return tokenizer
