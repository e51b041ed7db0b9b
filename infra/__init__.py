"""What is provisioned, in rooms: storage, serving, the pipeline, and what watches them."""
