"""The contract of producers, as a test class to inherit from; part of `dsvc.testing.plugins`.

Source: docs/how-to/model-worker.md#testing.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, ClassVar

import pytest

from dsvc.feeds.fit import to_array
from dsvc.objects.types import Type, parse_type
from dsvc.plugins.contracts import Producer
from dsvc.recipe.versions import VersionRange


class ProducerTests:
    """The contract of `Producer`. A subclass names the producer and gives outputs of every version."""

    producer: ClassVar[type[Producer]]
    outputs: ClassVar[Sequence[tuple[str, Any]]]
    """(version, output as a document has it), at least one of each format, and one of which a value comes."""
    torn: ClassVar[Sequence[Any]] = (7, "text", {"no": "output"})
    """What no version writes."""

    @property
    def type(self) -> Type:
        """The declared type of the values."""
        return parse_type(self.producer.output)

    def test_the_declaration_is_complete(self) -> None:
        """A type that there is, a range of versions, and a version of the adapters."""
        assert self.type is not None
        assert VersionRange.parse(self.producer.accept) is not None
        assert isinstance(self.producer.adapter_version, str)
        assert self.producer.adapter_version

    def test_the_outputs_are_of_accepted_versions(self) -> None:
        """And there are some."""
        accept = VersionRange.parse(self.producer.accept)

        assert self.outputs
        assert [] == [version for version, _ in self.outputs if version not in accept]

    def test_every_output_becomes_a_value_of_the_type(self) -> None:
        """Without loss, as documents do."""
        adapted = [self.producer().adapt(version, raw) for version, raw in self.outputs]
        _, misfits = to_array(adapted, self.type)

        assert [] == [(self.outputs[row], why) for row, why in misfits]
        assert [] != [value for value in adapted if value not in (None, [])]

    def test_equal_outputs_give_equal_values(self) -> None:
        """Whatever was adapted before, and by a producer made again."""
        one = self.producer()
        forth = [one.adapt(version, raw) for version, raw in self.outputs]
        back = [one.adapt(version, raw) for version, raw in reversed(self.outputs)][::-1]
        again = [self.producer().adapt(version, raw) for version, raw in self.outputs]

        assert repr(forth) == repr(back) == repr(again)

    def test_an_output_is_not_changed(self) -> None:
        """The document is read by others too."""
        before = deepcopy(self.outputs)
        for version, raw in self.outputs:
            self.producer().adapt(version, raw)

        assert repr(before) == repr(self.outputs)

    def test_what_is_no_output_is_an_error(self) -> None:
        """So that it is held, with the reason, instead of becoming some value."""
        for version in dict(self.outputs):
            for raw in self.torn:
                try:
                    value = self.producer().adapt(version, raw)
                except Exception:  # noqa: BLE001, S112 - which one is the producer's choice
                    continue
                pytest.fail(f"version {version}: {raw!r} became {value!r}")
