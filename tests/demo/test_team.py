"""The simulated team answers what is out, the same every time."""

import json

from dsvc.demo.team import N_IMAGES, answer, detected, face_of, number_of, write_images


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


def test_model_is_wrong_where_it_is_sure_too():
    """An audit has something to find."""
    wrong = [n for n in range(N_IMAGES) if detected(n)["x"] != face_of(n)["x"] and detected(n)["score"] > 0.8]

    assert len(wrong) >= 3


def test_a_person_answers_each_question_once(tmp_path):
    """Up to a limit, then the rest; a second time there is nothing to do."""
    (tmp_path / "answers").mkdir()
    asks = [{"key": f"{n:064x}#1", "type": "boxes"} for n in range(3)]
    (tmp_path / "asks.jsonl").write_text("".join(json.dumps(ask) + "\n" for ask in asks))
    sources = {f"{n:064x}": f"file:///images/{n:02}.png" for n in range(3)}
    counts = [answer(tmp_path, sources, "ann", 1, limit) for limit in (2, None, None)]
    values = [json.loads(line)["value"] for line in (tmp_path / "answers" / "ann.jsonl").read_text().splitlines()]

    assert [2, 1, 0] == counts
    assert [[face_of(n)] for n in range(3)] == values
