"""JSON: the facts of a sentence by a schema in the prompt, by a list of keys, or just as JSON; made-up ones where there is no
sentence; an answer to a question."""

import json
import re

from .text import LISTS, expand, phrase, proper, read_blocks, syllables

def price(d):
    return d.choice([d.randrange(1, 100), d.randrange(1, 100), d.randrange(10, 2000) / 10])


def email(d):
    return f"{d.choice(LISTS['name']).lower()}{d.choice(['', '.' + d.choice(LISTS['surname']).lower()])}@example.{d.choice(['com', 'org', 'net'])}"


def phone(d):
    return "".join(str(d.randrange(10)) for _ in range(3)) + "-" + "".join(str(d.randrange(10)) for _ in range(4))


def clock(d):
    return f"{d.randrange(7, 22)}:{d.choice(['00', '15', '30', '45'])}"


def code(d):
    return "".join(d.choice("ABCDEFGHKLMNPRSTX") for _ in range(d.randrange(1, 3))) + d.choice(["", "-"]) + str(d.randrange(10, 10000))


def full_name(d):
    return f"{proper('name')(d)} {proper('surname')(d)}"


def anyone(d):
    return full_name(d) if d.random() < 0.25 else proper("name")(d)


VALUES = {"price": price, "email": email, "phone": phone, "clock": clock, "code": code, "full_name": full_name, "anyone": anyone,
          "phrase": phrase, "word": lambda d: syllables(d, 2, 4), "year": lambda d: d.randrange(1800, 2030)}


def values(kind):
    """What makes values of a kind, as corpus/records.txt names it."""
    if kind in VALUES:
        return VALUES[kind]
    if kind in LISTS:
        # Lists of names: anybody may have one that is not there.
        return proper(kind) if LISTS[kind][0][0].isupper() and kind not in ("day", "currency") else lambda d: d.choice(LISTS[kind])
    low, high = map(int, kind.split("-"))
    return lambda d: d.randrange(low, high + 1)


class Record:
    """A block of corpus/records.txt: keys {place: (names, type, values)} and sentences."""

    def __init__(self, lines):
        self.keys, self.sentences = {}, []
        for line in lines:
            if not line.startswith("key "):
                self.sentences.append(line)
                continue
            place, rest = line[4:].split(":", 1)
            names, kind, made = [part.strip() for part in rest.split("|")]
            self.keys[place] = ([n.strip() for n in names.split(",")], kind, values(made))


FACTS_SHARE, EXAMPLE_SHARE = 0.12, 0.06
FACTS = Record(read_blocks("facts.txt")["facts"])
RECORDS = [Record(lines) for lines in read_blocks("records.txt").values()]
WAYS = {name: [line.replace("\\n", "\n") for line in lines] for name, lines in read_blocks("json.txt").items()}

BESIDE = ["That is all.", "It was a nice day.", "Thank you!", "Nobody else was there.", "See you soon.", "We are happy about it.", "It rained.",
          "More news tomorrow.", "As you know.", "I heard it today.", "Good to know.", "Dear team,", "Hello!", "That was last year.", "Please note:"]


def listed(dice, keys):
    before = dice.choice(["", "", "", "", "the ", "the ", "which ", "its "])
    keys = keys[:1] + [dice.choice(["", before]) + key for key in keys[1:]]
    if len(keys) == 1:
        return before + keys[0]
    return before + ", ".join(keys[:-1]) + dice.choice([" and ", " and ", ", ", " & ", " plus "] if len(keys) == 2 else [" and ", ", ", ", and "]) + keys[-1]


def schema_text(dice, keys, types):
    schema = {"type": "object", "properties": {k: {"type": t} for k, t in zip(keys, types)}}
    if dice.random() < 0.7:
        schema["required"] = list(keys)
    if dice.random() < 0.15:
        schema["additionalProperties"] = False
    return json.dumps(schema, indent=2) if dice.random() < 0.08 else json.dumps(schema) if dice.random() < 0.7 else json.dumps(schema, separators=(",", ":"))


def sentence(dice):
    """A sentence of a record, what its keys may be called, and the values in it."""
    record = dice.choice(RECORDS)
    text = dice.choice(record.sentences)
    keys = {k: v for k, v in record.keys.items() if "{" + k + "}" in text}
    made = {k: keys[k][2](dice) for k in keys}
    for key in keys:
        text = text.replace("{" + key + "}", str(made[key]))
    return text, keys, made


def facts(dice):
    """The same of facts that have nothing to do with one another."""
    keys = {k: FACTS.keys[k] for k in dice.sample(list(FACTS.keys), dice.randrange(1, 5))}
    made = {k: v[2](dice) for k, v in keys.items()}
    parts, form = [], dice.choice(FACTS.sentences)
    for key in keys:
        form = dice.choice(FACTS.sentences) if dice.random() < 0.3 else form
        parts.append(form.replace("{key}", key.replace("_", " ")).replace("{value}", str(made[key])))
    text = dice.choice([", ", "; ", " and "]).join(parts) if len(parts) < 3 else ", ".join(parts[:-1]) + dice.choice([", ", " and "]) + parts[-1]
    if dice.random() < 0.4:
        text = dice.choice(["", "for ", "the ", "about ", "our ", "my "]) + dice.choice(LISTS["item"]) + dice.choice([": ", ", ", " - "]) + text
    return text + dice.choice([".", "", ""]), keys, made


def way_to_ask(dice, name):
    """With <T>, <K>, <S>, <Q> where the places were, as values may have braces."""
    return expand(dice, re.sub(r"\{([TKSQ])\}", r"<\1>", dice.choice(WAYS[name])))


def answered(dice, asked, answer):
    """A question and its answer, which is wanted as JSON."""
    return [{"role": "user", "content": way_to_ask(dice, "answer").replace("<Q>", asked), "asked": asked},
            {"role": "assistant", "content": json.dumps({"answer": answer}, ensure_ascii=False)}]


def messages(dice):
    text, keys, made = facts(dice) if dice.random() < FACTS_SHARE else sentence(dice)
    text = text[:1].upper() + text[1:] if dice.random() < 0.8 else text
    if dice.random() < 0.15:
        more = dice.choice(BESIDE)
        text = f"{more} {text}" if dice.random() < 0.4 else f"{text} {more}"
    way = dice.choices(["schema", "keys", "bare"], [5, 5, 2])[0]
    asked = way_to_ask(dice, "example" if dice.random() < EXAMPLE_SHARE else way)
    is_bare = "<S>" not in asked and "<K>" not in asked
    wanted = list(keys)
    if not is_bare:
        dice.shuffle(wanted)
        wanted = wanted[:dice.choice([len(wanted), len(wanted), max(1, len(wanted) - 1), 1])]
    named = {k: k if is_bare else dice.choice(keys[k][0]) for k in wanted}
    if len(set(named.values())) < len(named):
        named = {k: k for k in wanted}
    answer = {named[k]: made[k] for k in wanted}
    asked = asked.replace("<S>", schema_text(dice, list(answer), [keys[k][1] for k in wanted]))
    asked = asked.replace("<K>", listed(dice, list(answer)))
    asked = asked[:1].upper() + asked[1:] if dice.random() < 0.3 and asked[0] != "<" else asked
    return [{"role": "user", "content": asked.replace("<T>", text)},
            {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}]
