"""What a replica is made of, put together from its settings; nothing runs yet."""
