"""A corpus through one model: planned, run, stopped, resumed, and read back as tables."""
