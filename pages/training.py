"""Training: how the binding grew over a model's checkpoints."""

from alas_core.ui import shell, training

shell.enter()
training.training()
