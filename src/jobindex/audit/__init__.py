"""The audit trail: who did what to which job of which node, asked and answered, in a sink of its own."""
