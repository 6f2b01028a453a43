"""What types cannot say of labels: that an answer can tell them apart, and that rows have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from safebasin.label_words import LabelWords, label_faults
from safebasin.study.config import Study
from safebasin.study.problems import Problem


def check_labels(study: Study) -> Iterator[Problem]:
    """Yield labels of judges that no answer could tell apart."""
    for name, judge in study.judges.items():
        if judge.type == "label" and judge.labels is not None:
            for cure in label_faults(judge.labels):
                yield Problem(key=f"judges.{name}.labels", value=list(judge.labels), cure=cure)


def check_checkpoint_labels(study: Study) -> Iterator[Problem]:
    """Yield labels that the report would call two checkpoints by."""
    seen: dict[str, str] = {}
    for name, checkpoint in study.checkpoints.items():
        label = " ".join((checkpoint.label or "").split()).casefold()
        if label and (other := seen.setdefault(label, name)) != name:
            cure = f"checkpoints.{other} is called the same; the report could not tell them apart"
            yield Problem(key=f"checkpoints.{name}.label", value=checkpoint.label, cure=cure)


def check_row_labels(study: Study) -> Iterator[Problem]:
    """Yield words that a reader gives to its rows' labels and the rows' judge does not know."""
    for eval_set in study.eval_sets.values():
        prompts = study.prompts.get(eval_set.prompts)
        judge = study.judges.get(prompts.judge) if prompts else None
        if prompts is None or judge is None or judge.type != "label" or not judge.labels:
            continue
        if any(label_faults(judge.labels)):
            continue
        words = LabelWords(judge.labels)
        split = study.splits.get(prompts.split)
        for corpus in eval_set.corpora or prompts.corpora or (split.corpora if split else ()):
            for value, word in _words(study, corpus).items():
                if words.named(word) is None:
                    key = f"corpora.{corpus}.reader.labels.{value}"
                    told = ", ".join(judge.labels)
                    cure = f"the judge {prompts.judge} of these rows knows the labels {told} alone"
                    yield Problem(key=key, value=word, cure=cure)


def _words(study: Study, corpus: str) -> Mapping[str, str]:
    config = study.corpora.get(corpus)
    labels = getattr(config.reader, "labels", None) if config else None
    return labels if isinstance(labels, Mapping) else {}
