"""A small text classifier in front of the agent: a stand-in for a guard model.

Llama Guard and WildGuard have 7 to 8 billion parameters. This is TF-IDF and a logistic regression,
fitted on the study's own tasks; it shows how a guard in front combines with a prefix, and nothing
of what those models can do. The report's tables call it a stand-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safebasin.errors import StudyError

BLOCKED = "I cannot help with this task."
"""What a blocked agent says as it leaves; it reads as a refusal."""


class Classifier:
    """TF-IDF of words and word pairs, then a logistic regression."""

    def __init__(self, vectoriser: Any, regression: Any) -> None:
        """Take the fitted parts; ``fit`` makes them."""
        self._vectoriser = vectoriser
        self._regression = regression

    def probability(self, texts: Sequence[str]) -> list[float]:
        """Return the probability, 0 to 1, that each text asks for harm."""
        if not texts:
            return []
        found = self._regression.predict_proba(self._vectoriser.transform(list(texts)))
        return [float(row[1]) for row in found]


def fit(texts: Sequence[str], harmful: Sequence[bool]) -> Classifier:
    """Return the classifier fitted on ``texts``, whose harm is known.

    Raises:
        StudyError: the two differ in length, or only one kind is there.
    """
    if len(texts) != len(harmful) or len(set(harmful)) != 2:
        raise StudyError(
            f"guard classifier: {len(texts)} texts with {sum(harmful)} of {len(harmful)} harmful; "
            "it needs one mark a text, and texts of both kinds"
        )
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    regression = LogisticRegression(
        C=10.0, class_weight="balanced", solver="liblinear", random_state=0
    )
    regression.fit(vectoriser.fit_transform(list(texts)), [int(mark) for mark in harmful])
    return Classifier(vectoriser, regression)
