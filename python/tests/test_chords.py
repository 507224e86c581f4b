"""Counting the tasks of a chord's header, and sending its callback once."""

import threading
import uuid
from types import SimpleNamespace

import pytest

from celery_dynakv import chords as chords_module
from celery_dynakv.chords import member_of
from conftest import REMEMBERED_SECONDS, make_app


class Chord:
    """A chord whose tasks a test ends by itself; what is sent goes to a queue in memory, which tells of it."""

    def __init__(self, app, size, boto3=None, same_task=False):
        self.app = app
        self.callback = app.signature("callback", task_id=str(uuid.uuid4()))
        self.id = str(uuid.uuid4())
        self.ids = [str(uuid.uuid4()) for _ in range(size)]
        if same_task:
            self.ids = self.ids[:1] * size
        self.results = [app.AsyncResult(each) for each in self.ids]
        (boto3 or app).backend.apply_chord((self.id, self.results), self.callback)

    def request(self, index, **more):
        chord = {**self.callback, **more}
        return SimpleNamespace(group=self.id, id=self.ids[index], group_index=index, chord=chord)

    def end(self, index, app=None, state="SUCCESS"):
        backend = (app or self.app).backend
        result = index if state == "SUCCESS" else ValueError(index)
        backend.store_result(self.ids[index], result, state)
        backend.on_chord_part_return(self.request(index), state, index)

    def sent(self):
        """The arguments of each callback that has been sent since this was asked for last."""
        found = []
        with self.app.connection_for_read() as connection:
            queue = connection.SimpleQueue("celery")
            while True:
                try:
                    message = queue.get(block=False)
                except queue.Empty:
                    return found
                message.ack()
                if message.headers["id"] == self.callback.options["task_id"]:
                    found.append(message.payload[0])

    def left(self):
        """Which of the chord's items are there still."""
        backend = self.app.backend
        keys = {
            "group": backend.get_key_for_group(self.id),
            "counter": backend.get_key_for_chord(self.id),
            "claim": backend.get_key_for_chord(self.id, ".claim"),
        }
        return {name for name, key in keys.items() if backend.get(key) is not None}

    @property
    def callback_state(self):
        return self.app.backend.get_task_meta(self.callback.options["task_id"], cache=False)["status"]


def all_of(size):
    return [[list(range(size))]]


@pytest.mark.parametrize("size", [1, 2, 25])
def test_the_callback_is_sent_after_the_last_task_with_all_results(app, size):
    chord = Chord(app, size)
    for index in range(size - 1):
        chord.end(index)
    assert chord.sent() == []
    chord.end(size - 1)
    assert chord.sent() == all_of(size)
    assert chord.left() == set()


def test_a_task_that_runs_again_before_the_end_counts_once(app):
    chord = Chord(app, 3)
    for index in (0, 0, 1, 1, 0):
        chord.end(index)
    assert chord.sent() == []
    chord.end(2)
    assert chord.sent() == all_of(3)


@pytest.mark.parametrize("size", [1, 3])
def test_a_task_that_runs_again_after_the_end_does_nothing(app, size):
    chord = Chord(app, size)
    for index in range(size):
        chord.end(index)
    assert chord.sent() == all_of(size)
    for index in range(size):
        chord.end(index)
    assert chord.sent() == []
    assert chord.left() == set()
    assert chord.callback_state == "PENDING"


def test_two_places_of_the_header_with_the_same_task_count_twice(app):
    chord = Chord(app, 2, same_task=True)
    for index in (0, 1):
        app.backend.store_result(chord.ids[index], 7, "SUCCESS")
        app.backend.on_chord_part_return(chord.request(index), "SUCCESS", 7)
    assert chord.sent() == [[[7, 7]]]
    assert chord.left() == set()


def test_a_worker_that_is_killed_after_it_has_counted_the_last_task(app):
    """Its task is delivered to another, which finds the counter full."""
    chord = Chord(app, 3)
    chord.end(0)
    chord.end(1)
    app.backend.store_result(chord.ids[2], 2, "SUCCESS")
    app.backend.client.count(repr(app.backend.get_key_for_chord(chord.id)), member_of(chord.request(2)))
    assert chord.sent() == []
    chord.end(2)
    assert chord.sent() == all_of(3)
    assert chord.left() == set()


def killed_with_the_claim(chord, monkeypatch):
    """As a worker leaves a chord that was killed while it had the right to send the callback."""
    backend = chord.app.backend
    for index in range(2):
        chord.end(index)
    backend.store_result(chord.ids[2], 2, "SUCCESS")
    backend.client.count(repr(backend.get_key_for_chord(chord.id)), member_of(chord.request(2)))
    # Its right alone ends soon: whoever has it after that needs time to use it.
    with monkeypatch.context() as patched:
        patched.setattr(chords_module.Chords, "_lease", lambda _: 1.0)
        backend._chords._claim(chord.id)


