"""What is provisioned: one file per thing one can point at in the AWS console."""
