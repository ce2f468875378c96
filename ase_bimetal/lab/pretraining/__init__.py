"""Pretraining of the ligand encoder on SMILES."""
