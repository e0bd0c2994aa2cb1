"""Between refits nothing runs but the services; or not even those."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from refit_assets.workloads.h2o_cluster import KINDS, Cluster, build_cluster
from refit_assets.workloads.kube import RUN_LABEL, open_api
from refit_assets.workloads.program_pod import Program, build_job
from refit_assets.workloads.wait import Patience, wait_until
from refit_assets_tests.integration.e2e.installation import Installation
from refit_assets_tests.integration.e2e.kubectl import NAMESPACE, ROOT, kubectl
from refit_assets_tests.integration.e2e.refitted import Refitted

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]
# A tick does a daemon's work.
DAEMON = False
SETTLING = Patience(timeout_seconds=240)


@pytest.fixture
def _cron_job(installation: Installation, image: str, tmp_path: Path) -> Generator[None]:
    """Bring the CronJob of the variant without services; a test says itself when it is due."""
    found = yaml.safe_load((ROOT / "deploy/kustomize/scale-to-zero/tick.yaml").read_text())
    found["spec"]["suspend"] = True
    found["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] = image
    (tmp_path / "tick.yaml").write_text(yaml.safe_dump(found))
    kubectl("-n", NAMESPACE, "apply", "-f", str(tmp_path / "tick.yaml"))
    yield
    kubectl("-n", NAMESPACE, "delete", "cronjob", "refit-tick", "--cascade=foreground")


def test_nothing_is_there_but_the_services(installation: Installation, refitted: Refitted) -> None:
    wait_until(installation.strangers, [[]], "the end of all but the services", SETTLING)


@pytest.mark.usefixtures("_cron_job")
def test_a_tick_starts_the_job_that_removes_what_an_ended_run_left(
    installation: Installation, refitted: Refitted, image: str
) -> None:
    api, labels = open_api(NAMESPACE), {RUN_LABEL: installation.an_ended_run()}
    cluster = Cluster(name="left-h2o", image=image, nodes=1, memory_mib=512, labels=labels)
    program = Program(
        name="left-program", image=image, command=["sleep", "900"], memory_mib=64, labels=labels
    )
    for manifest in [*build_cluster(cluster, NAMESPACE, "secret"), build_job(program, NAMESPACE)]:
        api.create(manifest)
    assert len(installation.workloads()) == len(KINDS) + 1
    run_id = installation.start_job("leftovers")
    # A daemon counts as alive for a minute, and a tick leaves the work to it.
    gone = lambda: installation.daemon_silence() > 60  # noqa: E731
    wait_until(gone, {True}, "silence of the daemon", SETTLING)
    kubectl("-n", NAMESPACE, "create", "job", "tick", "--from=cronjob/refit-tick")
    installation.ended(run_id)
    assert installation.left_over() == []
    wait_until(lambda: _succeeded("tick"), {True}, "the end of the tick", SETTLING)


def _succeeded(job: str) -> bool:
    found = json.loads(kubectl("-n", NAMESPACE, "get", "job", job, "-o", "json"))
    return found.get("status", {}).get("succeeded") == 1
