"""The embedded demo: a small speech LLM trained from scratch on synthetic speech, and its data."""
