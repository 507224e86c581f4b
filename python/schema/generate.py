"""Generates the messages of ``src/celery_dynakv/_schema`` from ``proto/`` and ``schema/``.

    python schema/generate.py          writes them
    python schema/generate.py --check  ends with 1 if they are not current

It needs the packages of ``schema/requirements.txt``. grpcio-tools is an older one on purpose: code that it has generated runs
with the protobuf of its own major version and with that of the next, not with older ones.

The messages are put into packages of their own, ``celery_dynakv.v1`` for ``dynakv.v1``. Nothing of that goes over the wire.
In one process protobuf takes each name once: a program that has generated ``dynakv.v1`` itself, from another version of the
schema, would otherwise not start with this backend.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

here = Path(__file__).resolve().parent
repository = here.parent.parent
target = here.parent / "src" / "celery_dynakv" / "_schema"
names = ("entry", "error", "key_value_service")


def generate(folder: Path) -> None:
    sources = folder / "proto"
    package = sources / "celery_dynakv" / "_schema"
    package.mkdir(parents=True)
    for name in names:
        text = (repository / "proto" / "dynakv" / "v1" / f"{name}.proto").read_text(encoding="utf-8")
        text = text.replace("package dynakv.v1;", "package celery_dynakv.v1;")
        text = text.replace('import "dynakv/v1/', 'import "celery_dynakv/_schema/')
        # Services are called by their names on the wire; generated ones would have those of this package.
        text = re.sub(r"^service \w+ \{.*?^\}\n", "", text, flags=re.DOTALL | re.MULTILINE)
        (package / f"{name}.proto").write_text(text, encoding="utf-8")
    shutil.copy(here / "rpc_status.proto", package)
    out = folder / "out"
    out.mkdir()
    status = protoc.main(
        [
            "protoc",
            f"-I{sources}",
            f"-I{resources.files('grpc_tools') / '_proto'}",
            f"--python_out={out}",
            f"--pyi_out={out}",
            *map(str, sorted(package.glob("*.proto"))),
        ]
    )
    if status != 0:
        raise SystemExit(status)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = {path.name: path.read_bytes() for path in (Path(folder) / "out/celery_dynakv/_schema").iterdir()}
    there = {path.name: path.read_bytes() for path in target.iterdir() if path.suffix in (".py", ".pyi")}
    there.pop("__init__.py", None)
    if "--check" in sys.argv[1:]:
        if fresh != there:
            raise SystemExit("python/src/celery_dynakv/_schema is not current: npm run generate:python")
        return
    for name in there.keys() - fresh.keys():
        (target / name).unlink()
    for name, content in fresh.items():
        (target / name).write_bytes(content)


if __name__ == "__main__":
    main()
