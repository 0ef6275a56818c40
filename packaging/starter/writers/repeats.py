"""Repeating what was said: useful little by itself, but it teaches copying, which JSON and tool calls need."""

from .text import LISTS

ASKS = ["repeat after me: {}", "repeat: {}", "say: {}", "Repeat this: {}", "please repeat {}", "say {}", "echo {}", "Say this back to me: {}",
        "copy this: {}", "write {}", "Write exactly this: {}", "repeat the following: {}", "can you say {}?", "repeat \"{}\"", "print {}",
        "Repeat the words {}", "answer with {}", "just say {}", "type {}", "Repeat after me. {}"]
KINDS = ["name", "surname", "city", "item", "colour", "event", "pet", "title", "word", "query", "thing", "file", "dish", "language", "job", "day", "topic"]


def word(dice):
    kind = dice.random()
    if kind < 0.6:
        return dice.choice(LISTS[dice.choice(KINDS)])
    if kind < 0.8:
        return str(dice.randrange(10 ** dice.randrange(1, 5)))
    return "".join(dice.choice("bcdfghklmnprstvw") + dice.choice("aeiou") for _ in range(dice.randrange(1, 4)))


def turn(dice):
    """Mostly a few words; long ones are where copying is learned from, because every next word follows from the last."""
    count = dice.randrange(1, 6) if dice.random() < 0.5 else dice.randrange(6, 30)
    said = " ".join(word(dice) for _ in range(count))
    return dice.choice(ASKS).format(said), said
