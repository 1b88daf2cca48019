"""A repository whose people, platform, stores and processes fail, on its own clock, and what must hold all the same.

Everything but the people and the network is real: recipe, engine, ledger, op store and staged copies are on disk. The
platform is `dsvc.testing.fake_platform`, offered through the plugin hook as any platform is.
"""

import json
import os
import random
import re
import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from unittest.mock import patch

from PIL import Image

from dsvc.annotation import outfit
from dsvc.annotation.answers.evidence import Answered, Evidence
from dsvc.annotation.answers.payloads import answer_type, canonical_payload
from dsvc.annotation.answers.pseudonyms import Pseudonyms
from dsvc.annotation.judging.hearing import Item
from dsvc.annotation.judging.rounds import Resolution, resolve
from dsvc.annotation.judging.verdicts import judge_lots
from dsvc.annotation.keeping.ledger import Addition, append, read_ledger
from dsvc.annotation.opstores.base import iter_scan
from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.annotation.outfit import read_expiry
from dsvc.annotation.overview import iter_requests
from dsvc.annotation.staging.expiry import DAY_US, HOUR_US, Expiry
from dsvc.annotation.syncing import canonical_values
from dsvc.engine.looking.standings import count_standings
from dsvc.plugins import hookimpl, pixels
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import Option
from dsvc.plugins.platforms import Capabilities
from dsvc.repo.refs import DRAFT_REVISION
from dsvc.repository import Repository
from dsvc.testing.annotation_lab import CrashError
from dsvc.testing.fake_platform import FakePlatform, FakeServer
from dsvc.testing.faults import FaultyStore
from tests.people.world import START_US

PLACE = "file:///faces"
SHOWN = ("STAGED", "OPEN", "PARTIAL")
AUDIT = """
[task.faces.audit]
sample    = 0.5
max_error = 0.01
rounds    = 3
on_fail   = "lot"
lot       = {{ size = {lot} }}
"""
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
plugin   = "fake"
server   = "{server}"
staging  = "staging"
expiry   = "{expiry}"
attempts = {attempts}

[task.faces]
type    = "boxes"
of      = "model"
ask     = "list_min([b.score for b in model]) < 0.8"
version = "1"
accept  = ">=1"
overlap = {{ min = 1, max = 3 }}
{audit}
[task.quality]
type = "rating(5)"
ask  = "list_min([b.score for b in model]) < 0.8"

[dataset.detector]
where   = "len(faces) > 0"
columns = {{ boxes = "faces" }}

