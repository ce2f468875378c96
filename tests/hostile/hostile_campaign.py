"""Try many hostile inputs: ``python tests/hostile/hostile_campaign.py 100000 page.md``.

Every input is tried in a process of its own kind, so that one that dies or hangs is an outcome like others. What is
done stands in ``page.jsonl`` beside the page: the same command again goes on where it was stopped, and ``again`` in
place of the number tries once more what went wrong.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path

from hostile_trials import EXAMPLE, PATIENCE, USUAL, WRONG, Outcome, Trial, try_number, warm_up

from ase_bimetal.numbers import shortest

INTRODUCTION = f"""What becomes of damaged objects and files: {{count}} of them, made from {EXAMPLE}, the anchors
(the small relaxed clusters behind the level difference), a crystal and a bare particle by
`tests/hostile/hostile_campaign.py`. Half are objects of ASE and pymatgen with one thing wrong,
half are files with bytes cut, repeated, changed or swapped for junk. What pymatgen itself
refuses comes in as an object of ASE; pymatgen's objects carry no array of charges, so damage to it is lost.

- *typed error*: refused by an error of this package, which says why and what to do.
- *flagged number*: a prediction that says what it should not be trusted for.
- *number*: a plain prediction between {shortest(USUAL[0])} and {USUAL[1]:g} eV/metal, as the labels have. Slight
  damage, such as a scale of 1.02 or junk in a comment, leaves a sound cluster.

None of these may be: *silent number*, a plain prediction outside that range; *foreign exception*, an error of another
package or of Python; *not finite*; *late*, more than {PATIENCE:g} s of the processor; *words*, a warning, log line or
print of a library that reaches the user; *death* of the process; *hang*, no answer in {{longest:g}} s.

The same is asked in other ways on other pages: [one object, many ways to write it](relations.md),
[energies that must not jump](continuity.md), [load](load.md), and
[what a file can make the package do](security.md).
"""
#: Longest wait [s of the clock] for one input before its process is killed.
LONGEST_WAIT = 60.0


def trials(numbers: Iterable[int]) -> Iterator[list[Trial]]:
    """What came of each input; a process that dies or hangs is replaced."""
    remaining = iter(numbers)
    number = next(remaining, None)
    while number is not None:
        here, there = multiprocessing.get_context("spawn").Pipe()
        worker = multiprocessing.get_context("spawn").Process(target=_work, args=(there,), daemon=True)
        worker.start()
        there.close()
        here.recv()
        while number is not None:
            here.send(number)
            found = _answer(here, worker, number)
            yield found
            number = next(remaining, None)
            if not worker.is_alive():
                break
        worker.kill()
        worker.join()


def _answer(here: Connection, worker: multiprocessing.process.BaseProcess, number: int) -> list[Trial]:
    if not here.poll(LONGEST_WAIT):
        worker.kill()
        worker.join()
        return [Trial(number, "?", "?", Outcome("hang", f"no answer in {LONGEST_WAIT:g} s", LONGEST_WAIT))]
    try:
        return here.recv()
    except EOFError:
        worker.join()
        return [Trial(number, "?", "?", Outcome("death", f"exit code {worker.exitcode}", 0.0))]


def _work(pipe: Connection) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with tempfile.TemporaryDirectory() as cache:
        warm_up(Path(cache))
        pipe.send("ready")
        while True:
            pipe.send(try_number(pipe.recv()))


def run(count: int, log: Path) -> list[Trial]:
    """Try the inputs below a count that a log does not hold yet; all outcomes of the log."""
    done = list(_logged(log)) if log.exists() else []
    begin = max((trial.number for trial in done), default=-1) + 1
    with log.open("a", encoding="utf-8") as stream:
        for found in trials(range(begin, count)):
            stream.writelines(json.dumps(asdict(trial)) + "\n" for trial in found)
            stream.flush()
            done += found
    return [trial for trial in done if trial.number < count]


def run_again(log: Path) -> list[Trial]:
    """Try once more the inputs of a log that went wrong; all outcomes of the log, with the new ones."""
    done = list(_logged(log))
    wrong = sorted({trial.number for trial in done if trial.outcome.is_wrong})
    done = [trial for trial in done if trial.number not in wrong]
    for found in trials(wrong):
        done += found
    done.sort(key=lambda trial: trial.number)
    log.write_text("".join(json.dumps(asdict(trial)) + "\n" for trial in done), encoding="utf-8")
    return done


def _logged(log: Path) -> Iterator[Trial]:
    for line in log.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        yield Trial(**fields | {"outcome": Outcome(**fields["outcome"])})


def page(done: list[Trial]) -> str:
    """What came of all inputs, in Markdown."""
    numbers = {trial.number for trial in done}
    kinds = ["typed error", "flagged number", "number", *WRONG]
    lines = [
        "# Hostile inputs",
        "",
        INTRODUCTION.format(count=f"{len(numbers):,}", longest=LONGEST_WAIT),
        "",
        "| what | how | " + " | ".join(kinds) + " | longest (s) |",
        "| --- " * (len(kinds) + 3) + "|",
    ]
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for trial in done:
        groups.setdefault((trial.what, trial.how), []).append(trial.outcome)
    for (what, how), outcomes in sorted(groups.items()):
        lines.append(f"| {what} | {how} | {_counts(outcomes, kinds)} |")
    lines.append(f"| **all** | | {_counts([trial.outcome for trial in done], kinds)} |")
    wrong = [trial for trial in done if trial.outcome.is_wrong]
    lines += ["", f"{len(wrong)} of them wrong."]
    lines += [
        f"- {trial.number}: {trial.what}, {trial.how}: {trial.outcome.kind}: {trial.outcome.detail[:200]}"
        for trial in wrong[:40]
    ]
    return "\n".join(lines) + "\n"


def _counts(outcomes: list[Outcome], kinds: list[str]) -> str:
    counts = Counter(outcome.kind for outcome in outcomes)
    longest = max(outcome.seconds for outcome in outcomes)
    return " | ".join([*(str(counts[kind]) for kind in kinds), f"{longest:.2f}"])


if __name__ == "__main__":
    target = Path(sys.argv[2])
    log = target.with_suffix(".jsonl")
    outcomes = run_again(log) if sys.argv[1] == "again" else run(int(sys.argv[1]), log)
    target.write_text(page(outcomes), encoding="utf-8")
