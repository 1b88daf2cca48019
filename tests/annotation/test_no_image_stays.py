"""No byte of an image is anywhere but in the staging store, and there for no longer than an ask is open."""

import logging
import tempfile
from io import BytesIO

from PIL import Image

from dsvc.annotation.keeping.answer_log import LedgerLog
from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.annotation.staging.local import LocalStaging
from dsvc.annotation.staging.rendering import Rendering, render, rendering_name
from dsvc.annotation.turns.dispatch import Picture
from dsvc.store.lmdb import LmdbStore
from dsvc.testing.annotation_lab import AnnotationLab, CrashingOps


def test_an_image_is_seen_in_its_copy_alone(tmp_path, monkeypatch, caplog):
    """Not in the op store, the ledger, a log, a temporary file or what the platform holds; nor its pointer in a key."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    buffer = BytesIO()
    noise.save(buffer, "PNG")
    shown = render("s3://faces/000001.png", buffer.getvalue(), Rendering())

    lab = AnnotationLab()
    lab.now_us = 1_900_000_000_000_000
    stage, store = LocalStaging(tmp_path / "stage", cleaned_by="a timer"), LmdbStore(tmp_path / "store", create=True)
    lab.store = stage
    lab.ops = CrashingOps(LmdbOpStore(tmp_path / "ops"))
    lab.log = LedgerLog(store)
    lab.picture = lambda ask: Picture(
        rendering_name(ask.source, "e", Rendering()),
        "image/jpeg",
        lambda: render(ask.source, buffer.getvalue(), Rendering()),
    )
    monkeypatch.setattr(stage, "head", _as_of(lab, stage.head))
    lab.restart()
    lab.want(1)
    lab.turn()

    [copy] = list((tmp_path / "stage").iterdir())
    assert shown.data == copy.read_bytes()
    assert "faces" not in copy.name

    def traces():
        pieces = {shown.data[at : at + 24] for at in range(200, len(shown.data) - 24, 256)}
        files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != tmp_path / "stage"]
        return [path for path in files if any(piece in path.read_bytes() for piece in pieces)]

    assert [] == traces()
    [task] = lab.server.tasks.values()
    task.question = None
    lab.server.submit(task.task_id, "ada", "value", 3)
    lab.turn()
    assert [] == list((tmp_path / "stage").iterdir())
    assert [] == list((tmp_path / "tmp").iterdir())
    assert [] == traces()
    assert [] == [record for record in caplog.records if "PNG" in record.getMessage() or "JFIF" in record.getMessage()]
    lab.ops.close()
    store.close()


def _as_of(lab, head):
    """Let copies have been put at the lab's time."""

    def call(key):
        found = head(key)
        return None if found is None else type(found)(found.key, lab.now_us, found.etag, found.size)

    return call
