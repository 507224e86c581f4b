"""Storing the states of tasks."""

import threading
import uuid

import pytest
from celery.exceptions import BackendGetMetaError, BackendStoreError

from conftest import PATIENCE_SECONDS, make_app


def test_states_of_a_task_in_their_order(app):
    task_id = str(uuid.uuid4())
    for state in ("STARTED", "RETRY", "FAILURE", "PROGRESS", "SUCCESS"):
        app.backend.store_result(task_id, ValueError(state) if state in ("RETRY", "FAILURE") else state, state)
        assert app.AsyncResult(task_id).state == state
    assert app.AsyncResult(task_id).get() == "SUCCESS"


def test_a_success_is_never_written_over(app, grounds):
    task_id = str(uuid.uuid4())
    app.backend.store_result(task_id, "first", "STARTED")
    make_app(grounds.dynakv).backend.store_result(task_id, "first", "SUCCESS")
    # This process believes that STARTED is there.
    app.backend.store_result(task_id, ValueError("late"), "FAILURE")
    app.backend.store_result(task_id, "second", "SUCCESS")
    assert app.AsyncResult(task_id).get() == "first"


def test_of_many_that_store_at_once_one_success_stays(grounds):
    task_id = str(uuid.uuid4())
    apps = [make_app(grounds.dynakv) for _ in range(8)]
    seen = []

    def store(number):
        backend = apps[number].backend
        state = "SUCCESS" if number % 2 else "STARTED"
        backend.store_result(task_id, number, state)
        meta = backend.get_task_meta(task_id, cache=False)
        if meta["status"] == "SUCCESS":
            seen.append(meta["result"])

    threads = [threading.Thread(target=store, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(seen)) == 1


def test_a_failure_comes_back_as_it_was_raised(app):
    task_id = str(uuid.uuid4())
    app.backend.store_result(task_id, KeyError("gone"), "FAILURE", traceback="where")
    result = app.AsyncResult(task_id)
    with pytest.raises(KeyError, match="gone"):
        result.get()
    assert result.traceback == "where"


def test_a_result_that_is_forgotten(app):
    task_id = str(uuid.uuid4())
    app.backend.store_result(task_id, 1, "SUCCESS")
    app.AsyncResult(task_id).forget()
    assert app.AsyncResult(task_id).state == "PENDING"
    assert not app.backend.task_result_exists(task_id)


def test_results_of_a_group(app):
    ids = [str(uuid.uuid4()) for _ in range(30)]
    group = app.GroupResult(str(uuid.uuid4()), [app.AsyncResult(each) for each in ids])
    group.save()
    for number, each in enumerate(ids):
        app.backend.store_result(each, number, "SUCCESS")
    restored = app.GroupResult.restore(group.id, backend=app.backend)
    assert restored.join_native(timeout=PATIENCE_SECONDS) == restored.join(timeout=PATIENCE_SECONDS) == list(range(30))
    group.delete(backend=app.backend)
    assert app.GroupResult.restore(group.id, backend=app.backend) is None


def test_a_group_whose_chain_has_failed_before_it_raises_that_error(app):
    first = app.AsyncResult(str(uuid.uuid4()))
    parts = [app.AsyncResult(str(uuid.uuid4()), parent=first) for _ in range(2)]
    group = app.GroupResult(str(uuid.uuid4()), parts, parent=first)
    app.backend.store_result(first.id, KeyError("gone"), "FAILURE")
    with pytest.raises(KeyError, match="gone"):
        group.get(timeout=PATIENCE_SECONDS, interval=0.05)


def test_a_group_whose_chain_has_failed_before_it_and_whose_results_are_marked_as_failed_then(app):
    """As Celery does, one after the other: whoever catches the error finds them failed."""
    first = app.AsyncResult(str(uuid.uuid4()))
    part = app.AsyncResult(str(uuid.uuid4()), parent=first)
    group = app.GroupResult(str(uuid.uuid4()), [part], parent=first)
    app.backend.store_result(first.id, KeyError("first"), "FAILURE")

    def mark_failed():
        app.backend.store_result(part.id, ValueError("part"), "FAILURE")

    with pytest.raises(ValueError, match="part"):
        group.join_native(timeout=PATIENCE_SECONDS, interval=0.05, on_interval=mark_failed)
    assert part.state == "FAILURE"


def test_a_callback_whose_header_has_failed_raises_the_error_of_the_header(app):
    first = app.AsyncResult(str(uuid.uuid4()))
    last = app.AsyncResult(str(uuid.uuid4()), parent=app.GroupResult(str(uuid.uuid4()), [first]))
    # The first look at what comes before has found nothing yet.
    threading.Timer(0.3, lambda: fail(app, (first.id, KeyError("gone")), (last.id, ValueError("came of it")))).start()
    with pytest.raises(KeyError, match="gone"):
        last.get(timeout=PATIENCE_SECONDS, interval=2)


def fail(app, *failures):
    for task_id, error in failures:
        app.backend.store_result(task_id, error, "FAILURE")


@pytest.mark.parametrize("serializer", ["json", "pickle", "yaml", "msgpack"])
@pytest.mark.parametrize("compression", [None, "gzip", "bzip2"])
def test_serializers_and_compression(grounds, serializer, compression):
    pytest.importorskip({"yaml": "yaml", "msgpack": "msgpack"}.get(serializer, "json"))
    app = make_app(
        grounds.dynakv,
        result_serializer=serializer,
        result_compression=compression,
        result_extended=True,
        accept_content=[serializer],
    )
    task_id = str(uuid.uuid4())
    app.backend.store_result(task_id, {"text": "ключ", "numbers": [1, 2.5, None]}, "SUCCESS")
    assert app.AsyncResult(task_id).get() == {"text": "ключ", "numbers": [1, 2.5, None]}


def test_where_celery_is_told_to_go_on_it_does_and_says_so_as_with_its_other_backends():
    app = make_app(
        "127.0.0.1:9",
        result_backend_always_retry=True,
        result_backend_max_retries=2,
        result_backend_transport_options={"retry_for": 0.05},
    )
    with pytest.raises(BackendGetMetaError):
        app.backend.get_task_meta("one", cache=False)
    with pytest.raises(BackendStoreError):
        app.backend.store_result("one", 1, "SUCCESS")


def test_answers_that_are_lost_on_both_ways_change_nothing(lossless):
    app = make_app(lossless.lossy)
    before = lossless.lose(engine=0.1, server=0.1)
    ids = [str(uuid.uuid4()) for _ in range(30)]
    for number, each in enumerate(ids):
        app.backend.store_result(each, number, "STARTED")
        app.backend.store_result(each, number, "SUCCESS")
        assert app.backend.incr(b"lossy-counter") == number + 1
    # As one stream, and each alone.
    assert sorted(meta["result"] for _, meta in app.backend.get_many(ids, timeout=PATIENCE_SECONDS)) == list(range(30))
    for number, each in enumerate(ids):
        assert make_app(lossless.lossy).AsyncResult(each).get(timeout=PATIENCE_SECONDS) == number
    after = lossless.lose()
    assert after["server"] > before["server"]
    assert after["engine"] > before["engine"]
