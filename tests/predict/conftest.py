from tests.fit.conftest import cache

__all__ = ["cache"]
