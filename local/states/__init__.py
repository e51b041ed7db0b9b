"""Step Functions: the states language, its tasks, and state machines that end as on AWS."""
