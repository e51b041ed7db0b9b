"""Answers, for about a dollar, what only an AWS account can tell: `make smoke`."""
