"""Log P of the article's ligands as it prints them, to take in place of Crippen's where the article is repeated."""

from __future__ import annotations

from functools import cache

from ase_bimetal.errors import MissingDataError
from ase_bimetal.lab.paper import published
from ase_bimetal.ligands import Ligand


def printed_log_p(ligand: Ligand) -> float:
    """Log P [-] of a ligand as the article prints it.

    Values are XLOGP3's or PoLogP's, of Gu et al., *Chem. Sci.* 2025, **16**, 19644. The models of this package were
    trained on Crippen's, so this is for comparing descriptors, not for predicting.

    Parameters
    ----------
    ligand
        One of those whose value is printed: PPh3, PET, Cp*.

    Raises
    ------
    MissingDataError
        The article prints no value of this ligand. Another method's in its place would mix two scales.

    Examples
    --------
    >>> from ase import Atoms
    >>> from ase_bimetal.descriptors import ligand_log_p
    >>> from ase_bimetal.system import BimetallicSystem
    >>> cluster = BimetallicSystem.from_atoms(Atoms("Au"), ligands={"PET": 8, "PPh3": 2})
    >>> round(ligand_log_p(cluster), 2), round(ligand_log_p(cluster, printed_log_p), 2)
    (2.42, 3.43)
    """
    try:
        return _printed()[ligand]
    except KeyError:
        raise MissingDataError(
            f"no log P of {ligand.name} is printed in {published.SOURCE}; printed: {', '.join(published.LOG_P)}. "
            "Leave log_p out for Crippen's, which knows every ligand, or pass a function of your own"
        ) from None


@cache
def _printed() -> dict[Ligand, float]:
    return {Ligand.parse(name): value for name, value in published.LOG_P.items()}


__all__ = ["printed_log_p"]
