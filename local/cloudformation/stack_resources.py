"""The resources of one CloudFormation stack, updated in the order of their dependencies.

moto compares templates by their text, updates in no order and skips what it does not know. Here a
resource is brought up to date after everything it refers to, when its resolved properties differ:
so a replaced Model replaces its EndpointConfig, which updates its Endpoint.
"""

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError as TemplateError

from local.cloudformation import custom_resource, resource_schemas, resource_types, taken_names


class Hold:
    """A point where a change waits: `reached` is set once it is there, `release` lets it go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def release(self) -> None:
        """Let the change go on."""
        self.released.set()


holds: dict[str, Hold] = {}
"""By the beginning of a logical id; tests let something happen in the middle of a change."""


@contextmanager
def held_before(logical_id: str) -> Iterator[Hold]:
    """Hold every change just before it makes, changes or removes a resource.

    `logical_id` may be only the beginning of one, because the CDK adds a hash. By then what the
    resource refers to is up to date, and its properties are settled. Leaving the block releases the
    change.
    """
    holds[logical_id] = hold = Hold()
    try:
        yield hold
    finally:
        del holds[logical_id]
        hold.release()


def _wait_where_held(logical_id: str) -> None:
    for beginning, hold in list(holds.items()):
        if logical_id.startswith(beginning):
            hold.reached.set()
            hold.released.wait()


class Made(NamedTuple):
    """A resource as it was last made."""

    resource: Any
    definition: dict[str, Any]  # Type and Properties, resolved
    template: dict[str, Any]

    def is_kept(self, policy: str, new: bool) -> bool:
        """Tell whether DeletionPolicy or UpdateReplacePolicy retains it; `new`: just created."""
        value = self.template.get(policy)
        return value == "Retain" or (value == "RetainExceptOnCreate" and not new)


class ResourceMap(parsing.ResourceMap):
    """The resources of one stack; looking one up first updates it and what it depends on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._resource_json_map: dict[str, Any]
        self._outdated: set[str] = set()
        self._made: dict[str, Made] = {}
        self._superseded: list[tuple[str, Made]] = []
        self._names: dict[str, str] = {}  # logical id -> generated name
        self._new: set[str] = set()  # made by the change that runs now
        self._reached: set[str] = set()  # made or found right by it
        self._changing: int | None = None  # the thread that does
        self.failed: str | None = None  # the resource that made the change fail

    def __getitem__(self, key: str) -> Any:
        # others, such as DescribeStacks, only look
        if key in self._outdated and self._changing == threading.get_ident():
            self._outdated.remove(key)
            self._bring_up_to_date(key)
        if key in self._resource_json_map and key not in self._parsed_resources:
            return None  # its condition is false, or it is not there yet
        return super().__getitem__(key)

    def made(self) -> list[Any]:
        """Return the resources that are there."""
        return [made.resource for made in list(self._made.values())]

    def type_of(self, name: str) -> str:
        """Return the type of a resource of the template, or of one that is no longer in it."""
        made = self._made.get(name)
        return self._resource_json_map.get(name, made.template if made else {}).get("Type", "")

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        """Make and change resources as `template` says; `clean_up` removes what it lacks."""
        self._template = template
        if parameters is not None:
            self.input_parameters = parameters
        self.load_mapping()
        self.load_parameters()
        self.load_conditions()
        self._resource_json_map = template["Resources"]
        self._outdated = set(template["Resources"])
        self._changing = threading.get_ident()
        self.failed, self._new = None, set()
        self._reached = set()
        try:
            for name in template["Resources"]:
                self[name]
        finally:
            # what a change that failed did not reach may depend on what it did, never the reverse
            names = sorted(self._made, key=lambda name: name not in self._reached)
            self._made = {name: self._made[name] for name in names}

    def roll_back(self, template: dict[str, Any], parameters: dict[str, Any]) -> None:
        """Go back to the former `template`, with the former resources where they still exist."""
        new = self._new
        self.update(template, parameters)
        self._new = new

    def clean_up(self) -> list[tuple[str, Exception]]:
        """Remove what the template no longer has, or what was replaced: nothing refers to it now.

        Returns what could not be removed, and why; as on AWS it is left behind.
        """
        failures = []
        for name in reversed([name for name in self._made if not self._is_wanted(name)]):
            try:
                self._remove(name)
            except Exception as error:
                failures.append((name, error))
                self._forget(name)
        for name, made in reversed(self._superseded):
            if not made.is_kept("UpdateReplacePolicy", new=False):
                _wait_where_held(name)
                try:
                    self._delete_resource(made.resource, made.definition)
                except Exception as error:
                    failures.append((name, error))
        self._superseded = []
        return failures

    def delete(self) -> None:
        """Remove the resources, the dependent ones first, except those to be retained."""
        self._changing = threading.get_ident()
        self.failed = None
        for name in reversed(list(self._made)):
            self._remove(name)

    def undo_creation(self) -> None:
        """Remove what a creation that failed has made."""
        self._new = set(self._made)
        self.delete()

    def _is_wanted(self, name: str) -> bool:
        template = self._resource_json_map.get(name)
        if template is None:
            return False
        condition = template.get("Condition")
        return not condition or self.lazy_condition_map[condition]

    def _bring_up_to_date(self, name: str) -> None:
        template = self._resource_json_map[name]
        if not self._is_wanted(name):
            return
        dependencies = template.get("DependsOn", [])
        for dependency in [dependencies] if isinstance(dependencies, str) else dependencies:
            self[dependency]
        try:
            wanted = parsing.clean_json(
                {"Type": template["Type"], "Properties": template.get("Properties", {})}, self
            )
            made = self._made.get(name)
            if made is None or made.definition != wanted:
                _wait_where_held(name)
                resource = self._put(name, made, wanted)
            else:
                resource = made.resource
        except Exception:
            self.failed = self.failed or name  # the first is the one that others depend on
            raise
        self._parsed_resources[name] = resource
        self._made.pop(name, None)  # so that its dependencies come before it
        self._made[name] = Made(resource, wanted, template)
        self._reached.add(name)

    def _put(self, name: str, made: Made | None, wanted: dict[str, Any]) -> Any:
        """Make a resource or change it, and return it."""
        if made is None:
            self._new.add(name)
            return self._create(name, wanted)
        kind = resource_class(wanted["Type"])
        where = (wanted["Type"], made.definition["Properties"], wanted["Properties"])
        if (
            made.definition["Type"] != wanted["Type"]
            or hasattr(kind.update_from_cloudformation_json, "__isabstractmethod__")
            or resource_schemas.is_replaced(*where)
        ):
            return self._replace(name, made, wanted)
        resource = kind.update_from_cloudformation_json(
            original_resource=made.resource,
            new_resource_name=self._physical_name(name, wanted),
            cloudformation_json=_copy(wanted),
            account_id=self._account_id,
            region_name=self._region_name,
        )
        replaced = resource.physical_resource_id != made.resource.physical_resource_id
        if replaced and isinstance(resource, custom_resource.AwsSdkCall):
            self._superseded.append((name, made))
        return self._labelled(resource, name, wanted)

    def _replace(self, name: str, made: Made, wanted: dict[str, Any]) -> Any:
        """Make a new resource; the old one is deleted last, or comes back if the change fails."""
        former = next((s for s in self._superseded if s[0] == name), None)
        given = self._given_name(wanted)
        if given and given == self._given_name(made.definition) and not former:
            raise TemplateError(
                message="CloudFormation cannot update a stack when a custom-named resource "
                f"requires replacing. Rename {given} and update the stack again."
            )
        if former and former[1].definition == wanted:
            self._superseded.append((name, made))
            self._superseded.remove(former)
            return former[1].resource
        self._names.pop(name, None)
        resource = self._create(name, wanted)
        self._superseded.append((name, made))  # not if it failed: then the old one is still in use
        return resource

    def _create(self, name: str, wanted: dict[str, Any]) -> Any:
        physical_name = self._physical_name(name, wanted)
        if self._given_name(wanted):
            taken_names.refuse(wanted["Type"], physical_name, self._account_id, self._region_name)
        resource = resource_class(wanted["Type"]).create_from_cloudformation_json(
            physical_name,
            _copy(wanted),
            self._account_id,
            self._region_name,
            LogicalId=name,
            StackId=self.stack_id,
            ResourceType=wanted["Type"],
        )
        return self._labelled(resource, name, wanted)

    def _physical_name(self, name: str, wanted: dict[str, Any]) -> str:
        """Return the name that the template gives, or a generated one that stays the same."""
        if given := self._given_name(wanted):
            return given
        stack = str(self._parsed_resources["AWS::StackName"])
        return self._names.setdefault(
            name, parsing.generate_resource_name(wanted["Type"], stack, name)
        )

    @staticmethod
    def _given_name(definition: dict[str, Any]) -> str | None:
        own = resource_types.OWN.get(definition["Type"])
        prop = (
            getattr(own, "name_property", None)
            if own
            else parsing.resource_name_property_from_type(definition["Type"])
        )
        return definition["Properties"].get(prop) if prop else None

    @staticmethod
    def _labelled(resource: Any, name: str, wanted: dict[str, Any]) -> Any:
        resource.cf_resource_type, resource.logical_resource_id = wanted["Type"], name
        return resource

    def _remove(self, name: str) -> None:
        made = self._made[name]
        try:
            if not made.is_kept("DeletionPolicy", new=name in self._new):
                _wait_where_held(name)
                self._delete_resource(made.resource, made.definition)
        except Exception:
            self.failed = self.failed or name
            raise
        self._forget(name)

    def _forget(self, name: str) -> None:
        del self._made[name], self._parsed_resources[name]
        self._names.pop(name, None)


def _copy(definition: dict[str, Any]) -> dict[str, Any]:
    """Copy a definition, as moto adds what is missing to it, which then looks changed."""
    return copy.deepcopy(definition)


_moto_class = parsing.resource_class_from_type


def resource_class(resource_type: str) -> Any:
    """Return the class that makes resources of a type; raises a sentence where there is none."""
    found = resource_types.OWN.get(resource_type) or (
        None if resource_type.startswith("Custom::") else _moto_class(resource_type)
    )
    if found is None and resource_type not in parsing.NULL_MODELS:
        # moto skips it silently, and the stack looks deployed
        raise TemplateError(message=f"The local stand-in for AWS has no {resource_type}.")
    return found
