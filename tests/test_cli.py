"""The command line as a whole: verbs, help, exit codes, completion, interruption."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer
from ase.io import read, write
from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.cli.options import complete_model
from ase_bimetal.model.registry import get_model, list_models

runner = CliRunner()
# A shell that starts the tests in the background leaves Ctrl-C ignored; the program must hear it nevertheless.
COMMAND = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom ase_bimetal.cli import main; main()",
]


def interrupt(process):
    """Press Ctrl-C, again where the first one met code that swallows it."""
    for _ in range(6):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            continue
        return


def verbs(command, path=()):
    """Every command with the words that call it."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, (*path, name))
    if not hasattr(command, "commands"):
        yield path


VERBS = list(verbs(typer.main.get_command(app)))


def test_help_lists_every_verb():
    text = runner.invoke(app, ["--help"]).output
    for verb in ("demo", "predict", "featurize", "info", "label", "dataset", "train", "screen", "report", "explain"):
        assert verb in text


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_of_every_verb_has_an_example(verb):
    result = runner.invoke(app, [*verb, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0 and f"Example: ase-bimetal {' '.join(verb)}" in result.output


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_the_example_in_the_help_is_right_usage(verb, tmp_path, monkeypatch):
    """Every example parses: its options exist, their values are allowed, and the verb would start."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "cluster.xyz",
        "cluster.extxyz",
        "POSCAR",
        "zeolite.cif",
        "mine.extxyz",
        "molsets-0.3.1-py3-none-any.whl",
    ):
        (tmp_path / name).touch()
    for name in ("results", "lab"):
        (tmp_path / name).mkdir()
    command = typer.main.get_command(app)
    for name in verb:
        command = command.commands[name]
    [line] = re.findall(r"Example: ase-bimetal (.*)", command.help)
    words = shlex.split(line)
    assert tuple(words[: len(verb)]) == verb
    command.make_context(" ".join(verb), words[len(verb) :])


def test_examples_of_the_quick_verbs_work_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = (("demo",), ("build",), ("sample",), ("info",), ("dataset", "info"))
    for verb in quick:
        text = runner.invoke(app, [*verb, "--help"], env={"COLUMNS": "300"}).output
        line = re.search(r"Example: ase-bimetal (.*)", text)[1].rstrip()
        result = runner.invoke(app, shlex.split(line))
        assert result.exit_code == 0, f"{line}: {result.output}"
    assert {"cluster.png", "cluster.extxyz", "samples.extxyz", "distribution.png"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert len(read("samples.extxyz", ":")) == 20


def test_version_and_no_verb():
    found = runner.invoke(app, ["--version"])
    assert found.exit_code == 0 and found.output == f"ase-bimetal {version('ase-bimetal')}\n"
    assert runner.invoke(app, []).exit_code == 2
    assert runner.invoke(app, ["nothing"]).exit_code == 2


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from ase_bimetal.cli import main\n"
        "try: main()\n"
        "except SystemExit: print([m for m in sys.modules if m.split('.')[0] in %r])"
    )
    heavy = ("torch", "transformers", "pymatgen", "rdkit", "sklearn", "matminer", "matplotlib", "pandas", "scipy")
    run = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True)
    assert run.stdout.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ase-bimetal feat", "featurize"),
        ("ase-bimetal predict --ligand PPh", "PPh3"),
        ("ase-bimetal predict --model mml", "mml-gfn1-pbe"),
        ("ase-bimetal featurize --feature H_", "H_mix"),
    ],
)
def test_the_shell_completes_verbs_and_values(words, offered):
    asked = os.environ | {
        "_ASE_BIMETAL_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    code = "import sys; sys.argv[0] = 'ase-bimetal'; from ase_bimetal.cli import main; main()"
    run = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True)
    assert offered in run.stdout.split()


def test_completion_installs_into_the_shell_it_is_called_from(tmp_path):
    home = os.environ | {"HOME": str(tmp_path)}
    code = "import sys; sys.argv[0] = 'ase-bimetal'; from ase_bimetal.cli import main; main()"
    # Without a second command, bash would become the program instead of being its parent.
    words = ["bash", "-c", '"$0" "$@"; true', sys.executable, "-c", code, "--install-completion"]
    run = subprocess.run(words, env=home, capture_output=True, text=True, check=True)
    assert "bash completion installed" in run.stdout
    assert "ase-bimetal" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_ctrl_c_leaves_finished_work(kind, core, tmp_path, wait_until):
    write(tmp_path / "frames.extxyz", [core] * 80)
    target = tmp_path / f"found.{kind}"
    words = [*COMMAND, "predict", "-", "--format", "extxyz", "--out", str(target)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # The input stays open, so the verb waits for more after its first batch of 64.
        process.stdin.write((tmp_path / "frames.extxyz").read_bytes())
        process.stdin.flush()
        wait_until(lambda: target.exists() and target.stat().st_size > 0, process)
        interrupt(process)
        message = process.stderr.read().decode()
    assert process.returncode == 130
    assert "interrupted: 64 written, 0 failed" in message and "Traceback" not in message
    text = target.read_text()
    assert len(json.loads(text) if kind == "json" else text.splitlines()[1:]) == 64


def test_the_version_of_info_is_the_package_s():
    assert re.search(r"ase-bimetal \d+\.\d+", runner.invoke(app, ["info"]).output)


def test_info_prints_the_card_the_versions_and_the_ligands():
    text = runner.invoke(app, ["info", "--verbose"]).output
    assert "leave one dopant out" in text and "eV/metal" in text and "\ntorch 2" in text
    card = json.loads(runner.invoke(app, ["info", "--output", "json"]).output)
    assert card["name"] == "mml-gfn1-pbe" and card["versions"]["ase"]
    assert "PET\tSCCc1ccccc1" in runner.invoke(app, ["info", "--ligands"]).output


@pytest.mark.parametrize("model", [model.name for model in list_models()])
def test_info_knows_every_shipped_model(model):
    shown = runner.invoke(app, ["info", "--model", model])
    assert shown.exit_code == 0 and f"\n{get_model(model).name}" in shown.output, shown.output
    card = json.loads(runner.invoke(app, ["info", "--model", model, "--output", "json"]).output)
    assert card["versions"]["ase"]
    assert model in complete_model("")


@pytest.mark.parametrize("model", ["gcnn-gfn1-pbe", "descriptor-forest"])
def test_evaluate_prints_errors_against_pbe_of_models_without_a_recomputation(model):
    result = runner.invoke(app, ["evaluate", "--model", model])
    assert result.exit_code == 0 and f"{get_model(model).name} against" in result.output, result.output
    assert "90 % intervals hold" in result.output and "from its card" in result.output


def test_only_a_multimodal_model_is_offered_for_fine_tuning():
    result = runner.invoke(app, ["train", "new", "--from", "gcnn-gfn1-pbe"])
    assert result.exit_code == 2 and "no model 'gcnn-gfn1-pbe'; allowed: mml-gfn1-pbe or" in result.output


@pytest.mark.parametrize("words", [["--output", "xml"], ["--model", "nothing"]])
def test_info_refuses_what_it_does_not_know(words):
    result = runner.invoke(app, ["info", *words])
    assert result.exit_code == 2 and "allowed" in result.output
