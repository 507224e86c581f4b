"""Has Celery write results of all kinds, for the tests of @dynakv/client/celery.

    write_results.py                  prints them, a line of JSON each, after one with the versions
    write_results.py --compare FILE   writes them anew, and prints what differs from a file of them; exit code 1 then

Everything goes the way of a worker's results: through the DynamoDB backend, up to its `set`. Ids and the clock stand still, so
that the same versions write the same bytes.
"""

import base64
import json
import platform
import sys
import warnings
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import celery
import kombu
from celery import Celery
from celery.app.task import Context
from celery.backends.base import COMPRESSED_PAYLOAD_MAGIC, decompress_payload
from celery.backends.dynamodb import DynamoDBBackend
from kombu.serialization import enable_insecure_serializers, loads
from kombu.utils.json import register_type

SERIALIZERS = ("json", "yaml", "msgpack", "pickle")
COMPRESSIONS = (None, "gzip", "zlib", "bzip2", "brotli", "lzma", "zstd")
NOW = datetime(2026, 11, 23, 8, 13, 57, 490123, tzinfo=timezone.utc)
TRACEBACK = "Traceback (most recent call last):\n  …\nValueError: ('too small', 5)\n"
ID = UUID("3f0c9d1e-0000-4000-8000-00000000abcd")
EAST = timezone(timedelta(hours=5, minutes=30))

written = []


class Backend(DynamoDBBackend):
    """Keeps what it is to put into the table."""

    def get(self, key):
        return None

    def set(self, key, value):
        self.last = (str(key), value if isinstance(value, bytes) else value.encode())

    def expire(self, key, value):
        pass


class StrKeys(Backend):
    key_t = str


class Outer:
    class InnerError(Exception):
        pass


def write(name, store, serializer="json", compression=None, extended=False, backend=Backend, **conf):
    app = Celery("results", set_as_current=False)
    app.conf.update(
        result_serializer=serializer, result_compression=compression, result_extended=extended, **conf
    )
    app.now = lambda: NOW.astimezone(app.timezone)
    storing = backend(app=app, url="dynamodb://@localhost:1")
    store(app, storing)
    key, value = storing.last
    written.append(
        {
            "name": name,
            "serializer": serializer,
            "compression": compression,
            "extended": extended,
            "key": key,
            "value": base64.b64encode(value).decode(),
        }
    )


def request(app, **options):
    """What a worker knows of a task: its message's headers."""
    args, kwargs = options.pop("args", [2, 3]), options.pop("kwargs", {"plus": 1})
    message = app.amqp.as_task_v2("id", "tasks.add", args=args, kwargs=kwargs, **options)
    context = Context(message.headers, args=args, kwargs=kwargs, hostname="celery@host")
    context.update(delivery_info={"routing_key": "fast"})
    return context


def success(result, children=(), **options):
    def store(app, backend):
        context = request(app, **options)
        context.children.extend(make(app) for make in children)
        backend.mark_as_done("id", result, request=context)

    return store


def failure(error, **options):
    def store(app, backend):
        backend.mark_as_failure("id", error, traceback=TRACEBACK, request=request(app, **options), call_errbacks=False)

    return store


def state(state, result=None):
    return lambda app, backend: backend.store_result("id", result, state, request=request(app))


def task(id, parent=None):
    return lambda app: app.AsyncResult(id, parent=parent and parent(app))


def group(id, members=(), parent=None):
    return lambda app: app.GroupResult(id, [make(app) for make in members], parent=parent and parent(app))


def saved(make):
    return lambda app, backend: make(app).save(backend=backend)


def write_combinations():
    result = {"sum": 5, "list": [1, 2.5, None, True, "ключ 🔑"]}
    members = [task("a"), task("b", task("a"))]
    for serializer in SERIALIZERS:
        for compression in COMPRESSIONS:
            how = {"serializer": serializer, "compression": compression}
            for extended in (False, True):
                write("success", success(result, group_id="g", parent_id="p"), extended=extended, **how)
                write("failure", failure(ValueError("too small", 5)), extended=extended, **how)
            write("group", saved(group("g", members)), **how)


