"""The label system's MongoDB is killed, and with it the op store: at the end nothing is missing, double, or too old."""

import json
import os
import random
import shutil
import time

import pytest
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from dsvc.testing.mongod import URL_VARIABLE, Mongod, MongodUnavailableError
from tests.crash.disturbances import PEOPLE, broken, datasets, deliver, passes
from tests.crash.process import N_KILLS
from tests.people.world import World

N_KILLED = max(3, N_KILLS // 20)
PLATFORM = """
plugin  = "mongo-queue"
uri     = "${LABELS_URI}"
image   = "url"
"""


class MongoWorld(World):
    """The same images, with a label system that works on collections, and the op store beside them."""

    def __init__(self, path, server, database):
        # A server that is killed takes a moment to be missed.
        self.uri = f"{server.url}&serverSelectionTimeoutMS=1000"
        self.client = MongoClient(server.url)
        labels = self.client.get_database("labels", write_concern=WriteConcern("majority", j=True))
        self.requests, self.answered = labels[f"{database}_requests"], labels[f"{database}_answers"]
        self.environ = {"LABELS_URI": self.uri}
        self.acknowledged = set()
        super().__init__(path, n=6)
        recipe = path / "dsvc.toml"
        places = f'requests = "labels.{self.requests.name}"\nanswers = "labels.{self.answered.name}"\n'
        recipe.write_text(recipe.read_text().replace('plugin   = "files"\nimage    = "url"\n', PLATFORM + places))
        ops = self.uri.replace("/?", f"/ops_{database}?")
        with (path / ".dsvc" / "config.toml").open("a") as config:
            config.write(f'annotation = "{ops}"\n')

    def sync(self, **kwargs):
        """Do a pass, with the address that the recipe leaves to the environment."""
        with self.open() as repo:
            return repo.annotate_sync(close_lots=True, environ=self.environ, **kwargs)

    def open(self):
        """Open the repository with that environment."""
        repo = super().open()
        repo.environ = self.environ
        return repo

    def questions(self):
        """Return the requests that are there."""
        return list(self.requests.find().sort("order", 1))

    def answer(self, who, *, limit=None):
        """Let the label system write down what a person says of each request that they did not answer."""
        done = {document["request"] for document in self.answered.find({"annotator": who})}
        with self.open() as repo:
            sources = {status.ask.ask_id.hex(): status.ask.source for status in repo.asks(everything=True)}
        n_done = 0
        for request in self.questions():
            ask = request["key"].partition("#")[0]
            if request["_id"] in done or ask not in sources:
                continue
            value = self.truth[sources[ask]]
            document = {"request": request["_id"], "annotator": who, "outcome": "value", "value": value}
            self.answered.insert_one(document)  # returns when a majority has it on disk: it is promised to the person
            self.acknowledged.add((request["key"], who))
            n_done += 1
        return n_done


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory):
    if os.environ.get(URL_VARIABLE):
        pytest.skip(f"{URL_VARIABLE} names a server of somebody's: it is not for us to kill")
    try:
        server = Mongod(tmp_path_factory.mktemp("mongod"))
        server.start()
    except MongodUnavailableError as err:
        pytest.skip(str(err))
    yield server
    server.stop()


def tell(path, server, chance=None):
    """Let images come and people answer; return the datasets of the end.

    Args:
        path: Of the repository, the same for all stories.
        server: Where requests, answers and the op store are.
        chance: When the server and passes are killed; None kills nothing.
    """
    path.mkdir()
    world = MongoWorld(path, server, "plain" if chance is None else "killed")
    for number in range(N_KILLED):
        if chance is not None:
            with passes(world, DSVC_TEST_MOST_FAILED="1000", **world.environ):
                time.sleep(chance.uniform(0.0, 0.6))
                server.kill()
                time.sleep(chance.uniform(0.0, 0.3))
                if chance.random() < 0.5:
                    server.start()
                    time.sleep(chance.uniform(0.0, 0.6))
            server.stop()
            server.start()
            world.wait(0.3)
            world.sync()
        world.sync()
        assert [] == broken(world, world.acknowledged), number
        deliver(world, number)
        world.answer(PEOPLE[number % len(PEOPLE)])
        world.wait(0 if chance is None else chance.choice([0, 2, 11, 24, 30]))
    world.finish(PEOPLE[::-1])
    found = datasets(world)

    assert [] == broken(world, world.acknowledged)
    world.wait(24)  # of copies that nobody remembers, since the op store was lost, only their age is known
    world.sync()
    assert [] == world.staged()
    world.client.close()
    shutil.rmtree(path)
    return found


@pytest.mark.slow
@pytest.mark.service
def test_a_killed_database_loses_and_doubles_nothing(tmp_path, server):
    """Whatever was promised to a person is in the ledger once, and the datasets are those of an undisturbed run."""
    expected = tell(tmp_path / "a", server)
    disturbed = tell(tmp_path / "a", server, random.Random(11))

    assert json.dumps(expected, default=str) == json.dumps(disturbed, default=str)
    assert 6 + 3 * N_KILLED == len(expected["detector"])
