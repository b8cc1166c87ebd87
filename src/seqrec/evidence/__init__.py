"""What the log as a whole says about an item: which follow it, which share its users."""
