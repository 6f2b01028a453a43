"""Labels in a study: read as they are written, told apart, and known to their rows."""

import pytest
from safebasin.errors import StudyError
from safebasin.study.load import load_study, validate


def with_labels(smoke, labels):
    smoke["judges"]["words"]["labels"] = labels
    return validate(smoke)


@pytest.mark.parametrize(
    "labels",
    [
        ["entailment", "not entailment"],
        ["C", "C++", "C#"],
        ["+", "-"],
        ["0", "1"],
        ["yes", "no"],
        ["正面", "负面"],
        ["positive", "positively"],
    ],
)
def test_labels_that_answers_can_tell_apart_pass(smoke, labels):
    assert with_labels(smoke, labels).judges["words"].labels == tuple(labels)


@pytest.mark.parametrize(
    ("labels", "cure"),
    [
        (["C", "c"], "'C' and 'c' cannot be told apart"),
        (["?", "!"], "no letter, digit or sign"),
        (["a"], "two labels or more"),
        ([], "two labels or more"),
        (["a", "a"], "stands twice"),
    ],
)
def test_others_are_refused_with_the_judges_name(smoke, labels, cure):
    with pytest.raises(StudyError, match=rf"judges\.words\.labels: .*{cure}"):
        with_labels(smoke, labels)


@pytest.mark.parametrize("bare", ["yes", "no", "on", "off", "true", "0", "1.5", "null", "~"])
def test_a_bare_word_that_yaml_reads_as_another_thing_is_to_be_quoted(tmp_path, bare):
    study = tmp_path / "study.yaml"
    study.write_text(f"study: s\njudges: {{words: {{type: label, labels: [{bare}, a]}}}}\n")
    with pytest.raises(StudyError, match=r"judges\.words\.labels\.0: .*in quotes"):
        load_study([study])
    study.write_text(f"study: s\njudges: {{words: {{type: label, labels: ['{bare}', a]}}}}\n")
    with pytest.raises(StudyError) as problem:  # the study lacks much else
        load_study([study])
    assert "labels" not in str(problem.value)


@pytest.mark.parametrize("bare", ["yes", "no", "off", "null", "010", "1e3"])
def test_a_key_that_yaml_reads_as_another_thing_is_to_be_quoted(tmp_path, bare):
    study = tmp_path / "study.yaml"
    study.write_text(f"study: s\njudges:\n  {bare}: {{type: phrases}}\n")
    with pytest.raises(StudyError, match=f'line 3: YAML reads the key {bare} .*"{bare}"'):
        load_study([study])


def with_words(smoke, words):
    smoke["sources"] = {"mine": {"folder": ".", "files": ["a.csv"]}}
    columns = {"prompt": "q", "label": "l", "response": "l"}
    reader = {"type": "csv", "columns": columns, "labels": words}
    smoke["corpora"]["words"] = {"source": "mine", "reader": reader}
    return validate(smoke)


def test_words_for_labels_are_those_of_the_rows_judge(smoke):
    assert with_words(smoke, {"0": "animal", "1": "Tool"})
    with pytest.raises(StudyError, match=r"corpora\.words\.reader\.labels\.1: 'thing': .*animal"):
        with_words(smoke, {"0": "animal", "1": "thing"})
