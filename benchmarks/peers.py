"""Other tools, each timed on one cluster when asked: started by `bench.py` in the environment that holds them.

Every line of standard input is ``["PEER", "FILE"]``; the answer is ``{"ms": CPU time}`` of one evaluation in this
process, or ``{"absent": REASON}``. What a tool makes of a geometry before it computes is timed with it, but not its
reading of the file. Nothing of this package is imported here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before any library reads it

from ase import Atoms
from ase.io import read

Work = Callable[[], object]
_VACUUM = 7.0  # Å on each side: more than any of them looks


def boxed(atoms: Atoms) -> Atoms:
    """A cluster alone in a cell, for tools that know only crystals."""
    atoms = Atoms(atoms.symbols, atoms.positions)
    atoms.center(vacuum=_VACUUM)
    atoms.pbc = True
    return atoms


@cache
def chgnet_model() -> object:
    """CHGNet's own weights."""
    import torch
    from chgnet.model import CHGNet

    torch.set_num_threads(1)
    return CHGNet.load(use_device="cpu", verbose=False)


def chgnet(atoms: Atoms) -> Work:
    """CHGNet's energy alone, from a pymatgen Structure."""
    from pymatgen.io.ase import AseAtomsAdaptor

    model, structure = chgnet_model(), AseAtomsAdaptor.get_structure(boxed(atoms))
    return lambda: model.predict_graph(model.graph_converter(structure), task="e")


def chgnet_networks(atoms: Atoms) -> Work:
    """The same when the graph is already there."""
    from pymatgen.io.ase import AseAtomsAdaptor

    model = chgnet_model()
    graph = model.graph_converter(AseAtomsAdaptor.get_structure(boxed(atoms)))
    return lambda: model.predict_graph(graph, task="e")


@cache
def sevennet_calculator() -> object:
    """SevenNet-0's own weights."""
    import torch
    from sevenn.calculator import SevenNetCalculator

    torch.set_num_threads(1)
    return SevenNetCalculator("7net-0", device="cpu")


def sevennet(atoms: Atoms) -> Work:
    """SevenNet-0's energy; it has no way to leave out the forces."""
    calculator = sevennet_calculator()
    return lambda: calculator.calculate(atoms, ["energy"])


def soap(atoms: Atoms) -> Work:
    """DScribe's SOAP at usual settings, averaged over the atoms."""
    from dscribe.descriptors import SOAP

    made = SOAP(species=sorted(set(atoms.symbols)), r_cut=6.0, n_max=8, l_max=6, average="inner")
    return lambda: made.create(atoms)


PEERS = {"CHGNet": chgnet, "CHGNet, graph given": chgnet_networks, "SevenNet-0": sevennet, "DScribe, SOAP": soap}


@cache
def prepared(peer: str, file: str) -> Work:
    """What is timed."""
    atoms = read(file)
    return PEERS[peer](Atoms(atoms.symbols, atoms.positions))


def answer(peer: str, file: str) -> dict[str, float | str]:
    """Time one evaluation, or say why there is none."""
    try:
        work = prepared(peer, file)
        start = time.process_time()
        work()
        return {"ms": 1e3 * (time.process_time() - start)}
    except Exception as error:  # whatever another tool raises is the reason why it is absent
        return {"absent": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:120]}


def main() -> None:
    """Answer line by line. Tools print what they like; only answers go to the real standard output."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answer(*json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
