"""What a user's script is worth to a type checker; `make types` reads it, nothing runs it.

An ignored line is one that must be an error: strict mode reports an ``ignore`` that silences nothing.
"""

from __future__ import annotations

from ase import Atoms

from ase_bimetal import (
    BimetallicSystem,
    DescriptorFormationCalculator,
    Failure,
    MMLFormationCalculator,
    Prediction,
    as_system,
    get_model,
    load_example,
    predict,
)
from ase_bimetal.descriptors import accessibility_index, metal_distance
from ase_bimetal.report import write_report
from ase_bimetal.screening import ScreenSummary, load_results, rank, screen


def script() -> float:
    """Never called."""
    atoms: Atoms = load_example("Au4Pd2(PET)8")

    # One prediction an object, with every number in it; failures only where they are asked for.
    found: list[Prediction] = predict([atoms], ligands={"PET": 8}, reference_state="hydride")
    low, high = found[0].formation_energy_interval
    width: float = high - low
    mixed: list[Prediction | Failure] = predict([atoms], errors="collect")
    reasons: list[str] = [item.reason for item in mixed if isinstance(item, Failure)]
    energy = mixed[0].formation_energy_per_metal  # type: ignore[union-attr]

    # Choices are spelled out.
    predict([atoms], reference_state="dimmer")  # type: ignore[call-overload]
    predict([atoms], errors="skip")  # type: ignore[call-overload]
    MMLFormationCalculator(reference_state="dimmer")  # type: ignore[arg-type]

    system: BimetallicSystem = as_system(atoms, ["PET"] * 8)
    phi: float = accessibility_index(system, weights="pair")
    metal_distance(system, "closest")  # type: ignore[arg-type]
    is_molecule = system.kind == "molecule"  # type: ignore[comparison-overlap]
    get_model("mml-gfn1-pbe").predict([system], "bound_shell")  # type: ignore[arg-type]

    # Ligands are a dict, a list or a text.
    DescriptorFormationCalculator(ligands=("PET", "PPh3"))
    as_system(atoms, 8)  # type: ignore[arg-type]
    predict([atoms], ligands={"PET": "8"})  # type: ignore[dict-item]

    # Names that are loaded when first used have their types all the same.
    summary: ScreenSummary = screen(out="results", dopants=["Pd"])
    ok: int = summary.n_ok
    ok = screen(out="results")  # type: ignore[assignment]
    rank(load_results("results"), "cost")  # type: ignore[arg-type]
    write_report("results", 3)  # type: ignore[arg-type]
    return ok + width + phi + energy + len(reasons) + is_molecule
