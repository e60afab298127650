"""Who is asking: callers by the credentials they bring, nodes by their signature."""
