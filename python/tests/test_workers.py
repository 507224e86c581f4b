"""Real workers, with each of Celery's pools, and processes that fork and are killed."""

import importlib.util
import os
import subprocess
import sys
import threading
import time

import pytest
from celery import chord, group, signature
from celery.exceptions import WorkerLostError

from celery_dynakv.client import methods
from conftest import PATIENCE_SECONDS, make_app
from fleet import Fleet, dynakv_url


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def make_chord(app, size, name="", **options):
    header = [app.signature("echo", args=(each,), **options) for each in range(size)]
    return chord(header, app.signature("total", kwargs={"name": name, "expected": size}, **options), app=app)


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", "gevent", "eventlet"])
def test_pools(fleet, grounds, pool):
    if pool in ("gevent", "eventlet") and importlib.util.find_spec(pool) is None:
        pytest.skip(f"{pool} is not installed")
    fleet.start_worker(dynakv_url(grounds.dynakv), pool=pool, concurrency=4 if pool != "prefork" else 2)
    app = fleet.sender(dynakv_url(grounds.dynakv))
    results = [make_chord(app, 10, name=str(each))() for each in range(5)]
    assert [each.get(timeout=PATIENCE_SECONDS, interval=0.1) for each in results] == [45] * 5
    assert sorted(fleet.notes()) == [f"{each} right" for each in range(5)]
    many = group([app.signature("echo", args=(each,)) for each in range(20)], app=app).apply_async()
    assert many.get(timeout=PATIENCE_SECONDS, interval=0.1) == list(range(20))


