"""Twelve regressors on the 8-feature scheme, and two simple ones, to measure the multimodal model against.

Each is a scikit-learn pipeline; `ase_bimetal.lab.regressors.tuning` tuned its settings, and the package ships them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from ase_bimetal.errors import BimetalError
from ase_bimetal.extras import name_extra
from ase_bimetal.files import DATASETS
from ase_bimetal.model.bond_terms import sparse_terms
from ase_bimetal.model.checkpoint import EIGHT

SETTINGS = DATASETS / "regressor_settings.json"
BARE = "bare metal (0 or 1)"
_CHI_ENV = "chi_env (Pauling)"


@dataclass(frozen=True)
class RegressorSpec:
    """How one regressor is made and tuned.

    Attributes
    ----------
    module, name
        Where its class is.
    fixed
        Settings that are not tuned.
    space
        Setting → values that tuning may choose.
    scaled
        Whether features are brought to zero mean and unit variance first.
    seed
        Name of its random-seed setting, if it has one.
    terms
        Step that makes other features of the eight, if any.
    """

    module: str
    name: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    scaled: bool = False
    seed: str | None = None
    terms: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    @property
    def is_installed(self) -> bool:
        """Whether the package that holds it is there."""
        return find_spec(self.module.partition(".")[0]) is not None


#: Rows that settings were tuned on.
TrainingRows = Literal["minima", "configurations"]
# Twelve combinations, so that the twelve draws of tuning are the whole grid.
_FOREST_SPACE: Mapping[str, Sequence[float]] = {"max_features": [0.2, 0.34, 0.5, 0.75], "min_samples_leaf": [1, 2, 4]}
_ALPHAS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
#: Name in tables → how it is made: the twelve of the article, in its order.
REGRESSORS: Mapping[str, RegressorSpec] = MappingProxyType(
    {
        "random forest": RegressorSpec(
            "sklearn.ensemble", "RandomForestRegressor", {"n_estimators": 200}, _FOREST_SPACE, seed="random_state"
        ),
        "gradient boosting": RegressorSpec(
            "sklearn.ensemble",
            "GradientBoostingRegressor",
            {},
            {
                "n_estimators": [100, 200, 400],
                "learning_rate": [0.03, 0.1],
                "max_depth": [2, 3, 4],
                "subsample": [0.6, 1.0],
            },
            seed="random_state",
        ),
        "CatBoost": RegressorSpec(
            "catboost",
            "CatBoostRegressor",
            {"thread_count": 1, "verbose": False, "allow_writing_files": False},
            {
                "iterations": [200, 400],
                "depth": [3, 4, 6],
                "learning_rate": [0.03, 0.1],
                "l2_leaf_reg": [1.0, 3.0, 9.0],
            },
            seed="random_seed",
        ),
        "decision tree": RegressorSpec(
            "sklearn.tree",
            "DecisionTreeRegressor",
            {},
            {"max_depth": [3, 5, 8, None], "min_samples_leaf": [1, 2, 3, 5, 10]},
            seed="random_state",
        ),
        "extra trees": RegressorSpec(
            "sklearn.ensemble", "ExtraTreesRegressor", {"n_estimators": 200}, _FOREST_SPACE, seed="random_state"
        ),
        "XGBoost": RegressorSpec(
            "xgboost",
            "XGBRegressor",
            {"n_jobs": 1},
            {
                "n_estimators": [100, 200, 400],
                "learning_rate": [0.03, 0.1],
                "max_depth": [2, 3, 4, 6],
                "subsample": [0.6, 1.0],
                "reg_lambda": [1.0, 5.0],
            },
            seed="random_state",
        ),
        "AdaBoost": RegressorSpec(
            "sklearn.ensemble",
            "AdaBoostRegressor",
            {"estimator": DecisionTreeRegressor()},
            {"estimator__max_depth": [3, 5, 8], "n_estimators": [50, 150], "learning_rate": [0.1, 0.5, 1.0]},
            seed="random_state",
        ),
        "SVR": RegressorSpec(
            "sklearn.svm",
            "SVR",
            {},
            {"C": [1.0, 3.0, 10.0, 30.0], "gamma": [0.03, 0.1, 0.3, 1.0], "epsilon": [0.03, 0.1]},
            scaled=True,
        ),
        "k nearest neighbours": RegressorSpec(
            "sklearn.neighbors",
            "KNeighborsRegressor",
            {},
            {"n_neighbors": [1, 2, 3, 5, 8], "weights": ["uniform", "distance"], "p": [1, 2]},
            scaled=True,
        ),
        "ridge": RegressorSpec("sklearn.linear_model", "Ridge", {}, {"alpha": [0.1, 0.3, 1.0, 3.0, 10.0]}, scaled=True),
        "linear": RegressorSpec("sklearn.linear_model", "LinearRegression", scaled=True),
        "lasso": RegressorSpec(
            "sklearn.linear_model", "Lasso", {"max_iter": 50_000}, {"alpha": list(_ALPHAS)}, scaled=True
        ),
    }
)
#: Beside the twelve, for scale: sparse regression on products and ratios of the eight features.
SPARSE = RegressorSpec(
    "sklearn.linear_model",
    "Lasso",
    {"max_iter": 200_000, "tol": 1e-3},
    {"alpha": list(_ALPHAS)},
    scaled=True,
    terms=sparse_terms,
)
SPARSE_NAME = "sparse polynomial"
SPECS: Mapping[str, RegressorSpec] = MappingProxyType({**REGRESSORS, SPARSE_NAME: SPARSE})


def fill_bare(features: pd.DataFrame) -> pd.DataFrame:
    """Give bare metal χ_env = 0, as metal in metal.

    A column says which rows these are.

    Parameters
    ----------
    features
        (n, 8) table in which χ_env may be missing.

    Returns
    -------
    pandas.DataFrame
        (n, 9) table without missing values.
    """
    bare = features[_CHI_ENV].isna()
    return features.assign(**{_CHI_ENV: features[_CHI_ENV].fillna(0.0), BARE: bare.astype(float)})


def make_regressor(name: str, seed: int = 0, rows: TrainingRows = "minima") -> Pipeline:
    """Make an untrained pipeline with the shipped settings.

    Parameters
    ----------
    name
        Key of `SPECS`.
    seed
        Random seed.
    rows
        Which rows the settings were tuned on: ``"minima"`` or ``"configurations"``.

    Raises
    ------
    BimetalError
        Unknown name.

    Examples
    --------
    >>> make_regressor("SVR").steps[-1][0]
    'model'
    """
    pipeline = untuned(name, seed)
    return pipeline.set_params(**{f"model__{key}": value for key, value in settings(rows)[name]["settings"].items()})


@name_extra()
def untuned(name: str, seed: int = 0) -> Pipeline:
    """Make the pipeline of a regressor before tuning.

    The estimator is its last step, ``model``.
    """
    if name not in SPECS:
        raise BimetalError(f"unknown regressor {name!r}; allowed: {', '.join(SPECS)}")
    spec = SPECS[name]
    # clone, because a nested estimator in `fixed` must not be shared between pipelines.
    model = clone(getattr(import_module(spec.module), spec.name)(**spec.fixed))
    if spec.seed:
        model.set_params(**{spec.seed: seed})
    steps: list[tuple[str, Any]] = [("fill", FunctionTransformer(fill_bare))]
    if spec.terms:
        steps.append(("terms", FunctionTransformer(spec.terms)))
    if spec.scaled:
        steps.append(("scale", StandardScaler()))
    return Pipeline([*steps, ("model", model)])


@lru_cache(maxsize=4)
def settings(rows: TrainingRows = "minima") -> Mapping[str, Mapping[str, Any]]:
    """Read the tuned settings by regressor.

    Their cross-validated error [eV/metal] stands beside them.
    """
    found = json.loads(SETTINGS.read_text())["rows"]
    if rows not in found:
        raise BimetalError(f"rows={rows!r}; allowed: {', '.join(found)}. Choose one of these")
    return MappingProxyType(found[rows])


def missing_regressors() -> dict[str, str]:
    """List the regressors that cannot be made.

    Each has its reason.
    """
    return {
        name: f"{name} is skipped: the package {spec.module} is not installed (pip install 'ase-bimetal[boost]')"
        for name, spec in SPECS.items()
        if not spec.is_installed
    }


def fit_predict(
    features: pd.DataFrame, targets: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int = 0
) -> dict[str, np.ndarray]:
    """Train every regressor that is installed on some rows and predict others.

    Parameters
    ----------
    features
        (n, 8) table of the 8-feature scheme.
    targets
        (n,) formation energies [eV/metal].
    train, test
        Row numbers.

    Returns
    -------
    dict
        ``"mean"``, and ``"NAME, 8 features"`` for each of `REGRESSORS` → predictions for the test rows [eV/metal].
    """
    models: dict[str, RegressorMixin] = {"mean": DummyRegressor()}
    for name, spec in REGRESSORS.items():
        if spec.is_installed:
            models[name + EIGHT] = make_regressor(name, seed, "configurations")
    return {
        name: model.fit(features.iloc[train], targets[train]).predict(features.iloc[test])
        for name, model in models.items()
    }


__all__ = [
    "REGRESSORS",
    "SPECS",
    "RegressorSpec",
    "fill_bare",
    "fit_predict",
    "make_regressor",
    "missing_regressors",
    "settings",
    "untuned",
]
