"""What each figure shows: in a few words for lists, and in the caption that stands under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Caption(NamedTuple):
    """The words of one figure."""

    shows: str
    text: str


CAPTIONS: Mapping[str, Caption] = {
    "tradeoff": Caption(
        "refusal against accuracy",
        "Refusals of harmful requests against task accuracy, with 95 % intervals. Filled: the "
        "setting that stands for its method, the only one or the one that the rule chose. Up "
        "are more refusals, to the right more accuracy.",
    ),
    "curves": Caption(
        "training curves",
        "Training. Left the cross-entropy of the task, right the penalty by itself, where there is "
        "one; the two are never added up here.",
    ),
    "spectrum": Caption(
        "the alignment direction",
        "The alignment direction d. The reference projector C frees a direction only as far as "
        "its eigenvalue reaches 1; where all are small, I − C is nearly I, and a penalty on what "
        "leaves d is nearly one on the whole update.",
    ),
    "pool": Caption(
        "the prefixes that were searched",
        "The prefix search: every prefix scored on the search tasks. A prefix that only makes the "
        "agent refuse moves up and to the left; one that tells tasks apart moves up alone. The "
        "neutral comments have the winner's form and length without a word on safety.",
    ),
    "agent_steps": Caption(
        "agents over their training steps",
        "Harmful tasks refused (RR) and benign tasks done (SR) over the agent's training steps, "
        "each point a run of its own; the aligned model is step 0.",
    ),
    "probe_accuracy": Caption(
        "what probes read, layer by layer",
        "How well a linear probe on states averaged over the prompt tells harmful tasks from all "
        "others, on objects it has not seen, with 95 % intervals. Band: least to greatest of the "
        "probes with shuffled labels. Dotted: the layer whose figures are told.",
    ),
    "probe_logits": Caption(
        "what a probe reads behind each guard",
        "The same probe on the last token before the agent speaks, mean over test tasks with 95 % "
        "intervals. It was fitted on averages, so that differences mean something and the sign by "
        "itself does not.",
    ),
    "probe_steering": Caption(
        "steering with the probe",
        "The probe's weight added to the agent's states while it speaks. RR and benign RR of "
        "first replies, SR of a few episodes, all on search and development tasks, with 95 % "
        "intervals. Dotted: a random direction of the same length.",
    ),
}
"""Words by the name of the figure's file."""
