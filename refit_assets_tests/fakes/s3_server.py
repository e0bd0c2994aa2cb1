"""A real S3 server in this process (moto's), for whatever speaks to a bucket."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest

from refit_assets.storage_s3 import Bucket, open_bucket

_LOOK_SECONDS = 0.02


@contextmanager
def s3_server() -> Generator[str]:
    """Run a server; gives its address."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    application = DomainDispatcherApplication(create_backend_app)
    handler = MotoRequestHandler
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=handler)
    # Not moto's own thread: that one looks only twice a second whether it is to stop.
    thread = Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def new_bucket(address: str, monkeypatch: pytest.MonkeyPatch, prefix: str = "") -> Bucket:
    """Open a bucket of one's own, as a pod does: all that it knows is in the environment."""
    settings = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        # Nobody's profile, and no question to a cloud's metadata service.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    name = f"lake-{uuid4().hex[:12]}"
    bucket = open_bucket(f"s3://{name}/{prefix}")
    client: Any = bucket.client
    client.create_bucket(Bucket=name)
    return bucket
