"""Works through part 1 as a learner would: `python tests/part1_build_gpt2/walkthrough.py [--in FOLDER]`.

In a fresh workspace every stub is replaced by its solution, notebook after notebook, and every cell is run in a real
kernel, checks included. Then the parts that passed are put together in a process that knows nothing else: the shipped
weights are loaded into the learner's GPT-2 and compared with Hugging Face's, and the model that notebook 06 trained
tells a story. Takes a few minutes. Ends with 1 if anything failed on the way.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from hookpoint.content.cells import answer, load_cells
from hookpoint.content.course import Notebook, course
from hookpoint.content.progress import read
from hookpoint.content.workspace import create

ROOT = Path(__file__).parents[2]
PART = Path(__file__).parent.name
CELL_SECONDS = 900  # far above what any cell takes: the machine may be busy


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--in", dest="folder", type=Path, help="where the workspace is made; a temporary folder else")
    folder = (parser.parse_args().folder or Path(tempfile.mkdtemp())) / "workspace"
    os.environ.pop("HOOKPOINT_COURSE", None)
    create(folder)
    notebooks = [notebook for notebook in course().notebooks if notebook.part == PART]
    complaints = []
    for notebook in notebooks:
        complaints += work_through(notebook, folder)
    complaints += not_passed(notebooks, folder)
    os.chdir(folder / PART)
    complaints += finale()
    for complaint in complaints:
        print(f"\n{complaint}")
    return 1 if complaints else 0


def work_through(notebook: Notebook, workspace: Path) -> list[str]:
    """Solves one notebook and runs it. Gives back what a learner would not like to see."""
    started, path = time.monotonic(), workspace / notebook.file
    content = solved(notebook, path)
    client = NotebookClient(content, timeout=CELL_SECONDS, kernel_name="python3", allow_errors=True)
    client.execute(cwd=str(path.parent))
    nbformat.write(content, path)
    outputs = [(cell, output) for cell in content.cells for output in cell.get("outputs", ())]
    images = sum("image/png" in output.get("data", {}) for _, output in outputs)
    print(f"{notebook.name:24}{time.monotonic() - started:6.0f} s {images:4} pictures", flush=True)
    wrong = [f"{notebook.name}, cell {cell.id}: {said}" for cell, output in outputs if (said := complaint_of(output))]
    return wrong + ([] if images else [f"{notebook.name} shows no picture."])


def solved(notebook: Notebook, path: Path):
    """The learner's notebook with every answer typed in, as it is saved on disk then."""
    content = nbformat.read(path, as_version=4)
    cells = {cell.id: cell for cell in content.cells}
    answers = load_cells(ROOT / "solutions" / notebook.file)
    for exercise in notebook.exercises:
        cells[exercise.id].source = answer(answers, exercise.id).source
    nbformat.write(content, path)
    return content


def complaint_of(output) -> str:
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    if output.output_type == "stream" and output.name == "stderr":
        return f"wrote to stderr: {output.text[:300]}"
    return ""


def not_passed(notebooks: list[Notebook], workspace: Path) -> list[str]:
    records = read(workspace)
    exercises = [exercise for notebook in notebooks for exercise in notebook.exercises]
    missing = [e.id for e in exercises if e.id not in records or not records[e.id].passed_hash]
    print(f"\n{len(exercises) - len(missing)} of {len(exercises)} exercises passed in their notebooks.\n")
    return [f"Not passed: {', '.join(missing)}."] if missing else []


def finale() -> list[str]:
    """Equal logits and a story, by the learner's own parts alone."""
    import torch

    from hookpoint import model, zoo
    from hookpoint.content.earlier import earlier
    from hookpoint.model import cache, checkpoints, loading, sampling, tokenizer

    GPT2, Tokenizer, load_state, load_checkpoint, generate, generate_cached = earlier(
        GPT2=model.GPT2,
        Tokenizer=tokenizer.Tokenizer,
        load_state=loading.load_state,
        load_checkpoint=checkpoints.load_checkpoint,
        generate=sampling.generate,
        generate_cached=cache.generate_cached,
    )
    stories = zoo.load("stories")
    complaints, tokens = [], torch.tensor([stories.tokenizer.encode("<|endoftext|>Once Mary went to the shop.")])
    print(f"\n{'equal logits':34}{'largest logit':>14}{'difference':>12}{'allowed':>10}")
    for dtype, allowed in ((torch.float32, 1e-4), (torch.float64, 1e-9)):
        theirs = model.to_transformers(stories).to(dtype).eval()
        yours = GPT2(stories.cfg).to(dtype)
        load_state(yours, theirs.state_dict(), strict=False)
        with torch.no_grad():
            expected, got = theirs(tokens).logits, yours(tokens)
        difference = (expected - got).abs().max().item()
        name = f"stories, {str(dtype).removeprefix('torch.')}"
        print(f"{name:34}{expected.abs().max():14.2f}{difference:12.1e}{allowed:10.0e}")
        if not difference <= allowed:
            complaints.append(f"{name}: the logits differ by {difference:.1e}.")
    return complaints + tell(GPT2, Tokenizer, load_checkpoint, generate, generate_cached)


def tell(GPT2, Tokenizer, load_checkpoint, generate, generate_cached) -> list[str]:
    """A story by the model that notebook 06 trained and saved, with the cache and without."""
    import torch

    from hookpoint.app.yours.sources import load_source

    saved = load_source("mine/model.safetensors", Path())
    tokenizer = Tokenizer(saved.tokenizer.vocab, saved.tokenizer.merges, saved.tokenizer.special)
    mine = GPT2(saved.cfg)
    load_checkpoint(Path("mine/model.safetensors"), mine)
    prompt = torch.tensor([tokenizer.encode("<|endoftext|>One day", allowed_special=["<|endoftext|>"])])
    settings = {"temperature": 0.8, "top_k": 40}
    told = generate_cached(mine, prompt, 60, **settings, generator=torch.Generator().manual_seed(0))
    print(f"\nYour model tells:\n{tokenizer.decode(told[0].tolist())}\n")
    same = torch.equal(generate(mine, prompt, 30, temperature=0), generate_cached(mine, prompt, 30, temperature=0))
    print(f"greedy text with the cache and without is {'the same' if same else 'NOT the same'}.")
    return [] if same else ["The cache changes the text."]


if __name__ == "__main__":
    sys.exit(main())
