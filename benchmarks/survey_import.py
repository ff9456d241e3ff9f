"""Memory and time of importing a file of the size of the Integrated Values Surveys: 450,000 respondents, 838 columns.

    PYTHONPATH=. python benchmarks/survey_import.py           # a Stata file of one byte a code, 0.4 GB
    ... --storage double                                      # eight bytes a code, as not compressed, 3 GB
    ... --form csv --by sex,age_group

The file is made up, written to a temporary folder a part at a time, imported by a process of its own, and deleted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tests.people import synthetic

PART = 25_000
SOCIETIES, YEARS = 115, (1990, 1998, 2006, 2018)
TYPES = {"f8": 65526, "i4": 65528, "i2": 65529, "i1": 65530}
LARGE = {"S003": "i2", "S020": "i2", "S017": "f8", "X048WVS": "i4"}


def columns_of(count: int) -> list[str]:
    """The columns that an import needs, spread over as many others."""
    needed = list(synthetic.table("integrated", synthetic.sample({"DNK": 208}, n=2)))
    gap = count // len(needed)
    names: list[str] = []
    for n, name in enumerate(needed):
        names += [name] + [f"Z{n:02d}_{i}" for i in range(gap - 1)]
    return names + [f"Z99_{i}" for i in range(count - len(names))]


def parts(rows: int, rng: np.random.Generator):
    """Respondents a part at a time: each part is of a few societies and one year."""
    from culturescope.people.survey_files.societies import CODES

    codes = {code: number for number, code in CODES.items() if number < 900}
    chosen = dict(list(codes.items())[:SOCIETIES])
    done, turn = 0, 0
    while done < rows:
        size = min(PART, rows - done)
        few = dict(list(chosen.items())[turn * 20 % SOCIETIES :][:20])
        data = synthetic.sample(
            few, n=-(-size // len(few)), year=YEARS[turn % 4], seed=int(rng.integers(1 << 30))
        )
        yield {k: v[:size] for k, v in synthetic.table("integrated", data).items()}
        done += size
        turn += 1


# The peak of the process itself; ru_maxrss would hold that of the process that started it.
CHILD = """
import sys
from pathlib import Path
from culturescope.cli import run
code = run(sys.argv[1:])
print(*(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
sys.exit(code)
"""


class DtaWriter:
    """A Stata 118 file, written a part at a time (Stata's help dta, format of .dta files)."""

    def __init__(self, path: Path, names: list[str], storage: str, rows: int) -> None:
        self.kinds = {n: LARGE.get(n, "i1") if storage == "byte" else "f8" for n in names}
        self.file = path.open("wb")
        k = len(names)
        head = b"<stata_dta><header><release>118</release><byteorder>LSF</byteorder><K>" + struct.pack(
            "<H", k
        )
        head += (
            b"</K><N>"
            + struct.pack("<Q", rows)
            + b"</N><label>\0\0</label><timestamp>\0</timestamp></header>"
        )
        sections = (
            ("variable_types", struct.pack(f"<{k}H", *(TYPES[t] for t in self.kinds.values()))),
            ("varnames", b"".join(n.encode().ljust(129, b"\0") for n in names)),
            ("sortlist", bytes(2 * (k + 1))),
            ("formats", b"".join(b"%9.0g".ljust(57, b"\0") for _ in names)),
            ("value_label_names", bytes(129 * k)),
            ("variable_labels", bytes(321 * k)),
            ("characteristics", b""),
        )
        places = [0, len(head)]
        at = len(head) + len(b"<map></map>") + 14 * 8
        body = b""
        for name, content in sections:
            places.append(at + len(body))
            body += f"<{name}>".encode() + content + f"</{name}>".encode()
        places.append(at + len(body))
        data = rows * sum(int(t[1]) for t in self.kinds.values()) + len(b"<data></data>")
        places += [places[-1] + data, places[-1] + data + len(b"<strls></strls>")]
        places.append(places[-1] + len(b"<value_labels></value_labels>"))
        places.append(places[-1] + len(b"</stata_dta>"))
        self.file.write(head + b"<map>" + struct.pack("<14Q", *places) + b"</map>" + body + b"<data>")

    def write(self, part: dict[str, np.ndarray], rng: np.random.Generator) -> None:
        """Adds respondents; columns that are not in the part are filled with codes 1 to 4."""
        size = len(part["S003"])
        table = np.empty(size, dtype=[(n, "<" + t) for n, t in self.kinds.items()])
        for name in self.kinds:
            table[name] = part[name] if name in part else rng.integers(1, 5, size)
        self.file.write(table.tobytes())

    def close(self) -> None:
        """Ends the file."""
        self.file.write(b"</data><strls></strls><value_labels></value_labels></stata_dta>")
        self.file.close()


class CsvWriter:
    """A csv, written a part at a time."""

    def __init__(self, path: Path, names: list[str]) -> None:
        self.names = names
        self.file = path.open("wb")
        self.file.write(",".join(names).encode() + b"\n")

    def write(self, part: dict[str, np.ndarray], rng: np.random.Generator) -> None:
        """Adds respondents; columns that are not in the part are filled with codes 1 to 4."""
        import polars as pl

        size = len(part["S003"])
        frame = {
            n: part[n]
            if n == "S017"
            else (part[n] if n in part else rng.integers(1, 5, size)).astype(np.int64)
            for n in self.names
        }
        self.file.write(pl.DataFrame(frame).write_csv(include_header=False).encode())

    def close(self) -> None:
        """Ends the file."""
        self.file.close()


class SavWriter:
    """An SPSS file, compressed; pyreadstat writes it from memory at the end."""

    def __init__(self, path: Path, names: list[str]) -> None:
        self.path = path
        self.names = names
        self.parts: list[dict[str, np.ndarray]] = []

    def write(self, part: dict[str, np.ndarray], rng: np.random.Generator) -> None:
        """Adds respondents; columns that are not in the part are filled with codes 1 to 4."""
        size = len(part["S003"])
        kinds = {n: np.dtype(LARGE.get(n, "i1")) for n in self.names}
        self.parts.append(
            {n: (part[n] if n in part else rng.integers(1, 5, size)).astype(kinds[n]) for n in self.names}
        )

    def close(self) -> None:
        """Writes the file."""
        import polars as pl
        import pyreadstat

        frame = pl.DataFrame({n: np.concatenate([p[n] for p in self.parts]) for n in self.names})
        pyreadstat.write_sav(frame, str(self.path), row_compress=True)


def main() -> None:
    """Writes the file, imports it, prints time and peak memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=450_000)
    parser.add_argument("--columns", type=int, default=838)
    parser.add_argument("--form", choices=("dta", "sav", "csv"), default="dta")
    parser.add_argument(
        "--storage", choices=("byte", "double"), default="byte", help="of codes in the Stata file"
    )
    parser.add_argument("--by", default="")
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    names = columns_of(chosen.columns)
    folder = Path(tempfile.mkdtemp(prefix="survey-import-"))
    try:
        path = folder / f"integrated.{chosen.form}"
        writer: DtaWriter | SavWriter | CsvWriter
        if chosen.form == "dta":
            writer = DtaWriter(path, names, chosen.storage, chosen.rows)
        else:
            writer = SavWriter(path, names) if chosen.form == "sav" else CsvWriter(path, names)
        for part in parts(chosen.rows, rng):
            writer.write(part, rng)
        writer.close()
        command = [sys.executable, "-c", CHILD, "people", "import", str(path), "-o", str(folder / "out")]
        command += ["--by", chosen.by] if chosen.by else []
        began = time.monotonic()
        done = subprocess.run(command, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
        print(
            f"{path.name}: {chosen.rows:,} x {len(names)}, {path.stat().st_size / 1e9:.2f} GB: "
            f"{time.monotonic() - began:.1f} s, exit {done.returncode}"
        )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
