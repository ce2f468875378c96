"""Fill the page of the ligand encoder: perplexities, nearest neighbours, and the map of its vectors.

``python benchmarks/ligand_page.py`` takes seconds. With the folder of an ``ase-bimetal pretrain-ligands`` run with the
shipped encoder's settings, any number of steps, as argument, the baselines are filled in from its card, too.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from descriptor_pages import DOCS, fill
from matplotlib.axes import Axes

from ase_bimetal.errors import WeightsError
from ase_bimetal.lab.pretraining.encoder_folder import nearest_by_cosine
from ase_bimetal.lab.pretraining.pretrain import PretrainSettings, make_t5
from ase_bimetal.lab.pretraining.smiles_tokenizer import build_smiles_tokenizer
from ase_bimetal.ligands import Ligand
from ase_bimetal.model.ligand_encoder import LigandEncoder, bundled_folder, compute_embedding
from ase_bimetal.plots import PAPER_STYLE

ASKED = ("SMe", "SPh", "PPh3", "C≡CPh", "Cp*", "NHC", "Cl")
#: Donor class → ligands: a name that the package knows, or a name with its SMILES.
CLASSES: dict[str, dict[str, str]] = {
    "thiolate": dict.fromkeys(("SMe", "SEt", "StBu", "SPh", "PET", "SCy", "SAdm", "TBBT", "pMBA"), "")
    | {"SC12H25": "CCCCCCCCCCCCS", "cysteine": "NC(CS)C(=O)O", "glutathione": "NC(CCC(=O)NC(CS)C(=O)NCC(=O)O)C(=O)O"},
    "phosphine": dict.fromkeys(("PH3", "PMe3", "PPh3", "P(4-FPh)3"), "")
    | {
        "PEt3": "CCP(CC)CC",
        "PCy3": "C1CCCCC1P(C1CCCCC1)C1CCCCC1",
        "PPh2Me": "CP(c1ccccc1)c1ccccc1",
        "dppm": "c1ccc(P(CP(c2ccccc2)c2ccccc2)c2ccccc2)cc1",
        "dppe": "c1ccc(P(CCP(c2ccccc2)c2ccccc2)c2ccccc2)cc1",
    },
    "alkynyl": dict.fromkeys(("C≡CH", "C≡CPh", "C≡C(CF3)2Ph"), "")
    | {"C≡CtBu": "C#CC(C)(C)C", "C≡C(4-MePh)": "C#Cc1ccc(C)cc1"},
    "carbene": {
        "NHC": "",
        "IiPr": "CC(C)N1C=CN(C(C)C)[C]1",
        "IMes": "Cc1cc(C)c(N2C=CN(c3c(C)cc(C)cc3C)[C]2)c(C)c1",
        "BIMe": "CN1[C]N(C)c2ccccc21",
    },
    "cyclopentadienyl": {"Cp": "", "Cp*": "", "CpMe": "CC1=CCC=C1"},
    "halide": dict.fromkeys(("F", "Cl", "Br", "I"), ""),
    "other": {
        "carbonyl": "",
        "CNtBu": "[C-]#[N+]C(C)(C)C",
        "pyridine": "c1ccncc1",
        "MeCN": "CC#N",
        "SePh": "[SeH]c1ccccc1",
    },
}
LIGANDS = {
    name: (group, Ligand.parse(smiles or name).smiles)
    for group, members in CLASSES.items()
    for name, smiles in members.items()
}
#: Okabe and Ito's colours, told apart with any colour vision; the shapes tell them apart without.
LOOKS = dict(
    zip(
        CLASSES,
        (
            ("#E69F00", "o"),
            ("#0072B2", "s"),
            ("#009E73", "^"),
            ("#D55E00", "D"),
            ("#CC79A7", "P"),
            ("#000000", "X"),
            ("#999999", "v"),
        ),
        strict=True,
    )
)


def untrained(smiles: Sequence[str]) -> np.ndarray:
    """Vectors of the encoder before its first step, (n, 128)."""
    tokenizer = build_smiles_tokenizer()
    t5 = make_t5(PretrainSettings(), tokenizer).eval()
    return np.stack([compute_embedding(tokenizer, t5.encoder, text) for text in smiles])


def character_shares(smiles: Sequence[str]) -> np.ndarray:
    """Share of every token in each SMILES, (n, tokens): what a SMILES says without its order."""
    tokenizer = build_smiles_tokenizer()
    counts = np.array(
        [
            np.bincount(tokenizer(text, add_special_tokens=False)["input_ids"], minlength=len(tokenizer))
            for text in smiles
        ],
        dtype=float,
    )
    return counts / counts.sum(axis=1, keepdims=True)


VECTORS: dict[str, Callable[[Sequence[str]], np.ndarray]] = {
    "shipped encoder": LigandEncoder().embed,
    "the same, untrained": untrained,
    "shares of characters": character_shares,
}


def neighbours_table() -> str:
    """Three nearest ligands by each kind of vector, and how often the nearest is of the same donor class."""
    smiles = [text for _, text in LIGANDS.values()]
    found = {kind: nearest_by_cosine(list(LIGANDS), vectors_of(smiles)) for kind, vectors_of in VECTORS.items()}
    lines = [f"| ligand | {' | '.join(VECTORS)} |", "|" + "---|" * (1 + len(VECTORS))]
    for name in ASKED:
        cells = [", ".join(f"{other} {value:.2f}" for other, value in near[name].items()) for near in found.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |".replace("Cp*", "Cp\\*"))
    judged = [name for name, (group, _) in LIGANDS.items() if group != "other"]
    shares = [
        f"{sum(_same_class(name, near) for name in judged)} of {len(judged)} ({kind})" for kind, near in found.items()
    ]
    sizes = Counter(LIGANDS[name][0] for name in judged)
    chance = sum(size * (size - 1) for size in sizes.values()) / (len(LIGANDS) - 1)
    return "\n".join(
        [
            *lines,
            "",
            f"Cosine similarity to the nearest of {len(LIGANDS)} ligands, their mean taken off. "
            f"The nearest is of the same donor class for {', '.join(shares)}; by chance for {chance:.0f}.",
        ]
    )


def _same_class(name: str, near: dict[str, dict[str, float]]) -> bool:
    return LIGANDS[next(iter(near[name]))][0] == LIGANDS[name][0]


def perplexity_table(shipped: dict[str, Any], run: dict[str, Any]) -> str:
    """Held-out perplexity per hidden token of the shipped encoder, and the baselines of a run with its settings."""
    theirs, ours = run["settings"], shipped["settings"]
    schedule = ("steps", "warmup")  # what neither the held-out molecules nor the baselines depend on
    if other := [key for key in ours if key not in schedule and theirs[key] != ours[key]]:
        raise WeightsError(f"the run differs from the shipped encoder in {', '.join(other)}; allowed: the same")
    lines = ["| held-out molecules | guessed right | shipped | untrained | frequencies |", "|---|---|---|---|---|"]
    for pool, title in (("public", "MOSES"), ("ligands", "generated ligands")):
        score, before = shipped["held_out"][pool], run["held_out"][pool]
        lines.append(
            f"| {title} | {100 * score['token_accuracy']:.0f} % | {score['perplexity']:.2f} | "
            f"{before['untrained_perplexity']:.1f} | {before['unigram_perplexity']:.1f} |"
        )
    return "\n".join(lines)


def draw(target: Path) -> None:
    """The shipped encoder's vectors on their first two principal components."""
    vectors = VECTORS["shipped encoder"]([text for _, text in LIGANDS.values()]).astype(float)
    centred = vectors - vectors.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    flat = left[:, :2] * singular[:2]
    shares = 100 * singular[:2] ** 2 / (singular**2).sum()
    with plt.rc_context(dict(PAPER_STYLE)):
        figure, axes = plt.subplots(figsize=(6.8, 5.2), layout="constrained")
        groups = np.array([group for group, _ in LIGANDS.values()])
        for group, (colour, marker) in LOOKS.items():
            axes.scatter(*flat[groups == group].T, s=26, color=colour, marker=marker, label=group, zorder=3)
        axes.set(
            xlabel=f"first principal component ({shares[0]:.0f} % of the variance)",
            ylabel=f"second ({shares[1]:.0f} %)",
        )
        axes.margins(0.08)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
        label(axes, flat)
        figure.savefig(target, dpi=200)


