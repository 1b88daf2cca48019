"""Webhooks over real HTTP that are lost, doubled, forged or early: passes come sooner, and nothing else differs."""

import itertools
import queue
import urllib.request

import pytest

from dsvc.annotation.platforms.hints import HintReceiver
from dsvc.testing.fake_platform import HINT_HEADER, FakePlatform
from tests.people.fault_world import FaultWorld, a_place, signals_of


def outcome(webhooks):
    """Let people answer while hints come as told; return the signals, how many were believed, and how many refused."""
    with a_place() as place, FaultWorld(place / "a", lot=3) as world:
        heard, platforms = queue.Queue(), {"team": FakePlatform(world.server, "team")}
        with HintReceiver(platforms, heard.put) as receiver:

            def send(headers, body):
                request = urllib.request.Request(
                    f"{receiver.url}/team", data=body, headers=dict(headers), method="POST"
                )
                urllib.request.urlopen(request, timeout=10).close()

            world.server.receivers.append((send, {HINT_HEADER: "hush"}))
            world.server.webhooks = webhooks if webhooks in {"sent", "doubled"} else "dropped"
            n_heard = 0
            for person in itertools.islice(itertools.cycle(["ann", "ben", "cleo"]), 8):
                if webhooks == "forged":
                    send({}, b'{"project": "faces@1"}')
                    send({HINT_HEADER: "guess"}, b'{"project": "faces@1"}')
                elif webhooks == "before anything":
                    send({HINT_HEADER: "hush"}, b'{"project": "never@9"}')
                while not heard.empty():
                    assert "team" == heard.get()[0]
                    n_heard += 1
                    assert [] == world.broken_promises(world.turn())
                assert [] == world.broken_promises(world.turn())  # the one that comes anyway
                world.answer(person)
            world.turn()
            return signals_of(world.repo), n_heard, receiver.n_refused


@pytest.fixture(name="expected", scope="module")
def _expected():
    """What comes out where every webhook is sent once."""
    return outcome("sent")


@pytest.mark.parametrize("webhooks", ["dropped", "doubled", "forged", "before anything"])
def test_hints_that_are_lost_doubled_or_forged_change_no_outcome(expected, webhooks):
    """The platform is asked all the same; whoever has not the secret causes no pass."""
    signals, n_heard, n_refused = expected
    found, heard, refused = outcome(webhooks)

    assert signals == found
    assert (n_heard > 0, n_refused) == (True, 0)
    assert {"dropped": 0, "forged": 0, "doubled": 2 * n_heard, "before anything": 8}[webhooks] >= heard
    assert (webhooks == "forged") == (refused > 0)
