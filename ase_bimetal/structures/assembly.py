"""From a prototype to a three-dimensional cluster: place ligands on their sites and take out the clashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from ase_bimetal.errors import LigandError
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.motifs import DONOR_DISTANCE, Prototype, Site

#: Contact radii [Å] for clashes: close to van der Waals, hydrogen kept small; metals by their own value.
CONTACT_RADII = {"H": 1.15, "C": 1.65, "N": 1.5, "O": 1.5, "F": 1.45, "S": 1.7, "P": 1.7, "Cl": 1.7, "Br": 1.8}
_METAL_CONTACT = 1.55
_TORSIONS = 24
_SAME_CROWDING = 1e-9
#: How much further than they push pairs are listed [Å]: the list holds until an atom has moved by half of it.
_SKIN = 1.0
# How a ligand on two metals leans about their edge [°].
_LEANING = (0.0, -15.0, 15.0, -30.0, 30.0)
_BRIDGE_CONFORMERS = 8
_SPAN_SLACK = 0.02  # Å
_BEND = np.radians(72.0)  # of M–S–C at a terminal thiolate, from straight


@dataclass(frozen=True)
class Piece:
    """A ligand as bound, in its own frame.

    The donor, or the centre of a π ring, is at the origin, the rest towards +z.

    ``symbols`` (n,), ``positions`` (n, 3) in Å, ``donors`` the rows that touch the metal (none for a metal core).
    """

    symbols: tuple[str, ...]
    positions: np.ndarray
    donors: tuple[int, ...] = ()


Relaxer = Callable[[Atoms], Atoms]


def free_molecule(ligand: Ligand, seed: int = 7, relax: Relaxer | None = None) -> list[Atoms]:
    """Make conformers of the free, protonated ligand.

    They are relaxed with MMFF, then by `relax` if given.

    Atoms are in the order of ``Chem.AddHs(ligand.mol)``.
    """
    mol = Chem.AddHs(ligand.mol)
    found = conformers(mol, 1 if mol.GetNumHeavyAtoms() <= 4 else 4, seed)
    return [relax(atoms) for atoms in found] if relax else found


def conformers(mol: Chem.Mol, n: int, seed: int) -> list[Atoms]:
    """Make up to n conformers of a molecule.

    Hydrogens are explicit; MMFF relaxes it where MMFF knows its atoms.
    """
    rows = list(rdDistGeom.EmbedMultipleConfs(mol, n, randomSeed=seed))
    if not rows:
        raise LigandError(
            f"no three-dimensional structure found for {Chem.MolToSmiles(Chem.RemoveHs(mol))!r}"
            ". Choose another ligand, or give coordinates of the whole cluster"
        )
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol)
    symbols = [atom.GetSymbol() for atom in mol.GetAtoms()]
    return [Atoms(symbols, mol.GetConformer(row).GetPositions()) for row in rows]


def bound_pieces(ligand: Ligand, relax: Relaxer | None = None) -> list[Piece]:
    """Make conformers of a ligand as bound.

    An X ligand has lost the hydrogen of its donor.
    """
    if ligand.is_pi:
        return [_ring_piece(ligand)]
    mol = Chem.AddHs(ligand.mol)
    donor = mol.GetAtomWithIdx(ligand.donor_index)
    kept = bound_rows(ligand)
    bonded = [a.GetIdx() for a in donor.GetNeighbors() if a.GetIdx() in kept]
    return [_piece(atoms, donor.GetIdx(), bonded, kept) for atoms in free_molecule(ligand, relax=relax)]


def bound_rows(ligand: Ligand) -> list[int]:
    """List the atoms that stay when a ligand binds.

    They are rows of `free_molecule`: all, less a hydrogen of each donor of an X ligand.
    """
    mol = Chem.AddHs(ligand.mol)
    lost = []
    for donor in ligand.donor_indices if ligand.type == "X" else ():
        neighbours = mol.GetAtomWithIdx(donor).GetNeighbors()
        lost += [a.GetIdx() for a in neighbours if a.GetSymbol() == "H" and a.GetIdx() not in lost][:1]
    return [i for i in range(mol.GetNumAtoms()) if i not in lost]


def _piece(atoms: Atoms, donor: int, bonded: list[int], kept: list[int]) -> Piece:
    relative = atoms.positions - atoms.positions[donor]
    if bonded:
        axis = sum(relative[i] / np.linalg.norm(relative[i]) for i in bonded)
        relative = _rotation_onto(axis, np.array([0.0, 0.0, 1.0])).apply(relative)
    return Piece(tuple(atoms.symbols[i] for i in kept), relative[kept], (kept.index(donor),))


def _ring_piece(ligand: Ligand) -> Piece:
    """A cyclopentadienyl as bound: its flat anion, the ring's centre at the origin and its plane across z."""
    mol = Chem.RWMol(ligand.mol)
    donor = mol.GetAtomWithIdx(ligand.donor_index)
    donor.SetFormalCharge(-1)
    donor.SetNumExplicitHs(donor.GetTotalNumHs() - 1)
    donor.SetNoImplicit(True)
    Chem.SanitizeMol(mol)
    ring = next(r for r in mol.GetRingInfo().AtomRings() if ligand.donor_index in r and len(r) == 5)
    [atoms] = conformers(Chem.AddHs(mol), 1, seed=7)
    relative = atoms.positions - atoms.positions[list(ring)].mean(axis=0)
    normal = np.linalg.svd(relative[list(ring)])[2][2]
    turned = _rotation_onto(normal, np.array([0.0, 0.0, 1.0])).apply(relative)
    return Piece(tuple(atoms.get_chemical_symbols()), turned, tuple(ring))


