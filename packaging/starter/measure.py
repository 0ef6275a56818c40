#!/usr/bin/python3
"""Perplexity of model files on held-out chats, and how far the others are from the first one.

    measure.py --runner PATH/hearth-runner F32.gguf Q8_0.gguf Q4_K_M.gguf [--text FILE]

The text is chats as the template writes them, with lines of ---- between them; each is read from an empty context.
Prints perplexity of all tokens and of those of the answers, the mean Kullback-Leibler divergence from the first file
over all positions, and how often the likeliest token is the same.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = os.path.join(HERE, "..", "..", "tests", "cases", "starter", "held-out.txt")
ANSWER = "<|im_start|>assistant\n"


def run(*command, given=None):
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"measure.py: {command[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def tokens(runner, model, text):
    return [int(line) for line in run(runner, "tokenize", "--model", model, "--special", given=text.encode()).split()]


def split(runner, model, chat):
    """Ids of a chat, and for each whether it belongs to an answer."""
    ids, answers, at = [], [], 0
    while at < len(chat):
        start = chat.find(ANSWER, at)
        start = len(chat) if start < 0 else start + len(ANSWER)
        end = chat.find("<|im_end|>", start)
        end = len(chat) if end < 0 else end + len("<|im_end|>")
        for part, is_answer in ((chat[at:start], False), (chat[start:end], True)):
            made = tokens(runner, model, part) if part else []
            ids += made
            answers += [is_answer] * len(made)
        at = end
    return ids, numpy.array(answers)


def log_probabilities(runner, model, ids, folder):
    out = os.path.join(folder, "logits")
    run(runner, "logits", "--model", model, "--tokens", ",".join(map(str, ids)), "--out", out, "--kv-type", "f32")
    logits = numpy.fromfile(out, dtype=numpy.float32).reshape(len(ids), -1).astype(numpy.float64)
    logits -= logits.max(1, keepdims=True)
    return logits - numpy.log(numpy.exp(logits).sum(1, keepdims=True))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="+")
    p.add_argument("--runner", required=True)
    p.add_argument("--text", default=TEXT)
    o = p.parse_args()
    with open(o.text, encoding="utf-8") as file:
        chats = [chat.strip("\n") for chat in file.read().split("\n----\n")]
    read = [split(o.runner, o.models[0], chat) for chat in chats]
    print(f"{len(read)} chats, {sum(len(ids) for ids, _ in read)} tokens, "
          f"{sum(int(a.sum()) for _, a in read)} of them answers")
    truths = []
    with tempfile.TemporaryDirectory() as folder:
        for model in o.models:
            every, answers, distances, same = [], [], [], []
            for i, (ids, is_answer) in enumerate(read):
                found = log_probabilities(o.runner, model, ids, folder)
                losses = -found[numpy.arange(len(ids) - 1), ids[1:]]
                every.append(losses)
                answers.append(losses[is_answer[1:]])
                if model == o.models[0]:
                    truths.append(found)
                distances.append((numpy.exp(truths[i]) * (truths[i] - found)).sum(1))
                same.append(truths[i].argmax(1) == found.argmax(1))
            mean = {name: numpy.concatenate(parts).mean() for name, parts in
                    (("all", every), ("answers", answers), ("kl", distances), ("same", same))}
            print(f"{os.path.basename(model):28} perplexity {numpy.exp(mean['all']):7.3f}, answers "
                  f"{numpy.exp(mean['answers']):7.4f}   KL {mean['kl']:.6f}   same first choice {mean['same']:.2%}")


if __name__ == "__main__":
    main()
