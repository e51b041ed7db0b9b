"""What the deployed roles may do, put against what they did."""

from local import iam
from local.policies import as_list, matches
from tests.local.deployment import Deployed

Grant = tuple[str, str]  # kind of role, action


class Grants:
    """The grants of every role that the stack ever had: one deploy puts another in its place.

    A role's kind is its name in the template; that of a role put in its place begins `Other`.
    """

    def __init__(self) -> None:
        self._targets: dict[Grant, set[str]] = {}  # the resources, with their wildcards
        self._kinds: dict[str, str] = {}  # by the role's name

    def note(self, product: Deployed) -> None:
        """Note what the roles that are there now are granted."""
        resources = product.client("cloudformation").list_stack_resources(StackName=product.stack)
        for resource in resources["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::IAM::Role":
                name = resource["PhysicalResourceId"]
                kind = resource["LogicalResourceId"].removeprefix("Other")
                self._kinds[name] = kind
                for statement in iam.statements_of(role_arn(product, name)):
                    for action in as_list(statement["Action"]):
                        targets = self._targets.setdefault((kind, action), set())
                        targets.update(as_list(statement["Resource"]))

    def unused(self) -> set[Grant]:
        """Return the grants that no call of a role of that kind made use of."""
        return {grant for grant in self._targets if not self._used(*grant)}

    def _used(self, kind: str, action: str) -> bool:
        return any(
            self._kinds.get(call.role) == kind
            and matches(action, call.action)
            and any(matches(target, call.resource) for target in self._targets[kind, action])
            for call in iam.ALLOWED
        )


def role_arn(product: Deployed, name: str) -> str:
    """Return a role's ARN."""
    return product.client("iam").get_role(RoleName=name)["Role"]["Arn"]


def role_of(product: Deployed, kind: str) -> str:
    """Return the name of the role whose name in the template begins with `kind`."""
    resources = product.client("cloudformation").list_stack_resources(StackName=product.stack)
    return next(
        resource["PhysicalResourceId"]
        for resource in resources["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::IAM::Role"
        and resource["LogicalResourceId"].removeprefix("Other").startswith(kind)
    )
