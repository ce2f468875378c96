"""Columns of a screening: names, units and meaning, in the order of the table.

Whoever reads a screening (report, notebook, filter) takes the names from here, so that a renamed column fails at
import and not in a reader's plot.
"""

from __future__ import annotations

from dataclasses import dataclass

from ase_bimetal.structures.template_errors import IDEAL_CORE as IDEAL_CORE
from ase_bimetal.structures.template_errors import RELAXED_CORE as RELAXED_CORE

ID = "id"
STATUS = "status"
REASON = "reason"
MOTIF = "motif"
HOST = "host"
DOPANTS = "dopants"
COMPOSITION = "composition"
N_METALS = "n_metals"
DOPANT_RATIO = "dopant_ratio"
ARRANGEMENT = "arrangement"
LIGAND = "ligand"
LIGANDS = "ligands"
FORMULA = "formula"
N_ATOMS = "n_atoms"
FORMATION_ENERGY = "formation_energy"
FORMATION_ENERGY_STD = "formation_energy_std"
FORMATION_ENERGY_LOW = "formation_energy_low"
FORMATION_ENERGY_HIGH = "formation_energy_high"
TEMPLATE_ERROR = "template_error"
PHI = "phi"
ACCESSIBLE = "accessible"
REDUCED_DISTANCE = "reduced_distance"
CHI_ENV = "chi_env"
MIXING_ENTHALPY = "mixing_enthalpy"
MISCIBLE = "miscible"
LOG_P = "log_p"
METAL_DISTANCE = "metal_distance"
METAL_COST = "metal_cost"
CRITICAL_METALS = "critical_metals"
FLAGS = "flags"
PASSES = "passes"
FILTER_REASON = "filter_reason"
GEOMETRY = "geometry"
TEMPLATE = "template"
CORE_SYMBOLS = "core_symbols"
LEVEL = "level"
REFERENCE_STATE = "reference_state"
MODEL = "model"

#: Values of the column ``status``.
OK, FAILED, SKIPPED = "ok", "failed", "skipped"
#: Values of the column ``geometry`` for clusters are `IDEAL_CORE` and `RELAXED_CORE`; for two metals on a support:
#: relaxed as labelled, or another labelled pair's with the metals exchanged.
OWN_PAIR, CLOSEST_PAIR = "relaxed, labelled pair", "template, closest labelled pair"


@dataclass(frozen=True)
class Column:
    """One column of the results.

    ``name``, ``type`` (text, bool, int, float or texts = list of text), ``unit`` and ``meaning``.
    """

    name: str
    type: str
    unit: str
    meaning: str


#: Every column in order. All but ``id`` and ``status`` may be empty.
COLUMNS: tuple[Column, ...] = (
    Column(ID, "text", "", "motif:core:ligands:arrangement or support:core, unique in a screening"),
    Column(STATUS, "text", "", "ok, failed (no prediction) or skipped (not a candidate)"),
    Column(REASON, "text", "", "why a row failed or was skipped"),
    Column(MOTIF, "text", "", "motif of the metal core, or the support of two metals"),
    Column(HOST, "text", "", "host metal"),
    Column(DOPANTS, "text", "", "dopant, or dopants joined by +"),
    Column(COMPOSITION, "text", "", "metal core, host first"),
    Column(N_METALS, "int", "atoms", "metal atoms"),
    Column(DOPANT_RATIO, "float", "-", "share of dopant atoms in the core"),
    Column(ARRANGEMENT, "int", "", "number of the arrangement of the dopants on the core's sites"),
    Column(LIGAND, "text", "", "the screened ligand"),
    Column(LIGANDS, "text", "", "whole shell as 'count name + count name'"),
    Column(FORMULA, "text", "", "Hill formula of the whole cluster"),
    Column(N_ATOMS, "int", "atoms", "atoms of the whole cluster"),
    Column(FORMATION_ENERGY, "float", "eV/metal", "formation energy per metal atom, negative = stable"),
    Column(FORMATION_ENERGY_STD, "float", "eV/metal", "one standard deviation of it, that of the template included"),
    Column(TEMPLATE_ERROR, "float", "eV/metal", "part of the standard deviation that is due to the unrelaxed template"),
    Column(FORMATION_ENERGY_LOW, "float", "eV/metal", "lower end of the 90 % interval"),
    Column(FORMATION_ENERGY_HIGH, "float", "eV/metal", "upper end of the 90 % interval"),
    Column(PHI, "float", "-", "accessibility index"),
    Column(ACCESSIBLE, "bool", "", "whether phi > -0.3"),
    Column(REDUCED_DISTANCE, "float", "-", "reduced metal-metal distance"),
    Column(CHI_ENV, "float", "Pauling", "environment electronegativity"),
    Column(MIXING_ENTHALPY, "float", "kJ/mol", "mixing enthalpy of the metals"),
    Column(MISCIBLE, "bool", "", "whether the mixing enthalpy is below 0"),
    Column(LOG_P, "float", "-", "Crippen log P, mean over the ligands"),
    Column(METAL_DISTANCE, "float", "Å", "mean distance of unlike neighbouring metals in the template"),
    Column(METAL_COST, "float", "price/kg", "price of the core's metals, from the prices in the configuration"),
    Column(CRITICAL_METALS, "texts", "", "metals of the core on the list of Regulation (EU) 2024/1252, annex II"),
    Column(FLAGS, "texts", "", "what the prediction should not be trusted for"),
    Column(PASSES, "bool", "", "whether the row passes all filters; empty without a prediction"),
    Column(FILTER_REASON, "text", "", "the filters that a row does not pass"),
    Column(GEOMETRY, "text", "", "how the template was made; no candidate is relaxed by itself"),
    Column(TEMPLATE, "text", "", "file in templates/ that holds the geometry, without its ending"),
    Column(CORE_SYMBOLS, "texts", "", "elements of the core's atoms, the first atoms of the template"),
    Column(LEVEL, "text", "", "level of theory that the model predicts"),
    Column(REFERENCE_STATE, "text", "", "reference state of the ligands or of the support"),
    Column(MODEL, "text", "", "model and hash"),
)
