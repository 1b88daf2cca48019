"""Many pass a gate at once; one can shut it and be alone."""

import threading

import pytest

from dsvc.store.gate import Gate

TIMEOUT_S = 10


def test_many_are_inside_at_once():
    """Entering does not wait for others to leave."""
    gate = Gate()
    inside = threading.Barrier(3)

    def enter():
        with gate:
            inside.wait(TIMEOUT_S)

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)

    assert not inside.broken


def test_whoever_shuts_it_is_alone():
    """Those inside leave first, and those who come wait."""
    gate = Gate()
    entered, leave = threading.Event(), threading.Event()
    events = []

    def stay():
        with gate:
            entered.set()
            leave.wait(TIMEOUT_S)
            events.append("left")

    def shut():
        with gate.shut():
            events.append("alone")
            late.start()
            late.join(0.05)
            events.append("open")

    def come_late():
        with gate:
            events.append("late")

    early, closer, late = (threading.Thread(target=target) for target in (stay, shut, come_late))
    early.start()
    entered.wait(TIMEOUT_S)
    closer.start()
    leave.set()
    for thread in (early, closer, late):
        thread.join(TIMEOUT_S)

    assert ["left", "alone", "open", "late"] == events


def test_two_who_shut_it_take_turns():
    """The second is alone after the first."""
    gate = Gate()
    inside = []

    def shut():
        for _ in range(200):
            with gate.shut():
                inside.append(1)
                assert [1] == inside
                inside.pop()

    threads = [threading.Thread(target=shut) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)

    assert [] == inside


def test_an_error_inside_leaves_the_gate():
    """Whoever raises inside has left."""
    gate = Gate()
    with pytest.raises(ValueError, match="no"), gate:
        raise ValueError("no")

    gate.close()
    gate.open()


def test_one_inside_can_be_alone_there():
    """Others leave first and wait outside; whoever shuts the gate meanwhile waits for the one inside too."""
    gate = Gate()
    entered, leave, asked = threading.Event(), threading.Event(), threading.Event()
    events = []

    def stay():
        with gate:
            entered.set()
            leave.wait(TIMEOUT_S)
            events.append("other left")

    def be_alone():
        with gate:
            asked.set()
            with gate.alone():
                events.append("alone")
                closer.start()
                closer.join(0.05)
                events.append("no longer alone")

    def shut():
        with gate.shut():
            events.append("shut")

    other, inner, closer = (threading.Thread(target=target) for target in (stay, be_alone, shut))
    other.start()
    entered.wait(TIMEOUT_S)
    inner.start()
    asked.wait(TIMEOUT_S)
    leave.set()
    for thread in (other, inner, closer):
        thread.join(TIMEOUT_S)

    assert ["other left", "alone", "no longer alone", "shut"] == events


def test_one_inside_can_be_alone_after_somebody_shut_it():
    """A gate that waits for the last one inside stays shut when that one has been alone."""
    gate = Gate()
    entered, shutting = threading.Event(), threading.Event()
    events = []

    def inner():
        with gate:
            entered.set()
            shutting.wait(TIMEOUT_S)
            while not gate._is_shut:
                pass
            with gate.alone():
                events.append("alone")
            events.append(gate._is_shut)

    thread = threading.Thread(target=inner)
    thread.start()
    entered.wait(TIMEOUT_S)
    shutting.set()
    with gate.shut():
        events.append("shut")
    thread.join(TIMEOUT_S)

    assert ["alone", True, "shut"] == events
