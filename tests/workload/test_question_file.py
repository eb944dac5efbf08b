"""A file of questions: what a line may say, what is wrong with a broken one, and which are read."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.workload.queries.question_file import (
    KEYS,
    BrokenLine,
    QuestionFile,
    UserQuestion,
    parse,
)


def line(**keys):
    whole = {"collection": "docs", "vector": [1, 2.5], "right": ["a"], **keys}
    return json.dumps({key: value for key, value in whole.items() if value != "left out"}).encode()


def file_of(tmp_path, *lines):
    path = tmp_path / "questions.jsonl"
    path.write_bytes(b"\n".join(lines))
    return QuestionFile(path)


def test_a_question_as_vector_has_its_collection_in_the_default_database():
    question = parse(3, line())
    assert (question.line, question.scope, question.collection) == (3, Scope(), "docs")
    assert question.vector.dtype == np.float32
    assert question.vector.tolist() == [1.0, 2.5]
    assert (question.right, question.recorded, question.rank) == (("a",), False, None)


def test_a_collection_may_be_named_with_its_tenant_and_database():
    question = parse(1, line(collection="ac/me/main/docs"))
    assert (question.scope, question.collection) == (Scope("ac/me", "main"), "docs")


def test_a_question_in_words_may_have_filters_and_one_right_id():
    question = parse(1, line(vector="left out", text="how?", where={"n": 1}, right="a"))
    assert (question.text, question.vector, question.where) == ("how?", None, {"n": 1})
    assert question.right == ("a",)


def test_a_rank_of_null_says_that_it_was_recorded_and_not_found():
    assert parse(1, line(rank=None)).recorded
    assert np.isnan(parse(1, line(rank=2, cosines=[None])).cosines[0])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (b"{", "no JSON"),
        (b"[]", "an object is wanted"),
        (line(vectr=[1]), "Did you mean 'vector'?"),
        (line(text="words too"), "one of 'text' and 'vector'"),
        (line(vector="left out"), "one of 'text' and 'vector'"),
        (line(vector="left out", text=" "), "'text' is a question in words"),
        (line(vector=[]), "'vector' is a list of numbers"),
        (line(vector=[1, None]), "each of them finite"),
        (line(vector=[[1], [2]]), "each of them finite"),
        (line(vector=[1, "2"]), "each of them finite"),
        (line(vector=[1, True]), "each of them finite"),
        (line(vector=[1e39]), "each of them finite"),
        (line(vector={"a": 1}), "'vector' is a list of numbers"),
        (line(right=[]), "'right' is a list of the ids"),
        (line(right=[1]), "'right' is a list of the ids"),
        (line(right="left out"), "'right' is a list of the ids"),
        (line(collection=""), "TENANT/DATABASE/NAME"),
        (line(collection="docs/"), "TENANT/DATABASE/NAME"),
        (line(collection="main/docs"), "TENANT/DATABASE"),
        (line(where="n = 1"), "'where' is a filter"),
        (line(rank=0), "'rank' is the place"),
        (line(cosines=[1, 1]), "one for each id"),
        (line(cosines=["1"]), "one for each id"),
        (line(note=1), "'note' is text"),
        (b"\xff\xfe", "no JSON"),
    ],
)
def test_a_line_that_is_no_question_says_what_is_wrong_with_it(broken, message):
    answer = parse(7, broken)
    assert isinstance(answer, BrokenLine)
    assert answer.line == 7
    assert message in answer.message


def test_blank_lines_are_no_questions_and_numbers_are_those_of_an_editor(tmp_path):
    file = file_of(tmp_path, b"\xef\xbb\xbf" + line(), b"", b"  ", line(), b"")
    assert file.count() == 2
    assert [question.line for question in file.questions()] == [1, 4]


def test_of_a_large_file_some_are_read_evenly_spread_and_the_others_not_even_parsed(tmp_path):
    file = file_of(tmp_path, *[line() if n % 10 == 0 else b"broken" for n in range(100)])
    assert [question.line for question in file.questions(10)] == list(range(1, 101, 10))
    assert len(list(file.questions(1000))) == 100


def test_a_file_that_cannot_be_read_is_a_sentence_with_the_next_command(tmp_path):
    with pytest.raises(Unavailable, match="questions sample"):
        list(QuestionFile(tmp_path / "none.jsonl").questions())
    with pytest.raises(Unavailable, match="Is a directory"):
        QuestionFile(tmp_path).count()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=8,
)


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_question_or_says_why_not(line):
    assert isinstance(parse(1, line), UserQuestion | BrokenLine)


@given(st.sampled_from(KEYS), JSON)
def test_any_value_of_a_key_is_taken_or_said_to_be_wrong(key, value):
    answer = parse(1, line(**{key: value}))
    assert isinstance(answer, UserQuestion) or answer.message
