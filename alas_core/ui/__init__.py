"""What pages share: widgets, background jobs and session keys. The only room with streamlit."""
