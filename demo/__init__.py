"""The whole path on this machine, as a user of AWS would take it: `python -m demo`.

The stand-in for AWS (local/) is a process that this program starts; all else goes through AWS's
APIs and the CDK's own command line.
"""
