from __future__ import annotations

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.corpora.corpus import corpus_rows
from safebasin.corpora.near_duplicates import TextVectors
from safebasin.corpora.split import split_corpora
from safebasin.corpora.words import is_clear, words_of
from sklearn.feature_extraction.text import TfidfVectorizer

# Fragments, so that texts of one language share some of their words as real ones do.
ENGLISH = ["name", "a", "colour", "of", "the", "sky", "tree", "in", "park", "fish", "pond", "now"]
ASKED = {
    "Chinese": (
        ["请说出一种天空的颜色", "请说出一种公园里的树", "请说出一种池塘里的鱼", "请说出一种木工的工具",
         "请说出一个春天的月份", "请说出一种桌上的水果"],
        ["吧，谢谢。", "。", "吧", "！"],
    ),
    "Japanese": (
        ["空の色を一つ挙げてください", "公園の木を一つ挙げてください", "池の魚を一つ挙げてください",
         "木工の道具を一つ挙げてください", "春の月を一つ挙げてください", "机の上の果物を一つ挙げてください"],
        ["ね。", "。", "、ありがとう"],
    ),
    "Thai": (
        ["บอกสีของท้องฟ้ามาหนึ่งสี", "บอกชื่อต้นไม้ในสวนสาธารณะหนึ่งต้น", "บอกชื่อปลาในบ่อเล็กหนึ่งตัว",
         "บอกชื่อเดือนในฤดูใบไม้ผลิ", "บอกชื่อผลไม้บนโต๊ะในครัว"],
        ["ด้วยครับ", "นะคะ", "!"],
    ),
    "Khmer": (
        ["សូមប្រាប់ពណ៌មេឃមួយ", "សូមប្រាប់ឈ្មោះដើមឈើនៅក្នុងសួន", "សូមប្រាប់ឈ្មោះត្រីក្នុងស្រះ",
         "សូមប្រាប់ឈ្មោះផ្លែឈើលើតុ"],
        ["ផង។", "។"],
    ),
    "Burmese": (
        ["ကောင်းကင်၏အရောင်တစ်ခုကိုပြောပါ", "ပန်းခြံထဲကသစ်ပင်တစ်ပင်ကိုပြောပါ", "ရေကန်ထဲကငါးတစ်ကောင်ကိုပြောပါ"],
        ["ခင်ဗျာ။", "။"],
    ),
    "Chinese with English words": (
        ["用Python写一个排序程序", "介绍CPU的缓存", "解释HTTP的状态码", "安装Linux的步骤"],
        ["吧", "，谢谢"],
    ),
    "Korean without blanks": (
        ["하늘의색하나를말해주십시오", "공원의나무하나를말해주십시오", "연못의물고기하나를말해주십시오",
         "부엌의과일이름하나를말해주십시오"],
        ["부탁", "!"],
    ),
    "short Chinese": (["天空的颜色", "公园里的树", "写代码", "早上好"], ["？", "吧"]),
}  # fmt: skip


@pytest.mark.parametrize("language", ASKED)
def test_askings_that_differ_by_a_polite_word_stay_in_one_part(language: str) -> None:
    questions, endings = ASKED[language]
    for ending in endings:
        texts = [text for question in questions for text in (question, question + ending)]
        rows = corpus_rows([{"prompt": text} for text in texts], harmful=False, default_origin="x")
        half = len(questions) // 2 * 2

        split = split_corpora({"c": rows}, {"train": {"c": half}, "test": {"c": "rest"}}, 0.5, 0)

        parts = {row["messages"][0]["content"]: row["split"] for row in split.rows}
        assert len(parts) == len(texts)
        assert all(parts[asked] == parts[asked + ending] for asked in questions)
        assert split.leakage["largest_group"] == 2


HANGUL = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=11)
SPACED = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], max_codepoint=0x0DFF), max_size=40
) | st.lists(HANGUL).map(" ".join)


@given(SPACED)
def test_text_of_writing_with_blanks_has_the_words_it_always_had(text: str) -> None:
    assert words_of(text.lower()) == re.findall(r"(?u)\b\w+\b", text.lower())


def test_the_cosines_of_english_are_to_the_bit_those_of_plain_words() -> None:
    rng = random.Random(0)
    texts = [" ".join(rng.choices(ENGLISH, k=rng.randint(3, 9))).title() for _ in range(80)]
    plain = TfidfVectorizer(token_pattern=r"(?u)\b\w+\b", dtype=np.float64).fit_transform(texts)

    pairs = TextVectors(texts).pairs_over(0.05)

    expected = (plain @ plain.T).toarray()
    assert len(pairs.left) > 1000
    assert np.array_equal(expected[pairs.left, pairs.right], pairs.similarity)
    assert (np.triu(expected, 1) >= 0.05 - 1e-9).sum() == len(pairs.left)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("天空的颜色", ["天", "空", "的", "颜", "色", "天空", "空的", "的颜", "颜色"]),
        ("鱼", ["鱼"]),
        ("ください", ["くだ", "ださ", "さい"]),
        ("ใบไม้", ["ใบไ", "บไม", "ไม้"]),
        ("cpu的缓存 x1", ["cpu", "x1", "的", "缓", "存", "的缓", "缓存"]),
        ("ア・イ", ["ア", "イ"]),
        ("한국어 문장", ["한국어", "문장"]),
    ],
)
def test_a_run_without_blanks_gives_n_grams(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "clear"),
    [
        ("name a colour", True),
        ("你好", True),
        ("see https://example.org/" + "a" * 30 + " and tell me what it is about, please", True),
        ("🙂🙂", False),
        ("?!", False),
        ("nameacolour" * 5, False),
        ("\U00012000" * 50, False),
    ],
)
def test_where_words_cannot_be_told_that_is_known(text: str, clear: bool) -> None:
    assert is_clear(text) == clear
