"""Objects of one Kubernetes namespace: create or adopt, look, delete and wait until gone.

Belongs here: the API server, names, labels, owners, and why a pod cannot start. Does not: what a
state of an operator means (`spark_application`, `h2o_cluster`, `program_pod`).
"""

import hashlib
import json
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from refit_assets.errors import WorkloadError, WorkloadFailed
from refit_assets.workloads.wait import Patience, wait_until

Manifest: TypeAlias = dict[str, Any]

LogLine: TypeAlias = tuple[str, str]
"""When a line was printed (RFC 3339, as Kubernetes spells it), and the line."""

RUN_LABEL = "refit/run"
WORKLOAD_LABEL = "refit/workload"
MODEL_LABEL = "refit/model"
REQUEST_LABEL = "refit/request"
"""Digest of what was asked for: a successor adopts only what does exactly its own work."""

_LONGEST_NAME = 45
"""A driver's pod is called after its application, and a pod's name is a host name of 63 letters."""

# By path, so that an operator's resources and Kubernetes' own need one way and no client each.
PATHS = {
    "Pod": "api/v1/namespaces/{namespace}/pods",
    "Secret": "api/v1/namespaces/{namespace}/secrets",
    "Service": "api/v1/namespaces/{namespace}/services",
    "Event": "api/v1/namespaces/{namespace}/events",
    "Job": "apis/batch/v1/namespaces/{namespace}/jobs",
    "StatefulSet": "apis/apps/v1/namespaces/{namespace}/statefulsets",
    "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies",
    "SparkApplication": (
        "apis/sparkoperator.k8s.io/v1beta2/namespaces/{namespace}/sparkapplications"
    ),
}

_log = logging.getLogger(__name__)


class NameTakenError(WorkloadError):
    """An object of that name is there already."""


class Api(Protocol):
    """The few verbs that workloads need, in one namespace."""

    @property
    def namespace(self) -> str:
        """The namespace."""
        ...

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object; NameTakenError if its name is taken."""
        ...

    def read(self, kind: str, name: str) -> Manifest | None:
        """Return an object, or None where there is none."""
        ...

    def find(self, kind: str, labels: Mapping[str, str]) -> Sequence[Manifest]:
        """All objects of a kind that carry the labels."""
        ...

    def patch(self, kind: str, name: str, change: Manifest) -> None:
        """Merge a change into an object."""
        ...

    def delete(self, kind: str, name: str) -> None:
        """Delete an object and what it owns; nothing happens where there is none."""
        ...

    def log(self, pod: str, *, after: str = "") -> Sequence[LogLine]:
        """Return what a pod's container printed after an instant; nothing where there is none."""
        ...

    def events(self, name: str) -> Sequence[str]:
        """What Kubernetes says about an object, as `reason: message`, oldest first."""
        ...


@dataclass(frozen=True, kw_only=True)
class KubernetesApi:
    """The API server, through the official client."""

    namespace: str
    client: Any
    """A `kubernetes.client.ApiClient`."""

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object; NameTakenError if its name is taken."""
        return self._call("POST", self._path(manifest["kind"]), body=manifest)

    def read(self, kind: str, name: str) -> Manifest | None:
        """Return an object, or None where there is none."""
        return self._call("GET", f"{self._path(kind)}/{name}", absent=None)

    def find(self, kind: str, labels: Mapping[str, str]) -> Sequence[Manifest]:
        """All objects of a kind that carry the labels."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        answer = self._call("GET", self._path(kind), query=[("labelSelector", selector)])
        return answer.get("items", [])

    def patch(self, kind: str, name: str, change: Manifest) -> None:
        """Merge a change into an object."""
        self._call("PATCH", f"{self._path(kind)}/{name}", body=change)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object and what it owns; nothing happens where there is none."""
        # `remove` waits for the pods, also for those that no owner takes along.
        query = [("propagationPolicy", "Background")]
        self._call("DELETE", f"{self._path(kind)}/{name}", query=query, absent=None)

    def log(self, pod: str, *, after: str = "") -> Sequence[LogLine]:
        """Return what a pod's container printed after an instant; nothing where there is none."""
        query = [("timestamps", "true"), *([("sinceTime", after)] if after else [])]
        path = f"{self._path('Pod')}/{pod}/log"
        try:
            text = self._call("GET", path, query=query, absent="", text=True)
        except WorkloadError as error:
            # Between a container's creation and its start the server refuses with 400.
            _log.debug("no log of %s yet: %s", pod, error)
            return ()
        lines = (line.partition(" ") for line in text.splitlines())
        # The server's instants are whole seconds: what came earlier in that second is not new.
        return [(instant, line) for instant, _, line in lines if instant > after]

    def events(self, name: str) -> Sequence[str]:
        """What Kubernetes says about an object, as `reason: message`, oldest first."""
        query = [("fieldSelector", f"involvedObject.name={name}")]
        found = self._call("GET", self._path("Event"), query=query).get("items", [])
        ordered = sorted(found, key=lambda event: event.get("lastTimestamp") or "")
        return [f"{event.get('reason')}: {event.get('message')}" for event in ordered]

    def _path(self, kind: str) -> str:
        return "/" + PATHS[kind].format(namespace=self.namespace)

    def _call(
        self,
        verb: str,
        path: str,
        *,
        body: Manifest | None = None,
        query: Sequence[tuple[str, str]] = (),
        absent: Any = ...,  # noqa: ANN401
        text: bool = False,
    ) -> Any:  # noqa: ANN401 - JSON, or text
        from kubernetes.client.rest import ApiException
        from urllib3.exceptions import HTTPError

        content = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        try:
            # The content as it came: parameters for its types differ between client versions.
            answer = self.client.call_api(
                path,
                verb,
                query_params=[*query],
                header_params={"Accept": "application/json, */*", "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _preload_content=False,
                _request_timeout=30,
            )
            content_of = answer.data.decode("utf-8", "replace")
            return content_of if text else json.loads(content_of)
        except ApiException as error:
            if error.status == 404 and absent is not ...:  # noqa: PLR2004
                return absent
            raise _refusal(verb, path, error) from error
        except HTTPError as error:
            message = f"the Kubernetes API server did not answer {verb} {path}: {error}"
            raise WorkloadFailed(message, transient=True) from error


def open_api(namespace: str) -> KubernetesApi:
    """Reach the API server, from within a pod or by the user's KUBECONFIG."""
    from kubernetes import client, config

    try:
        config.load_incluster_config()
    except config.ConfigException:
        config.load_kube_config()
    return KubernetesApi(namespace=namespace, client=client.ApiClient())


def workload_name(model: str, step: str, *identity: str) -> str:
    """Name what a step starts: the same for the same step of the same run, also after a restart.

    A DNS-1035 label of at most 45 letters, that a person can read the model and the step from.
    """
    digest = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:8]
    words = f"{model}-{step}".replace("_", "-").lower()
    return f"{words[: _LONGEST_NAME - 9].rstrip('-')}-{digest}"


