"""docs/celery.md, done as it stands there, in an empty environment that gets the wheel."""

import os
import re
import subprocess
import sys
import zipfile

import pytest

from conftest import repository


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", *build, str(repository / "python")], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_what_the_wheel_holds(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "celery_dynakv/py.typed" in names
    assert "celery_dynakv/_schema/key_value_service_pb2.pyi" in names
    assert not [each for each in names if not each.startswith(("celery_dynakv/", "celery_dynakv-"))]
    (metadata,) = [each for each in names if each.endswith("METADATA")]
    requires = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", zipfile.ZipFile(wheel).read(metadata).decode(), re.M)
    assert sorted(requires) == ["grpcio", "protobuf"]


def test_the_page(wheel, grounds, tmp_path):
    page = (repository / "docs" / "celery.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", page, re.M | re.S))
    (tmp_path / "shop.py").write_text(blocks["shop.py"], encoding="utf-8")
    # Of all that pip may find under the name, this one is meant.
    constraint = tmp_path / "constraints.txt"
    constraint.write_text(f"celery-dynakv @ {wheel.as_uri()}\ncelery==5.7.0\n", encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")},
        "PIP_CONSTRAINT": str(constraint),
        # A broker that needs no server of its own, in place of the page's Redis; Celery takes both from here first.
        "CELERY_BROKER_URL": f"sqla+sqlite:///{tmp_path}/broker.sqlite",
        "CELERY_RESULT_BACKEND": blocks["shop.py"].split('result_backend = "')[1].split('"')[0].replace(
            "localhost:50051", grounds.dynakv
        ),
    }

    def run(script):
        return subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    setup = run(blocks["setup"] + "venv/bin/pip install --quiet sqlalchemy\n")
    assert setup.returncode == 0, setup.stderr
    printed = run(blocks["run"])
    assert printed.stdout.strip() == blocks["output"].strip(), printed.stderr
