#!/usr/bin/env python3
"""The CDK app: `cdk deploy` provisions everything, settings are in cdk.json."""

import os
import sys

try:
    import aws_cdk as cdk
except ImportError as error:
    sys.exit(
        f"error: {error.name} is missing or too old for {sys.executable}: run `make synth` once, "
        "which sets .venv up, then `. .venv/bin/activate`"
    )

from infra.settings import Settings, SettingsError
from infra.stack import SoundVaeStack, stack_name


def main() -> None:
    """Synthesise the stack for the region and account that the CDK CLI found."""
    app = cdk.App()
    settings = Settings.from_context(app.node.get_all_context())
    SoundVaeStack(
        app,
        stack_name(settings),
        settings=settings,
        env=cdk.Environment(
            account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
            region=os.environ.get("CDK_DEFAULT_REGION", "us-east-1"),
        ),
    )
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except SettingsError as error:
        sys.exit(f"error: {error}")
