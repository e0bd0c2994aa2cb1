"""H2O clusters that exist only while they train: N nodes, a password, their own network policy.

Belongs here: the objects, the nodes' names, seeing that a node died, finding the leader. Does
not: h2o's client and what is trained (`training.fit`), the program beside it (`program_pod`).
"""

import base64
import json
import secrets
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from refit_assets.errors import WorkloadFailed
from refit_assets.workloads.kube import (
    WORKLOAD_LABEL,
    Api,
    Manifest,
    pods_of,
    remove,
)
from refit_assets.workloads.pods import read_stuck, why_failed
from refit_assets.workloads.program_pod import LOCKED, NON_ROOT
from refit_assets.workloads.wait import Patience, wait_until

KINDS = ("StatefulSet", "Service", "NetworkPolicy", "Secret")
PORT = 54321
LEADER_PORT = 8080
USER = "refit"
CLIENT_LABEL = "refit/client-of"
"""The program that may talk to a cluster carries the cluster's name under this label."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster to bring up."""

    name: str
    image: str
    nodes: int
    memory_mib: int
    """Of a pod; the heap takes what is left beside the JVM's own needs."""
    threads: int = 2
    cpu_request: str = "100m"
    s3_endpoint: str = ""
    """Empty: Amazon's own."""
    s3_region: str = "us-east-1"
    secrets: Sequence[str] = ()
    """Secrets with the S3 credentials; empty where the service account has a role."""
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: Sequence[Manifest] = ()
    ping_seconds: int = 120
    """The nodes stop by themselves if nobody asks for so long."""
    pull_policy: str = "IfNotPresent"

    @property
    def heap_mib(self) -> int:
        """Java heap of a node: XGBoost and the JVM live beside it."""
        return max(256, int(self.memory_mib * 0.7))


@dataclass(frozen=True, kw_only=True)
class H2OClusters:
    """H2O clusters of one namespace."""

    api: Api
    patience: Patience
    """For a cluster to come up."""
    leaving: Patience = field(default_factory=lambda: Patience(timeout_seconds=120))

    @contextmanager
    def submitted(self, cluster: Cluster) -> Generator[None]:
        """Bring up a cluster; what a killed predecessor left of that name goes first."""
        remove(self.api, KINDS, cluster.name, self.leaving)
        try:
            for manifest in build_cluster(cluster, self.api.namespace, secrets.token_urlsafe(24)):
                self.api.create(manifest)
            yield
        finally:
            remove(self.api, KINDS, cluster.name, self.leaving)

    def wait(self, cluster: Cluster) -> None:
        """Return once all nodes run; whether they found one another, only their client can ask.

        Raises:
            WorkloadFailed: a node will never start: says why.
            WorkloadTimeout: they did not start in time.

        """
        what = f"H2O cluster {self.api.namespace}/{cluster.name}"
        started = self.patience.clock()

        def running() -> int:
            pods = self._nodes(cluster)
            for pod in pods:
                stuck = read_stuck(self.api, pod, self.patience.clock() - started)
                if stuck is not None:
                    message = f"{what} will not start: {stuck}"
                    raise WorkloadFailed(message)
            return sum(_is_running(pod) for pod in pods)

        wait_until(running, {cluster.nodes}, what, self.patience)

    def refuse_broken(self, cluster: Cluster) -> None:
        """Raise if a node died: H2O itself calls the cloud healthy for a minute more.

        Raises:
            WorkloadFailed: transient; a new cluster goes on with the trials that are not done.

        """
        nodes = self._nodes(cluster)
        # A node that was restarted has lost its share of every frame.
        broken = [pod for pod in nodes if _restarts(pod) or not _is_running(pod)]
        if len(nodes) < cluster.nodes or broken:
            why = "; ".join(_why_broken(pod) for pod in broken) or "a node's pod is gone"
            message = f"H2O cluster {self.api.namespace}/{cluster.name} lost a node: {why}"
            raise WorkloadFailed(message, transient=True)

    def _nodes(self, cluster: Cluster) -> Sequence[Manifest]:
        return pods_of(self.api, cluster.name)


