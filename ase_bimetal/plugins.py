"""What this package and others offer through entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

FEATURIZER_GROUP = "matminer.featurizers"


def available_featurizers() -> dict[str, EntryPoint]:
    """List the featurizers that installed packages register.

    They are given by name; call ``.load()`` on one to get its class.

    Returns
    -------
    dict
        Name → entry point.

    Examples
    --------
    >>> available_featurizers()["AccessibilityIndex"].load().__name__
    'AccessibilityIndex'
    """
    return {point.name: point for point in sorted(entry_points(group=FEATURIZER_GROUP))}