@pytest.mark.parametrize("pool", ["gevent", "eventlet"])
def test_other_greenlets_run_while_one_waits_for_an_answer(grounds, pool):
    if importlib.util.find_spec(pool) is None:
        pytest.skip(f"{pool} is not installed")
    program = f"""
import {"gevent.monkey; gevent.monkey.patch_all()" if pool == "gevent" else "eventlet; eventlet.monkey_patch()"}
import sys, time
sys.path[:0] = {[os.path.dirname(__file__), os.path.join(os.path.dirname(__file__), "..", "src")]!r}
from celery_dynakv.client import methods
from conftest import PATIENCE_SECONDS, make_app
from celery_dynakv.errors import DynakvUnavailable
import {pool}
ticks = []
def tick():
    while True:
        ticks.append(1)
        {"gevent.sleep" if pool == "gevent" else "eventlet.sleep"}(0.02)
{pool}.spawn(tick)
# 192.0.2.1 is an address that nobody answers at.
silent = make_app("192.0.2.1", result_backend_transport_options={{"timeout": 0.3, "retry_for": 1.0}})
try:
    silent.backend.get(b"a")
except DynakvUnavailable:
    print("unavailable", len(ticks) > 5)
real = make_app({grounds.dynakv!r})
real.backend.set(b"greenlets", b"1")
print(real.backend.get(b"greenlets"), real.backend.mget([b"greenlets", b"none"]))
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert printed.stdout.splitlines() == ["unavailable True", "b'1' [b'1', None]"], printed.stderr


def test_a_pool_whose_processes_are_killed_goes_on(fleet, grounds):
    """The parent stores the results of those that were killed, and forks others after that."""
    fleet.start_worker(dynakv_url(grounds.dynakv))
    app = fleet.sender(dynakv_url(grounds.dynakv))

    def processes():
        """Both of the pool. Where one of them is slow to begin, the other may take all of a few tasks."""
        seen = set()
        while len(seen) < 2:
            tasks = [app.signature("pid", kwargs={"seconds": 0.2}) for _ in range(4)]
            seen.update(group(tasks, app=app).apply_async().get(timeout=PATIENCE_SECONDS, interval=0.05))
        return seen

    def kill(count):
        for lost in [app.send_task("die") for _ in range(count)]:
            with pytest.raises(WorkerLostError):
                lost.get(timeout=PATIENCE_SECONDS, interval=0.05)

    before = processes()
    kill(2)
    after = processes()
    while before & after:
        # The second was taken by the one that had been forked for the first.
        kill(1)
        after = processes()
    assert len(before) == len(after) == 2
    assert make_chord(app, 10)().get(timeout=PATIENCE_SECONDS, interval=0.1) == 45


@pytest.mark.parametrize("acks_late", [True, False])
@pytest.mark.parametrize("at", ["part_returned", "_count"])
def test_a_chord_whose_last_process_is_killed_after_it_has_stored_its_result(tmp_path, grounds, at, acks_late):
    """Before it has counted, and after. Celery takes a task for done whose result is stored, and acknowledges it."""
    fleet = Fleet(tmp_path, conf={"task_acks_late": acks_late, "task_reject_on_worker_lost": acks_late})
    fleet.die_once = (at, 2)
    try:
        fleet.start_worker(dynakv_url(grounds.dynakv), concurrency=1)
        app = fleet.sender(dynakv_url(grounds.dynakv))
        assert make_chord(app, 2)().get(timeout=PATIENCE_SECONDS, interval=0.05) == 1
        assert fleet.notes() == [" right"]
    finally:
        fleet.stop()


def test_processes_that_are_forked_while_threads_are_in_calls(grounds):
    backend = make_app(grounds.dynakv).backend
    ended = threading.Event()
    errors = []

    def call():
        while not ended.is_set():
            try:
                backend.set(b"forks", b"1")
                backend.mget([b"forks"] * 10)
            except Exception as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=call) for _ in range(3)]
    for each in threads:
        each.start()
    statuses = []
    try:
        for _ in range(40):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    status = 0 if backend.get(b"forks") in (b"1", None) else 2
                finally:
                    os._exit(status)
            statuses.append(wait_for_end(child))
    finally:
        ended.set()
        for each in threads:
            each.join()
    assert errors == []
    assert statuses == [0] * 40


def test_the_backends_of_threads_share_a_channel(grounds):
    app = make_app(grounds.dynakv)
    seen = []

    def look():
        app.backend.get(b"shared")
        seen.append((app.backend, methods.get(app.backend.settings)))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({id(backend) for backend, _ in seen}) == 4
    assert len({id(each) for _, each in seen}) == 1


def wait_for_end(child):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "hung"


def test_a_fleet_that_moves_over_and_back_in_the_middle_of_chords(fleet, grounds, monkeypatch):
    """Workers of Celery's own backend and of this one take turns; each chord is worked on by both."""
    # With credentials in the URL Celery's backend connects before its processes fork, which then share that connection.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", grounds.where["accessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", grounds.where["secretAccessKey"])
    theirs, ours = f"dynamodb://@{grounds.boto3.partition('@')[2]}", dynakv_url(grounds.dynakv)
    senders = [fleet.sender(theirs), fleet.sender(ours)]
    # The table is there before two workers could want to make it.
    _ = senders[0].backend.client
    results = []
    for number in range(12):
        header = [signature("echo", args=(each, 0.05), app=senders[number % 2]) for each in range(6)]
        body = signature("total", kwargs={"name": str(number), "expected": 6}, app=senders[number % 2])
        results.append(chord(header, body, app=senders[number % 2])())
    worker = fleet.start_worker(theirs)
    for backend in (ours, theirs, ours):
        wait_for_progress(fleet, len(fleet.notes()) + 2)
        # Both for a moment, as when a fleet is deployed anew.
        other = fleet.start_worker(backend)
        fleet.stop_worker(worker, PATIENCE_SECONDS)
        worker = other
    assert [each.get(timeout=PATIENCE_SECONDS, interval=0.1) for each in results] == [15] * 12
    assert sorted(fleet.notes()) == sorted(f"{each} right" for each in range(12))


def wait_for_progress(fleet, count):
    end = time.monotonic() + PATIENCE_SECONDS
    while len(fleet.notes()) < min(count, 12):
        assert time.monotonic() < end, fleet.logs()[-3000:]
        time.sleep(0.05)