def assemble(prototype: Prototype, seed: int = 0, relax: Relaxer | None = None) -> Atoms:
    """Build a prototype's cluster.

    Every ligand is turned about its bond to the core, conformer by conformer, until it is furthest from its
    neighbours; then overlaps are pushed apart with the core and all bonds held.

    Parameters
    ----------
    prototype
        What to build.
    seed
        Seed of the order in which ligands are placed.
    relax
        Optional relaxation of the free ligands, so that rigid pieces carry no strain.

    Returns
    -------
    Atoms
        With array ``fragment`` (0 = metal, k = k-th ligand) and ``info["ligand_smiles"]``.
    """
    core, ligands = prototype.core(), prototype.ligands()
    single = {site.role for site in core.sites if site.ends is None}
    pieces = {role: bound_pieces(ligand, relax) for role, ligand in ligands.items() if role in single}
    candidates = [
        _poses(site, pieces[site.role], ligands[site.role])
        if site.ends is None
        else _poses_on_two(site.ends, site.outward, ligands[site.role])
        for site in core.sites
    ]
    placed = _least_crowded(Piece(core.symbols, core.positions), candidates, np.random.default_rng(seed))
    atoms = Atoms(core.symbols, core.positions)
    fragment = [0] * len(core.symbols)
    for k, piece in enumerate(placed, start=1):
        atoms += Atoms(piece.symbols, piece.positions)
        fragment += [k] * len(piece.symbols)
    atoms.arrays["fragment"] = np.array(fragment)
    atoms.info["ligand_smiles"] = dict(Counter(ligands[site.role].smiles for site in core.sites))
    return push_apart(atoms)


def _poses(site: Site, pieces: Sequence[Piece], ligand: Ligand) -> list[Piece]:
    """Ways for a ligand to sit on a site: every conformer, turned about its axis."""
    if ligand.is_pi != (site.role == "pi"):
        raise LigandError(
            f"ligand {ligand.smiles!r} does not fit a site of role {site.role!r}; allowed: π ligands "
            "such as Cp on 'pi' sites, σ donors on all others. Choose another ligand, or another motif"
        )
    distance = DONOR_DISTANCE[ligand.donor] if site.distance is None else site.distance
    origin = site.anchor + distance * site.direction
    poses = []
    for outward in _axes(site, ligand):
        onto = _rotation_onto(np.array([0.0, 0.0, 1.0]), outward)
        for piece in pieces:
            angles = np.linspace(0, 2 * np.pi, _TORSIONS, endpoint=False) if len(piece.symbols) > 1 else [0.0]
            for angle in angles:
                turned = onto * Rotation.from_euler("z", angle)
                poses.append(Piece(piece.symbols, turned.apply(piece.positions) + origin, piece.donors))
    return poses


