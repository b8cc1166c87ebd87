"""The textbook forms: what one would write first from the paper, to measure against."""
