"""Speech LLMs behind one small protocol; nothing here knows scores or pages."""
