"""What a GGUF file of the starter model says, and how it is written."""

import os
import struct

from tokenizer import CONTROL, PRE_TOKENIZER

HERE = os.path.dirname(os.path.abspath(__file__))
ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
DESCRIPTION = (
    "A tiny model that comes with hearth: it answers questions about hearth, tells short stories, adds small numbers, "
    "writes JSON and calls tools. It knows nothing else.")


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, what):
    if kind == STRING:
        return text(what)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], what)


def entry(key, kind, what):
    if isinstance(what, list):
        head = struct.pack("<IIQ", ARRAY, kind, len(what))
        return text(key) + head + b"".join(value(kind, w) for w in what)
    return text(key) + struct.pack("<I", kind) + value(kind, what)


def metadata(shape, tokenizer, file_type, parameters):
    with open(os.path.join(HERE, "chat_template.jinja"), encoding="utf-8") as file:
        template = file.read()
    kinds = [3 if token in CONTROL else 1 for token in tokenizer.tokens]
    return [
        ("general.architecture", STRING, "llama"),
        ("general.type", STRING, "model"),
        ("general.name", STRING, "starter"),
        ("general.description", STRING, DESCRIPTION),
        ("general.license", STRING, "apache-2.0"),
        ("general.languages", STRING, ["en"]),
        ("general.size_label", STRING, f"{parameters / 1e6:.1f}M"),
        ("general.file_type", UINT32, file_type),
        ("general.quantization_version", UINT32, 2),
        ("llama.block_count", UINT32, shape["layers"]),
        ("llama.context_length", UINT32, shape["context"]),
        ("llama.embedding_length", UINT32, shape["width"]),
        ("llama.feed_forward_length", UINT32, shape["hidden"]),
        ("llama.attention.head_count", UINT32, shape["heads"]),
        ("llama.attention.head_count_kv", UINT32, shape["kv_heads"]),
        ("llama.attention.layer_norm_rms_epsilon", FLOAT32, shape["epsilon"]),
        ("llama.rope.dimension_count", UINT32, shape["width"] // shape["heads"]),
        ("llama.rope.freq_base", FLOAT32, shape["rope_base"]),
        ("llama.vocab_size", UINT32, shape["vocabulary"]),
        ("tokenizer.ggml.model", STRING, "gpt2"),
        ("tokenizer.ggml.pre", STRING, PRE_TOKENIZER),
        ("tokenizer.ggml.tokens", STRING, tokenizer.tokens),
        ("tokenizer.ggml.token_type", INT32, kinds),
        ("tokenizer.ggml.merges", STRING, [" ".join(m) for m in tokenizer.merges]),
        ("tokenizer.ggml.eos_token_id", UINT32, tokenizer.end),
        ("tokenizer.ggml.padding_token_id", UINT32, tokenizer.ids["<|endoftext|>"]),
        ("tokenizer.ggml.add_bos_token", BOOL, False),
        ("tokenizer.chat_template", STRING, template),
    ]


def write(path, entries, tensors):
    """`tensors` are (name, GGML type, array of numpy); GGUF names the row length first."""
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(entries)) + b"".join(entry(*e) for e in entries)
    at, data = 0, []
    for name, kind, array in tensors:
        head += text(name) + struct.pack("<I", array.ndim)
        head += b"".join(struct.pack("<Q", n) for n in reversed(array.shape)) + struct.pack("<IQ", kind, at)
        raw = array.tobytes()
        raw += bytes(-len(raw) % ALIGNMENT)
        at += len(raw)
        data.append(raw)
    with open(path + ".new", "wb") as file:
        file.write(head + bytes(-len(head) % ALIGNMENT))
        for raw in data:
            file.write(raw)
    os.replace(path + ".new", path)
