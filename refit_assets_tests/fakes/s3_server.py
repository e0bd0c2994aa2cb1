"""A real S3 server in this process (moto's), for whatever speaks to a bucket."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from refit_assets.storage_s3 import Bucket, open_bucket


@contextmanager
def s3_server() -> Generator[str]:
    """Run a server; gives its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


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
