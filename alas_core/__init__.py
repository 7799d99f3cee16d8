"""ALAS: how well does a speech LLM bind the frames it hears to the words that were said?"""

__version__ = "0.1.0"
