"""CloudFormation: changes of stacks run in the background, roll back if they fail, and show it.

moto makes its changes before it answers, never rolls back, and mixes up stacks whose change sets
have the same name. The resources are in stack_resources.py.
"""

import contextlib
import copy
import threading
from typing import Any

from moto.cloudformation import models, parsing, responses, urls
from moto.cloudformation.exceptions import AlreadyExistsException, CloudFormationError
from moto.cloudformation.exceptions import ValidationError as TemplateError
from moto.core.responses import ActionResult, EmptyResult

from local.cloudformation import resource_types
from local.cloudformation.stack_resources import ResourceMap, resource_class

CHANGEABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


class ChangeSetNotFoundError(CloudFormationError):
    """The error that tells the CDK's command line that there is no change set to delete."""

    code = "ChangeSetNotFoundException"


class Stack(models.Stack):
    """One stack; others may look at it while a thread changes it."""

    resource_map: ResourceMap

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._outputs: list[dict[str, Any]] = []
        self._status_lock = threading.Lock()

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """The outputs as of the last change that succeeded."""
        return self._outputs or None

    @property
    def stack_resources(self) -> list[Any]:
        """The resources that are there."""
        return self.resource_map.made()

    def settle_outputs(self) -> None:
        """Evaluate the outputs of the template that the stack now has."""
        self.output_map = self._create_output_map()
        self._outputs = super().outputs or []

    def show(self, status: str, reason: str | None = None) -> None:
        """Show a status, and the event that goes with it."""
        self.status = status
        self._add_stack_event(status, resource_status_reason=reason)

    def begin(self, status: str, allowed: set[str]) -> None:
        """Show that a change runs; raises AWS's refusal if the stack's status does not allow it."""
        with self._status_lock:
            if self.status not in allowed:
                raise TemplateError(
                    message=f"Stack:{self.stack_id} is in {self.status} state and can not be "
                    "updated."
                )
            self.show(status, "User Initiated")

    def show_failure(self, status: str, error: Exception) -> str:
        """Show the event of the resource that failed; return the reason for the stack's own."""
        name = self.resource_map.failed
        if name is None:
            return str(error)
        self.events.append(
            models.Event(
                stack_id=self.stack_id,
                stack_name=self.name,
                logical_resource_id=name,
                physical_resource_id="",
                resource_type=self.resource_map.type_of(name),
                resource_status=status,
                resource_status_reason=str(error),
                resource_properties=None,
            )
        )
        done = {"CREATE": "create", "UPDATE": "update", "DELETE": "delete"}[status.split("_")[0]]
        return f"The following resource(s) failed to {done}: [{name}]."


