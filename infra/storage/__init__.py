"""The bucket, and what a deploy brings into it."""