def _poses_on_two(ends: np.ndarray, outward: np.ndarray, ligand: Ligand) -> list[Piece]:
    """Ways to sit on two metals: every conformer, either way round, leaning about the edge."""
    if ligand.type != "L" or ligand.denticity != 2 or ligand.donor != "P":
        raise LigandError(
            f"ligand {ligand.smiles!r} does not fit a site of role 'diphosphine'; allowed: L ligands of "
            "two donors such as dppm. Choose another ligand, or another motif"
        )
    edge = ends[1] - ends[0]
    span = float(np.linalg.norm(edge))
    frame = np.stack([edge / span, np.cross(outward, edge / span), outward])
    turns = [Rotation.from_euler("zx", [around, lean], degrees=True) for around in (0.0, 180.0) for lean in _LEANING]
    return [
        Piece(piece.symbols, turn.apply(piece.positions) @ frame + ends.mean(axis=0), piece.donors)
        for piece in bridge_pieces(ligand, round(span, 2))
        for turn in turns
    ]


@lru_cache(maxsize=64)
def bridge_pieces(ligand: Ligand, span: float) -> tuple[Piece, ...]:
    """Make conformers of a ligand whose two donors sit on two metals.

    The metals lie on the x axis about the origin, the ligand towards +z. Distance geometry knows them as two more
    atoms, so that the lone pairs point at them.

    Parameters
    ----------
    ligand
        L ligand of two donors.
    span
        Distance of the two metals [Å].

    Raises
    ------
    LigandError
        The ligand does not reach that far.
    """
    mol = Chem.RWMol(Chem.AddHs(ligand.mol))
    n_atoms, donors = mol.GetNumAtoms(), ligand.donor_indices
    for donor in donors:
        mol.GetAtomWithIdx(donor).SetFormalCharge(1)
        metal = Chem.Atom("Si")  # near a metal's bond to phosphorus, and known to the force field
        metal.SetNoImplicit(True)
        mol.AddBond(donor, mol.AddAtom(metal), Chem.BondType.SINGLE)
    Chem.SanitizeMol(mol)
    metals = (n_atoms, n_atoms + 1)
    with rdBase.BlockLogs():  # RDKit warns that its force field takes phosphonium for the nearest it has
        rows = _embedded(mol, metals, span)
        placed = [_over_two(mol, row, donors, metals, span) for row in rows]
    if not placed:
        raise LigandError(
            f"ligand {ligand.name} reaches no two metals {span:.2f} Å apart. Choose another ligand, or another motif"
        )
    symbols = tuple(atom.GetSymbol() for atom in mol.GetAtoms())[:n_atoms]
    return tuple(Piece(symbols, positions, donors) for positions in placed)


def _embedded(mol: Chem.Mol, metals: tuple[int, int], span: float) -> list[int]:
    """Embed a molecule with two of its atoms at a distance; rows of the conformers."""
    bounds = rdDistGeom.GetMoleculeBoundsMatrix(mol)
    bounds[metals] = span + _SPAN_SLACK
    bounds[metals[::-1]] = span - _SPAN_SLACK
    settings = rdDistGeom.EmbedParameters()
    settings.randomSeed = 7  # type: ignore[assignment]  # RDKit's stubs give every setting the type of the whole
    settings.useRandomCoords = True  # type: ignore[assignment]
    settings.SetBoundsMat(bounds)
    return list(rdDistGeom.EmbedMultipleConfs(mol, _BRIDGE_CONFORMERS, settings))


def _over_two(mol: Chem.Mol, row: int, donors: tuple[int, ...], metals: tuple[int, int], span: float) -> np.ndarray:
    """A conformer relaxed with its metals held, in the metals' frame and without them, positions in Å."""
    field = rdForceFieldHelpers.UFFGetMoleculeForceField(mol, confId=row)
    field.Initialize()
    field.UFFAddDistanceConstraint(*metals, False, span, span, 1000.0)
    for metal, donor in zip(metals, donors, strict=True):
        length = DONOR_DISTANCE[mol.GetAtomWithIdx(donor).GetSymbol()]
        field.UFFAddDistanceConstraint(metal, donor, False, length, length, 1000.0)
    field.Minimize(maxIts=2000)
    positions = mol.GetConformer(row).GetPositions()
    positions -= positions[list(metals)].mean(axis=0)
    x = positions[metals[1]] - positions[metals[0]]
    x /= np.linalg.norm(x)
    z = positions[list(donors)].sum(axis=0)
    z -= (z @ x) * x
    z /= np.linalg.norm(z)
    placed: np.ndarray = (positions @ np.stack([x, np.cross(z, x), z]).T)[: metals[0]]
    return placed


