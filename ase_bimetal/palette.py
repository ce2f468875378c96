"""One colour for each element, in every picture: flat drawings, the viewer of the report, pages.

Metals have colours of their own, as far apart as so many can be, and apart from those of the atoms in ligands: gold,
silver and copper look like themselves. Other elements have Jmol's colours; phosphorus and selenium, which are near gold
there, are moved away from it.
"""

from __future__ import annotations

from ase.data import atomic_numbers
from ase.data.colors import jmol_colors

#: Colours of the metals, as hexadecimal text; those of the usual hosts and dopants first.
METAL_COLOURS: dict[str, str] = {
    "Au": "#E69F00", "Ag": "#B4BCC6", "Cu": "#C8552B", "Pd": "#0072B2", "Pt": "#6A3D9A", "Ni": "#6CCC54",
    "Hg": "#B4B4F0", "Cd": "#F0CC84", "Zn": "#786C90", "Ru": "#249090", "Rh": "#185460", "Ir": "#303C78",
    "Os": "#54B4E4", "Co": "#E48490", "Fe": "#FC9C60", "Mn": "#B478C0", "Re": "#0090FC", "Ti": "#D8C0B4",
    "V": "#A8909C", "Cr": "#7890C0", "Mo": "#24B4CC", "W": "#0CA8FC", "Al": "#C09084", "Ga": "#A86C78",
    "In": "#846054", "Sn": "#6C8484", "Tl": "#A85448", "Pb": "#545460", "Bi": "#A854C0", "Sc": "#C0D8C0",
    "Y": "#6CE4FC", "Zr": "#9CE4C0", "Nb": "#78B49C", "Tc": "#24A890", "Hf": "#A8D8FC", "Ta": "#789CF0",
    "La": "#3084A8", "Ce": "#CCD89C", "Pr": "#A8E49C", "Nd": "#6CE4A8", "Pm": "#6CF090", "Sm": "#54B478",
    "Eu": "#30C06C", "Gd": "#A8E478", "Tb": "#78B454", "Dy": "#008454", "Ho": "#009030", "Er": "#B4D848",
    "Tm": "#3C7818", "Yb": "#B4C054", "Lu": "#609054",
}  # fmt: skip
_OTHERS = {"P": "#FF6A00", "Se": "#B89000"}


def element_colour(symbol: str) -> str:
    """Colour of an element, as hexadecimal text.

    Examples
    --------
    >>> element_colour("Au"), element_colour("O")
    ('#E69F00', '#FF0D0D')
    """
    if (own := METAL_COLOURS.get(symbol) or _OTHERS.get(symbol)) is not None:
        return own
    return "#" + "".join(f"{round(255 * part):02X}" for part in jmol_colors[atomic_numbers[symbol]].tolist())


__all__ = ["METAL_COLOURS", "element_colour"]
