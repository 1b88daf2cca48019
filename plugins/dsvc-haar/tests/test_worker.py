"""The worker as it is started: documents of its version, the same bytes each time."""

import hashlib
import json
import subprocess
import sys

import pytest
from dsvc_haar.outputs import READ


def work(*arguments):
    """Run the worker in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "dsvc_haar.worker", *map(str, arguments)], capture_output=True, check=False
    )


@pytest.mark.parametrize("version", sorted(READ))
def test_each_image_has_a_document(images, version):
    """With what it is about, of which content, by which version, and what was found."""
    chosen = images[:3]
    done = work("--version", version, *chosen)
    documents = [json.loads(line) for line in done.stdout.splitlines()]

    assert (0, b"") == (done.returncode, done.stderr)
    assert [image.as_uri() for image in chosen] == [document["pointer"] for document in documents]
    assert [hashlib.md5(image.read_bytes()).hexdigest() for image in chosen] == [
        document["etag"] for document in documents
    ]
    assert {("haar", str(version))} == {(document["model"], document["version"]) for document in documents}
    assert all(isinstance(READ[version](document["output"]), list) for document in documents)


@pytest.mark.parametrize("version", sorted(READ))
def test_a_second_run_gives_the_same_bytes(images, version):
    """So that its documents change nothing."""
    first, second = (work("--version", version, *images[:2]).stdout for _ in range(2))

    assert first
    assert first == second


def test_the_newest_version_runs_unless_another_is_asked_for(images):
    """As after an upgrade."""
    assert "2" == json.loads(work(images[0]).stdout)["version"]


def test_an_image_that_cannot_be_looked_at_has_a_document_that_says_so(images, tmp_path):
    """The others have theirs, and the status tells."""
    (tmp_path / "torn.jpg").write_bytes(b"no image")
    done = work(tmp_path / "torn.jpg", images[0], tmp_path / "missing.jpg")
    torn, good, missing = (json.loads(line) for line in done.stdout.splitlines())

    assert 1 == done.returncode
    assert "output" in good
    assert ["NoImageError: 8 bytes that are no image", "FileNotFoundError: No such file or directory"] == [
        torn["error"],
        missing["error"],
    ]
    assert not {"output"} & {*torn, *missing}
    assert 2 == len(done.stderr.splitlines())


def test_another_version_is_a_wrong_use(opencv):
    """There are two."""
    assert 2 == work("--version", 3, "x.jpg").returncode