def write_values():
    values = {
        "whole numbers": [0, -0, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) + 1, -(2**53) - 1, 2**64, 10**30],
        "the longest whole number": 10**4299,
        "floats": [0.0, -0.0, 1e16, 9007199254740993.0, 1e-7, 1.7976931348623157e308, 5e-324],
        "no numbers": {"nan": float("nan"), "both": [float("inf"), float("-inf")]},
        "datetimes": [
            datetime(2026, 11, 23, 8, 13, 57, 490123),
            datetime(2026, 11, 23, 8, 13, 57),
            NOW,
            datetime(2026, 11, 23, 8, 13, 57, 490123, tzinfo=EAST),
            datetime(2026, 11, 23, 8, 13, 57, tzinfo=timezone(-timedelta(minutes=1, seconds=30))),
            datetime(1, 1, 1),
            datetime(9999, 12, 31, 23, 59, 59, 999999),
        ],
        "dates": [date(2024, 2, 29), date(1, 1, 1)],
        "times": [time(8, 13), time(8, 13, 57, 490123), time(8, 13, 57, tzinfo=EAST)],
        "decimals": [Decimal(each) for each in ("1.10", "-0.00", "1E+30", "1E-999999", "NaN", "sNaN", "-Infinity", "9" * 50)],
        "uuids": {"id": ID},
        "bytes": [b"", b"text", "ключ".encode(), bytes(range(256))],
        "names that a prototype has": {
            "__proto__": {"polluted": True},
            "constructor": {"prototype": {"polluted": True}},
            "toString": 1,
        },
        "an unknown type": {"__type__": "nonesuch", "__value__": [1]},
        "a type's name of a prototype": {"__type__": "constructor", "__value__": "x"},
        "types that do not fit": [
            {"__type__": "datetime", "__value__": "2026-02-31T00:00:00"},
            {"__type__": "date", "__value__": 5},
            {"__type__": "decimal", "__value__": "1" * 5000 + "x"},
            {"__type__": "uuid", "__value__": None},
            {"__type__": "base64", "__value__": "*"},
            {"__type__": ["list"], "__value__": 1},
        ],
        "no types": [{"__type__": "date"}, {"__type__": "date", "__value__": "2026-11-23", "more": 1}],
        "odd text": ["\ud800", "\x00\x1f\x7f\u2028", '"\\/', "🔑"],
        "names that are no text": {1: "int", 2.5: "float", False: "bool", None: "none"},
        "deep": nested(900),
        "nothing": None,
    }
    for name, value in values.items():
        write(name, success(value))

    write("typed arguments", success(None, args=[NOW, 2**53 + 1], kwargs={"price": Decimal("1.10")}), extended=True)
    write("an exception's typed arguments", failure(ValueError(ID, Decimal("1.10"), NOW, 2**64, float("nan"), b"\xff")))
    write("an exception's argument without a form", failure(ValueError({1}, object)))

    # As an application does for its own types.
    register_type(set, "set", sorted, set)
    register_type(frozenset, "frozenset", sorted, frozenset)
    register_type(Fraction, "fraction", lambda f: [f.numerator, f.denominator], lambda pair: Fraction(*pair))
    write("sets", success([{1, 2**53 + 1}, frozenset({"a", "b"}), set()]))
    write("a registered type", success({"ratio": Fraction(1, 3)}))
    write("an exception's registered types", failure(ValueError(Fraction(1, 3), {"a"})))


def nested(depth):
    value = "core"
    for _ in range(depth):
        value = [value]
    return value