def test_a_worker_that_is_killed_before_it_has_sent_the_callback(grounds, monkeypatch):
    app = make_app(grounds.dynakv)
    chord = Chord(app, 3)
    killed_with_the_claim(chord, monkeypatch)
    chord.end(2)
    assert chord.sent() == all_of(3)
    assert chord.left() == set()


def test_a_worker_that_is_killed_after_the_callback_has_begun(grounds, monkeypatch):
    app = make_app(grounds.dynakv)
    chord = Chord(app, 3)
    killed_with_the_claim(chord, monkeypatch)
    app.backend.store_result(chord.callback.options["task_id"], None, "STARTED")
    chord.end(2)
    assert chord.sent() == []
    assert chord.left() == set()


def test_a_worker_that_is_killed_while_it_deletes_what_the_chord_was_kept_in(app):
    chord = Chord(app, 2)
    chord.end(0)
    app.backend.store_result(chord.ids[1], 1, "SUCCESS")
    app.backend.client.count(repr(app.backend.get_key_for_chord(chord.id)), member_of(chord.request(1)))
    app.backend.delete_group(chord.id)
    chord.end(1)
    assert chord.sent() == []
    assert chord.callback_state == "PENDING"
    assert chord.left() == set()


def test_a_group_that_is_cached_does_not_have_the_callback_sent_again(grounds):
    first, second = (make_app(grounds.dynakv, result_cache_max=100) for _ in range(2))
    chord = Chord(first, 2)
    first.GroupResult.restore(chord.id, backend=first.backend)
    chord.end(0)
    chord.end(1, app=second)
    # The counter is left, as by a worker that was killed before it could delete it.
    for number in (0, 1):
        first.backend.client.incr(repr(first.backend.get_key_for_chord(chord.id)), 0)
        first.backend.client.count(repr(first.backend.get_key_for_chord(chord.id)), member_of(chord.request(number)))
    chord.end(0)
    assert chord.sent() == all_of(2)


