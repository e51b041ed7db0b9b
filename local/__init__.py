"""AWS on this machine: a moto server in which SageMaker's jobs and endpoints are real processes.

A folder per service. moto keeps the state and speaks the protocols; each module here adds what moto
5.2.5 lacks or answers differently from AWS, and says so. docs/local.md lists what still differs.
"""
