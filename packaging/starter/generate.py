#!/usr/bin/python3
"""Writes the training text: chats made from corpus/ and the writers, the same ones for the same seed.

    generate.py OUT.jsonl [--seed 1] [--count 60000]     one chat a line, as pieces (chat.py)
    generate.py --check OUT.jsonl CASES.jsonl            no held-out question may stand in the text
"""

import argparse
import json
import os
import random
import re
import sys

from chat import pieces
from writers import extraction, repeats, stories, sums, tool_calls
from writers.questions import Questions
from writers.text import LISTS

# How often a chat begins with each kind, and how often later turns are of each. Drills are many sums in one chat.
SHARES = {"hearth": 40, "smalltalk": 6, "unknown": 8, "stories": 4, "sums": 14, "json": 13, "tools": 12, "repeats": 8,
          "drills": 6}
MIXED = {"hearth": 12, "smalltalk": 4, "unknown": 2, "stories": 1, "sums": 5, "json": 2, "repeats": 1}


def one_turn(dice, questions, kind):
    if kind in ("hearth", "smalltalk", "unknown"):
        asked, answer = questions.turn(dice, kind)
        return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    if kind == "stories":
        return stories.messages(dice)
    if kind == "drills":
        return [message for _ in range(dice.randrange(6, 14)) for message in one_turn(dice, questions, "sums")]
    if kind in ("sums", "repeats"):
        asked, answer = (sums if kind == "sums" else repeats).turn(dice)
        return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return extraction.messages(dice)


NAMED = ["my name is {}", "I am {}", "call me {}", "hi, I am {}", "my name's {}", "hello, my name is {}", "I'm {}",
         "you can call me {}"]
NAME_ASKED = ["what is my name", "who am I", "do you know my name", "what's my name?", "tell me my name",
              "how am I called", "say my name"]


def with_name(dice, questions):
    """Somebody says their name, perhaps talks of something else, and asks for it."""
    name = dice.choice(LISTS["name"])
    made = [{"role": "user", "content": dice.choice(NAMED).format(name) + dice.choice(["", "", ".", "!"])},
            {"role": "assistant", "content": f"Nice to meet you, {name}!"}]
    if dice.random() < 0.4:
        made += one_turn(dice, questions, dice.choices(list(MIXED), list(MIXED.values()))[0])
    if dice.random() < 0.7:
        made += [{"role": "user", "content": dice.choice(NAME_ASKED) + dice.choice(["", "?", "?"])},
                 {"role": "assistant", "content": f"Your name is {name}."}]
    return made


def chat(dice, questions):
    """One chat: messages, tools, kind."""
    kind = dice.choices(list(SHARES), list(SHARES.values()))[0]
    if kind == "tools":
        made, tools = tool_calls.messages(dice, questions)
    else:
        tools = None
        is_named = kind == "smalltalk" and dice.random() < 0.12
        made = with_name(dice, questions) if is_named else one_turn(dice, questions, kind)
        while dice.random() < 0.3 and len(made) < 8:
            made += one_turn(dice, questions, dice.choices(list(MIXED), list(MIXED.values()))[0])
    if dice.random() < 0.1:
        made = [{"role": "system", "content": dice.choice(LISTS["system"])}] + made
    return made, tools, kind


def plain(text):
    """Text without what does not matter: case, punctuation, blanks."""
    return " ".join(re.findall(r"[a-z0-9_]+", text.lower()))


def check(corpus, cases):
    """Names every held-out question that was trained on."""
    seen = set()
    with open(corpus, encoding="utf-8") as file:
        for line in file:
            for kind, text in json.loads(line)["pieces"]:
                if kind == "text" and text.startswith("user\n"):
                    seen.add(plain(text[5:]))
    found = 0
    with open(cases, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            asked = [m["content"] for m in json.loads(line)["messages"] if m["role"] == "user"][-1]
            if plain(asked) in seen:
                print(f"{cases}:{number}: stands in the training text: {asked}")
                found += 1
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("cases", nargs="?")
    p.add_argument("--check", action="store_true")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=90000)
    o = p.parse_args()
    if o.check:
        sys.exit(1 if check(o.out, o.cases) else 0)
    dice = random.Random(o.seed)
    questions = Questions()
    with open(o.out + ".new", "w", encoding="utf-8") as file:
        for _ in range(o.count):
            made, tools, kind = chat(dice, questions)
            file.write(json.dumps({"kind": kind, "pieces": pieces(made, tools)}, ensure_ascii=False) + "\n")
    os.replace(o.out + ".new", o.out)


if __name__ == "__main__":
    main()
