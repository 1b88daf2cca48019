"""The simulated team answers what is out, the same every time."""

import json

from dsvc.annotation.judging.lots import plan_of
from dsvc.demo.directory import write_people_recipe
from dsvc.demo.team import N_IMAGES, answer, detected, face_of, number_of, write_images
from dsvc.recipe.load import load_recipe


def test_images_and_documents_are_written(tmp_path):
    """One image and one document each, which names it."""
    documents = [json.loads(line) for line in write_images(tmp_path).read_text().splitlines()]

    assert N_IMAGES == len(documents) == len(list((tmp_path / "images").iterdir()))
    assert list(range(N_IMAGES)) == [number_of(document["uri"]) for document in documents]


def test_images_can_be_decoded(tmp_path):
    """They are grey images of the size said, and the face is bright."""
    from PIL import Image

    write_images(tmp_path)
    face = face_of(3)
    with Image.open(tmp_path / "images" / "03.png") as image:
        inside = image.getpixel((int(face["x"]) + 1, int(face["y"]) + 1))
        outside = image.getpixel((0, 0))

    assert (220, 43) == (inside, outside)


def test_every_sample_of_what_the_model_is_sure_of_has_a_wrong_box(tmp_path):
    """So an audit of any of them fails: which are drawn depends on where the demo's directory is."""
    sure = [n for n in range(N_IMAGES) if detected(n)["score"] > 0.8]
    right = [n for n in sure if detected(n)["x"] == face_of(n)["x"]]
    (tmp_path / ".dsvc").mkdir()
    write_people_recipe(tmp_path)
    plan = plan_of(load_recipe(tmp_path).tasks["face_boxes"].audit, len(sure))

    assert (0, True) == (plan.accept, plan.sample > len(right))


def test_each_question_is_answered_once(tmp_path):
    """Up to a limit, then the rest; a second time there is nothing to do, for nobody."""
    (tmp_path / "answers").mkdir()
    asks = [{"key": f"{n:064x}#1", "type": "boxes"} for n in range(3)]
    (tmp_path / "asks.jsonl").write_text("".join(json.dumps(ask) + "\n" for ask in asks))
    sources = {f"{n:064x}": f"file:///images/{n:02}.png" for n in range(3)}
    counts = [answer(tmp_path, sources, "ann", 1, limit) for limit in (2, None, None)]
    values = [json.loads(line)["value"] for line in (tmp_path / "answers" / "ann.jsonl").read_text().splitlines()]

    assert [2, 1, 0] == counts
    assert 0 == answer(tmp_path, sources, "ben", 1)
    assert [[face_of(n)] for n in range(3)] == values
