"""What all featurizers share: the door in, labels, citations, and errors that are not hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ase_bimetal.descriptors import pair_descriptor_note
from ase_bimetal.errors import OneMetalError
from ase_bimetal.extras import name_extra
from ase_bimetal.ligands import LigandAnnotation
from ase_bimetal.system import BimetallicSystem, as_system

with name_extra():
    from matminer.featurizers.base import BaseFeaturizer

SOURCE = (
    "@article{gu2025bimetallic, author = {Gu, Yuming and Gu, Yating and Yang, Maochen and Tang, Shisi and Chen, Jiawei "
    "and Liang, Xinyi and Zheng, Dong and Li, Zekun and Song, Fengqi and Gao, Yang and Zhu, Yan and Shi, Yinghuan and "
    "Ma, Jing}, title = {High-throughput design of bimetallic materials via multimodal machine learning and the "
    "accessibility index}, journal = {Chemical Science}, volume = {16}, pages = {19644--19657}, year = {2025}, "
    "doi = {10.1039/d5sc04386g}}"
)


class BimetallicFeaturizer(BaseFeaturizer):
    """Base of the featurizers: subclasses give `labels` and `values`.

    Input is one column of ASE Atoms, pymatgen Structures, Molecules or Compositions, and optionally a second
    column of ligand annotations (dict SMILES → count, list, or one string). Runs in one process unless
    `set_n_jobs` says otherwise. `transform` raises the first error; `featurize_dataframe` and `featurize_many`
    take ``ignore_errors=True`` and ``return_errors=True`` for a row of NaN and its reason instead. What is measured
    between two metals is NaN for an object with one, beside its other features; ``return_errors=True`` says so.
    """

    _n_jobs = 1

    def labels(self) -> list[str]:
        """List the features' names with units.

        A subclass gives them.
        """
        raise TypeError(f"{type(self).__name__} does not define labels")

    def values(self, system: BimetallicSystem) -> Sequence[float]:
        """Compute the features of one system.

        They are in the order of `labels`.
        """
        raise TypeError(f"{type(self).__name__} does not define values")

    def featurize_wrapper(
        self, x: Sequence[Any], return_errors: bool = False, ignore_errors: bool = False
    ) -> list[Any]:
        """Featurize one entry, as matminer's wrapper does.

        The reason beside NaN of an object with one metal is its note.
        """
        found = list(super().featurize_wrapper(x, return_errors=return_errors, ignore_errors=ignore_errors))
        if return_errors and not isinstance(found[-1], str) and np.isnan(found[:-1]).any():
            found[-1] = pair_descriptor_note(as_system(x[0], x[1] if len(x) > 1 else None, "keep")) or found[-1]
        return found

    def featurize(self, obj: object, ligands: LigandAnnotation | None = None) -> list[float]:
        """Compute the features of one object.

        Parameters
        ----------
        obj
            Atoms, Structure, Molecule, Composition or BimetallicSystem.
        ligands
            Its ligand annotation, if the object carries none; None or NaN, an empty cell of a table, is none.

        Returns
        -------
        list of float
            In the order of `feature_labels`; NaN for what is measured between two metals, if there is one.

        Raises
        ------
        BimetalError
            The object cannot be read, or lacks what a feature needs.

        Examples
        --------
        >>> from ase_bimetal import load_example
        >>> from ase_bimetal.featurizers import CoreComposition
        >>> CoreComposition().featurize(load_example("Au4Pd2(PET)8"))[0]
        6.0
        """
        empty = isinstance(ligands, float) and np.isnan(ligands)
        system = as_system(obj, None if empty else ligands, charge="keep")
        try:
            return [float(value) for value in self.values(system)]
        except OneMetalError:
            return [np.nan] * len(self.labels())

    def feature_labels(self) -> list[str]:
        """List the features' names with units.

        It is a new list each time.

        Returns
        -------
        list of str
            In the order of `featurize`.
        """
        return list(self.labels())

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """List the features' names, as scikit-learn asks for them."""
        return np.array(self.feature_labels(), dtype=object)

    def fit(self, X: object, y: object = None, **fit_kwargs: Any) -> BimetallicFeaturizer:
        """Do nothing, for there is nothing to fit."""
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Compute features of many objects, shape (n, n_features).

        They come as a DataFrame after ``set_output(transform="pandas")``.

        Parameters
        ----------
        X
            A list or Series of objects, a list of (object, ligands) tuples, or a DataFrame of one column (objects)
            or two (objects, ligands).

        Returns
        -------
        numpy.ndarray or pandas.DataFrame
            One row for each object, in their order.

        Raises
        ------
        BimetalError
            The first bad object's error.

        Examples
        --------
        >>> from ase_bimetal import load_example
        >>> from ase_bimetal.featurizers import LigandLogP
        >>> LigandLogP().transform([load_example("Au4Pd2(PET)8")]).shape
        (1, 1)
        """
        entries = list(X.itertuples(index=False, name=None)) if isinstance(X, pd.DataFrame) else list(X)
        rows = self.featurize_many(entries, ignore_errors=False, pbar=False)
        return np.array(rows, dtype=float).reshape(len(rows), len(self.feature_labels()))

    def __sklearn_clone__(self) -> BimetallicFeaturizer:
        """Clone with the number of processes and the kind of output, which matminer's attributes would lose."""
        clone = type(self)(**self.get_params(deep=False))
        clone.set_n_jobs(self.n_jobs)
        clone.set_output(transform=getattr(self, "_sklearn_output_config", {}).get("transform"))
        return clone

    def citations(self) -> list[str]:
        """Give BibTeX of the source."""
        return [SOURCE]

    def implementors(self) -> list[str]:
        """Say who wrote this code."""
        return ["The ase-bimetal developers"]
