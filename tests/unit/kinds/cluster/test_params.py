"""The parameters of `cluster`: wrong ones are named."""

import msgspec
import pytest

from headway.errors import ParamsError
from headway.values.params import read, schema
from headway_kinds.cluster.params import MAX_LISTED, ClusterParams


@pytest.mark.parametrize(
    ("params", "pointer", "detail"),
    [
        ({}, "/params", "give one of texts, source"),
        ({"texts": ["a"], "source": "a.csv"}, "/params", "give one of texts, source"),
        ({"source": "a.csv", "crawl": "t1"}, "/params", "give one of texts, source"),
        ({"source": "a.csv", "file": "f1"}, "/params", "give one of texts, source"),
        ({"crawl": "t1\n"}, "/params/crawl", "matching regex"),
        ({"crawl": "t 1"}, "/params/crawl", "matching regex"),
        ({"texts": ["a"], "column": "text"}, "/params", "give source or file too"),
        ({"texts": ["a"], "k": 51}, "/params/k", "Invalid enum value 51"),
        ({"texts": ["a"], "k": 0}, "/params/k", "Invalid enum value 0"),
        ({"texts": ["a", 1]}, "/params/texts/1", "Expected `str`"),
        ({"texts": ["a"] * (MAX_LISTED + 1)}, "/params/texts", "length <= 20000"),
        ({"texts": ["a", "x" * 100_001]}, "/params/texts/1", "length <= 100000"),
        ({"texts": ["a"], "max_k": 1}, "/params/max_k", ">= 2"),
        ({"texts": ["a"], "seed": -1}, "/params/seed", ">= 0"),
        ({"texts": ["a"], "other": 1}, "/params", "unknown field `other`"),
    ],
)
def test_wrong_parameters_are_named(params, pointer, detail):
    with pytest.raises(ParamsError) as error:
        read(msgspec.json.encode(params), ClusterParams)
    assert error.value.errors[0]["pointer"] == pointer
    assert detail in error.value.errors[0]["detail"]


@pytest.mark.parametrize("k", ["auto", 1, 50])
def test_the_number_of_clusters_is_a_choice(k):
    assert k in schema(ClusterParams)["properties"]["k"]["enum"]
    assert read(msgspec.json.encode({"texts": ["a"], "k": k}), ClusterParams).k == k
