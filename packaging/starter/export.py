#!/usr/bin/python3
"""Writes a checkpoint as a GGUF file: weights, tokenizer, chat template, licence.

    export.py --checkpoint FOLDER/checkpoint.pt --tokenizer TOKENIZER.json --out starter-f16.gguf [--type f16|f32]

Norms stay F32. The other types are made from these files: hearth-runner quantize --type q8_0.
"""

import argparse
import os

import numpy
import torch

import gguf
from tokenizer import Tokenizer

TYPES = {"f32": (0, numpy.float32, 0), "f16": (1, numpy.float16, 1)}  # GGML type, numpy's, general.file_type


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--checkpoint", required=True)
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--type", choices=TYPES, default="f16")
    o = p.parse_args()
    saved = torch.load(o.checkpoint)
    tokenizer = Tokenizer.load(o.tokenizer)
    kind, numbers, file_type = TYPES[o.type]
    tensors, parameters = [], 0
    for name, weight in saved["model"].items():
        parameters += weight.numel()
        if weight.dim() == 1:
            tensors.append((name, 0, weight.numpy().astype(numpy.float32)))
        else:
            tensors.append((name, kind, weight.numpy().astype(numbers)))
    gguf.write(o.out, gguf.metadata(saved["shape"], tokenizer, file_type, parameters), tensors)
    print(f"{o.out}: {parameters} parameters, {os.path.getsize(o.out)} bytes")


if __name__ == "__main__":
    main()
