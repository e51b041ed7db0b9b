"""Runs Task, Parallel and Choice states: attempts, time limits, branches, and how they end.

moto measures time by the wall clock, starts two threads for every state, loses the name of a
Parallel's error, hangs if an execution is stopped while a Parallel begins, and evaluates a Choice's
Default even if a rule leads to the same state.
"""

import contextlib
import copy
import datetime
import queue
import threading
import types
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import (
    BranchesDecl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import (
    StateParallel,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError

from local import clock
from local.states import data_limits, variables
from local.states.state_errors import failed

STOP_CHECK_SECONDS = 0.25
"""How often a Parallel checks whether the execution was stopped while a branch waits for a call."""


class Latch(threading.Event):
    """An event that stays set; moto clears it at once, so that a thread about to wait misses it."""

    def clear(self) -> None:
        """Stay set: a program that has ended does not go on."""


def in_time(seconds: float, work: Callable[[], None]) -> bool:
    """Run `work` in a thread for at most `seconds` of the local clock; tell whether it is done."""
    done = threading.Event()

    def run() -> None:
        try:
            work()
        finally:
            done.set()

    threading.Thread(target=run, daemon=True).start()
    clock.wait(seconds, done, done.is_set)
    return done.is_set()


def _run_program(self: Program, env: Any) -> None:
    """Run a state machine or a branch, within its TimeoutSeconds if it has some."""
    with contextlib.suppress(RuntimeError):  # stopped before its first state
        env.next_state_name = self.start_at.start_at_name
    if self.timeout_seconds is None:
        EvalComponent.eval(self, env)
    elif not in_time(self.timeout_seconds.timeout_seconds, lambda: EvalComponent.eval(self, env)):
        env.set_timed_out()


def _attempt(self: ExecutionState, env: Any) -> None:
    """Run the state once, within its TimeoutSeconds."""
    self.timeout.eval(env=env)
    seconds = env.stack.pop()
    frame = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    errors: list[Exception] = []

    def work() -> None:
        try:
            self._eval_execution(frame)
        except Exception as error:
            errors.append(error)

    if self.timeout.is_default_value():
        work()
        in_due_time = True
    else:
        in_due_time = in_time(seconds, work)
    frame.set_ended()
    env.close_frame(frame)
    if not in_due_time:
        raise EvalTimeoutError
    if errors:
        raise errors[0]
    result = frame.stack[-1]
    env.stack.append(result)
    if self._is_language_query_jsonpath():
        if self.assign_decl:
            self.assign_decl.eval(env=env)
        if self.result_selector:
            self.result_selector.eval(env=env)
        self.result_path.eval(env)
    else:
        env.states.set_result(result)


def _outcome(self: ExecutionState, env: Any) -> None:
    """Evaluate Assign and Output of a state that has done its work.

    Whether the state's own Catch sees an error in them is neither documented nor recorded; here it
    does not, which a definition that is right either way survives.
    """
    if isinstance(env.stack[-1], CatchOutcome):
        return
    if self.assign_decl and not self._is_language_query_jsonpath():
        self.assign_decl.eval(env=env)
    CommonStateField._eval_state_output(self, env)


def _until_done(self: ExecutionState, env: Any, attempt: Callable[[], None]) -> None:
    """Attempt until it succeeds, its error is caught, or no Retry is left."""
    context = env.states.context_object.context_object_data
    context["State"]["RetryCount"] = 0
    parallel = isinstance(self, StateParallel)
    while env.is_running():
        try:
            attempt()
            return
        except Exception as error:
            if not env.is_running():  # stopped: how its work ended does not matter
                return
            failure = self._from_error(env=env, ex=error)
        variables.pending(env.variable_store).clear()
        if not parallel and failure.event_type != HistoryEventType.EvaluationFailed:
            env.event_manager.add_event(
                context=env.event_history_context,
                event_type=failure.event_type,
                event_details=failure.event_details,
            )
        error_output = self._construct_error_output_value(failure_event=failure)
        env.states.set_error_output(error_output)
        env.states.set_result(error_output)
        if self.retry and self._handle_retry(env, failure) == RetryOutcome.CanRetry:
            continue
        if parallel:
            env.event_manager.add_event(
                context=env.event_history_context, event_type=HistoryEventType.ParallelStateFailed
            )
        if self.catch:
            self._handle_catch(env=env, failure_event=failure)
            if env.stack[-1] == CatchOutcome.Caught:
                return
        self._handle_uncaught(env=env, failure_event=failure)


def _task_or_map(self: ExecutionState, env: Any) -> None:
    _until_done(self, env, lambda: self._evaluate_with_timeout(env))


def _parallel(self: StateParallel, env: Any) -> None:
    given = copy.deepcopy(env.stack[-1])

    def attempt() -> None:
        env.stack.clear()
        if self.parargs is None:
            env.stack.append(copy.deepcopy(given))
        else:
            self.parargs.eval(env=env)
            data_limits.require(env, env.stack[-1], f"The state '{self.name}' has Arguments")
        self._evaluate_with_timeout(env)

    _until_done(self, env, attempt)


def _branches(self: BranchesDecl, env: Any) -> None:
    """Run every branch in a thread of its own; the first that fails ends them all."""
    given = env.stack.pop()
    frames = [env.open_inner_frame() for _ in self.programs]
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(program: Program, frame: Any) -> None:
        try:
            frame.states.reset(input_value=given)
            program.eval(frame)
        finally:
            ended.put(frame)

    for program, frame in zip(self.programs, frames, strict=True):
        threading.Thread(target=run, args=(program, frame), daemon=True).start()
    left = len(frames)
    failure = None
    while left and failure is None and env.is_running():
        with contextlib.suppress(queue.Empty):
            frame = ended.get(timeout=STOP_CHECK_SECONDS)
            left -= 1
            if isinstance(frame._program_state, ProgramError):
                failure = frame._program_state.error or {}
    for frame in frames:
        frame.set_stop(datetime.datetime.now(tz=datetime.UTC), None, None)  # those that still run
        env.close_frame(frame)
    if failure is not None:
        raise failed(env, failure.get("error"), failure.get("cause"))
    result = [frame.states.get_input() for frame in frames]
    data_limits.require(env, result, "The state's branches returned a result")
    env.stack.append(result)


def _choose(self: StateChoice, env: Any) -> None:
    for rule in self.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            env.stack.append((rule.next_stmt.name, False))
            return
    if self.default_state is None:
        raise failed(
            env,
            "States.NoChoiceMatched",
            f"No rule of the state '{self.name}' matches and it has no Default.",
        )
    env.stack.append((self.default_state.state_name, True))


def _output_of_choice(self: StateChoice, env: Any) -> None:
    name, by_default = env.stack.pop()
    if by_default:
        if self.assign_decl:
            self.assign_decl.eval(env=env)
        if self.output:
            self.output.eval(env=env)
    if self._is_language_query_jsonpath():
        if self.output_path:
            self.output_path.eval(env=env)
        else:
            env.states.reset(input_value=env.stack.pop())
    env.next_state_name = name


_parameters_of_moto = StateTask._eval_parameters


def _parameters(self: StateTask, env: Any) -> dict[str, Any]:
    parameters = _parameters_of_moto(self, env)
    data_limits.require(env, parameters, f"The state '{self.name}' has Arguments")
    return parameters


_retry_of_moto = retrier_decl.RetrierDecl._eval_body
_waiting = threading.local()


def _retrier(self: Any, env: Any) -> None:
    _waiting.env = env
    _retry_of_moto(self, env)


def _wait_before_retry(seconds: float) -> None:
    env = _waiting.env
    clock.wait(seconds, env.program_state_event, lambda: not env.is_running())


def _wait(self: WaitFunction, env: Any, wait_seconds: float) -> None:
    clock.wait(wait_seconds, env.program_state_event, lambda: not env.is_running())


def install() -> None:
    """Replace moto's rules with these."""
    environment.threading = types.SimpleNamespace(RLock=threading.RLock, Event=Latch)
    Program.eval = _run_program
    ExecutionState._evaluate_with_timeout = _attempt
    ExecutionState._eval_state = _task_or_map
    ExecutionState._eval_state_output = _outcome
    StateParallel._eval_state = _parallel
    BranchesDecl._eval_body = _branches
    StateChoice._eval_state = _choose
    StateChoice._eval_state_output = _output_of_choice
    StateTask._eval_parameters = _parameters
    WaitFunction._wait_interval = _wait
    retrier_decl.RetrierDecl._eval_body = _retrier
    retrier_decl.time = types.SimpleNamespace(sleep=_wait_before_retry)