def label(axes: Axes, flat: np.ndarray) -> None:
    """Name every point where the name meets the fewest other names and points; a line leads to those put far off."""
    axes.figure.canvas.draw()
    points = axes.transData.transform(flat) * 72 / axes.figure.dpi  # lengths from here on in points
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in points]
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    for name, (x, y), place in zip(LIGANDS, points, flat, strict=True):
        width, height = 3.9 * len(name) + 2, 8
        places = []
        for far in np.arange(1.0, 6.0, 0.7):
            for turn in turns:
                centre = (x + np.cos(turn) * (width / 2 + 6 * far), y + np.sin(turn) * 9 * far)
                box = (centre[0] - width / 2, centre[1] - height / 2, centre[0] + width / 2, centre[1] + height / 2)
                places.append((sum(_overlap(box, other) for other in taken) + 2 * far, centre, box, far))
        _, centre, box, far = min(places, key=lambda found: found[0])
        taken.append(box)
        line = {"arrowstyle": "-", "color": "#888888", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            name,
            place,
            (centre[0] - x, centre[1] - y),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=6.5,
            arrowprops=line if far > 1 else None,
            zorder=4,
        )


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Area that two boxes (x0, y0, x1, y1) share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def main() -> None:
    """Fill the page and draw the map."""
    page = DOCS / "ligand-encoder.md"
    if len(sys.argv) > 1:
        cards = [
            json.loads((folder / "card.json").read_text(encoding="utf-8"))
            for folder in (bundled_folder(), Path(sys.argv[1]) / "encoder")
        ]
        fill(page, "perplexity", perplexity_table(*cards))
    fill(page, "neighbours", neighbours_table())
    draw(DOCS / "images" / "ligand_map.png")


if __name__ == "__main__":
    main()
