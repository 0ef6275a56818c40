#!/usr/bin/python3
"""Asks a running hearth the held-out questions and counts what is right.

    evaluate.py [--url http://127.0.0.1:11434] [--model starter] [--cases FILE] [--out RESULT.json] [--show]

Answers are the likeliest ones (temperature 0). A question is right when the answer has all the words in "all" and one
of those in "any"; a story, a sum and so on likewise. JSON is right when the values are the expected ones, valid when it
fits the schema; it is asked for twice, without a grammar and with "format". A tool call is well-formed when the daemon
read it as one, and right when name and arguments are the expected ones. Exit code 1 when a goal is missed.
"""

import argparse
import collections
import json
import os
import sys
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "..", "..", "tests", "cases", "starter", "questions.jsonl")
GOALS = {"questions right": 0.85, "JSON valid": 0.70, "JSON valid with grammar": 1.0, "tool calls, right tool": 0.80}


def ask(o, case, schema=None):
    request = {"model": o.model, "messages": case["messages"], "stream": False,
               "options": {"temperature": 0, "num_predict": 250}}
    if case.get("tools"):
        request["tools"] = case["tools"]
    if schema:
        request["format"] = schema
    body = json.dumps(request).encode()
    sent = urllib.request.Request(o.url + "/api/chat", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=300) as answer:
        return json.load(answer)["message"]


def fits(value, schema):
    """Whether a flat object fits its schema: what the cases need of JSON Schema."""
    kinds = {"string": str, "integer": int, "number": (int, float)}
    if not isinstance(value, dict) or any(key not in value for key in schema["required"]):
        return False
    properties = schema["properties"]
    return all(key in properties and isinstance(v, kinds[properties[key]["type"]]) and not isinstance(v, bool)
               for key, v in value.items())


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def has_words(text, case):
    text = text.lower()
    return all(w in text for w in case.get("all", [])) and ("any" not in case or any(w in text for w in case["any"]))


def same(a, b):
    """Equal but for the case of letters and for numbers that were written as text."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return str(a).lower() == str(b).lower()


def judge(o, case, marks):
    """Puts what one case showed into `marks` and returns (right, what was answered)."""
    message = ask(o, case)
    text = message.get("content", "")
    if case["kind"] == "json":
        value = parsed(text)
        marks["JSON valid"].append(fits(value, case["schema"]))
        bound = ask(o, case, case["schema"]).get("content", "")
        marks["JSON valid with grammar"].append(fits(parsed(bound), case["schema"]))
        marks["JSON values with grammar"].append(same(parsed(bound), case["json"]))
        return same(value, case["json"]), text
    if case["kind"] == "tool":
        calls = [c["function"] for c in message.get("tool_calls", [])]
        marks["tool calls, right tool"].append(len(calls) == 1 and calls[0]["name"] == case["call"]["name"])
        right = len(calls) == 1 and same(calls[0]["arguments"], case["call"]["arguments"])
        return right and calls[0]["name"] == case["call"]["name"], text or json.dumps(calls)
    return has_words(text, case), text


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--url", default="http://" + os.environ.get("HEARTH_HOST", "127.0.0.1:11434"))
    p.add_argument("--model", default="starter")
    p.add_argument("--cases", default=CASES)
    p.add_argument("--out")
    p.add_argument("--show", action="store_true", help="prints every wrong answer")
    o = p.parse_args()
    with open(o.cases, encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    marks, kinds, wrong = collections.defaultdict(list), collections.defaultdict(list), []
    for case in cases:
        right, text = judge(o, case, marks)
        marks["questions right"].append(right)
        kinds[case["kind"]].append(right)
        if not right:
            wrong.append({"kind": case["kind"], "asked": case["messages"][-1]["content"], "answered": text})
            if o.show:
                print(f"{case['kind']}: {wrong[-1]['asked']}\n    {text}")
    figures = {name: [sum(m), len(m)] for name, m in [*marks.items(), *kinds.items()]}
    for name, (good, count) in figures.items():
        goal = f"   goal {GOALS[name]:.0%}" if name in GOALS else ""
        print(f"{name:26} {good:4} of {count:4}  {good / count:7.1%}{goal}")
    if o.out:
        with open(o.out, "w", encoding="utf-8") as file:
            json.dump({"figures": figures, "wrong": wrong}, file, indent=1, ensure_ascii=False)
    missed = [name for name, goal in GOALS.items() if sum(marks[name]) < goal * len(marks[name])]
    if missed:
        sys.exit(f"evaluate.py: below its goal: {', '.join(missed)}")


if __name__ == "__main__":
    main()
