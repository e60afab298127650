"""What is decided: one class a file."""
