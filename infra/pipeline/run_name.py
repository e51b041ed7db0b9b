"""How much room the names of what an execution makes have; queries/run_name.jsonata makes them."""

LONGEST = 53  # of SageMaker's 63; ten are left for numbers of attempts


def run_name_values(stack_prefix: str) -> dict[str, str | int]:
    """Return what a definition needs to know the name of a run."""
    return {
        "StackPrefix": stack_prefix,
        "RoomForExecutionName": LONGEST - len(stack_prefix) - len("--") - len("-12345678"),
    }
