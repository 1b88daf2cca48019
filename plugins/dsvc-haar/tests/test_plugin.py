"""What dsvc sees: the contracts of producers and transforms, and an entry point that costs nothing to load."""

import subprocess
import sys
from importlib.metadata import entry_points

import pyarrow as pa
import pytest
from dsvc_haar import outputs, plugin

from dsvc.plugins.pixels import PointerPixels
from dsvc.testing.plugins import ProducerTests, TransformTests

BOX = {"centre": [0.5, 0.25], "size": [0.5, 0.5], "score": 0.75, "image": [200, 100]}


class TestHaar(ProducerTests):
    producer = plugin.Haar
    outputs = (
        ("1", {"boxes": [[50.0, 0.0, 100.0, 50.0]], "weights": [4.5]}),
        ("1", {"boxes": [], "weights": []}),
        ("1.1", {"boxes": [], "weights": []}),
        ("2", [BOX]),
        ("2", []),
    )

    def test_the_formats_mean_the_same(self):
        """The box of the one is the box of the other, up to the score."""
        one, other = (self.producer().adapt(*self.outputs[index])[0] for index in (0, 3))

        assert {**one, "score": None} == {**other, "score": None}
        assert {"x": 50.0, "y": 0.0, "w": 100.0, "h": 50.0, "label": "face"}.items() <= one.items()

    @pytest.mark.parametrize("version", ["3", "0", "x", "20.1"])
    def test_a_version_of_unknown_format_is_not_guessed(self, version):
        """A recipe may accept more than the package knows; then it gives the format too."""
        with pytest.raises(ValueError, match=f"versions 1 and 2, not that of {version}"):
            self.producer().adapt(version, [])


@pytest.mark.parametrize("model", sorted(outputs.READ))
class TestHaarFaces(TransformTests):
    transform = plugin.HaarFaces

    @pytest.fixture(autouse=True)
    def _given(self, model):
        self.given = {"model": model}

    @pytest.fixture
    def batch(self, images):
        return pa.record_batch({"source": [image.as_uri() for image in images[:2]]})

    @pytest.fixture
    def pixels(self, batch):
        return PointerPixels(batch.column("source").to_pylist())

    def test_a_step_finds_what_the_worker_writes(self, batch, pixels, written, model):
        """To the bit."""
        outputs = [document["output"] for document in written[model][:2]]

        assert [plugin.Haar().adapt(str(model), raw) for raw in outputs] == self.run(batch, pixels)


def test_the_package_is_found_by_its_entry_point():
    """Which names the module with the hooks."""
    (entry,) = entry_points(group="dsvc", name="haar")

    assert plugin is entry.load()


def test_opencv_is_loaded_when_it_is_used():
    """Not by whoever lists plugins, nor by an ingest: adapting needs none."""
    code = (
        "import sys; from dsvc_haar.plugin import Haar, dsvc_producers, dsvc_transforms;"
        "dsvc_producers(); dsvc_transforms(); Haar().adapt('2', []); print({'cv2', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()" == done.stdout.strip()
