"""Sums of small numbers. The answer says the whole sum, so that the question's form does not matter."""

from .text import LISTS, expand, read_blocks, typed

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
ASKS = read_blocks("sums.txt")
TOO_BIG_ANSWER = "That is too much for me: I only do small sums. A bigger model can help."


def small(dice):
    return dice.randrange(0, dice.choices([13, 26, 51], [5, 3, 2])[0])


def shown(dice, number):
    return WORDS[number] if number < len(WORDS) and dice.random() < 0.25 else str(number)


def numbers(dice):
    kind = dice.choices(["+", "-", "*"], [5, 4, 2])[0]
    if kind == "*":
        return kind, dice.randrange(0, 11), dice.randrange(0, 11)
    a, b = small(dice), small(dice)
    return kind, max(a, b) if kind == "-" else a, min(a, b) if kind == "-" else b


def turn(dice):
    if dice.random() < 0.07:
        a, b = dice.randrange(1000, 100000), dice.randrange(100, 10000)
        asked = expand(dice, dice.choice(ASKS["too_big"]).replace("{A}", str(a)).replace("{B}", str(b)))
        return typed(dice, asked), TOO_BIG_ANSWER
    kind, a, b = numbers(dice)
    result = {"+": a + b, "-": a - b, "*": a * b}[kind]
    if kind != "*" and dice.random() < 0.2:
        a, b = max(a, 2), max(b, 1)
        if kind == "-" and b > a:
            a, b = b, a
        n, m = dice.sample(LISTS["name"], 2)
        asked = dice.choice(ASKS["gains" if kind == "+" else "losses"])
        for key, value in {"A": shown(dice, a), "B": shown(dice, b), "N": n, "M": m, "I": dice.choice(LISTS["item"])}.items():
            asked = asked.replace("{" + key + "}", value)
        return asked, f"{a} {kind} {b} = {a + b if kind == '+' else a - b}"
    way = dice.choice(ASKS[{"+": "plus", "-": "minus", "*": "times"}[kind]])
    way = expand(dice, way.replace("{A}", "<A>").replace("{B}", "<B>"))
    asked = way.replace("<A>", shown(dice, a)).replace("<B>", shown(dice, b))
    return typed(dice, asked), f"{a} {kind} {b} = {result}"
