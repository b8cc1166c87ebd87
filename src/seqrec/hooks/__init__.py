"""What happens around the nodes: checks before a run, and a report after it."""