def test_tasks_that_end_at_once_and_again_send_one_callback(grounds):
    app = make_app(grounds.dynakv)
    for _ in range(5):
        chord = Chord(app, 6)
        threads = [threading.Thread(target=chord.end, args=(index % 6,)) for index in range(18)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert chord.sent() == all_of(6)
        assert chord.left() == set()


def test_a_task_that_fails_fails_the_chord_when_all_have_ended(app):
    chord = Chord(app, 2)
    chord.end(0, state="FAILURE")
    assert chord.callback_state == "PENDING"
    chord.end(1)
    assert chord.sent() == []
    assert chord.callback_state == "FAILURE"
    error = app.AsyncResult(chord.callback.options["task_id"]).result
    assert type(error).__name__ == "ChordError"
    assert chord.ids[0] in str(error)
    assert chord.left() == set()


def test_a_group_that_somebody_deletes_fails_the_chord(app):
    chord = Chord(app, 2)
    chord.end(0)
    app.backend.delete_group(chord.id)
    chord.end(1)
    assert chord.callback_state == "FAILURE"
    assert chord.left() == set()


def test_the_header_says_how_large_the_chord_is_and_no_task_reads_the_group(app, grounds):
    chord = Chord(app, 10)
    assert chord.callback["chord_size"] == 10
    app.backend.delete_group(chord.id)
    for index in range(9):
        chord.end(index)
    assert chord.callback_state == "PENDING"


def test_a_chord_whose_message_does_not_say_its_size(app):
    chord = Chord(app, 3)
    del chord.callback["chord_size"]
    for index in (0, 1, 1, 2):
        chord.end(index)
    assert chord.sent() == all_of(3)


def test_a_chord_whose_results_do_not_come_fails(grounds):
    app = make_app(grounds.dynakv, result_chord_join_timeout=0.2)
    chord = Chord(app, 2)
    chord.end(0)
    app.backend.on_chord_part_return(chord.request(1), "SUCCESS", 1)
    assert chord.callback_state == "FAILURE"
    assert "TimeoutError" in str(app.AsyncResult(chord.callback.options["task_id"]).result)
    assert chord.left() == set()


def test_groups_in_the_header_count_by_their_tasks(app):
    inner = app.GroupResult(str(uuid.uuid4()), [app.AsyncResult(str(uuid.uuid4())) for _ in range(3)])
    body = app.signature("callback")
    app.backend.apply_chord((str(uuid.uuid4()), [app.AsyncResult(str(uuid.uuid4())), inner]), body)
    assert body["chord_size"] == 4


def test_a_chord_with_more_tasks_than_a_counter_tells_apart(app, monkeypatch):
    monkeypatch.setattr(chords_module, "max_members", 2)
    chord = Chord(app, 4)
    for index in (0, 1, 1, 1):
        chord.end(index)
    # Four have counted, but not four tasks.
    assert chord.sent() == []
    assert chord.left() == {"group", "counter"}
    chord.end(2)
    chord.end(3)
    assert chord.sent() == all_of(4)
    assert chord.left() == set()


def test_what_a_chord_is_kept_in_expires(grounds, boto3_client):
    app = make_app(grounds.dynakv, result_expires=3600, result_chord_expires=7200)
    chord = Chord(app, 2)
    app.backend.store_result(chord.ids[0], 1, "SUCCESS", request=chord.request(0))
    for key, kept in (
        (f"chord-unlock-{chord.id}", 7200 + REMEMBERED_SECONDS),
        (f"celery-taskset-meta-{chord.id}", 7200),
        (f"celery-task-meta-{chord.ids[0]}", 7200),
    ):
        item = boto3_client.get_item(TableName="celery", Key={"id": {"S": repr(key.encode())}})["Item"]
        assert int(item["ttl"]["N"]) - float(item["timestamp"]["N"]) == pytest.approx(kept, abs=5)


def test_a_chord_that_takes_long_is_kept_alive_by_its_tasks(grounds, boto3_client):
    app = make_app(grounds.dynakv, result_expires=3600)
    chord = Chord(app, 3)
    counter, group = (repr(f"{name}{chord.id}".encode()) for name in ("chord-unlock-", "celery-taskset-meta-"))
    for key in (counter, group):
        app.backend.client.touch(key, 900)
    chord.end(0)
    for key, kept in ((counter, 3600 + REMEMBERED_SECONDS), (group, 3600)):
        item = boto3_client.get_item(TableName="celery", Key={"id": {"S": key}})["Item"]
        assert int(item["ttl"]["N"]) - float(item["timestamp"]["N"]) == pytest.approx(kept, abs=60)


def test_chords_whose_answers_are_lost_on_both_ways(lossless):
    app = make_app(lossless.lossy)
    lossless.lose(engine=0.1, server=0.1)
    chords = [Chord(app, 10) for _ in range(5)]
    for chord in chords:
        for index in range(10):
            chord.end(index)
    lossless.lose()
    for chord in chords:
        assert chord.left() == set()
    by_id = {chord.callback.options["task_id"]: chord for chord in chords}
    assert len(by_id) == 5
    # All went to one queue.
    sent = all_sent(app)
    assert sorted(task_id for task_id, _ in sent) == sorted(by_id)
    assert all(args == [list(range(10))] for _, args in sent)


def all_sent(app):
    found = []
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        while True:
            try:
                message = queue.get(block=False)
            except queue.Empty:
                return found
            message.ack()
            found.append((message.headers["id"], message.payload[0]))


class TestWithCelerysOwnBackend:
    """Its workers and these count in one chord."""

    @pytest.fixture
    def boto3(self, grounds):
        from celery import Celery

        app = Celery("boto3", broker="memory://", backend=grounds.boto3, set_as_current=False)
        _ = app.backend.client
        return app

    @pytest.mark.parametrize("last_is_ours", [True, False])
    @pytest.mark.parametrize("made_by_us", [True, False])
    def test_a_chord_that_both_work_on(self, app, boto3, made_by_us, last_is_ours):
        chord = Chord(app, 6, boto3=None if made_by_us else boto3)
        for index in range(6):
            ours = (index % 2 == 1) == last_is_ours
            chord.end(index, app=app if ours else boto3)
        assert chord.sent() == all_of(6)
        assert chord.left() == set()

    def test_results_are_read_by_either(self, app, boto3):
        first, second = str(uuid.uuid4()), str(uuid.uuid4())
        app.backend.store_result(first, {"a": 1}, "SUCCESS")
        boto3.backend.store_result(second, {"b": 2}, "SUCCESS")
        assert boto3.AsyncResult(first).get() == {"a": 1}
        assert app.AsyncResult(second).get() == {"b": 2}

    def test_celerys_backend_after_a_chord_has_ended(self, app, boto3):
        chord = Chord(app, 2)
        for index in (0, 1):
            chord.end(index)
        assert boto3.backend.get(boto3.backend.get_key_for_group(chord.id)) is None
        # An item may be left of the counter, which remembers increments. Celery's get raises for it what it raises for a
        # counter that is there; nothing in Celery reads one. Its increment is refused, as where there is no item.
        counter = boto3.backend.get_key_for_chord(chord.id)
        assert app.backend.get(counter) is None
        with pytest.raises(Exception, match="ValidationException"):
            boto3.backend.incr(counter)
        assert app.backend.get(counter) is None