def node_hosts(name: str, namespace: str, nodes: int) -> tuple[str, ...]:
    """Host names of a cluster's nodes, within Kubernetes."""
    return tuple(f"{name}-{index}.{name}.{namespace}.svc.cluster.local" for index in range(nodes))


def find_leader(
    hosts: Sequence[str], get: Callable[[str], tuple[int, str]], patience: Patience
) -> str:
    """Find the node that answers for a cloud of exactly all nodes, and return its host.

    While the cloud forms, every node calls itself leader, and the leader can change; later the
    others answer REST with 403.

    Args:
        hosts: All nodes.
        get: GETs a URL and returns status and body; a status of 0 where nobody answers.
        patience: For the cloud to form.

    Raises:
        WorkloadTimeout: no cloud of that size came about.

    """
    found: list[str] = []

    def formed() -> bool:
        found[:] = [host for host in hosts if _leads(host, len(hosts), get)]
        return len(found) == 1

    wait_until(formed, {True}, f"H2O cloud of {len(hosts)} ({hosts[0]}, …)", patience)
    return found[0]


def _leads(host: str, size: int, get: Callable[[str], tuple[int, str]]) -> bool:
    status, _ = get(f"http://{host}:{LEADER_PORT}/kubernetes/isLeaderNode")
    if status != 200:  # noqa: PLR2004 - HTTP's OK
        return False
    status, body = get(f"http://{host}:{PORT}/3/Cloud")
    if status != 200:  # noqa: PLR2004
        return False
    cloud = json.loads(body)
    return bool(cloud.get("cloud_healthy")) and cloud.get("cloud_size") == size


def build_cluster(cluster: Cluster, namespace: str, password: str) -> list[Manifest]:
    """Build all objects of a cluster; the StatefulSet comes last, when all it needs is there."""
    labels = {**cluster.labels, WORKLOAD_LABEL: cluster.name}
    metadata = {
        "name": cluster.name,
        "namespace": namespace,
        "labels": labels,
        "ownerReferences": [*cluster.owners],
    }
    return [
        _secret(metadata, password),
        _service(metadata, cluster),
        _network_policy(metadata, cluster),
        _stateful_set(metadata, cluster, namespace),
    ]


def _secret(metadata: Manifest, password: str) -> Manifest:
    values = {"password": password, "login.conf": f"{USER}: {password}\n"}
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}


def _service(metadata: Manifest, cluster: Cluster) -> Manifest:
    spec = {
        # Headless: only the leader answers REST, the others 403, so its client names a pod.
        "clusterIP": "None",
        # Nodes look one another up before any of them is ready.
        "publishNotReadyAddresses": True,
        "selector": {WORKLOAD_LABEL: cluster.name},
        "ports": [{"name": "h2o", "port": PORT, "protocol": "TCP"}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _network_policy(metadata: Manifest, cluster: Cluster) -> Manifest:
    nodes = {"podSelector": {"matchLabels": {WORKLOAD_LABEL: cluster.name}}}
    clients = {"podSelector": {"matchLabels": {CLIENT_LABEL: cluster.name}}}
    ports = [{"port": PORT, "protocol": "TCP"}, {"port": LEADER_PORT, "protocol": "TCP"}]
    spec = {
        "podSelector": nodes["podSelector"],
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [nodes]}, {"from": [clients], "ports": ports}],
        # S3 and names are opened beside this, by the label `refit/needs-s3`.
        "egress": [{"to": [nodes]}],
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": spec,
    }


def _stateful_set(metadata: Manifest, cluster: Cluster, namespace: str) -> Manifest:
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # What counts is stored by then; an H2O has nothing to end in order.
        "terminationGracePeriodSeconds": 1,
        "securityContext": NON_ROOT,
        "containers": [_node(cluster, namespace)],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "login", "secret": {"secretName": cluster.name, "defaultMode": 0o440}},
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata,
        "spec": {
            "serviceName": cluster.name,
            # At once, since the nodes wait for one another.
            "podManagementPolicy": "Parallel",
            "replicas": cluster.nodes,
            "selector": {"matchLabels": {WORKLOAD_LABEL: cluster.name}},
            "template": {"metadata": {"labels": metadata["labels"]}, "spec": pod},
        },
    }


