"""EventBridge: events, the rules that match them, and schedules."""
