"""The real stack and definition under the deployed policies, around a train.py of a second.

The scenarios share one deployment, as a user's executions do: what one leaves behind is what the
next one finds. And the last file asks which of the granted permissions none of them has used. So
they run in the order of their files' names; `consistent` checks after each that it has left the
endpoint in service, the record true and nobody's turn taken. One file alone works too: it begins
with the deployment.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import faults, iam
from tests.local.deployment import REPOSITORY, Client, Deployed, bootstrap, deploy
from tests.local.scenarios.assemblies import STACK
from tests.local.scenarios.hurry import in_a_hurry
from tests.local.scenarios.ordering import order
from tests.local.scenarios.permissions import Grants

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cloud assembly for each variant of the stack."""
    folder = tmp_path_factory.mktemp("assemblies")
    subprocess.run(
        [sys.executable, str(FOLDER / "assemblies.py"), str(folder)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return folder


@pytest.fixture(scope="session")
def grants() -> Grants:
    """What the roles of the stack were granted in the course of all scenarios."""
    return Grants()


@pytest.fixture(scope="session")
def product(client: Client, assemblies: Path, grants: Grants) -> Deployed:
    """The deployed stack, with sounds in it and a first model promoted by the input `{}`."""
    iam.DENIED.clear()
    iam.ALLOWED.clear()
    bootstrap(client)
    with in_a_hurry():
        deploy(assemblies / "as-it-is", client, STACK)
        product = Deployed(client, assemblies / "as-it-is", STACK)
        order(product, "audio/")
        assert product.run({})["promoted"]
    grants.note(product)
    return product


@pytest.fixture(scope="module", autouse=True)
def hurry() -> Iterator[None]:
    with in_a_hurry():
        yield


@pytest.fixture(autouse=True)
def consistent(product: Deployed, grants: Grants) -> Iterator[None]:
    """After every scenario the record is true and no permission was missing."""
    if not product.exists():
        yield
        return
    iam.DENIED.clear()
    before = product.config()
    yield
    faults.clear()
    assert iam.DENIED == [], "a permission was missing"
    if not product.exists():
        return
    grants.note(product)
    assert product.served_model() == product.recorded_model()
    # a model's name is how that of its config begins
    kept = (product.config(), before)
    made = {name for name in product.made() if not any(one.startswith(name) for one in kept)}
    promotions = 1 if product.config().startswith("scenarios--") else 2  # or a deploy's own
    assert len(made) <= 2 * promotions, "more than the last promotions' models and configs are left"
    assert product.sound({}).getnframes() > 0
    assert product.turn() == {"execution": ""}, "somebody's turn is left"
