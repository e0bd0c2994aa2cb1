"""What a person does with kubectl in the namespace of an installation."""

import base64
import json
import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
NAMESPACE = "refit"


def kubectl(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        message = f"kubectl {' '.join(arguments)}: {done.stderr}"
        raise AssertionError(message)
    return done.stdout


def objects(kind: str, labels: str = "") -> list[dict[str, Any]]:
    selector = ["-l", labels] if labels else []
    return json.loads(kubectl("-n", NAMESPACE, "get", kind, *selector, "-o", "json"))["items"]


def secret(name: str, key: str) -> str:
    text = kubectl("-n", NAMESPACE, "get", "secret", name, "-o", f"jsonpath={{.data.{key}}}")
    return base64.b64decode(text).decode()


@contextmanager
def forwarded(service: str, port: int) -> Generator[str]:
    """Reach a service from here, as `kubectl port-forward` does."""
    command = ["kubectl", "-n", NAMESPACE, "port-forward", f"service/{service}", f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", said)
            assert found, f"{' '.join(command)}: {said}"
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()


def state() -> str:
    """What there is, for whoever reads a failure: pods, events, the end of every log."""
    parts = [
        kubectl("-n", NAMESPACE, "get", "pods,jobs,sparkapplications", "-o", "wide", check=False),
        kubectl("-n", NAMESPACE, "get", "events", "--sort-by=.lastTimestamp", check=False)[-8000:],
    ]
    for name in kubectl("-n", NAMESPACE, "get", "pods", "-o", "name", check=False).split():
        parts += [f"--- {name}", kubectl("-n", NAMESPACE, "logs", name, "--tail=30", check=False)]
    return "\n".join(parts)
