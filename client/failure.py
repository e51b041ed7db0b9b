"""What a command says when it cannot go on: one sentence, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    TokenRetrievalError,
)

EXPIRED = ("ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException")


class Failure(Exception):  # noqa: N818 - it is what the user reads
    """The command cannot go on; the message says what is wrong and what would be right."""


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Turn what AWS's library raises into a `Failure`."""
    try:
        yield
    except (NoCredentialsError, TokenRetrievalError) as error:
        raise Failure(
            "There are no AWS credentials on this machine: run `aws configure`, name a profile "
            "with --profile, or try everything without an account with --local."
        ) from error
    except NoRegionError as error:
        raise Failure("No region is chosen: name one with --region, or set AWS_REGION.") from error
    except ProfileNotFound as error:
        raise Failure(f"{error}: `aws configure list-profiles` lists those that exist.") from error
    except EndpointConnectionError as error:
        raise Failure(f"{error} Is there a network, or is the stand-in still up?") from error
    except ClientError as error:
        said = error.response.get("Error", {})
        code, message = said.get("Code", "an error"), said.get("Message", "")
        if code in EXPIRED:
            message += " Sign in again."
        message = " ".join(message.split())
        if message.startswith("<"):  # a page for browsers
            message = "it says no more"
        raise Failure(f"AWS refused {error.operation_name}: {code}: {message}") from error
    except BotoCoreError as error:
        raise Failure(str(error)) from error
