"""The transform as dsvc runs it over images in a bucket: a real server of S3's interface behind a bad network."""

import json
from pathlib import Path

import pytest

import dsvc
from dsvc.testing.http_faults import FaultyProxy, Reset, ResetBody, Status, Truncate
from dsvc.testing.s3 import ENVIRONMENT, S3UnavailableError, running_s3

FACE = (Path(__file__).parent / "images" / "ai-face.jpg").read_bytes()
BOX = {"x": 48.0, "y": 20.0, "w": 160.0, "h": 200.0, "score": 0.99, "label": "face"}
N = 60
RECIPE = """
[feed.images]
plugin     = "files"
path       = "images.jsonl"
pointer    = "uri"
content_id = "etag"

[signal.face_detection]
from  = "images"
type  = "boxes"
value = "boxes"

[step.sharpness]
transform = "laplacian_blur"
inputs    = ["pixels", "face_detection"]
"""


@pytest.fixture
def bucket(monkeypatch):
    """A bucket of faces, and the proxy before it."""
    boto3 = pytest.importorskip("boto3")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    try:
        with running_s3() as url, FaultyProxy(url) as proxy:
            monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
            client = boto3.session.Session().client("s3")
            client.create_bucket(Bucket="sharp-faces")
            for number in range(N):
                client.put_object(Bucket="sharp-faces", Key=f"{number:02}.jpg", Body=FACE)
            yield client, proxy
            client.close()
    except S3UnavailableError as err:
        pytest.skip(str(err))


@pytest.fixture
def repo(tmp_path, bucket):
    """A repository that has taken in a document for each image, with its ETag and a box."""
    client, _ = bucket
    with dsvc.init(tmp_path / "repo") as repo:
        (repo.path / "dsvc.toml").write_text(RECIPE)
        documents = [
            {
                "uri": f"s3://sharp-faces/{number:02}.jpg",
                "etag": client.head_object(Bucket="sharp-faces", Key=f"{number:02}.jpg")["ETag"],
                "boxes": [BOX],
            }
            for number in range(N)
        ]
        (repo.path / "images.jsonl").write_text("\n".join(map(json.dumps, documents)))
        repo.ingest()
        yield repo


def test_images_are_read_from_their_bucket(repo, bucket):
    """Through errors, resets and cut bodies; what is denied, gone or changed fails alone, and nothing leaks."""
    client, proxy = bucket
    for number in range(0, N, 6):
        fault = [Status(503, "SlowDown"), Truncate(3000), Reset(), ResetBody(2000)][number // 6 % 4]
        proxy.plan(f"/sharp-faces/{number:02}.jpg", fault)
    proxy.plan("/sharp-faces/01.jpg", Status(403, "AccessDenied"), forever=True)
    client.delete_object(Bucket="sharp-faces", Key="02.jpg")
    client.put_object(Bucket="sharp-faces", Key="03.jpg", Body=FACE + b"\0")
    report = repo.run()

    assert (N, 3) == (report.ran, report.failed)
    rows = repo.read("@draft", signals=["sharpness"]).to_pylist()
    values = {row["source"]: row["sharpness"] for row in rows if row["sharpness"] is not None}
    assert {f"s3://sharp-faces/{n:02}.jpg" for n in range(N) if n not in {1, 2, 3}} == set(values)
    assert 1 == len(set(values.values()))  # they are all the same face
    stored = [path.read_bytes() for path in repo.path.rglob("*") if path.is_file()]
    assert not [at for at in range(600, len(FACE) - 32, 32) if any(FACE[at : at + 32] in data for data in stored)]
