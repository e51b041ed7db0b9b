"""CloudFormation: stacks that are created, updated, rolled back and deleted in the order of AWS.

moto compares templates by their text, updates in no order, skips what it does not know and never
rolls back. Here a resource is brought up to date after everything it refers to, when its resolved
properties differ: so a replaced Model replaces its EndpointConfig, which updates its Endpoint.
"""

import contextlib
from typing import Any

from moto.cloudformation import models, parsing, urls
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.exceptions import ValidationError as TemplateError
from moto.sagemaker import models as sagemaker_models

from local import custom_resource, resource_types

REPLACED_BY_ANY_CHANGE = {
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::CDK::Metadata",
}
"""Types of which AWS makes a new one and deletes the old one last; moto would delete first."""

_names: dict[tuple[str, str], str] = {}
"""(stack name, logical id) -> generated name; moto makes a new random name at every update."""


class ChangeSetNotFoundError(CloudFormationError):
    """The error by which the CDK's command line recognises that it need not delete a change set."""

    code = "ChangeSetNotFoundException"


class ResourceMap(parsing.ResourceMap):
    """The resources of one stack; looking one up brings it, and before it its needs, up to date."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._resource_json_map: dict[str, Any]
        self._outdated: set[str] = set()
        self._definitions: dict[str, dict[str, Any]] = {}  # resolved, as last made
        self._superseded: list[tuple[Any, dict[str, Any]]] = []

    def __getitem__(self, key: str) -> Any:
        if key in self._outdated:
            self._outdated.remove(key)
            self._bring_up_to_date(key)
        if key in self._resource_json_map and key not in self._parsed_resources:
            return None  # its condition is false
        return super().__getitem__(key)

    def create(self, template: dict[str, Any]) -> bool:
        """Make every resource of a new stack (CreateStack); true as nothing is left to wait for."""
        self.update(template)
        return True

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        """Make, change and remove resources until the stack is what `template` says."""
        before: dict[str, Any] = dict(self._resource_json_map)
        self._template = template
        if parameters:
            self.input_parameters = parameters
        self.load_mapping()
        self.load_parameters()
        self.load_conditions()
        self._resource_json_map = template["Resources"]
        self._outdated = set(template["Resources"])
        self._superseded = []
        for name in template["Resources"]:
            self[name]
        # what is no longer needed goes last, as nothing refers to it any more
        for name in reversed([n for n in self._definitions if n not in template["Resources"]]):
            self._remove(name, before[name])
        for resource, definition in reversed(self._superseded):
            self._delete_resource(resource, definition)

    def delete(self) -> None:
        """Remove the resources, the dependent ones first, but for those that are to be retained."""
        for name in reversed(list(self._definitions)):
            self._remove(name, self._resource_json_map[name])

    def _bring_up_to_date(self, name: str) -> None:
        template = self._resource_json_map[name]
        condition = template.get("Condition")
        if condition and not self.lazy_condition_map[condition]:
            return
        needs = template.get("DependsOn", [])
        for dependency in [needs] if isinstance(needs, str) else needs:
            self[dependency]
        # a copy, as moto adds what is missing to the template itself, which then looks changed
        template = {**template, "Properties": template.get("Properties", {})}
        wanted = parsing.clean_json(
            {"Type": template["Type"], "Properties": template["Properties"]}, self
        )
        made = self._definitions.get(name)
        where = (name, template, self, self._account_id, self._region_name)
        if made == wanted:
            return
        if made is None or made["Type"] in REPLACED_BY_ANY_CHANGE or made["Type"] != wanted["Type"]:
            if made is not None:
                _names.pop((str(self["AWS::StackName"]), name), None)
                self._superseded.append((self._parsed_resources[name], made))
            current = parsing.parse_and_create_resource(*where)
        else:
            previous = self._parsed_resources[name]
            current = parsing.parse_and_update_resource(*where)
            replaced = current.physical_resource_id != previous.physical_resource_id
            if replaced and isinstance(current, custom_resource.AwsSdkCall):
                self._superseded.append((previous, made))
        self._parsed_resources[name] = current
        self._definitions[name] = wanted

    def _remove(self, name: str, template: dict[str, Any]) -> None:
        resource = self._parsed_resources.pop(name)
        definition = self._definitions.pop(name)
        if template.get("DeletionPolicy") != "Retain":
            _names.pop((str(self["AWS::StackName"]), name), None)
            self._delete_resource(resource, definition)


class CloudFormation(models.CloudFormationBackend):
    """moto's backend with the answers that the CDK's command line relies on."""

    _url_module = urls  # moto looks for one beside the class

    def delete_change_set(self, change_set_name: str) -> None:
        """Forget a change set; on AWS deleting what does not exist succeeds, moto answers 500."""
        for key, change_set in list(self.change_sets.items()):
            if change_set_name in (key, change_set.change_set_name):
                del self.change_sets[key]

    def describe_change_set(self, change_set_name: str) -> Any:
        """Return the newest change set of that name or ARN."""
        for key, change_set in reversed(self.change_sets.items()):
            if change_set_name in (key, change_set.change_set_name):
                return change_set
        raise ChangeSetNotFoundError(f"ChangeSet [{change_set_name}] does not exist")

    def create_change_set(
        self, stack_name: str, change_set_name: str, template: str, parameters: Any, **rest: Any
    ) -> tuple[str, str]:
        """Drop parameters that were given as UsePreviousValue and name an SSM parameter.

        Every CDK stack has such a parameter, and moto hands over its value in place of its name.
        """
        previous = next((s for s in self.stacks.values() if s.name == stack_name), None)
        if previous is not None:
            slots = models.Stack.parse_template(template).get("Parameters", {})
            parameters = {
                name: value
                for name, value in parameters.items()
                if not slots.get(name, {}).get("Type", "").startswith("AWS::SSM::")
                or value != previous.stack_parameters.get(name)
            }
        return super().create_change_set(stack_name, change_set_name, template, parameters, **rest)

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        """Carry a change set out; on failure say why and bring back what was there before."""
        change_set = self.describe_change_set(change_set_name)
        stack = self.stacks[change_set.stack_id]
        previous = stack.template_dict
        try:
            super().execute_change_set(change_set.change_set_id, stack_name)
        except Exception as error:
            kind = change_set.change_set_type
            stack._add_stack_event(f"{kind}_FAILED", resource_status_reason=str(error))
            with contextlib.suppress(Exception):
                if kind == "CREATE":
                    stack.resource_map.delete()
                else:
                    stack.resource_map.update(previous, stack.parameters)
            stack.status = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
            stack._add_stack_event(stack.status)
            return
        stack._parse_template()
        stack.parameters = change_set.parameters
        # moto keeps the outputs of the empty stack that was up for review
        stack.output_map = stack._create_output_map()

    def delete_stack(self, name_or_stack_id: str) -> None:
        """Delete a stack; a resource that cannot be deleted leaves it in DELETE_FAILED."""
        with contextlib.suppress(TemplateError):  # deleting what does not exist succeeds
            stack = self.get_stack(name_or_stack_id)
            try:
                super().delete_stack(stack.stack_id)
            except Exception as error:
                self.stacks[stack.stack_id] = stack
                stack.status = "DELETE_FAILED"
                stack._add_stack_event(stack.status, resource_status_reason=str(error))
                return
            # or the next stack of that name would execute a change set of this one
            for key in [k for k, c in self.change_sets.items() if c.stack is stack]:
                del self.change_sets[key]


_moto_class = parsing.resource_class_from_type


def _resource_class(resource_type: str) -> Any:
    found = resource_types.OWN.get(resource_type) or (
        None if resource_type.startswith("Custom::") else _moto_class(resource_type)
    )
    if found is None and resource_type not in parsing.NULL_MODELS:
        # moto skips it silently, and the stack looks deployed
        raise TemplateError(message=f"The local stand-in for AWS has no {resource_type}.")
    return found


def _resource_name(
    resource_type: str,
    stack_name: str,
    logical_id: str,
    generate: Any = parsing.generate_resource_name,
) -> str:
    key = (stack_name, logical_id)
    return _names.setdefault(key, generate(resource_type, stack_name, logical_id))


def install() -> None:
    """Put these rules in the place of moto's."""
    models.cloudformation_backends.backend = CloudFormation
    models.ResourceMap = ResourceMap
    parsing.resource_class_from_type = _resource_class
    parsing.generate_resource_name = _resource_name
    for resource, name in (  # moto ignores the names that a template gives these
        (sagemaker_models.Model, "ModelName"),
        (sagemaker_models.FakeEndpointConfig, "EndpointConfigName"),
        (sagemaker_models.FakeEndpoint, "EndpointName"),
    ):
        resource.cloudformation_name_type = staticmethod(lambda name=name: name)
