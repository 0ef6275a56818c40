#!/usr/bin/python3
"""Writes the training text: chats made from corpus/ and the writers, the same ones for the same seed.

    generate.py OUT.jsonl [--seed 1] [--count 300000]     one chat a line, as pieces (chat.py)

No question of tests/cases/starter is written.
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

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "cases", "starter")

# How often a chat begins with each kind, and how often later turns are of each. Drills are many sums in one chat.
SHARES = {"hearth": 40, "smalltalk": 6, "unknown": 8, "stories": 4, "sums": 14, "json": 13, "tools": 12, "repeats": 8,
          "drills": 6}
MIXED = {"hearth": 12, "smalltalk": 4, "unknown": 2, "stories": 1, "sums": 5, "json": 2, "repeats": 1}
ANSWERED_SHARE = 0.06  # of what is asked for as JSON


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
    if dice.random() < ANSWERED_SHARE:
        return extraction.answered(dice, *questions.turn(dice, dice.choice(("hearth", "hearth", "smalltalk", "unknown"))))
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


def held_out():
    """What is asked in tests/cases/starter, plain."""
    with open(os.path.join(CASES, "questions.jsonl"), encoding="utf-8") as file:
        found = {plain(m["content"]) for line in file for m in json.loads(line)["messages"] if m["role"] == "user"}
    with open(os.path.join(CASES, "held-out.txt"), encoding="utf-8") as file:
        return found | {plain(q) for q in re.findall(r"<\|im_start\|>user\n(.*?)<\|im_end\|>", file.read(), re.DOTALL)}


def chats(seed, count):
    """As many chats; one in which something held out is asked is left out."""
    dice, questions, unseen = random.Random(seed), Questions(), held_out()
    while count:
        made = chat(dice, questions)
        if not any(m["role"] == "user" and plain(m.get("asked", m["content"])) in unseen for m in made[0]):
            count -= 1
            yield made


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=300000)
    o = p.parse_args()
    folder = os.path.dirname(o.out)
    if folder and not os.path.isdir(folder):
        sys.exit(f"generate.py: {o.out}: there is no folder {folder}")
    with open(o.out + ".new", "w", encoding="utf-8") as file:
        for made, tools, kind in chats(o.seed, o.count):
            file.write(json.dumps({"kind": kind, "pieces": pieces(made, tools)}, ensure_ascii=False) + "\n")
    os.replace(o.out + ".new", o.out)


if __name__ == "__main__":
    main()
