"""Turns under any schedule of crashes, losses and people: what was promised holds, and all ends well."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsvc.annotation.staging.expiry import DAY_US, Expiry
from dsvc.annotation.turns.controller import Policy
from dsvc.testing.annotation_lab import FORM, AnnotationLab, CrashError

PEOPLE = ("ada", "bob", "eve")
EVENTS = st.one_of(
    st.tuples(st.just("want"), st.integers(0, 7), st.integers(1, 3)),
    st.tuples(st.just("unwant"), st.integers(0, 7)),
    st.tuples(st.just("answer"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("late answer"), st.sampled_from(PEOPLE), st.integers(0, 20)),
    st.tuples(st.just("skip"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("nonsense"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("turn")),
    st.tuples(st.just("turn that crashes"), st.integers(0, 30)),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1, 7, 23.5, 24, 30])),
    st.tuples(st.just("platform refuses"), st.integers(1, 3)),
    st.tuples(st.just("platform loses its answer"), st.integers(1, 3)),
    st.tuples(st.just("import is cut"), st.just(1)),
    st.tuples(st.just("staging refuses"), st.integers(1, 3)),
    st.tuples(st.just("staging loses its answer"), st.just(1)),
    st.tuples(st.just("wipe")),
    st.tuples(st.just("admin deletes a task"), st.integers(0, 20)),
    st.tuples(st.just("source goes"), st.integers(0, 7)),
)


class Schedule:
    """A lab to which things happen."""

    def __init__(self, model, store_model):
        self.lab = AnnotationLab(
            Expiry(model), store_expiry=Expiry(store_model), policy=Policy(people=4.0), n_attempts=3
        )
        self.wanted = {}

    def do(self, event):
        lab, verb, values = self.lab, event[0], event[1:]
        if verb == "want":
            number, want = values
            self.wanted[number] = max(want, self.wanted.get(number, 0))
            lab.want(number, want=want)
        elif verb == "unwant":
            if self.wanted.pop(values[0], None):
                lab.dispatcher.requests.unsubscribe(lab.ask(values[0]).ask_id.hex(), "main")
        elif verb == "answer":
            lab.answer(values[0])
        elif verb in {"late answer", "skip", "nonsense"}:
            self.submit(verb, values[0], values[1] if len(values) > 1 else 0)
        elif verb == "turn":
            lab.turn()
        elif verb == "turn that crashes":
            lab.ops.crash_in = values[0]
            try:
                lab.turn()
            except CrashError:
                lab.restart()
            lab.ops.crash_in = None
        elif verb == "wait":
            lab.wait(values[0])
        elif verb == "wipe":
            self.wipe()
        elif verb == "admin deletes a task":
            free = [task for task in lab.server.tasks.values() if not task.answers]
            if free:
                lab.server.delete_task(free[values[0] % len(free)].task_id)
        elif verb == "source goes":
            lab.gone_sources.add(lab.ask(values[0]).source)
        else:
            place, name = {
                "platform refuses": (lab.server.faults, "refused"),
                "platform loses its answer": (lab.server.faults, "lost_responses"),
                "import is cut": (lab.server.faults, "cut_imports"),
                "staging refuses": (lab.store, "fail_next"),
                "staging loses its answer": (lab.store, "lose_next"),
            }[verb]
            setattr(place, name, values[0])

    def submit(self, verb, person, which):
        """Submit to any task that the platform has, as somebody who had it open all the time."""
        tasks = list(self.lab.server.tasks.values())
        if not tasks:
            return
        task = tasks[which % len(tasks)]
        if verb == "nonsense":
            self.lab.server.submit_raw(task.task_id, person, {"outcome": "value", "payload": {"no": "rating"}})
            return
        outcome, value = ("skip", None) if verb == "skip" else ("value", 2)
        self.lab.server.submit(task.task_id, person, outcome, value)
        self.lab.acknowledged.setdefault((task.key.partition("#")[0], f"p-{person}"), self.lab.now_us)

    def wipe(self):
        self.lab.wipe()
        for number, want in self.wanted.items():
            self.lab.want(number, want=want)

    def calm(self):
        """End all faults; let every copy of before come to its end."""
        lab = self.lab
        lab.server.faults.__init__()
        lab.store.fail_next = lab.store.lose_next = 0
        lab.gone_sources.clear()
        lab.restart()
        lab.turn()

    def end(self):
        """Let everybody answer everything, as long as it takes."""
        lab = self.lab
        for number, want in self.wanted.items():
            lab.want(number, want=want)
        people = [*PEOPLE, "kim", "lee", "max"]  # enough for three answers besides any nonsense
        for _ in range(200):
            lab.turn()
            lab.wait(0.5)
            people.append(people.pop(0))  # or the same one would always be given what they answered before
            n_answers = sum(lab.answer(person) for person in people)
            if set(lab.states()) == {"PARKED"}:  # given up and reported; somebody asks for it again
                for number in self.wanted:
                    lab.dispatcher.requests.revive(lab.ask(number).ask_id.hex())
            elif not n_answers and not lab.states():
                break


def check(events, model, store_model):
    """Let events happen, then calm, then everybody answer; check what must hold."""
    schedule = Schedule(model, store_model)
    lab = schedule.lab
    for event in events:
        schedule.do(event)
        assert [] == lab.broken_promises(), event
    schedule.calm()
    assert [] == lab.broken_promises(is_quiet=True)
    schedule.end()

    assert [] == lab.broken_promises(is_quiet=True)
    people = {}
    for answer in lab.log.answers.values():
        people.setdefault(answer.ask_id, set()).add(answer.annotator)
    short = {
        number: (len(people.get(lab.ask(number).ask_id, ())), want)
        for number, want in schedule.wanted.items()
        if len(people.get(lab.ask(number).ask_id, ())) < want
    }
    assert {} == short, lab.states()
    assert {} == lab.states()
    lab.wait(24)
    lab.turn()
    assert set() == lab.store.keys
    assert [] == [task for task in lab.server.tasks.values() if not task.answers and task.project == FORM.project]


@settings(max_examples=60)
@given(st.lists(EVENTS, max_size=25), st.sampled_from(["rolling", "daily sweep", "lifecycle"]))
def test_whatever_happens_all_ends_well(events, model):
    """Each ask has the answers that were wanted; none is lost or double; no copy and no empty task is left."""
    check(events, model, model)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_long_schedules_end_well(seed):
    """Two hundred events, among them many crashes; the store's rule is another than was believed."""
    rng = random.Random(seed)
    events = []
    for _ in range(200):
        kind = rng.choices(
            ["want", "answer", "turn", "crash", "wait", "fault", "late", "wipe", "unwant"],
            [4, 6, 5, 4, 3, 2, 2, 0.3, 1],
        )[0]
        person = rng.choice(PEOPLE)
        events.append(
            {
                "want": ("want", rng.randrange(8), rng.randint(1, 3)),
                "answer": ("answer", person),
                "turn": ("turn",),
                "crash": ("turn that crashes", rng.randrange(40)),
                "wait": ("wait", rng.choice([0.2, 1, 5, 12, 24])),
                "fault": rng.choice(
                    [
                        ("platform refuses", 2),
                        ("platform loses its answer", 1),
                        ("import is cut", 1),
                        ("staging refuses", 1),
                        ("staging loses its answer", 1),
                        ("admin deletes a task", rng.randrange(20)),
                        ("source goes", rng.randrange(8)),
                    ]
                ),
                "late": ("late answer", person, rng.randrange(20)),
                "wipe": ("wipe",),
                "unwant": ("unwant", rng.randrange(8)),
            }[kind]
        )
    models = ("rolling", "daily sweep", "lifecycle")
    check(events, rng.choice(models), rng.choice(models))


def test_a_crash_at_any_write_of_a_turn_converges():
    """At each of them in turn: the next turn goes on, and it ends as if nothing had been."""
    n_writes = 0
    while True:
        lab = AnnotationLab(policy=Policy(people=4.0))
        for number in range(3):
            lab.want(number, want=2)
        lab.turn()
        lab.answer("ada")
        lab.wait(23.9)
        lab.answer("bob")
        lab.ops.n_writes = 0
        lab.ops.crash_in = n_writes
        try:
            lab.turn()
        except CrashError:
            lab.restart()
            lab.turn()
        else:
            break
        assert [] == lab.broken_promises(is_quiet=True), n_writes
        for person in PEOPLE * 3:
            lab.answer(person)
        lab.turn()
        assert [] == lab.broken_promises(is_quiet=True), n_writes
        assert lab.n_rendered <= 7
        assert all(age < DAY_US for age in lab.store.ages_us)
        n_writes += 1
    assert n_writes > 20
