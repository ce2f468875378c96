"""What the anchors are made of: metals, ligands, shapes, and the spin multiplicities worth trying."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Site:
    """A ligand, its place and its direction.

    It is attached to a point [Å] and points in a direction.
    """

    ligand: str
    anchor: Vector
    direction: Vector


@dataclass(frozen=True)
class Recipe:
    """A small molecule before relaxation.

    Attributes
    ----------
    name
        Its formula.
    metals
        Symbols and positions [Å].
    sites
        Where its ligands sit.
    multiplicities
        Spin multiplicities to try; (1,) for a closed shell.
    distorted
        Whether distorted copies of it are computed too.
    """

    name: str
    metals: tuple[tuple[str, Vector], ...]
    sites: tuple[Site, ...]
    multiplicities: tuple[int, ...] = (1,)
    distorted: bool = False


_ORIGIN: Vector = (0.0, 0.0, 0.0)
_SHAPES: dict[str, tuple[Vector, ...]] = {
    "end-on": ((0, 0, 1),),
    "linear": ((0, 0, 1), (0, 0, -1)),
    "tee": ((0, 0, 1), (0, 0, -1), (1, 0, 0)),
    "trigonal": ((1, 0, 0), (-0.5, 0.866, 0), (-0.5, -0.866, 0)),
    "square": ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)),
    "stool": ((0, 0, 1), (0.85, 0.2, -0.5), (-0.85, 0.2, -0.5)),
}


def _single(
    name: str, metal: str, shape: str, ligands: str, spins: tuple[int, ...] = (1,), copies: bool = False
) -> Recipe:
    """One metal with ligands in the order of a shape's directions."""
    sites = tuple(
        Site(ligand, _ORIGIN, direction) for ligand, direction in zip(ligands.split(), _SHAPES[shape], strict=True)
    )
    return Recipe(name, ((metal, _ORIGIN),), sites, spins, copies)


def _pair(name: str, first: str, second: str, on_second: str, copies: bool = False) -> Recipe:
    """Two bonded metals in line with a ligand on the second."""
    place = (0.0, 0.0, 2.5)
    return Recipe(name, ((first, _ORIGIN), (second, place)), (Site(on_second, place, (0, 0, 1)),), (1,), copies)


def _bridged(
    name: str,
    first: str,
    second: str,
    bridge: str,
    terminal: str | None,
    spins: tuple[int, ...] = (1,),
    copies: bool = False,
) -> Recipe:
    """Two metals under two bridging ligands, the second with a terminal one."""
    half = 1.45
    metals = ((first, (-half, 0.0, 0.0)), (second, (half, 0.0, 0.0)))
    # A bridge sits above the middle of the metals; its attachment point is set so that both bonds are 2.4 Å.
    height = float(np.sqrt(2.4**2 - half**2) - 2.35)
    sites = [Site(bridge, (0.0, height * up, 0.0), (0, up, 0)) for up in (1, -1)]
    if terminal:
        sites.append(Site(terminal, (half, 0.0, 0.0), (1, 0, 0)))
    return Recipe(name, metals, tuple(sites), spins, copies)


#: Free molecules that the first anchors lacked: name → (ligand, form).
REFERENCES = {
    "hbr": ("Br", "free"),
    "br2": ("Br", "dimer"),
    "cph": ("Cp", "free"),
    "cpcp": ("Cp", "dimer"),
    "dhpm": ("dhpm", "free"),
    "s8": ("sulfide", "dimer"),
}
#: Isolated atoms that the first anchors lacked, with the multiplicities tried.
MULTIPLICITIES_OF_ATOMS = {
    "Y": (2, 4), "Ni": (3, 1), "Rh": (4, 2), "Mn": (6, 4), "Fe": (5, 3), "Co": (4, 2), "Re": (6, 4),
    "Sc": (2, 4), "Ti": (3, 5), "V": (4, 6), "Cr": (7, 5), "Zr": (3, 5), "Nb": (6, 4), "Mo": (7, 5), "Hf": (3, 5),
    "Ta": (4, 6), "W": (5, 7),
}  # fmt: skip

#: Dopants of the Au4M2(SH)8 clusters that the first anchors lacked, with the multiplicities tried.
CLUSTERS = {"Au": (1,), "Rh": (1, 3)}

