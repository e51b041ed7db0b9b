"""SageMaker: jobs and model servers as processes, behind moto's API."""

SERVICE = "sagemaker.amazonaws.com"
"""The principal that assumes the roles of jobs and endpoints."""

ATTEMPTS = 5
"""How often SageMaker itself asks S3 and CloudWatch Logs before it gives up."""
