"""Why a pod does not run: what only a person can cure ends the wait at once.

Belongs here: reading a pod's status and events. Does not: waiting, deleting (`kube`).
"""

from collections.abc import Sequence

from refit_assets.workloads.kube import Api, Manifest

# These waits never end by themselves within a run's patience.
HOPELESS_WAITS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
# On a busy node the kubelet gives a Secret or ConfigMap a second to come, and then asks again by
# itself (kubernetes/kubernetes#117972); of one that does not exist it says so.
_PASSES = "timed out waiting for the condition"
MOUNT_SECONDS = 90
"""How long a volume may take to come."""
_CURES = {
    "ErrImagePull": "build and push the image (make images PUSH=1), or correct the image's name",
    "ImagePullBackOff": "build and push the image (make images PUSH=1), or correct its name",
    "ErrImageNeverPull": "load the image into the node, or allow it to be pulled",
    "CreateContainerConfigError": "create the Secret or ConfigMap that the message names",
    "Unschedulable": "make the step smaller (compute: in defs.yaml), or the cluster larger",
    "FailedMount": "create the volume, Secret or ConfigMap that the message names",
    "OOMKilled": "give the step more memory (compute: in defs.yaml)",
}


def pod_phase(pod: Manifest) -> str:
    """Pending, Running, Succeeded, Failed or Unknown."""
    return str(pod.get("status", {}).get("phase", "Pending"))


def why_stuck(pod: Manifest, events: Sequence[str] = ()) -> str | None:
    """Say why a pod will never start, with the cure; None while there is hope.

    Args:
        pod: The pod.
        events: What Kubernetes says about it; none while its volumes may still be on their way.

    """
    for status in _container_statuses(pod):
        waiting = status.get("state", {}).get("waiting", {})
        message = waiting.get("message", "")
        if waiting.get("reason") in HOPELESS_WAITS and _PASSES not in message:
            return _said(pod, waiting["reason"], message)
    mounts = [one for one in events if one.startswith("FailedMount:") and _PASSES not in one]
    if pod_phase(pod) == "Pending" and mounts:
        return _said(pod, "FailedMount", mounts[-1].partition(": ")[2])
    return None


def why_unschedulable(pod: Manifest) -> str | None:
    """Say why no node takes a pod; None where one did."""
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return _said(pod, "Unschedulable", condition.get("message", ""))
    return None


def why_failed(pod: Manifest) -> str:
    """Say how a pod's container ended."""
    for status in _container_statuses(pod):
        ended = status.get("state", {}).get("terminated") or {}
        if ended and ended.get("exitCode") != 0:
            reason = ended.get("reason", "Error")
            return _said(pod, reason, f"exit code {ended.get('exitCode')}")
    # An evicted pod says so itself, and perhaps none of its containers does.
    status = pod.get("status", {})
    return _said(pod, status.get("reason", "Failed"), status.get("message", "no reason given"))


def was_killed(pod: Manifest) -> bool:
    """Whether something from outside ended the pod: another attempt may succeed.

    Out of memory is not among these: Kubernetes reports it as OOMKilled, and it comes again.
    """
    if pod.get("status", {}).get("reason") in {"Evicted", "Preempted", "NodeLost", "Shutdown"}:
        return True
    ends = [status.get("state", {}).get("terminated") or {} for status in _container_statuses(pod)]
    return any(
        end.get("exitCode") in {137, 143} and end.get("reason") != "OOMKilled" for end in ends
    )


def _container_statuses(pod: Manifest) -> Sequence[Manifest]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def _said(pod: Manifest, reason: str, message: str) -> str:
    cure = _CURES.get(reason)
    text = f"pod {pod['metadata']['name']}: {reason}: {' '.join(message.split())}"
    return f"{text}; {cure}" if cure else text


def read_stuck(api: Api, pod: Manifest, seconds: float) -> str | None:
    """Say why a pod will never start, asking for its events only where they can matter.

    Args:
        api: The namespace.
        pod: The pod.
        seconds: How long it has been waited for. Spark makes a driver's ConfigMap after the
            driver, so that the first mounts of every driver fail.

    """
    late = pod_phase(pod) == "Pending" and seconds > MOUNT_SECONDS
    return why_stuck(pod, api.events(pod["metadata"]["name"]) if late else ())
