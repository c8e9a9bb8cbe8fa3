"""The model specification: what spec.yaml may say."""

from hwgen.spec.model import available, load

__all__ = ["available", "load"]
