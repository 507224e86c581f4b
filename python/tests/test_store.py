"""Keys and values, in the layout of Celery's DynamoDB backend."""

import time
import uuid

import pytest
from celery.exceptions import BackendStoreError

from celery_dynakv import DynakvError, DynakvUnavailable
from conftest import PATIENCE_SECONDS, REMEMBERED_SECONDS, make_app


def fresh(name="key"):
    return f"{name}-{uuid.uuid4()}".encode()


def item_of(boto3_client, key):
    return boto3_client.get_item(TableName="celery", Key={"id": {"S": key}}, ConsistentRead=True).get("Item")


def test_a_missing_key_is_none(app):
    assert app.backend.get(fresh()) is None


@pytest.mark.parametrize("value", [b"", b"\x00\xff", b"x" * 300_000, "текст"])
def test_a_value_comes_back_as_bytes(app, value):
    key = fresh()
    app.backend.set(key, value)
    assert app.backend.get(key) == (value.encode() if isinstance(value, str) else value)


def test_items_have_the_layout_and_the_keys_of_the_dynamodb_backend(app, boto3_client):
    task_id = str(uuid.uuid4())
    app.backend.store_result(task_id, 1, "SUCCESS")
    item = item_of(boto3_client, f"b'celery-task-meta-{task_id}'")
    assert b'"SUCCESS"' in item["result"]["B"]
    assert float(item["timestamp"]["N"]) == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("task_id", ["it's", 'say "x"', "back\\slash", "ключ", "new\nline"])
def test_odd_ids_have_the_key_that_python_gives_them(app, boto3_client, task_id):
    app.backend.store_result(task_id, 1, "SUCCESS")
    assert item_of(boto3_client, str(b"celery-task-meta-" + task_id.encode())) is not None
    assert app.AsyncResult(task_id).state == "SUCCESS"


def test_a_global_prefix_and_plain_keys(grounds, boto3_client):
    options = {"global_keyprefix": "shop", "plain_keys": True}
    app = make_app(grounds.dynakv, result_backend_transport_options=options)
    app.backend.store_result("one", 1, "SUCCESS")
    assert item_of(boto3_client, "shop_celery-task-meta-one") is not None
    assert list(app.backend.get_many(["one"]))[0][1]["result"] == 1


def test_results_expire_as_result_expires_says(grounds, boto3_client):
    app = make_app(grounds.dynakv, result_expires=3600, result_failure_expires=7200)
    good, bad = str(uuid.uuid4()), str(uuid.uuid4())
    app.backend.store_result(good, 1, "SUCCESS")
    app.backend.store_result(bad, ValueError("no"), "FAILURE")
    app.backend.save_group(good, app.GroupResult(good, [app.AsyncResult(bad)]))
    for key, seconds in [
        (f"b'celery-task-meta-{good}'", 3600),
        (f"b'celery-task-meta-{bad}'", 7200),
        (f"b'celery-taskset-meta-{good}'", 3600),
    ]:
        assert int(item_of(boto3_client, key)["ttl"]["N"]) == pytest.approx(time.time() + seconds, abs=60)


@pytest.mark.parametrize("never", [0, None])
def test_results_that_never_expire(grounds, boto3_client, never):
    app = make_app(grounds.dynakv, result_expires=never)
    task_id = str(uuid.uuid4())
    app.backend.store_result(task_id, 1, "SUCCESS")
    assert "ttl" not in item_of(boto3_client, f"b'celery-task-meta-{task_id}'")


def test_expire_changes_when_a_key_is_gone(app):
    key = fresh()
    app.backend.set(key, b"1")
    app.backend.expire(key, 1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while app.backend.get(key) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    app.backend.expire(key, 1)
    assert app.backend.get(key) is None


def test_mget_answers_each_position(app):
    keys = [fresh() for _ in range(250)]
    for key in keys[::2]:
        app.backend.set(key, key)
    asked = keys + keys[:3]
    assert app.backend.mget(asked) == [key if index % 2 == 0 else None for index, key in enumerate(keys)] + [
        keys[0],
        None,
        keys[2],
    ]
    assert app.backend.mget([]) == []


def test_incr_makes_a_counter_that_expires(app, boto3_client):
    key = fresh()
    assert [app.backend.incr(key) for _ in range(3)] == [1, 2, 3]
    assert app.backend.get(key) == b"3"
    item = item_of(boto3_client, repr(key))
    assert int(item["ttl"]["N"]) == pytest.approx(time.time() + 86_400 + REMEMBERED_SECONDS, abs=60)


def test_delete(app):
    key = fresh()
    app.backend.set(key, b"1")
    app.backend.delete(key)
    app.backend.delete(key)
    assert app.backend.get(key) is None


def test_a_value_that_does_not_fit_is_a_store_error(app):
    task_id = str(uuid.uuid4())
    with pytest.raises(BackendStoreError) as raised:
        app.backend.store_result(task_id, "x" * 500_000, "SUCCESS")
    assert (raised.value.task_id, raised.value.state) == (task_id, "SUCCESS")


def test_a_result_that_is_compressed(grounds):
    app = make_app(grounds.dynakv, result_compression="gzip")
    task_id = str(uuid.uuid4())
    app.backend.store_result(task_id, "x" * 500_000, "SUCCESS")
    assert make_app(grounds.dynakv).AsyncResult(task_id).get(timeout=PATIENCE_SECONDS) == "x" * 500_000


def test_incr_of_a_value_is_an_error_that_is_not_tried_again(app):
    key = fresh()
    app.backend.set(key, b"1")
    with pytest.raises(DynakvError) as raised:
        app.backend.incr(key)
    assert raised.value.reason == "WRONG_KIND"
    assert raised.value.outcome == "NOT_APPLIED"
    assert not app.backend.exception_safe_to_retry(raised.value)


def test_no_server_is_an_error_that_celery_may_try_again():
    app = make_app("127.0.0.1:9", result_backend_transport_options={"retry_for": 0.2})
    for call in (lambda: app.backend.get(b"a"), lambda: app.backend.mget([b"a"]), lambda: app.backend.set(b"a", b"")):
        with pytest.raises(DynakvUnavailable) as raised:
            call()
        assert isinstance(raised.value, ConnectionError)
        assert app.backend.exception_safe_to_retry(raised.value)


def test_a_clock_that_is_hours_off_does_not_stop_increments(app, monkeypatch):
    for hours in (-5, 5):
        key = fresh()
        app.backend.client._request_ids._ahead = hours * 3600
        assert [app.backend.incr(key) for _ in range(2)] == [1, 2]
