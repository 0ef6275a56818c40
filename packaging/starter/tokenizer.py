#!/usr/bin/python3
"""The starter model's tokenizer: byte-level BPE, cut into words as qwen2's are (digits stand alone).

    tokenizer.py train CORPUS.jsonl TOKENIZER.json [SIZE]    learns the merges
    tokenizer.py encode TOKENIZER.json < text                one id a line, nothing added

A merge never joins a space to a capital letter or a quote: so a name is the same tokens in a sentence and in JSON,
and the model can copy it.
"""

import collections
import heapq
import json
import re
import sys

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PRE_TOKENIZER = "qwen2"

# The words of qwen2. [^\W\d_] is \p{L} for the text this is trained on, which `train` checks.
WORDS = re.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|(?:[^\r\n\w]|_)?[^\W\d_]+|\d| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_characters():
    """GPT-2's characters for the 256 bytes, in the order in which they become tokens."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    table = {b: chr(b) for b in printable}
    table.update({b: chr(256 + i) for i, b in enumerate(others)})
    return table, printable + others


BYTES, BYTE_ORDER = byte_characters()
SPACE = BYTES[32]


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.tokens = CONTROL + [BYTES[b] for b in BYTE_ORDER] + ["".join(m) for m in self.merges]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.ranks = {merge: i for i, merge in enumerate(self.merges)}
        self.bytes = {c: b for b, c in BYTES.items()}
        self.known = {}
        self.end = self.ids["<|im_end|>"]
        self.start = self.ids["<|im_start|>"]

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file)["merges"])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"pre": PRE_TOKENIZER, "control": CONTROL, "merges": self.merges}, file, ensure_ascii=False,
                      indent=0)

    def word(self, word):
        found = self.known.get(word)
        if found is None:
            parts = [BYTES[b] for b in word.encode()]
            while len(parts) > 1:
                rank, at = min((self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
                if rank == 1 << 30:
                    break
                parts[at:at + 2] = [parts[at] + parts[at + 1]]
            found = self.known[word] = [self.ids[p] for p in parts]
        return found

    def encode(self, text):
        """Ids of plain text; names of control tokens in it are text, too."""
        return [i for word in WORDS.findall(text) for i in self.word(word)]

    def decode(self, ids):
        text = bytearray()
        for i in ids:
            text += self.tokens[i].encode() if i < len(CONTROL) else bytes(self.bytes[c] for c in self.tokens[i])
        return text.decode(errors="replace")


def allowed(left, right):
    return not (left == SPACE and (right[0].isupper() or right[0] == '"'))


def learn(texts, size):
    """The commonest pair is merged until the vocabulary has `size` tokens; ties go by the pair's text."""
    counts = collections.Counter()
    for text in texts:
        if re.search(r"[^\W\d_]", text) and not text.isascii():
            strange = {c for c in text if not c.isascii() and c.isalnum() and not c.isalpha()}
            if strange:
                sys.exit(f"tokenizer.py: {strange} in {text[:60]!r}: letters and decimal digits only")
        counts.update(WORDS.findall(text))
    words = [([BYTES[b] for b in w.encode()], n) for w, n in sorted(counts.items())]
    pairs, places = collections.Counter(), collections.defaultdict(set)
    for i, (parts, n) in enumerate(words):
        for pair in zip(parts, parts[1:]):
            pairs[pair] += n
            places[pair].add(i)
    heap = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while heap and len(merges) < size - 256 - len(CONTROL):
        n, best = heapq.heappop(heap)
        if pairs[best] != -n:
            if pairs[best] > 0:
                heapq.heappush(heap, (-pairs[best], best))
            continue
        if not allowed(*best):
            continue
        merges.append(best)
        changed = set()
        for i in places.pop(best):
            parts, n = words[i]
            for pair in zip(parts, parts[1:]):
                pairs[pair] -= n
            at = 0
            while at + 1 < len(parts):
                if (parts[at], parts[at + 1]) == best:
                    parts[at:at + 2] = ["".join(best)]
                at += 1
            for pair in zip(parts, parts[1:]):
                pairs[pair] += n
                places[pair].add(i)
                changed.add(pair)
        for pair in sorted(changed):
            heapq.heappush(heap, (-pairs[pair], pair))
    return Tokenizer(merges)


def main(arguments):
    if len(arguments) >= 3 and arguments[0] == "train":
        with open(arguments[1], encoding="utf-8") as file:
            texts = [piece[1] for line in file for piece in json.loads(line)["pieces"] if piece[0] != "control"]
        made = learn(texts, int(arguments[3]) if len(arguments) > 3 else 2048)
        made.save(arguments[2])
        ids = sum(len(made.encode(t)) for t in texts)
        print(f"{len(made.tokens)} tokens; {sum(len(t) for t in texts) / ids:.2f} characters a token")
    elif len(arguments) == 2 and arguments[0] == "encode":
        print("\n".join(map(str, Tokenizer.load(arguments[1]).encode(sys.stdin.read()))))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
