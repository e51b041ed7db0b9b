"""What one sees: the dashboard, the alarms, and who is told."""