def _axes(site: Site, ligand: Ligand) -> list[np.ndarray]:
    """Directions of the rest of the ligand: the site's own; a terminal thiolate is bent at its sulfur."""
    if site.distance is not None or ligand.type != "X" or ligand.donor not in ("S", "Se", "O"):
        return [site.outward]
    onto = _rotation_onto(np.array([0.0, 0.0, 1.0]), site.outward)
    azimuths = np.arange(6) * np.pi / 3
    tilted = np.stack(
        [np.sin(_BEND) * np.cos(azimuths), np.sin(_BEND) * np.sin(azimuths), np.full(6, np.cos(_BEND))], axis=1
    )
    return list(onto.apply(tilted))


def _least_crowded(core: Piece, candidates: list[list[Piece]], rng: np.random.Generator) -> list[Piece]:
    """Choose one pose per site by cyclic sweeps over the sites."""
    crowding = _Crowding(candidates, core)
    chosen: list[int | None] = [None] * len(candidates)
    for _ in range(3):
        for k in rng.permutation(len(candidates)):
            total = crowding.by_core[k] + sum(
                crowding.by_pose(k, j, pose) for j, pose in enumerate(chosen) if pose is not None and j != k
            )
            # The first of those that differ by rounding alone: symmetric sites have poses that are equally good.
            chosen[k] = int(np.flatnonzero(total <= total.min() + _SAME_CROWDING)[0])
    return [poses[k] for poses, k in zip(candidates, chosen, strict=True) if k is not None]


class _Crowding:
    """Overlaps of all poses of each site with the core and with single poses of other sites.

    They add up over what surrounds a pose, so each is computed once and used again in every sweep in which the other
    site has the same pose.
    """

    def __init__(self, candidates: list[list[Piece]], core: Piece) -> None:
        self._clouds = [_Cloud.of(poses) for poses in candidates]
        self._candidates = candidates
        self._known: dict[tuple[int, int], tuple[int, np.ndarray | float]] = {}
        self.by_core = [cloud.overlap(core) for cloud in self._clouds]

    def by_pose(self, site: int, other: int, pose: int) -> np.ndarray | float:
        """Overlap of each pose of a site with one pose of another, shape (poses,); 0 where all are out of reach."""
        known = self._known.get((site, other))
        if known is None or known[0] != pose:
            known = pose, self._clouds[site].overlap(self._candidates[other][pose])
            self._known[site, other] = known
        return known[1]


