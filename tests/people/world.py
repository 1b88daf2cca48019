"""A repository with a task, a team that answers through files, and a clock of their own."""

import json
from pathlib import Path

from PIL import Image

from dsvc.repository import Repository

HOUR_US = 3_600_000_000
START_US = 1_772_409_600_000_000 + 9 * HOUR_US
"""A Monday, 09:00 UTC."""
RECIPE = """
[feed.images]
plugin  = "files"
path    = "documents/*.jsonl"
pointer = "uri"

[signal.model]
from  = "images"
type  = "boxes"
value = "boxes"

[platform.team]
plugin   = "files"
image    = "{image}"
staging  = "staging"
expiry   = "rolling"
attempts = 50

[task.faces]
type = "boxes"
of   = "model"
ask  = "list_min([b.score for b in model]) < 0.8"
{audit}

[dataset.detector]
where   = "len(faces) > 0"
columns = {{ boxes = "faces" }}

[dataset.spoof]
where   = "faces[1].w > 20"
columns = {{ boxes = "faces" }}
"""
AUDIT = """
[task.faces.audit]
sample    = 0.5
max_error = 0.01
rounds    = 3
on_fail   = "lot"
lot       = { size = 100 }
"""


class World:
    """Twelve images: of the first four the model is unsure, and of every third it is wrong."""

    def __init__(self, directory: Path, *, audit: str = AUDIT, image: str = "url", n: int = 12, wrong: int = 3):
        self.path, self.now_us = directory, START_US
        Repository.init(directory, author="Ada", clock=self.clock).close()
        (directory / "images").mkdir()
        self.truth, self.model, documents = {}, {}, []
        for i in range(n):
            path = directory / "images" / f"{i:02}.png"
            Image.new("RGB", (200, 200), (i, i, i)).save(path)
            pointer = f"file://{path}"
            box = {"x": 10.0, "y": 20.0, "w": 40.0 + i, "h": 50.0}
            self.truth[pointer] = [box]
            self.model[pointer] = [box if i % wrong else {**box, "x": 120.0}]
            score = 0.5 if i < 4 else 0.95
            documents.append({"uri": pointer, "boxes": [{**b, "score": score} for b in self.model[pointer]]})
        (directory / "documents").mkdir()
        lines = "".join(json.dumps(document) + "\n" for document in documents)
        (directory / "documents" / "1.jsonl").write_text(lines)
        (directory / "dsvc.toml").write_text(RECIPE.format(audit=audit, image=image))
        with self.open() as repo:
            repo.ingest()
            repo.run()

    def clock(self) -> int:
        return self.now_us

    def open(self) -> Repository:
        return Repository.open(self.path, author="Ada", clock=self.clock)

    def sync(self, **kwargs):
        with self.open() as repo:
            return repo.annotate_sync(close_lots=True, **kwargs)

    def wait(self, hours: float) -> None:
        self.now_us += round(hours * HOUR_US)

    @property
    def folder(self) -> Path:
        return self.path / "annotation" / "faces@1"

    def questions(self) -> list[dict]:
        path = self.folder / "asks.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def source_of(self, question) -> str:
        """Return which source a question is about; the platform shows only a copy under an opaque name."""
        with self.open() as repo:
            return repo.ask(question["key"].partition("#")[0]).ask.source

    def answer(self, who: str, *, limit: int | None = None) -> int:
        """Let a person who knows the truth answer what they have not."""
        path = self.folder / "answers" / f"{who}.jsonl"
        done = {json.loads(line)["key"] for line in path.read_text().splitlines()} if path.exists() else set()
        todo = [question for question in self.questions() if question["key"] not in done][:limit]
        with self.open() as repo:
            sources = {status.ask.ask_id.hex(): status.ask.source for status in repo.asks(everything=True)}
        n_done = 0
        with path.open("a") if todo else Path("/dev/null").open("a") as file:
            for question in todo:
                source = sources.get(question["key"].partition("#")[0])
                if source is None:
                    continue
                said = {"key": question["key"], "value": self.truth[source], "seconds": 12, "at": self.now_us}
                file.write(json.dumps(said) + "\n")
                n_done += 1
        return n_done

    def finish(self, people=("ann", "ben", "cleo"), most: int = 20) -> int:
        """Let people answer until nothing is open; return how many answers that took."""
        total = 0
        for turn in range(most):
            self.wait(1)
            self.sync()
            answered = self.answer(people[turn % len(people)])
            total += answered
            self.sync()
            with self.open() as repo:
                if not answered and not repo.asks():
                    return total
        raise AssertionError("it does not end")

    def boxes(self) -> dict[str, list]:
        with self.open() as repo:
            table = repo.read("@draft", ["faces"]).to_pylist()
        return {
            row["source"]: [{name: box[name] for name in "xywh"} for box in row["faces"]]
            for row in table
            if row["faces"] is not None
        }

    def answers(self) -> list:
        """Return every answer that the ledger holds."""
        from dsvc.annotation.keeping.ledger import read_ledger

        with self.open() as repo:
            found = [known for _, known in read_ledger(repo.store).iter_evidence("faces")]
        return [answer for evidence in found for answer in evidence.answers]

    def staged(self) -> list[Path]:
        folder = self.path / "staging"
        return sorted(path for path in folder.iterdir() if path.is_file()) if folder.exists() else []

    def expected(self) -> dict[str, list]:
        """Return what must come out, found without the product's rounds: what was asked, and failed lots, are right."""
        from dsvc.annotation.keeping.ledger import read_ledger

        expected = dict(self.model)
        for at, source in enumerate(self.model):
            if at < 4:
                expected[source] = self.truth[source]
        with self.open() as repo:
            lots = read_ledger(repo.store).lots("faces").values()
        for lot in lots:
            looked_at = [member.source for member in lot.members if member.sampled]
            for source in looked_at:
                expected[source] = self.truth[source]
            is_of_model = "model" in lot.key
            n_wrong = sum(is_of_model and self.model[source] != self.truth[source] for source in looked_at)
            if n_wrong > lot.accept:
                for member in lot.members:
                    expected[member.source] = self.truth[member.source]
        return expected
