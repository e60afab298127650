"""The HTTP doors: the only room that knows requests."""