@dataclass(frozen=True)
class _Cloud:
    """All poses of one site: positions (poses, n, 3) of the atoms that count, and their contact radii (n,), in Å."""

    positions: np.ndarray
    contact: np.ndarray

    @classmethod
    def of(cls, poses: Sequence[Piece]) -> _Cloud:
        """Poses of one ligand; its donors, bonded to metal on purpose, do not count."""
        first = poses[0]
        rest = [i for i in range(len(first.symbols)) if i not in first.donors]
        return cls(np.stack([pose.positions[rest] for pose in poses]), _contact([first.symbols[i] for i in rest]))

    def overlap(self, piece: Piece) -> np.ndarray:
        """Overlap of each pose with a piece, shape (poses,)."""
        poses, n = self.positions.shape[:2]
        total, contact = np.zeros(poses), _contact(piece.symbols)
        if not n:
            return total
        reach = self.contact.max() + contact.max()
        low, high = self.positions.min(axis=(0, 1)) - reach, self.positions.max(axis=(0, 1)) + reach
        near = ((piece.positions > low) & (piece.positions < high)).all(axis=1)
        atoms, others = self.positions.reshape(-1, 3), piece.positions[near]
        squared = (atoms**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * atoms @ others.T
        row, column = np.nonzero(squared < reach**2)
        distance = np.linalg.norm(atoms[row] - others[column], axis=1)
        ratio = distance / (self.contact[row % n] + contact[near][column])
        overlap = np.clip(1 - ratio, 0, None) ** 2 + 50 * np.clip(1 - ratio / 0.7, 0, None) ** 2
        return np.bincount(row // n, overlap, poses)


def _contact(symbols: Sequence[str]) -> np.ndarray:
    return np.array([CONTACT_RADII.get(s, _METAL_CONTACT) for s in symbols])


def _rotation_onto(source: np.ndarray, target: np.ndarray) -> Rotation:
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    return _aligned(tuple(a), tuple(b))


@lru_cache(maxsize=1024)
def _aligned(a: tuple[float, ...], b: tuple[float, ...]) -> Rotation:
    cross, cosine = np.cross(a, b), float(np.dot(a, b))
    if np.linalg.norm(cross) < 1e-8:
        if cosine > 0:
            return Rotation.identity()
        perpendicular = np.cross(a, [1, 0, 0] if abs(a[0]) < 0.9 else [0, 1, 0])
        return Rotation.from_rotvec(np.pi * perpendicular / np.linalg.norm(perpendicular))
    return Rotation.from_rotvec(cross / np.linalg.norm(cross) * np.arccos(np.clip(cosine, -1, 1)))


@dataclass(frozen=True)
class _Springs:
    """Pairs to hold at a distance, and pairs to keep apart: indices (n,), lengths (n,) in Å."""

    first: np.ndarray
    second: np.ndarray
    length: np.ndarray
    one_sided: bool
    stiffness: float

    def energy(self, positions: np.ndarray, gradient: np.ndarray) -> float:
        """Energy of the springs; adds their gradient in place."""
        first, second, length = self.first, self.second, self.length
        vector = positions[first] - positions[second]
        distance = np.sqrt(np.einsum("ij,ij->i", vector, vector)) + 1e-9
        if self.one_sided:  # most pairs are far apart and pull on nothing
            near = distance < length
            first, second, length, vector, distance = (x[near] for x in (first, second, length, vector, distance))
        stretch = distance - length
        pull = (2 * self.stiffness * stretch / distance)[:, None] * vector
        for axis in range(3):
            gradient[:, axis] += np.bincount(first, pull[:, axis], len(positions))
            gradient[:, axis] -= np.bincount(second, pull[:, axis], len(positions))
        return self.stiffness * float((stretch**2).sum())

    def near(self, positions: np.ndarray) -> _Springs:
        """Those of one-sided springs that can push while no atom moves further than half the skin."""
        reach = float(self.length.max(initial=0.0)) + _SKIN
        squared = np.einsum("ij,ij->i", *[positions[self.first] - positions[self.second]] * 2)
        kept = np.flatnonzero(squared < reach**2)
        return replace(self, first=self.first[kept], second=self.second[kept], length=self.length[kept])


def push_apart(atoms: Atoms, max_steps: int = 300) -> Atoms:
    """Remove overlaps between ligands while bonds, metal–donor and metal–metal distances are held.

    Parameters
    ----------
    atoms
        Cluster with the array ``fragment``.
    """
    held, apart = _springs(atoms)
    listed_at, listed = atoms.positions, apart.near(atoms.positions)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy of all springs and its gradient."""
        nonlocal listed_at, listed
        positions = flat.reshape(-1, 3)
        if ((positions - listed_at) ** 2).sum(axis=1).max() > (_SKIN / 2) ** 2:
            listed_at, listed = positions.copy(), apart.near(positions)
        gradient = np.zeros_like(positions)
        return held.energy(positions, gradient) + listed.energy(positions, gradient), gradient.ravel()

    found = minimize(objective, atoms.positions.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": max_steps})
    moved: Atoms = atoms.copy()
    moved.positions = found.x.reshape(-1, 3)
    return moved


def _springs(atoms: Atoms) -> tuple[_Springs, _Springs]:
    """Pairs to hold, and pairs to keep apart."""
    fragment, distances = atoms.arrays["fragment"], atoms.get_all_distances()
    first, second = np.triu_indices(len(atoms), 1)
    apart = distances[first, second]
    metal, same = fragment == 0, fragment[first] == fragment[second]
    inner = (atoms.numbers == 1) & (np.bincount(fragment)[fragment] > 1)  # not a hydride, which binds by itself
    bonded = apart < 1.25 * (covalent_radii[atoms.numbers[first]] + covalent_radii[atoms.numbers[second]])
    donor = (metal[first] != metal[second]) & bonded & ~(inner[first] | inner[second])
    inside = same & (apart < 2.95) | donor | (metal[first] & metal[second])
    contact = _contact(atoms.get_chemical_symbols())
    reach = (contact[first] + contact[second]) * np.where(same, 0.8, 1.0)
    free = ~inside
    return (
        _Springs(first[inside], second[inside], apart[inside], one_sided=False, stiffness=4.0),
        _Springs(first[free], second[free], reach[free], one_sided=True, stiffness=1.0),
    )
