"""The namespace's API through the official client, whose answers a test gives."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from urllib3.exceptions import ProtocolError

from refit_assets.errors import WorkloadError, WorkloadFailed
from refit_assets.workloads.kube import (
    KubernetesApi,
    Manifest,
    NameTakenError,
    owner_reference,
    request_digest,
)

if TYPE_CHECKING:
    from kubernetes.client.rest import ApiException

JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "one", "uid": "1-2"}}
JOBS = "/apis/batch/v1/namespaces/refit/jobs"


@dataclass
class Answer:
    data: bytes


@dataclass
class FakeClient:
    """A `kubernetes.client.ApiClient` that says one thing and keeps what it was asked."""

    said: Manifest | str | Exception = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def call_api(self, path: str, verb: str, **about: object) -> Answer:
        self.asked.append((verb, path))
        self.about = about
        if isinstance(self.said, Exception):
            raise self.said
        return Answer((self.said if isinstance(self.said, str) else json.dumps(self.said)).encode())


def over(said: Manifest | str | Exception) -> tuple[KubernetesApi, FakeClient]:
    client = FakeClient(said)
    return KubernetesApi(namespace="refit", client=client), client


def refused(status: int, message: str = "no") -> "ApiException":
    # Here, and not while tests are collected: it takes long, and every worker collects all tests.
    from kubernetes.client.rest import ApiException

    error = ApiException(status=status, reason="told")
    error.body = json.dumps({"message": message})
    return error


def test_an_object_is_asked_for_at_its_kinds_own_path() -> None:
    api, client = over(JOB)
    assert api.create(JOB) == JOB
    assert api.read("Job", "one") == JOB
    assert client.asked == [("POST", JOBS), ("GET", f"{JOBS}/one")]


def test_what_is_not_there_is_none_and_deleting_it_is_no_error() -> None:
    api, client = over(refused(404))
    assert api.read("Job", "one") is None
    api.delete("Job", "one")
    # Jobs would leave their pods behind otherwise.
    assert client.about["query_params"] == [("propagationPolicy", "Background")]


def test_objects_are_found_by_all_of_their_labels() -> None:
    api, client = over({"items": [JOB]})
    assert api.find("Job", {"a": "1", "b": "2"}) == [JOB]
    assert client.about["query_params"] == [("labelSelector", "a=1,b=2")]


def test_a_change_is_merged() -> None:
    api, client = over(JOB)
    api.patch("Job", "one", {"metadata": {"ownerReferences": []}})
    assert client.about["header_params"]["Content-Type"] == "application/merge-patch+json"


def test_a_name_that_is_taken_is_told_apart() -> None:
    api, _ = over(refused(409, "already exists"))
    with pytest.raises(NameTakenError, match="already exists"):
        api.create(JOB)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (partial(refused, 403, "exceeded quota: refit, requested: pods=1"), True),
        (partial(refused, 403, "jobs is forbidden: User cannot create"), False),
        (partial(refused, 422, "spec is invalid"), False),
        (partial(refused, 429), True),
        (partial(refused, 500), True),
        (partial(refused, 503), True),
        (partial(ProtocolError, "connection reset"), True),
    ],
)
def test_what_passes_by_itself_is_worth_another_attempt(
    error: Callable[[], Exception],
    transient: bool,  # noqa: FBT001
) -> None:
    api, _ = over(error())
    with pytest.raises(WorkloadFailed, match=f"(POST {JOBS})") as caught:
        api.create(JOB)
    assert caught.value.transient == transient


@pytest.mark.parametrize(
    "ask", [lambda api: api.find("Job", {}), lambda api: api.patch("Job", "one", {})]
)
def test_only_who_asks_for_one_object_takes_its_absence(
    ask: Callable[[KubernetesApi], object],
) -> None:
    # The operator's CRD, say, is not there: nothing to be read as an empty list.
    api, _ = over(refused(404, "the server could not find the requested resource"))
    with pytest.raises(WorkloadError, match="could not find"):
        ask(api)


def test_a_log_goes_on_after_the_last_line_that_was_told() -> None:
    api, client = over("2026-01-01T00:00:01.1Z one\n2026-01-01T00:00:01.2Z two words\n")
    assert api.log("pod", after="2026-01-01T00:00:01.1Z") == [
        ("2026-01-01T00:00:01.2Z", "two words")
    ]
    assert ("sinceTime", "2026-01-01T00:00:01.1Z") in client.about["query_params"]
    assert len(api.log("pod")) == 2


@pytest.mark.parametrize("status", [400, 404])
def test_a_container_that_has_not_started_has_no_log(status: int) -> None:
    api, _ = over(refused(status, "container is waiting to start"))
    assert list(api.log("pod")) == []


def test_events_are_told_oldest_first() -> None:
    late = {"reason": "Failed", "message": "late", "lastTimestamp": "2026-01-01T00:00:02Z"}
    soon = {"reason": "Pulled", "message": "soon", "lastTimestamp": "2026-01-01T00:00:01Z"}
    api, client = over({"items": [late, soon]})
    assert api.events("one") == ["Pulled: soon", "Failed: late"]
    assert client.about["query_params"] == [("fieldSelector", "involvedObject.name=one")]


def test_an_owner_is_named_by_its_uid() -> None:
    assert owner_reference(JOB) == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": "one",
        "uid": "1-2",
    }


def test_a_requests_digest_is_a_label_and_knows_no_order_of_keys() -> None:
    assert request_digest({"a": 1, "b": 2}) == request_digest({"b": 2, "a": 1})
    assert request_digest([1]) != request_digest([2])
    assert len(request_digest([1])) <= 63
