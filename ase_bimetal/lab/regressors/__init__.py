"""Twelve regressors on the published descriptors, their tuning, comparison and explanation."""
