"""The endpoint: its role, its image, and the record of which model it serves."""
