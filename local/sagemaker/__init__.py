"""SageMaker: training jobs and model servers as processes, behind moto's API."""
