"""Files in and out: every format of ASE and pymatgen, frame by frame; results that survive a round trip."""

from ase_bimetal.io.read import Frame, known_formats, read_frames
from ase_bimetal.io.results import annotated, from_row, results_of, to_row, with_results
from ase_bimetal.io.write import Record, RecordWriter, open_writer

__all__ = [
    "Frame",
    "Record",
    "RecordWriter",
    "annotated",
    "from_row",
    "known_formats",
    "open_writer",
    "read_frames",
    "results_of",
    "to_row",
    "with_results",
]
