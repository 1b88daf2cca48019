"""The one door to SQL over signals."""

from dsvc.recipe import sql


def test_everything_is_behind_one_door():
    """Whoever needs SQL imports it from here."""
    assert sorted(sql.__all__) == sql.__all__
    assert [] == [name for name in sql.__all__ if not hasattr(sql, name)]
