"""Builds metal cores, ligand shells, frameworks, sheets and alloys, and checks geometries."""
