"""Every operation that is sent is one of Railway's schema, and so is the simulator's own SDL."""

import json
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_client_schema,
    get_named_type,
    parse,
    validate,
)

from chromadrill.targets.railway.graphql import ALL
from chromadrill.targets.railway.simulator.api import Answers, schema

REAL = Path(__file__).parents[3] / "../shared/railway/schema.json"
OURS = schema()
needs_schema = pytest.mark.skipif(
    not REAL.is_file(), reason="Railway's schema is not beside this clone (../shared/railway)"
)


@pytest.fixture(scope="module")
def real():
    return build_client_schema(json.loads(REAL.read_text())["data"])


def own_types():
    names = [name for name in OURS.type_map if not name.startswith("__")]
    return sorted(set(names) - {"Boolean", "Float", "ID", "Int", "String"})


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
def test_operation_is_valid_in_our_sdl(operation):
    assert [error.message for error in validate(OURS, parse(operation.text))] == []


@needs_schema
@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
def test_operation_is_valid_in_railways_schema(operation, real):
    assert [error.message for error in validate(real, parse(operation.text))] == []


def test_an_invented_operation_is_not():
    errors = validate(OURS, parse('mutation { volumeSnapshotCreate(name: "x") { id } }'))
    assert "Cannot query field 'volumeSnapshotCreate'" in errors[0].message


@needs_schema
@pytest.mark.parametrize("name", own_types())
def test_type_of_our_sdl_is_that_of_railways(name, real):
    mine, theirs = OURS.type_map[name], real.type_map[name]
    assert type(mine) is type(theirs)
    if isinstance(mine, GraphQLEnumType):
        assert set(mine.values) == set(theirs.values)
    elif isinstance(mine, GraphQLObjectType):
        for name, field in mine.fields.items():
            wanted = theirs.fields[name]
            assert str(field.type) == str(wanted.type), name
            for argument, value in field.args.items():
                assert str(value.type) == str(wanted.args[argument].type), (name, argument)
            required = {n for n, a in wanted.args.items() if str(a.type).endswith("!")}
            assert required <= set(field.args), name
    else:
        assert isinstance(mine, GraphQLScalarType)


def test_sdl_has_no_operation_that_is_not_sent():
    sent = {
        selection.name.value
        for operation in ALL
        for definition in parse(operation.text).definitions
        for selection in definition.selection_set.selections
    }
    assert sent == set(OURS.query_type.fields) | set(OURS.mutation_type.fields)


def test_simulator_answers_every_operation_of_its_sdl():
    for field in (*OURS.query_type.fields, *OURS.mutation_type.fields):
        assert callable(getattr(Answers, field)), field


def test_every_type_can_be_reached():
    reached = {get_named_type(f.type).name for t in OURS.type_map.values()
               if isinstance(t, GraphQLObjectType) for f in t.fields.values()}  # fmt: skip
    arguments = {get_named_type(a.type).name for t in OURS.type_map.values()
                 if isinstance(t, GraphQLObjectType) for f in t.fields.values()
                 for a in f.args.values()}  # fmt: skip
    assert set(own_types()) <= reached | arguments | {"Query", "Mutation"}
