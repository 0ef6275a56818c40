"""Sums of small numbers. The answer says the whole sum, so that the question's form does not matter."""

from .text import LISTS, expand, typed

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
PLUS = ["{A}+{B}", "{A} + {B}", "{A} + {B} =", "what is {A} + {B}", "what is {A} plus {B}", "{A} plus {B}", "add {A} and {B}",
        "{what|how much} is {A}+{B}", "how much is {A} plus {B}", "what do {A} and {B} make", "{the |}sum of {A} and {B}",
        "what is the sum of {A} and {B}", "add {A} to {B}", "calculate {A} + {B}", "compute {A} + {B}", "can you add {A} and {B}",
        "{A} and {B} {together|makes|is what}", "what does {A} + {B} make", "{work out|solve} {A} + {B}", "what do you get {when you add|for} {A} {and|plus} {B}",
        "if i have {A} and get {B} more, how many {do i have|are there}", "tell me {A} + {B}", "i need the sum of {A} and {B}",
        "how many are {A} and {B}", "put {A} and {B} together", "what is {A} added to {B}", "the result of {A} + {B}"]
MINUS = ["{A}-{B}", "{A} - {B}", "{A} - {B} =", "what is {A} - {B}", "what is {A} minus {B}", "{A} minus {B}", "how much is {A} minus {B}",
         "take {B} from {A}", "subtract {B} from {A}", "what is left when i take {B} from {A}", "calculate {A} - {B}", "{A} take away {B}",
         "how much is {A}-{B}", "what remains of {A} after taking {B}", "{A} less {B}", "the difference {between|of} {A} and {B}",
         "what is the difference between {A} and {B}", "i have {A} and give away {B}, how many are left", "compute {A} - {B}",
         "if i take {B} away from {A}, what is left", "{work out|solve} {A} - {B}", "can you subtract {B} from {A}"]
TIMES = ["{A}*{B}", "{A} * {B}", "{A} x {B}", "what is {A} times {B}", "{A} times {B}", "how much is {A} times {B}", "multiply {A} {by|and} {B}",
         "what is {A} * {B}", "{A} multiplied by {B}", "the product of {A} and {B}", "calculate {A} * {B}", "what is {A} x {B}", "compute {A} times {B}",
         "what do you get for {A} times {B}", "can you multiply {A} {by|with} {B}"]
GAINS = ["{N} has {A} {I} and gets {B} more. How many {I} does {N} have?", "There are {A} {I} in a box and {B} in a bag. How many {I} are there?",
         "{N} buys {A} {I} and then {B} more. How many is that?", "{N} has {A} {I}, {M} has {B}. How many {I} do they have together?",
         "I had {A} {I} and found {B} more, how many {I} now?", "{A} {I} and {B} {I}, how many {I}?", "{N} finds {A} {I} and {M} finds {B}. How many in all?"]
LOSSES = ["{N} has {A} {I} and gives away {B}. How many {I} are left?", "There are {A} {I}. {N} takes {B}. How many remain?",
          "{N} had {A} {I} and lost {B}. How many {I} does {N} have now?", "I have {A} {I} and sell {B}, how many {I} are left?",
          "Of {A} {I}, {B} are broken. How many are whole?", "{N} bakes {A} {I} and eats {B}. How many are left?"]
TOO_BIG = ["what is {A} times {B}", "{A} * {B}", "how much is {A} divided by {B}", "the square root of {A}", "{A} + {B}", "what is {A} plus {B}",
           "{A} / {B}", "solve {A} x + {B} = 0", "{A} to the power of {B}", "what is {A} minus {B}", "compute {A} * {B}", "{A} percent of {B}",
           "the logarithm of {A}", "calculate {A} times {B}"]
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
    if dice.random() < 0.05:
        a, b = dice.randrange(1000, 100000), dice.randrange(100, 10000)
        asked = expand(dice, dice.choice(TOO_BIG)).replace("{A}", str(a)).replace("{B}", str(b))
        return typed(dice, asked), TOO_BIG_ANSWER
    kind, a, b = numbers(dice)
    result = {"+": a + b, "-": a - b, "*": a * b}[kind]
    if kind != "*" and dice.random() < 0.2:
        a, b = max(a, 2), max(b, 1)
        if kind == "-" and b > a:
            a, b = b, a
        n, m = dice.sample(LISTS["name"], 2)
        asked = dice.choice(GAINS if kind == "+" else LOSSES)
        for key, value in {"A": shown(dice, a), "B": shown(dice, b), "N": n, "M": m, "I": dice.choice(LISTS["item"])}.items():
            asked = asked.replace("{" + key + "}", value)
        return asked, f"{a} {kind} {b} = {a + b if kind == '+' else a - b}"
    way = dice.choice({"+": PLUS, "-": MINUS, "*": TIMES}[kind])
    way = expand(dice, way.replace("{A}", "<A>").replace("{B}", "<B>"))
    asked = way.replace("<A>", shown(dice, a)).replace("<B>", shown(dice, b))
    return typed(dice, asked), f"{a} {kind} {b} = {result}"
