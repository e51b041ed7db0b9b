"""Variables: assigned when a state is left, so that its Output still sees the values on entry.

AWS says (workflow-variables): "All variable references in Step Functions states use the values
as they were on state entry", "assigning variable values will not affect state Output". moto assigns
first and evaluates Output then.
"""

from typing import Any

from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore

from local.states import data_limits
from local.states.state_errors import TOO_LARGE, failed


def pending(store: VariableStore) -> dict[str, Any]:
    """Return what the running state will assign when it is left."""
    return store.__dict__.setdefault("_pending", {})


def _evaluate(self: AssignDecl, env: Any) -> None:
    assigned: dict[str, Any] = {}
    for binding in self.declaration_bindings:
        binding.eval(env=env)
        assigned.update(env.stack.pop())
    # "The maximum combined size for all variables in a single Assign field is also 256Kib"
    data_limits.require(env, assigned, f"The state '{env.next_state_name}' assigns variables")
    pending(env.variable_store).update(assigned)


_exited = CommonStateField._get_state_exited_event_details


def _assign_on_leaving(self: CommonStateField, env: Any) -> Any:
    store = env.variable_store
    assigned = pending(store)
    if assigned:
        for name, value in assigned.items():
            store.set(variable_identifier=name, variable_value=value)
        assigned.clear()
        if data_limits.size(store._inner_scope) > data_limits.MOST_BYTES_OF_VARIABLES:
            raise failed(env, TOO_LARGE, "The variables of the execution exceed 10 MiB.")
    return _exited(self, env)


def install() -> None:
    """Replace moto's rules with these."""
    AssignDecl._eval_body = _evaluate
    CommonStateField._get_state_exited_event_details = _assign_on_leaving
