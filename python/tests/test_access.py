"""TLS, tokens and client certificates, against a server that wants them."""

import json
import os
import re
import shutil
import subprocess

import pytest

from celery_dynakv import DynakvError, DynakvUnavailable
from conftest import make_app, repository

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there")

key_options = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split()


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """The folder of an authority, and a server with a certificate and a token, whose port and token are given too."""
    folder = tmp_path_factory.mktemp("secured")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", *key_options, "-days", "2", "-subj", "/CN=ours", "-keyout", "ca-key.pem", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    for name in ("server", "worker"):
        openssl("req", *key_options, "-subj", f"/CN={name}", "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
        openssl(
            *f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile names".split(),
            "-out",
            f"{name}.pem",
        )
    dynakv = ["node", "--import", "tsx", "cli/src/main.ts"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DYNAKV_", "AWS_"))}
    made = subprocess.run(
        [*dynakv, "token", "new", "worker"], cwd=repository, env=environment, capture_output=True, text=True, check=True
    ).stdout
    (folder / "tokens.json").write_text(json.dumps({"tokens": [json.loads(re.search(r"\{.*\}", made)[0])]}))
    token = next(line for line in made.splitlines() if line and " " not in line)
    server = subprocess.Popen(
        [*dynakv, "serve", "--listen", "127.0.0.1:0", "--data", "memory", "--tokens-file", str(folder / "tokens.json")]
        + ["--tls-cert", str(folder / "server.pem"), "--tls-key", str(folder / "server-key.pem")]
        + ["--tls-client-ca", str(folder / "ca.pem")],
        cwd=repository,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    port = next(found[1] for line in server.stdout if (found := re.search(r"listening on https://127\.0\.0\.1:(\d+)", line)))
    yield folder, port, token
    server.terminate()
    server.wait(20)


def secure_app(secured, **options):
    folder, port, _ = secured
    options = {"ssl_ca_certs": str(folder / "ca.pem"), "retry_for": 10, **options}
    return make_app(f"localhost:{port}", scheme="dynakvs", result_backend_transport_options=options)


def assert_works(app):
    app.backend.set(b"secured", b"1")
    assert app.backend.get(b"secured") == b"1"
    assert app.backend.mget([b"secured"]) == [b"1"]


def test_a_token(secured):
    assert_works(secure_app(secured, token=secured[2]))


def test_a_token_in_the_url(secured):
    folder, port, token = secured
    options = {"ssl_ca_certs": str(folder / "ca.pem")}
    assert_works(make_app(f":{token}@localhost:{port}", scheme="dynakvs", result_backend_transport_options=options))


def test_a_token_that_is_renewed(secured):
    tokens = ["wrong", secured[2]]
    app = secure_app(secured, token=lambda: tokens[0])
    with pytest.raises(DynakvError):
        app.backend.get(b"secured")
    tokens.reverse()
    assert_works(app)


def test_a_client_certificate(secured):
    folder = secured[0]
    certificate = {"ssl_certfile": str(folder / "worker.pem"), "ssl_keyfile": str(folder / "worker-key.pem")}
    assert_works(secure_app(secured, **certificate))


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_caller_that_is_not_known_is_told_so_at_once(secured, token):
    with pytest.raises(DynakvError) as raised:
        secure_app(secured, token=token, retry_for=60).backend.set(b"secured", b"2")
    assert not isinstance(raised.value, DynakvUnavailable)
    assert (raised.value.code, raised.value.outcome) == ("UNAUTHENTICATED", "NOT_APPLIED")
    assert "wrong" not in str(raised.value)


def test_an_authority_that_is_not_trusted(secured):
    folder, port, token = secured
    app = make_app(f"localhost:{port}", scheme="dynakvs", result_backend_transport_options={"token": token, "retry_for": 1})
    with pytest.raises(DynakvUnavailable):
        app.backend.get(b"secured")