def _node(cluster: Cluster, namespace: str) -> Manifest:
    memory = f"{cluster.memory_mib}Mi"
    environment = {
        "H2O_KUBERNETES_SERVICE_DNS": f"{cluster.name}.{namespace}.svc.cluster.local",
        # When it is over H2O starts smaller, without a word: `find_leader` asks for all nodes.
        "H2O_NODE_LOOKUP_TIMEOUT": "180",
        "H2O_NODE_EXPECTED_COUNT": str(cluster.nodes),
        "H2O_KUBERNETES_API_PORT": str(LEADER_PORT),
    }
    return {
        "name": "h2o",
        "image": cluster.image,
        "imagePullPolicy": cluster.pull_policy,
        "args": ["java", *_java_options(cluster), "-jar", "$(H2O_JAR)", *_h2o_options(cluster)],
        "env": [
            # Expanded by Kubernetes, which knows only what stands here.
            {"name": "H2O_JAR", "value": "/opt/h2o.jar"},
            *({"name": name, "value": value} for name, value in environment.items()),
        ],
        "envFrom": [{"secretRef": {"name": secret}} for secret in cluster.secrets],
        "ports": [{"containerPort": PORT}, {"containerPort": LEADER_PORT}],
        "resources": {
            "requests": {"cpu": cluster.cpu_request, "memory": memory},
            "limits": {"memory": memory},
        },
        "securityContext": LOCKED,
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of its own
            {"name": "login", "mountPath": "/run/h2o", "readOnly": True},
        ],
    }


def _java_options(cluster: Cluster) -> list[str]:
    # A node that ends is seen at once, one that limps without memory is not.
    options = [f"-Xmx{cluster.heap_mib}m", "-XX:+ExitOnOutOfMemoryError"]
    options.append(f"-Dsys.ai.h2o.persist.s3.region={cluster.s3_region}")
    if cluster.s3_endpoint:
        options.append(f"-Dsys.ai.h2o.persist.s3.endPoint={unmistakable(cluster.s3_endpoint)}")
        options.append("-Dsys.ai.h2o.persist.s3.enable.path.style=true")
    return options


def unmistakable(endpoint: str) -> str:
    """Write an S3 server's address so that H2O's client reads no region from it.

    Its AWS SDK takes what follows `s3.` or `s3-` for the region and signs with it, whatever the
    region is set to: `s3.refit.svc` is then refused. Names of hosts have no case; its pattern has.
    """
    scheme, separator, rest = endpoint.partition("://")
    host, slash, path = rest.partition("/")
    if host.partition(":")[0].endswith(".amazonaws.com"):
        return endpoint
    return f"{scheme}{separator}{host.replace('s3', 'S3')}{slash}{path}"


def _h2o_options(cluster: Cluster) -> list[str]:
    return [
        *("-name", cluster.name),
        *("-port", str(PORT)),
        *("-nthreads", str(cluster.threads)),
        *("-ice_root", "/tmp/h2o"),  # noqa: S108 - a volume of its own
        *("-hash_login", "-login_conf", "/run/h2o/login.conf"),
        *("-rest_api_ping_timeout", str(cluster.ping_seconds * 1000)),
    ]


def _is_running(pod: Manifest) -> bool:
    leaving = pod["metadata"].get("deletionTimestamp") is not None
    return pod.get("status", {}).get("phase") == "Running" and not leaving


def _restarts(pod: Manifest) -> int:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return sum(status.get("restartCount", 0) for status in statuses)


def _why_broken(pod: Manifest) -> str:
    if not _restarts(pod):
        return why_failed(pod)
    ends = [
        status.get("lastState", {}).get("terminated", {}).get("reason", "unknown")
        for status in pod["status"]["containerStatuses"]
    ]
    return f"pod {pod['metadata']['name']} was restarted after {', '.join(ends)}"
