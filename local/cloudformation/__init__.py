"""CloudFormation: stacks that change, roll back and go, and the resources in them."""
