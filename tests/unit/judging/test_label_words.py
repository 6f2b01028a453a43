"""Labels of every form: told apart in an answer, or refused."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safebasin.errors import StudyError
from safebasin.judging.label import LabelJudge, parse_label
from safebasin.label_words import label_faults

ENTAILED = ("entailment", "not entailment")
LANGUAGES = ("C", "C++", "C#")
GRADES = ("A", "A+", "A-")
MIXED = ("neutral", "neutral-positive", "positive")
NAMED = [
    # labels, answer, the label that it opens with
    (ENTAILED, "entailment", "entailment"),
    (ENTAILED, "Not entailment.", "not entailment"),
    (ENTAILED, "**Not** entailment", "not entailment"),
    (ENTAILED, "not_entailment", "not entailment"),
    (ENTAILED, "Not-Entailment, because", "not entailment"),
    (ENTAILED, "not, entailment", None),
    (ENTAILED, "not entailments", None),
    (ENTAILED, "entailment or not entailment", None),
    (("entailment", "neutral"), "not entailment", None),
    (("an animal", "a tool"), "An animal.", "an animal"),
    (("an animal", "a tool"), "a  tool", "a tool"),
    (("an animal", "a tool"), "animal", None),
    (("very good", "very bad", "good"), "Very bad indeed", "very bad"),
    (("yes, fully", "no"), "Yes, fully!", "yes, fully"),
    (("positive (strong)", "positive"), "positive (strong)", "positive (strong)"),
    (("positive (strong)", "positive"), "positive strong", "positive"),
    (("I don't know", "I know"), "I don’t know.", "I don't know"),
    (LANGUAGES, "C++", "C++"),
    (LANGUAGES, "C", "C"),
    (LANGUAGES, "c#.", "C#"),
    (LANGUAGES, "**C++**", "C++"),
    (LANGUAGES, "C+", None),
    (LANGUAGES, "C/C++", None),
    (LANGUAGES, "C or C++", None),
    (LANGUAGES, "C, of course", "C"),
    (("+", "-"), "+", "+"),
    (("+", "-"), "−", "-"),
    (("+", "-"), "“-”", "-"),
    (("+", "-"), "++", None),
    (("+", "-"), "+1", None),
    (("+", "-"), "- the film is good", None),  # a list, not a label
    (("+", "-"), "+\nThe film is good.", "+"),
    (("0", "1"), "1", "1"),
    (("0", "1"), "1.", "1"),
    (("0", "1"), "(0)", "0"),
    (("0", "1"), "１", "1"),
    (("0", "1"), "-1", None),
    (("0", "1"), "1.0", None),
    (("0", "1"), ".1", None),
    (("0", "1"), "1%", None),
    (("0", "1"), "10", None),
    (("-1", "0", "1"), "-1", "-1"),
    (("0.5", "1"), "0.5", "0.5"),
    (GRADES, "A+", "A+"),
    (GRADES, "A-.", "A-"),
    (GRADES, "A - it is well done", "A"),
    (GRADES, "A--", None),
    (MIXED, "neutral", "neutral"),
    (MIXED, "Neutral-positive", "neutral-positive"),
    (MIXED, "neutral - positive", "neutral-positive"),
    (MIXED, "neutral, positive", None),
    (("positive", "positively"), "positively", "positively"),
    (("positive", "positively"), "positive", "positive"),
    (("World", "Sci/Tech"), "Sci/Tech.", "Sci/Tech"),
    (("World", "Sci/Tech"), "Sci", None),
    (("正面", "负面"), "正面", "正面"),
    (("正面", "负面"), "正面。", "正面"),
    (("正面", "负面"), "正面，因为这很好", "正面"),
    (("正面", "负面"), "「负面」", "负面"),
    (("正面", "负面"), "正面的", None),
    (("正面", "负面"), "正面、负面", None),
    (("正面", "负面"), "正面或负面", None),
    (("正", "正面"), "正面。", "正面"),
    (("ポジティブ", "ネガティブ"), "ﾈｶﾞﾃｨﾌﾞ。", "ネガティブ"),
    (("긍정", "부정"), unicodedata.normalize("NFD", "부정."), "부정"),
    (("अच्छा", "अच्छी"), "अच्छी।", "अच्छी"),
    (("évident", "douteux"), "E\u0301vident", "évident"),
    (("İyi", "kötü"), "iyi", "İyi"),
    (("👍", "👎"), "👎", "👎"),
    (("👍", "👎"), "👍👎", None),
]
FAULTY = [
    (("C", "c"), "cannot be told apart"),
    (("US", "us"), "cannot be told apart"),
    (("yes!", "yes?"), "cannot be told apart"),
    (("ﬁt", "fit"), "cannot be told apart"),
    (("é", "e\u0301"), "cannot be told apart"),
    (("Ａ", "A"), "cannot be told apart"),
    (("not_so", "not so"), "cannot be told apart"),
    (("a  b", "a b"), "cannot be told apart"),
    (("a\u200b", "a"), "cannot be told apart"),
    (("?", "!"), "no letter, digit or sign"),
    (("", "a"), "no letter, digit or sign"),
    ((" ", "a"), "no letter, digit or sign"),
    (("a", "a", "b"), "stands twice"),
    (("a",), "two labels or more"),
    ((), "two labels or more"),
]


@pytest.mark.parametrize(("labels", "answer", "named"), NAMED)
def test_the_longest_label_at_the_beginning_is_the_answers(labels, answer, named):
    assert parse_label(answer, labels) == named


@pytest.mark.parametrize("labels", sorted({labels for labels, _, _ in NAMED}))
def test_each_label_is_told_from_every_other(labels):
    for label in labels:
        assert parse_label(label, labels) == label
    judged = LabelJudge(labels).judge(
        [{"response": said, "label": right} for said in labels for right in labels]
    )
    assert judged == ["correct" if a == b else "wrong" for a in labels for b in labels]


@pytest.mark.parametrize(("labels", "cure"), FAULTY)
def test_labels_that_no_answer_could_tell_apart_are_refused(labels, cure):
    assert cure in "; ".join(label_faults(labels))
    with pytest.raises(StudyError, match=cure):
        LabelJudge(labels)


@given(st.lists(st.text(max_size=6), min_size=2, max_size=4))
@settings(deadline=None, max_examples=150)
def test_labels_are_refused_or_each_is_read_as_itself_alone(labels):
    if not list(label_faults(labels)):
        named = [parse_label(label, labels) for label in labels]
        assert all(found in (label, None) for found, label in zip(named, labels, strict=True))


def test_a_row_with_a_label_that_the_judge_does_not_know_is_neither_right_nor_wrong():
    rows: list[dict[str, object]] = [
        {"response": "positive", "label": label} for label in ("neutral", None, "", "Positive ")
    ]
    judged = LabelJudge(["positive", "negative"]).judge(rows)
    assert judged == ["unlabelled", "unlabelled", "unlabelled", "correct"]


def test_a_label_within_reasoning_is_no_answer():
    rows: list[dict[str, object]] = [
        {"response": "<think>negative?</think>\n\npositive", "label": "positive"},
        {"response": "<think>positive", "label": "positive"},
    ]
    assert LabelJudge(["positive", "negative"]).judge(rows) == ["correct", "unparsed"]