def request_digest(request: Any) -> str:  # noqa: ANN401 - anything that JSON can hold
    """Digest of what a workload is asked to do, short enough for a label."""
    content = json.dumps(request, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def create_or_adopt(
    api: Api,
    manifest: Manifest,
    patience: Patience,
    *,
    ended: bool,
    prepare: Callable[[], None] = lambda: None,
) -> bool:
    """Create an object, or take over the one that a killed predecessor left.

    Taken over is only what carries the same request and has not ended badly; everything else of
    that name is removed first.

    Args:
        api: The namespace.
        manifest: The object.
        patience: For its removal.
        ended: Whether the object there is of no more use.
        prepare: Called before an object is created, never before one is adopted.

    Returns:
        Whether it was there already.

    """
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    found = api.read(kind, name)
    if found is not None and not ended and _same_request(found, manifest):
        # It belonged to the predecessor's Job, and would go with that.
        owners = manifest["metadata"].get("ownerReferences", [])
        api.patch(kind, name, {"metadata": {"ownerReferences": owners}})
        return True
    if found is not None:
        remove(api, [kind], name, patience)
    prepare()
    api.create(manifest)
    return False


@contextmanager
def submitted(
    api: Api,
    manifest: Manifest,
    patience: Patience,
    *,
    ended: bool,
    prepare: Callable[[], None] = lambda: None,
) -> Generator[str]:
    """Create or adopt an object as `create_or_adopt` does; delete it whatever happens."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    create_or_adopt(api, manifest, patience, ended=ended, prepare=prepare)
    try:
        yield name
    finally:
        remove(api, [kind], name, patience)


def remove(api: Api, kinds: Sequence[str], name: str, patience: Patience) -> None:
    """Delete what a workload consists of, and wait until its pods are gone.

    A failure is logged and never hides the error that led here: deadlines, times to live, and the
    run's Job as owner are the next nets.
    """
    try:
        for kind in kinds:
            api.delete(kind, name)
        # Executors do not always go with their driver (spark-operator #2961), and the next attempt
        # must find none.
        what = f"end of the pods of {api.namespace}/{name}"
        wait_until(lambda: bool(pods_of(api, name)), {False}, what, patience)
        for kind in kinds:
            what = f"deletion of {kind} {api.namespace}/{name}"
            wait_until(lambda kind=kind: api.read(kind, name) is None, {True}, what, patience)
    except WorkloadError as error:
        _log.warning("%s/%s may be left over: %s", api.namespace, name, error)


def pods_of(api: Api, workload: str) -> Sequence[Manifest]:
    """All pods that belong to a workload."""
    return api.find("Pod", {WORKLOAD_LABEL: workload})


def owner_reference(found: Manifest) -> Manifest:
    """Refer to an object as owner: what it owns goes when it goes."""
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "name": found["metadata"]["name"],
        "uid": found["metadata"]["uid"],
    }


def _same_request(found: Manifest, manifest: Manifest) -> bool:
    asked = manifest["metadata"].get("labels", {}).get(REQUEST_LABEL)
    labels = found["metadata"].get("labels", {})
    leaving = found["metadata"].get("deletionTimestamp") is not None
    return asked is not None and labels.get(REQUEST_LABEL) == asked and not leaving


def _refusal(verb: str, path: str, error: Any) -> WorkloadError:  # noqa: ANN401 - untyped upstream
    try:
        said = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        said = error.reason
    message = f"Kubernetes refused {verb} {path}: {said} ({error.status})"
    if error.status == 409 and verb == "POST":  # noqa: PLR2004 - HTTP's Conflict
        return NameTakenError(message)
    # Quota, overload and a server on its way down pass; everything else is our mistake.
    transient = error.status in {409, 429, 500, 502, 503, 504} or "exceeded quota" in str(said)
    return WorkloadFailed(message, transient=transient)
