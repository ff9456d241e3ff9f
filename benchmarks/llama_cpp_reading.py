"""Proves how llama.cpp reads an exported control vector: behind which block, with which sign, and how far.

    pip install llama-cpp-python
    python benchmarks/llama_cpp_reading.py model.gguf --prompts 8

Both programs run the same GGUF file on the same tokens. A vector of the X axis is fitted here and exported; llama.cpp is
given the exported file as its own loader reads it (`common_control_vector_load` in common/common.cpp: data of direction.N at
N - 1 times the width, times the strength). Compared are the gaps between the letters, logit A minus logit B, over five doses;
then, block by block, a direction that was exported for block N with the same direction here behind N - 1, N and N + 1.
llama.cpp rounds activations where weights are quantised, so the doses are compared on the file itself and on a copy in float32,
which is what this toolkit makes of a quantised file; the blocks on the copy alone.
"""

from __future__ import annotations

import argparse
import ctypes
import tempfile
from pathlib import Path

import llama_cpp
import numpy as np
from gguf import GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize

import culturescope as cs
from culturescope.experiments.design import Design
from culturescope.steering.fitting import random_like
from culturescope.steering.gguf_files import to_gguf
from culturescope.steering.vector import SteeringVector

DOSES = (-2.0, -1.0, 0.0, 1.0, 2.0)


def control_data(path: Path, strength: float, blocks: int) -> np.ndarray:
    """The floats that llama.cpp makes of a control vector's file, with zeros up to the last block.

    Without these zeros `llama_set_adapter_cvec` leaves what an earlier vector had put behind later blocks.
    """
    tensors = {int(t.name.split(".")[1]): np.asarray(t.data) for t in GGUFReader(path).tensors}
    data = np.zeros((blocks - 1, len(next(iter(tensors.values())))), dtype=np.float32)
    for layer, direction in tensors.items():
        data[layer - 1] = direction * strength
    return data


def in_float32(path: str, copy: Path) -> str:
    """Writes the model again with all weights in float32, everything else as it was."""
    reader = GGUFReader(path)
    writer = GGUFWriter(copy, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            inner = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(copy)


class Theirs:
    """The model in llama.cpp."""

    def __init__(self, path: str, letters: tuple[int, int], threads: int) -> None:
        self.letters = letters
        self.llama = llama_cpp.Llama(
            path, n_ctx=1024, n_batch=1024, n_threads=threads, n_threads_batch=threads, verbose=False
        )
        self.blocks = llama_cpp.llama_model_n_layer(self.llama.model)

    def gap(self, ids: list[int], control: np.ndarray | None = None) -> float:
        """Logit of A minus logit of B behind the tokens."""
        context = self.llama.ctx
        if control is None:
            code = llama_cpp.llama_set_adapter_cvec(context, None, 0, 0, 0, 0)
        else:
            pointer = control.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            code = llama_cpp.llama_set_adapter_cvec(
                context, pointer, control.size, control.shape[1], 1, self.blocks
            )
        assert code == 0, f"llama.cpp refused the control vector ({code})"
        self.llama.reset()
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        self.llama.eval(ids)
        logits = llama_cpp.llama_get_logits_ith(context, -1)
        return float(logits[self.letters[0]] - logits[self.letters[1]])


def main() -> None:
    """Parse the arguments, run both, print the comparison."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("model", help=".gguf file of a model")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=20, help="contrast pairs of the vector")
    parser.add_argument("--threads", type=int, default=1, help="of llama.cpp")
    options = parser.parse_args()

    model = cs.load(options.model)
    tasks = Design.of("full").tasks()
    chosen = np.linspace(0, len(tasks) - 1, options.prompts).astype(int)
    prompts = [tasks[n].prompt for n in chosen]
    ids = model.encode(prompts)
    letters = tuple(letter.id for letter in model.identity.letters)

    def ours(vector: SteeringVector, alpha: float) -> np.ndarray:
        gaps = np.empty(len(prompts))
        with vector.applied(model, alpha):
            for indices, readings in model.read_letters(prompts):
                gaps[indices] = [r.logits[0] - r.logits[1] for r in readings]
        return gaps

    def other(theirs: Theirs, vector: SteeringVector, alpha: float) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            control = control_data(to_gguf(vector, Path(folder) / "v.gguf"), alpha, theirs.blocks)
        return np.array([theirs.gap(one, control) for one in ids])

    last = len(model.blocks) - 1
    middle = last // 2
    everywhere = cs.fit_vector(model, cs.scenarios(split="optimise", limit=options.pairs), "X")
    fitted = everywhere.at([middle])
    alphas = [fitted.alpha_for(dose, middle) for dose in DOSES]
    here = np.array([ours(fitted, alpha) for alpha in alphas])
    with tempfile.TemporaryDirectory() as folder:
        copy = in_float32(options.model, Path(folder) / "model.gguf")
        for name, file in (("the file", options.model), ("in float32", copy)):
            theirs = Theirs(file, letters, options.threads)
            there = np.array([other(theirs, fitted, alpha) for alpha in alphas])
            print(f"{name}: vector {fitted.origin.label}, block {middle}, {len(prompts)} prompts", flush=True)
            compare(here, there)
        plain = np.array([theirs.gap(one) for one in ids])
        print(f"  scale 0 and no vector differ by {np.abs(there[2] - plain).max():.3g}")
        print("behind which block direction.N is added: relative distance of the changes, 0 is right")
        noise = random_like(everywhere, 1)
        for block in (1, middle, last):
            direction = noise[block] * everywhere.alpha_for(1.0, block)
            change = other(theirs, SteeringVector({block: direction}, everywhere.origin), 1.0) - there[2]
            words = []
            for place in (block - 1, block, block + 1):
                if place <= last:
                    mine = ours(SteeringVector({place: direction}, everywhere.origin), 1.0) - here[2]
                    far = np.linalg.norm(mine - change) / np.linalg.norm(change)
                    words.append(f"block {place}: {far:.4f}")
            print(f"  direction.{block:<3} {'  '.join(words)}", flush=True)


def compare(here: np.ndarray, there: np.ndarray) -> None:
    """Prints how the gaps (doses, prompts) of both programs agree."""
    for dose, a, b in zip(DOSES, here.mean(axis=1), there.mean(axis=1), strict=True):
        print(f"  dose {dose:+.1f}  mean gap here {a:+8.3f}  llama.cpp {b:+8.3f}")
    moved_here, moved_there = np.delete(here - here[2], 2, axis=0), np.delete(there - there[2], 2, axis=0)
    same = np.sign(moved_here) == np.sign(moved_there)
    ranks = (here.argsort(axis=0) == there.argsort(axis=0)).all(axis=0)
    means = (here.mean(axis=1).argsort() == there.mean(axis=1).argsort()).all()
    print(
        f"  largest difference of a gap {np.abs(there - here).max():.4f}, unsteered {np.abs(there - here)[2].max():.4f}"
    )
    print(f"  same sign of the change: {same.sum()} of {same.size}; same rank of the mean gap: {bool(means)}")
    print(f"  same rank over the five doses: {ranks.sum()} of {ranks.size} prompts")
    correlation = np.corrcoef(moved_here.ravel(), moved_there.ravel())[0, 1]
    slope = np.polyfit(moved_here.ravel(), moved_there.ravel(), 1)[0]
    print(f"  changes: correlation {correlation:.5f}, slope {slope:.4f}", flush=True)


if __name__ == "__main__":
    main()
