"""Messages of dynakv, generated from its schema by `schema/generate.py`."""
