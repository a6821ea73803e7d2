"""Greedy answers of llama.cpp and of Tramontane on the same f32 file, token for token.

`python -m brise.beside_llama_cpp FILE.gguf TRAMONTANE` asks the questions of `probes.json` of both programs: the prompt's
tokens come from `tramontane tokenize --chat`, ours from `tramontane run --temperature 0`, theirs from `llama-cpp-python`
(keys and values in f32 on both sides). Ends with 1 when an answer differs.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import llama_cpp

MOST_TOKENS = 80


def main() -> None:
    model, program = sys.argv[1:3]
    theirs = llama_cpp.Llama(model, n_ctx=2048, type_k=0, type_v=0, verbose=False, seed=0)
    probes = [p for p in json.loads((Path(__file__).parent / "probes.json").read_text()) if isinstance(p, str)]
    differing = 0
    for question in probes:
        ours, reference = _ours(program, model, question), _theirs(theirs, _prompt(program, model, question))
        differing += ours != reference
        if ours != reference:
            print(f"{question!r}\n  ours   {ours!r}\n  theirs {reference!r}")
    print(f"{len(probes)} questions, {differing} answers differ")
    sys.exit(differing > 0)


def _prompt(program: str, model: str, question: str) -> list[int]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"messages": [{"role": "user", "content": question}]}, file)
        file.flush()
        return json.loads(_run(program, "tokenize", model, "--chat", file.name, "--json"))["tokens"]


def _ours(program: str, model: str, question: str) -> str:
    return json.loads(_run(program, "run", model, question, "--temperature", "0", "--max-tokens", str(MOST_TOKENS), "--json"))["text"]


def _theirs(model: llama_cpp.Llama, prompt: list[int]) -> str:
    model.reset()
    answer = []
    for token in model.generate(prompt, temp=0.0, repeat_penalty=1.0):
        if token == model.token_eos() or len(answer) == MOST_TOKENS:
            break
        answer.append(token)
    return model.detokenize(answer).decode("utf-8", errors="replace")


def _run(program: str, *arguments: str) -> str:
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


if __name__ == "__main__":
    main()
