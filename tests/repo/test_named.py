import pyarrow as pa
import pytest

from dsvc.errors import SchemaError
from dsvc.objects.arrays import normalise
from dsvc.objects.keys import Keys
from dsvc.objects.types import parse_type
from dsvc.repo.named import check_named_rule, find_rule_breakers


@pytest.mark.parametrize(
    "type_, values, expected",
    [
        ("rating(5)", pa.array([0, 1, 5, 6, None, -1], pa.int8()), [0, 3, 5]),
        ("class(a, b)", pa.array(["a", "b", "c", None, ""]), [2, 4]),
        ("score", pa.array([-1.0, 2.0]), []),
        ("text", pa.array(["x"]), []),
        ("int8", pa.array([9], pa.int8()), []),
    ],
)
def test_rules_of_named_types(type_, values, expected):
    """Ratings and classes have a rule; null is never refused; other types ask nothing more."""
    assert expected == find_rule_breakers(values, parse_type(type_))[0].tolist()


def test_the_first_breaker_is_named(put):
    """A put under a named type names the first source whose value breaks the rule, and keeps it for later puts."""
    keys = Keys.of_bytes([b"s3://a", b"s3://b"])
    with pytest.raises(SchemaError, match=r"s3://b: expected 1 to 5, found 7"):
        check_named_rule("quality", keys, normalise(pa.array([5, 7], pa.int8())), parse_type("rating(5)"))
    put("kind", {"s3://a": "spoof"}, type="class(real, spoof)")
    with pytest.raises(SchemaError, match=r"s3://b: expected one of real, spoof, found 'sppof', and 1 more"):
        put("kind", {"s3://b": "sppof", "s3://c": "x", "s3://d": "real"})