[dataset.good]
where   = "quality >= 3"
columns = {{ boxes = "faces", quality = "quality" }}
"""
SERVERS: dict[str, FakeServer] = {}
"""The servers of this process, by the name that a recipe gives."""


class Fake(FakePlatform):
    """The fake platform as a recipe names it."""

    options = {"server": Option(str, "name of a server in this process")}

    def __init__(self, name, options, base_dir):
        super().__init__(SERVERS[options["server"]], name, Capabilities("uri", signs_per_view=True, has_hints=True))
        self.values, self.base_dir = options, base_dir


@hookimpl
def dsvc_platforms():
    """Offer it."""
    return {"fake": Fake}


@dataclass
class Fuse:
    """Ends the process at the n-th write from now; what its cleaning-up would still write is not written either."""

    left: int | None = None
    error: BaseException | None = None
    """Raised instead of what nothing catches: a write that fails, as all after it."""

    def burn(self):
        """Count one write."""
        if self.left is not None:
            if self.left <= 0:
                raise self.error or CrashError
            self.left -= 1


class FusedOps:
    """An op store in front of another, whose writes burn a fuse."""

    def __init__(self, inner, fuse):
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        if name not in {"insert", "swap", "delete"}:
            return found

        def write(*args):
            self._fuse.burn()
            return found(*args)

        return write

    def write_many(self, space, writes):
        """Do some writes; where the process ends among them, those before are done."""
        for number in range(len(writes)):
            try:
                self._fuse.burn()
            except BaseException:
                self._inner.write_many(space, writes[:number])
                raise
        return self._inner.write_many(space, writes)


class WatchedServer(FakeServer):
    """A server that notes when a task is deleted whose answers are nowhere else."""

    def __init__(self, world):
        super().__init__(world.clock, lock_us=0)
        self._world = world
        self.keys: set[str] = set()
        """Of all questions ever posted."""
        self.deleted_too_soon: list[str] = []
        self.deleted_by_hand: set[str] = set()

    def import_tasks(self, project, questions):
        before = set(self.tasks)
        try:
            return super().import_tasks(project, questions)
        finally:
            self.keys |= {task.key for number, task in self.tasks.items() if number not in before}

    def delete_task(self, task_id):
        task = self.tasks.get(task_id)
        held = self._world.held() if task is not None and task.answers else set()
        for answer in task.answers.values() if task is not None else ():
            who = self._world.who(task, answer.annotator)
            if who in self._world.acknowledged and who not in held:
                self.deleted_too_soon.append(task.key)
        return super().delete_task(task_id)


class FaultWorld:
    """Some images (128 at most), each of a grey of its own, two tasks about them, and people who see what is staged.

    Of the first half the model is unsure, and of every third image it is wrong.
    """

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __init__(self, path: Path, *, n=6, expiry="rolling", store_expiry=None, attempts=4, lot=100, is_audited=True):
        self.path, self.now_us = path, START_US
        self.store_expiry: Expiry = read_expiry(store_expiry or expiry)
        self.server = SERVERS[str(path)] = WatchedServer(self)
        self.fuse = Fuse()
        self.acknowledged: set[tuple[str, str]] = set()
        """(ask, person's pseudonym) of what the platform took."""
        self.was_wiped = False
        self.keys_of_costs: set[str] = set()
        """The questions that were posted before the op store was last deleted."""
        self._pseudonym = Pseudonyms()
        self._seen: dict[int, str | None] = {}
        self._patches = ExitStack()
        open_ops, read_file = outfit.open_ops, pixels.read_file
        for place, name, stand_in in (
            (outfit, "open_ops", lambda *args: FusedOps(open_ops(*args), self.fuse)),
            (pixels, "read_file", lambda pointer, *rest: read_file(self.found_at(pointer), *rest)),
        ):
            self._patches.enter_context(patch.object(place, name, stand_in))
        Repository.init(path, author="Ada", clock=self.clock).close()
        (path / "images").mkdir()
        (path / "documents").mkdir()
        self.truth, self.model, self.score, self.rating = {}, {}, {}, {}
        self.pointers: list[str] = []
        for number in range(n):
            self.add_image(0.5 if number < n // 2 else 0.95)
        audit = AUDIT.format(lot=lot) if is_audited else ""
        recipe = RECIPE.format(server=path, expiry=expiry, attempts=attempts, audit=audit)
        (path / "dsvc.toml").write_text(recipe)
        self.open()
        self.repo.ingest()
        self.repo.run()

    # --- the machine ------------------------------------------------------------------------------------------------

    def clock(self) -> int:
        return self.now_us

    def image(self, number) -> Path:
        return self.path / "images" / f"{number:02}.png"

    def add_image(self, score) -> None:
        """Let there be one more image, of which the model is as sure as said; from the next ingest on."""
        number = len(self.pointers)
        self.draw(number)
        pointer = f"{PLACE}/{number:02}.png"  # the same wherever the world is: ids follow from it, and samples from ids
        self.pointers.append(pointer)
        box = {"x": 10.0, "y": 20.0, "w": 40.0 + number, "h": 50.0}
        self.truth[pointer] = [box]
        self.rating[pointer] = 1 + number % 5
        self.write_model(number, [box if number % 3 else {**box, "x": 120.0}], score)

    def found_at(self, pointer) -> str:
        """Return the pointer of an image as this machine has it."""
        return pointer.replace(PLACE, f"file://{self.path}/images")

    def draw(self, number) -> None:
        """Make an image, or make it anew."""
        Image.new("L", (200, 200), 2 * number).save(self.image(number))

    def write_model(self, number, boxes, score) -> None:
        """Let the model say something of an image, from the next ingest on."""
        pointer = self.pointers[number]
        self.model[pointer], self.score[pointer] = boxes, score
        said = {"uri": pointer, "boxes": [{**box, "score": score} for box in boxes]}
        folder = self.path / "documents"
        (folder / f"{len(list(folder.iterdir())):04}.jsonl").write_text(json.dumps(said) + "\n")

    def open(self) -> None:
        """Begin a process."""
        self.fuse.left = self.fuse.error = None
        self.repo = open_repository(self.path, self.clock)
        faulty = FaultyStore(self.repo.store)
        faulty.faults.before = lambda _: self.fuse.burn()
        self.repo.store = faulty

    def restart(self) -> None:
        """End the process, and begin another."""
        self.repo.close()
        self.open()

    def close(self) -> None:
        """End the process, and the world."""
        self.repo.close()
        self._patches.close()
        del SERVERS[str(self.path)]

    def wipe(self) -> None:
        """Lose the op store."""
        shutil.rmtree(self.ops_path, ignore_errors=True)
        self.was_wiped = True
        self.keys_of_costs = set(self.server.keys)

    @property
    def ops_path(self) -> Path:
        return self.path / ".dsvc" / "annotation"

    @contextmanager
    def ops(self):
        """Give the op store, to look at."""
        store = LmdbOpStore(self.ops_path)
        try:
            yield store
        finally:
            store.close()

    def turn(self, crash_in: int | None = None, **kwargs):
        """Do a pass; return its report, None where it crashed."""
        self.fuse.left = crash_in
        try:
            return self.repo.annotate_sync(**{"close_lots": True} | kwargs)
        except CrashError:
            self.restart()
            return None
        finally:
            self.fuse.left = None

    def wait(self, hours: float) -> None:
        """Let time pass; the staging store deletes what its own rule says."""
        self.now_us += round(hours * HOUR_US)
        for path in self.staged():
            if self.store_expiry.store_expires(path.stat().st_mtime_ns // 1000) <= self.now_us:
                path.unlink()

    def edit(self, pattern: str, text: str) -> None:
        """Edit the recipe."""
        recipe = self.path / "dsvc.toml"
        edited, n_found = re.subn(pattern, text, recipe.read_text(), count=1)
        assert n_found, pattern
        recipe.write_text(edited)

    # --- people -----------------------------------------------------------------------------------------------------

    def who(self, task, person) -> tuple[str, str]:
        """Return which ask a task of the platform is of, and whose answer somebody's is."""
        return task.key.partition("#")[0], self._pseudonym(person)

    def look(self, task) -> str | None:
        """Return which image somebody sees who opens a task; None where it is gone and nobody had it open."""
        if task.task_id not in self._seen:
            copy = Path(task.question.image.removeprefix("file://"))
            if not copy.exists():
                return None
            with Image.open(copy) as opened:
                self._seen[task.task_id] = self.pointers[opened.convert("L").getpixel((0, 0)) // 2]
        return self._seen[task.task_id]

    def say(self, task, source, how="right"):
        """Return the outcome and value that somebody gives."""
        if how == "skip":
            return "skip", None
        if task.project.startswith("quality"):
            return "value", self.rating[source] if how == "right" else 1 + self.rating[source] % 5
        boxes = self.truth[source]
        return "value", boxes if how == "right" else [{**box, "y": box["y"] + 80} for box in boxes]

    def submit(self, task, person, how="right") -> None:
        """Submit an answer of somebody who has a task open, whatever became of it meanwhile."""
        source = self.look(task)
        if source is None:
            return
        if how == "nonsense":
            self.server.submit_raw(task.task_id, person, {"outcome": "value", "payload": {"no": "box"}})
            return
        self.server.submit(task.task_id, person, *self.say(task, source, how), lead_s=10.0)
        self.acknowledged.add(self.who(task, person))

    def answer(self, person, how="right", limit=None) -> int:
        """Let somebody answer what they are given; return how many answers that were."""
        n_done = 0
        for task in sorted(self.server.tasks.values(), key=lambda task: task.question.expires_us or 0):
            theirs = any(answer.annotator == person for answer in task.answers.values())
            if theirs or len(task.answers) >= task.question.want or self.look(task) is None:
                continue
            if limit is not None and n_done >= limit:
                break
            self.submit(task, person, how)
            n_done += 1
        return n_done

    # --- what there is ----------------------------------------------------------------------------------------------

    def staged(self) -> list[Path]:
        folder = self.path / "staging"
        return sorted(path for path in folder.iterdir() if path.is_file()) if folder.exists() else []

    def answered(self) -> dict[str, list[Answered]]:
        """Return every answer in the ledger with its ask, by task."""
        ledger = read_ledger(self.repo.store)
        return {
            name: [
                Answered(known.ask(answer.ask_id), answer)
                for _, known in ledger.iter_evidence(name)
                for answer in known.answers
            ]
            for name in ledger.tasks
        }

    def held(self) -> set[tuple[str, str]]:
        """Return whose answer to which ask the ledger has."""
        return {(one.ask.ask_id.hex(), one.answer.annotator) for found in self.answered().values() for one in found}

    def values(self, name: str) -> tuple[dict[str, str], dict[str, int]]:
        """Return the values of a task in the draft as payloads, and how many records have each standing."""
        view, spec = self.repo.view(DRAFT_REVISION), self.repo.recipe().tasks[name]
        if view.signal(name) is None:
            return {}, {}
        return canonical_values(view, spec, name, self.pointers), count_standings(view, name)

    def expected(self, name: str) -> tuple[dict[str, str], dict[str, int]]:
        """Return the same, resolved source by source from what the ledger says and nothing else."""
        task, ledger = self.repo.recipe().tasks[name], read_ledger(self.repo.store)
        evidence = dict(ledger.iter_evidence(name))
        verdicts = judge_lots(task, ledger.lots(name).values(), evidence) if task.audit else {}
        type_ = answer_type(task.type_text)
        section = (self.path / "dsvc.toml").read_text().partition(f"[task.{name}]")[2]
        limit = float(re.search(r"< ([0-9.]+)", section)[1])
        values, standings = {}, Counter()
        for source, boxes in self.model.items():
            judged = canonical_payload(type_, boxes) if task.of is not None else None
            known = {"evidence": evidence[source]} if source in evidence else {}
            item = Item(source, "", judged, asked=self.score[source] < limit, **known)
            found = resolve(task, item, lambda lot: verdicts[lot].state)
            if task.of is None and not item.asked and not found.has_record:
                found = Resolution()
            if found.has_record:
                standings[found.standing] += 1
                if found.value is not None:
                    values[source] = found.value
        return values, dict(standings)

    def is_whole(self, report) -> bool:
        """Tell whether a pass did all that there was to do."""
        return report is not None and not report.notes and not any(t.is_busy or t.notes for t in report.platforms)

    def broken_promises(self, report=None) -> list[str]:
        """Return what must hold and does not; more must after a pass that was whole.

        Args:
            report: What a pass said that has just ended.
        """
        held = self.held()
        at_platform = {
            self.who(task, answer.annotator) for task in self.server.tasks.values() for answer in task.answers.values()
        }
        broken = [f"an acknowledged answer is nowhere: {who}" for who in self.acknowledged - held - at_platform]
        broken += [f"{key}: deleted before its answers were durable" for key in self.server.deleted_too_soon]
        said = [
            (one.ask.ask_id, one.answer.annotator, one.answer.outcome, one.answer.payload, one.answer.reasons)
            for found in self.answered().values()
            for one in found
        ]
        broken += [f"an answer is there twice: {one}" for one, times in Counter(said).items() if times > 1]
        return broken + (self._broken_when_quiet(held) if self.is_whole(report) else [])

    def _broken_when_quiet(self, held) -> list[str]:
        staged = {path.name: self.now_us - path.stat().st_mtime_ns // 1000 for path in self.staged()}
        broken = [f"copy {key} is {age / DAY_US:.2f} days old" for key, age in staged.items() if age >= DAY_US]
        with self.ops() as ops:
            requests = list(iter_requests(ops))
            inbox = [record.doc for record in iter_scan(ops, "inbox")]
            records = {record.id for record in iter_scan(ops, "stages")}
            issued = {record.id for record in iter_scan(ops, "costs") if record.id.startswith("issue/")}
        # Of what nobody wants, nobody answered, and was forgotten with the op store: the platform keeps them.
        waiting = {
            (doc["answer"]["key"].partition("#")[0], self._pseudonym(doc["answer"]["annotator"]))
            for doc in inbox
            if self.was_wiped and doc["state"] == "unknown"
        }
        broken += [f"not taken in: {who}" for who in self.acknowledged - held - waiting]
        used = {request.stage for request in requests if request.state in SHOWN}
        known = set(staged) & records if self.was_wiped else set(staged)
        broken += [f"copy {key} is for no open ask" for key in known - used]
        asks = [task.key.partition("#")[0] for task in self.server.tasks.values() if not task.answers]
        broken += [f"{ask} is shown twice" for ask, times in Counter(asks).items() if times > 1]
        posted = {f"issue/{key}" for key in self.server.keys - self.keys_of_costs - self.server.deleted_by_hand}
        broken += [f"{key} was posted and not counted" for key in posted - issued]
        broken += [f"{key} was counted and never posted" for key in issued - {f"issue/{k}" for k in self.server.keys}]
        self.repo.run(only=list(self.repo.recipe().tasks), waits=False)
        for name in self.repo.recipe().tasks:
            if self.expected(name) != self.values(name):
                broken.append(f"{name}: {self.values(name)} is not what follows: {self.expected(name)}")
        return broken


@contextmanager
def a_place():
    """Give a directory that lives in memory, where there is such: most faults are about order, and not about disks."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


def open_repository(path, clock) -> Repository:
    """Open a repository that has the fake platform among its plugins."""
    repo = Repository.open(path, author="Ada", clock=clock)
    repo.plugins = Plugins([*entry_points(group="dsvc"), EntryPoint("fake", __name__, "dsvc")])
    return repo


def made_anew(world: FaultWorld, path: Path, chance: random.Random | None = None) -> dict[str, object]:
    """Return the signals of the tasks as they come out of the documents, the recipe and the ledger's facts alone.

    Args:
        world: Where those are.
        path: Of a new repository.
        chance: Shuffles the facts, repeats some, and has them come in parts with a run after each; None takes all.
    """
    Repository.init(path, author="Bob", clock=world.clock).close()
    for name in ("documents", "dsvc.toml"):
        copy = shutil.copytree if name == "documents" else shutil.copyfile
        copy(world.path / name, path / name)
    ledger, facts = read_ledger(world.repo.store), []
    for name, answered in world.answered().items():
        facts += [(name, Addition(answered=[one])) for one in answered]
        facts += [(name, Addition(lots=[lot])) for lot in ledger.lots(name).values()]
        for source, known in ledger.iter_evidence(name):
            beside = Evidence(members=known.members, stops=known.stops, asides=known.asides)
            facts.append((name, Addition(also={source: beside})))
    if chance is not None:
        facts += chance.sample(facts, len(facts) // 2)
        chance.shuffle(facts)
    with open_repository(path, world.clock) as repo:
        repo.ingest()
        for name, addition in facts:
            append(repo.store, {name: addition})
            if chance is not None and chance.random() < 0.1:
                repo.run()
        repo.run()
        return signals_of(repo)


def signals_of(repo: Repository) -> dict[str, object]:
    """Return the tasks' signals in the draft: equal if and only if every byte is."""
    view = repo.view(DRAFT_REVISION)
    return {name: view.signal(name) for name in repo.recipe().tasks}
