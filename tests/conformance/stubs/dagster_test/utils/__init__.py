"""See `data_factory.py`."""