def write_states():
    write("revoked", lambda app, backend: backend.mark_as_revoked("id", "terminated", request=request(app)))
    write(
        "retry",
        lambda app, backend: backend.mark_as_retry("id", OSError(111, "refused"), traceback=TRACEBACK, request=request(app)),
    )
    write("an exception of an inner class", failure(Outer.InnerError("deep")))
    pairs = [("exc_type", "ValueError"), ("exc_message", ["too small", 5]), ("exc_module", "builtins")]
    write("an exception as pairs", state("FAILURE", pairs))
    write("an exception of one text", state("FAILURE", {"exc_type": "KeyError", "exc_message": "x", "exc_module": "builtins"}))
    write("a failure that is no exception", state("FAILURE", {"progress": 5}))
    write("a failure of nothing", state("FAILURE", None))
    write("started", state("STARTED", {"pid": 5, "hostname": "celery@host"}))
    write("progress", state("PROGRESS", {"done": 3, "at": NOW}))
    write("rejected", state("REJECTED"))
    write("ignored", state("IGNORED"))
    write("done in Berlin", success(1), timezone="Europe/Berlin")
    stamps = {"tenant": ["t1"], "visitors": ["a", ID], "__proto__": ["x"], "hasOwnProperty": ["y"]}
    for extended in (False, True):
        write("stamped", success(1, stamped_headers=list(stamps), **stamps), extended=extended)
        write("stamped failure", failure(ValueError("x"), stamped_headers=list(stamps), **stamps), extended=extended)


def write_trees():
    inner = group("inner", [task("b"), group("innermost", [task("c"), group("empty")])], parent=task("before"))
    write("children", success(1, children=[task("a"), inner, task("d", task("c"))]))
    write("a group in a group", saved(group("g", [task("a"), inner, task("d")], parent=task("first", group("zeroth")))))
    write("an empty group", saved(group("g")))
    chain = None
    for number in range(300):
        chain = task(f"link-{number}", chain)
    write("a long chain", saved(group("g", [chain])))
    write("a child of a long chain", success(None, children=[chain]))
    write("results as a result", lambda app, backend: backend.mark_as_done("id", inner(app), request=request(app)))
    for name, conf in {
        "str keys": {"backend": StrKeys},
        "a prefix": {"result_backend_transport_options": {"global_keyprefix": "app"}},
        "str keys and a prefix": {
            "backend": StrKeys,
            "result_backend_transport_options": {"global_keyprefix": "app:"},
        },
    }.items():
        write(name, success(1), **conf)
        write(f"{name}, group", saved(group("g", [task("a")])), **conf)


def versions():
    return {"celery": celery.__version__, "kombu": kombu.__version__, "python": platform.python_version()}


def compare(path):
    with open(path, encoding="utf-8") as file:
        first, *others = [json.loads(line) for line in file]
    problems = []
    if [first["celery"], first["kombu"]] != [celery.__version__, kombu.__version__]:
        problems.append(f"written by {first}, and this is {versions()}")
    if len(others) != len(written):
        problems.append(f"{len(others)} results, and {len(written)} of them now")
    for old, new in zip(others, written):
        if {**old, "value": None} != {**new, "value": None} or not means_the_same(old, new):
            problems.append(f"{old['name']} ({old['serializer']}, {old['compression']}) differs")
    return problems


def means_the_same(old, new):
    """Compressors write other bytes in other versions, and so does pickle; what they stand for must be the same."""
    values = [base64.b64decode(each["value"]) for each in (old, new)]
    marks = [value.split(b"\0")[:3] if value.startswith(COMPRESSED_PAYLOAD_MAGIC) else None for value in values]
    plain = [decompress_payload(value) for value in values]
    if plain[0] != plain[1] and old["serializer"] == "pickle":
        content = "application/x-python-serialize"
        plain = [repr(loads(each, content, "binary", accept={content})) for each in plain]
    return marks[0] == marks[1] and plain[0] == plain[1]


# The app itself has no backend, and says that it cannot compress.
warnings.simplefilter("ignore", UserWarning)
enable_insecure_serializers()
write_combinations()
write_values()
write_states()
write_trees()
if sys.argv[1:2] == ["--compare"]:
    problems = compare(sys.argv[2])
    print("\n".join(problems))
    sys.exit(1 if problems else 0)
for line in [versions(), *written]:
    print(json.dumps(line))
