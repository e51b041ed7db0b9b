"""The state machines: what trains and promotes, what changes the endpoint, and what ends them."""
