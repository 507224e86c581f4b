"""Celery's results in dynakv.

``result_backend = "dynakv://host:50051"`` is all that an app needs; Celery finds :class:`DynakvBackend` by its entry point.
"""

from .backend import DynakvBackend
from .errors import DynakvError, DynakvUnavailable

__all__ = ("DynakvBackend", "DynakvError", "DynakvUnavailable")
__version__ = "0.1.0"
