"""Deploy the product's stack onto the stand-in without the CDK's command line, in a second."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
STACK = "SoundVae"
ACCOUNT, REGION = "123456789012", "us-east-1"
Client = Callable[[str], Any]  # by the name of the API
Execute = Callable[..., dict[str, Any]]
MakeRole = Callable[..., str]
ASSETS_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"


def synthesise(folder: Path, **settings: Any) -> Path:
    """Write the cloud assembly with some of cdk.json's settings changed, as `cdk synth -c` does."""
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    context |= {f"sound-vae:{name}": value for name, value in settings.items()}
    environment = os.environ | {
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
    }
    subprocess.run([sys.executable, "app.py"], cwd=REPOSITORY, env=environment, check=True)
    return folder


def deploy(assembly: Path, client: Client) -> dict[str, str]:
    """Publish the assembly's assets, create or update the stack; return its outputs."""
    s3, cloudformation = client("s3"), client("cloudformation")
    assets = json.loads((assembly / f"{STACK}.assets.json").read_text())["files"].values()
    for asset in assets:
        source = assembly / asset["source"]["path"]
        body = _zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
        for destination in asset["destinations"].values():
            s3.put_object(Bucket=ASSETS_BUCKET, Key=destination["objectKey"], Body=body)
    template = (assembly / f"{STACK}.template.json").read_text()
    names = [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]]
    change = cloudformation.update_stack if STACK in names else cloudformation.create_stack
    change(StackName=STACK, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    return outputs(client)


def outputs(client: Client) -> dict[str, str]:
    """Return the outputs of the deployed stack."""
    stack = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _zipped(folder: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                files.write(file, file.relative_to(folder))
    return archive.getvalue()