_D10 = ("Zn", "Cd", "Hg")
_COINAGE = ("Cu", "Ag", "Au")
_CLOSED = (
    *(_single(f"{m}Cl2", m, "linear", "Cl Cl", copies=m == "Hg") for m in _D10),
    *(_single(f"{m}Br2", m, "linear", "Br Br", copies=m == "Cd") for m in _D10),
    *(_single(f"{m}Br(PH3)", m, "linear", "Br PH3", copies=m == "Au") for m in _COINAGE),
    *(_pair(f"Au{m}Cl", "Au", m, "Cl", copies=m == "Hg") for m in _D10),
    *(_single(f"{m}(SH)2", m, "linear", "S S", copies=m == "Zn") for m in _D10),
    *(_single(f"{m}(PH3)2", m, "linear", "PH3 PH3", copies=m == "Pt") for m in ("Pd", "Pt", "Ni")),
    *(_single(f"{m}Cp", m, "end-on", "Cp", copies=m == "Cu") for m in _COINAGE),
    *(_bridged(f"Au{m}Cl2", "Au", m, "Cl", None, copies=m == "Ag") for m in ("Ag", "Cu")),
    _single("Hg(CCH)2", "Hg", "linear", "C#C C#C", copies=True),
    _single("RhCl(PH3)2", "Rh", "tee", "PH3 PH3 Cl", copies=True),
    _single("IrCl(PH3)2", "Ir", "tee", "PH3 PH3 Cl"),
    _single("PdCl2(PH3)", "Pd", "tee", "Cl Cl PH3", copies=True),
    _single("PtCl2(PH3)", "Pt", "tee", "Cl Cl PH3"),
    *(_single(f"{m}(SH)(PH3)", m, "linear", "S PH3", copies=m == "Ag") for m in _COINAGE),
    *(_bridged(f"Au{m}(SH)2", "Au", m, "S", None, copies=m == "Cu") for m in ("Ag", "Cu")),
    _single("Cu(CCH)(PH3)", "Cu", "linear", "C#C PH3"),
    _single("ZnCl(Cp)", "Zn", "linear", "Cp Cl"),
    _bridged("AuPdCl3", "Au", "Pd", "Cl", "Cl"),
    _bridged("AuPtCl3", "Au", "Pt", "Cl", "Cl"),
    _single("Rh(SH)(PH3)2", "Rh", "tee", "PH3 PH3 S"),
    _single("RhCl2(Cp)", "Rh", "stool", "Cp Cl Cl"),
    _single("IrCl2(Cp)", "Ir", "stool", "Cp Cl Cl"),
)
_OPEN = (
    _single("MnCl2", "Mn", "linear", "Cl Cl", (6, 4), True),
    _single("FeCl2", "Fe", "linear", "Cl Cl", (5, 3)),
    _single("CoCl2", "Co", "linear", "Cl Cl", (4, 2), True),
    _single("NiCl2", "Ni", "linear", "Cl Cl", (3, 1)),
    _single("ReCl3", "Re", "trigonal", "Cl Cl Cl", (5, 3, 1)),
    _single("RuCl2(PH3)2", "Ru", "square", "PH3 PH3 Cl Cl", (3, 1)),
    _single("OsCl2(PH3)2", "Os", "square", "PH3 PH3 Cl Cl", (3, 1)),
    _single("Mn(SH)2", "Mn", "linear", "S S", (6, 4)),
    _single("Fe(SH)2", "Fe", "linear", "S S", (5, 3)),
    _single("Co(SH)2", "Co", "linear", "S S", (4, 2)),
    _single("Ni(SH)2", "Ni", "linear", "S S", (3, 1)),
    _single("Re(SH)3", "Re", "trigonal", "S S S", (3, 1)),
    _single("RuCl(Cp)", "Ru", "linear", "Cp Cl", (3, 1)),
    _single("OsCl(Cp)", "Os", "linear", "Cp Cl", (3, 1)),
    _single("ReCl2(Cp)", "Re", "stool", "Cp Cl Cl", (3, 1)),
    _bridged("AuMnCl3", "Au", "Mn", "Cl", "Cl", (6, 4)),
    _bridged("AuFeCl3", "Au", "Fe", "Cl", "Cl", (5, 3)),
    _bridged("AuCoCl3", "Au", "Co", "Cl", "Cl", (4, 2)),
    _bridged("AuNiCl3", "Au", "Ni", "Cl", "Cl", (3, 1)),
    _single("NiCl2(PH3)", "Ni", "tee", "Cl Cl PH3", (3, 1)),
    _single("MnCl(Cp)", "Mn", "linear", "Cp Cl", (6, 4)),
    _single("FeBr2", "Fe", "linear", "Br Br", (5, 3)),
    _single("CoBr2", "Co", "linear", "Br Br", (4, 2)),
)
#: All recipes: closed shells first, then open ones.
RECIPES = _CLOSED + _OPEN