class CloudFormation(models.CloudFormationBackend):
    """moto's backend, with the behaviour that the CDK's command line relies on."""

    _url_module = urls  # moto looks for one beside the class
    stacks: dict[str, Any]

    def _find(self, stack_name: str, change_set_name: str) -> tuple[str, Any]:
        for key, change_set in reversed(list(self.change_sets.items())):
            if change_set_name == key or (
                change_set.change_set_name == change_set_name
                and stack_name in (change_set.stack_name, change_set.stack_id)
            ):
                return key, change_set
        raise ChangeSetNotFoundError(f"ChangeSet [{change_set_name}] does not exist")

    def change_set(self, stack_name: str, change_set_name: str) -> Any:
        """Return the newest change set of a stack with that name, or the one with that ARN."""
        return self._find(stack_name, change_set_name)[1]

    def forget_change_set(self, stack_name: str, change_set_name: str) -> None:
        """Forget a change set; on AWS deleting what does not exist succeeds, moto answers 500."""
        with contextlib.suppress(ChangeSetNotFoundError):
            del self.change_sets[self._find(stack_name, change_set_name)[0]]

    def create_change_set(
        self, stack_name: str, change_set_name: str, template: str, parameters: Any, **rest: Any
    ) -> tuple[str, str]:
        """Drop parameters that were given as UsePreviousValue and name an SSM parameter.

        Every CDK stack has such a parameter, and moto hands over its value in place of its name.
        """
        previous = next((s for s in self.stacks.values() if s.name == stack_name), None)
        if previous is not None and previous.status == "REVIEW_IN_PROGRESS":
            self._drop(previous)  # moto makes another one
        elif previous is not None and rest["change_set_type"] == "CREATE":
            raise AlreadyExistsException(
                f"Stack [{stack_name}] already exists and cannot be created again with the "
                f"changeSet [{change_set_name}]."
            )
        elif previous is not None:
            if previous.status not in CHANGEABLE:
                raise TemplateError(
                    message=f"Stack:{previous.stack_id} is in {previous.status} state and can not "
                    "be updated."
                )
            slots = models.Stack.parse_template(template).get("Parameters", {})
            parameters = {
                name: value
                for name, value in parameters.items()
                if not slots.get(name, {}).get("Type", "").startswith("AWS::SSM::")
                or value != previous.stack_parameters.get(name)
            }
        return super().create_change_set(stack_name, change_set_name, template, parameters, **rest)

    def create_stack(
        self, name: str, template: str, parameters: dict[str, Any], **rest: Any
    ) -> Stack:
        """Begin to create a stack: a change set that is executed at once."""
        if any(stack.name == name for stack in self.stacks.values()):
            raise AlreadyExistsException(f"Stack [{name}] already exists")
        passed_on = {key: rest[key] for key in ("notification_arns", "tags", "role_arn")}
        return self._change_at_once(name, template, parameters, "CREATE", **passed_on)

    def update_stack(
        self, name: str, template: str, role_arn: str | None, parameters: Any, tags: Any
    ) -> Stack:
        """Begin to update a stack: a change set that is executed at once."""
        resolved = self._resolve_update_parameters(self.get_stack(name), parameters)
        stack = self._change_at_once(name, template, resolved, "UPDATE", role_arn=role_arn)
        stack.tags = tags or stack.tags
        return stack

    def _change_at_once(
        self, name: str, template: str, parameters: dict[str, Any], kind: str, **rest: Any
    ) -> Stack:
        identity, _ = self.create_change_set(
            name, f"at-once-{len(self.change_sets)}", template, parameters,
            description="", change_set_type=kind, **rest,
        )  # fmt: skip
        change_set = self.change_sets[identity]
        if change_set.status == "FAILED":
            raise TemplateError(message="No updates are to be performed.")
        self.execute(change_set)
        return change_set.stack

    def execute(self, change_set: Any) -> None:
        """Begin to execute a change set."""
        stack, kind = change_set.stack, change_set.change_set_type
        allowed = {"REVIEW_IN_PROGRESS"} if kind == "CREATE" else CHANGEABLE
        stack.begin(f"{kind}_IN_PROGRESS", allowed)
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        threading.Thread(target=self._carry_out, args=(change_set, stack), daemon=True).start()

    def _carry_out(self, change_set: Any, stack: Stack) -> None:
        kind = change_set.change_set_type
        try:
            stack.resource_map.update(change_set.template_dict, change_set.parameters)
            former = stack.template, stack.template_dict, stack.output_map
            stack.template, stack.template_dict = change_set.template, change_set.template_dict
            try:
                stack.settle_outputs()
            except Exception:
                stack.template, stack.template_dict, stack.output_map = former
                raise
        except Exception as error:
            change_set.execution_status = "EXECUTE_FAILED"
            reason = stack.show_failure(f"{kind}_FAILED", error)
            undo = self._take_back_creation if kind == "CREATE" else self._roll_back
            undo(stack, reason)
            return
        stack.parameters = change_set.parameters
        stack.description = change_set.template_dict.get("Description")
        change_set.execution_status = "EXECUTE_COMPLETE"
        if kind == "UPDATE":
            stack.show("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            stack.resource_map.clean_up()
        stack.show(f"{kind}_COMPLETE")

    @staticmethod
    def _take_back_creation(stack: Stack, reason: str) -> None:
        stack.show("ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")
        try:
            stack.resource_map.undo_creation()
        except Exception as error:
            stack.show("ROLLBACK_FAILED", stack.show_failure("DELETE_FAILED", error))
        else:
            stack.show("ROLLBACK_COMPLETE")

    @staticmethod
    def _roll_back(stack: Stack, reason: str) -> None:
        stack.show("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        try:
            stack.resource_map.roll_back(stack.template_dict, stack.parameters)
        except Exception as error:
            stack.show("UPDATE_ROLLBACK_FAILED", stack.show_failure("UPDATE_FAILED", error))
            return
        stack.show("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        stack.resource_map.clean_up()
        stack.show("UPDATE_ROLLBACK_COMPLETE")

    def delete_stack(self, name_or_stack_id: str) -> None:
        """Begin to delete a stack; a resource that cannot be deleted leaves it in DELETE_FAILED."""
        stack = next(
            (s for s in self.stacks.values() if name_or_stack_id in (s.name, s.stack_id)), None
        )
        if stack is None or stack.status == "DELETE_IN_PROGRESS":
            return  # deleting what does not exist succeeds
        if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
            raise TemplateError(
                message=f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
            )
        stack.begin("DELETE_IN_PROGRESS", {stack.status})
        threading.Thread(target=self._delete, args=(stack,), daemon=True).start()

    def _delete(self, stack: Stack) -> None:
        try:
            stack.resource_map.delete()
        except Exception as error:
            stack.show("DELETE_FAILED", stack.show_failure("DELETE_FAILED", error))
            return
        # or the next stack of that name would execute a change set of this one
        for key in [k for k, c in self.change_sets.items() if c.stack is stack]:
            del self.change_sets[key]
        # the copy, as this one may be in a list that is being written just now
        self.deleted_stacks[stack.stack_id] = gone = copy.copy(stack)
        self._drop(stack)
        gone.show("DELETE_COMPLETE")

    def _drop(self, stack: Stack) -> None:
        # a new dictionary, as others may be looking through this one
        self.stacks = {key: one for key, one in self.stacks.items() if one is not stack}


class Responses(responses.CloudFormationResponse):
    """The actions about change sets, of which moto ignores the StackName."""

    def _where(self) -> tuple[str, str]:
        return self._get_param("StackName"), self._get_param("ChangeSetName")

    def describe_change_set(self) -> ActionResult:
        """DescribeChangeSet."""
        return ActionResult(self.cloudformation_backend.change_set(*self._where()))

    def delete_change_set(self) -> EmptyResult:
        """DeleteChangeSet."""
        self.cloudformation_backend.forget_change_set(*self._where())
        return EmptyResult()

    def execute_change_set(self) -> EmptyResult:
        """ExecuteChangeSet."""
        backend = self.cloudformation_backend
        backend.execute(backend.change_set(*self._where()))
        return EmptyResult()


def install() -> None:
    """Replace moto's rules with these."""
    models.cloudformation_backends.backend = CloudFormation
    models.ResourceMap = ResourceMap
    parsing.resource_class_from_type = resource_class
    models.Stack = Stack
    urls.url_paths["{0}/$"] = Responses.dispatch
    resource_types.install()
