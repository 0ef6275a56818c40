"""What all writers use: words from lists, alternatives, and the small accidents of typing."""

import os
import re

CORPUS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "corpus")


def read_words(name):
    """The lines "key: word; word" of a file of corpus/."""
    words = {}
    with open(os.path.join(CORPUS, name), encoding="utf-8") as file:
        for line in file:
            if ":" in line and not line.startswith("#"):
                key, rest = line.split(":", 1)
                words[key] = [w.strip() for w in rest.split(";")]
    return words


def read_blocks(name):
    """The blocks "[key]" and lines of a file of corpus/."""
    blocks = {}
    with open(os.path.join(CORPUS, name), encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("["):
                lines = blocks.setdefault(line.strip("[]"), [])
            elif line and not line.startswith("#"):
                lines.append(line)
    return blocks


LISTS = read_words("lists.txt")
SYNONYMS = read_words("synonyms.txt")


def reworded(dice, text):
    """Some words replaced by others that mean the same."""
    return re.sub(r"(?<![\w/.%-])[a-z]{3,}(?![\w/.-])", lambda m: dice.choice(SYNONYMS[m.group()])
                  if m.group() in SYNONYMS and dice.random() < 0.4 else m.group(), text)


def syllables(dice, low, high):
    """A word that nobody has heard of: it can only be copied."""
    return "".join(dice.choice("bcdfghklmnprstvwz") + dice.choice("aeiou") + dice.choice(["", "", "n", "r", "l", "s", "m"])
                   for _ in range(dice.randrange(low, high)))


def proper(kind, unheard=0.2):
    """Names of a kind; now and then one that nobody has heard of."""
    def make(dice):
        if dice.random() < unheard:
            return syllables(dice, 2, 4).capitalize()
        return dice.choice(LISTS[kind])
    return make


PHRASE = ["the {thing} {is|are} {here|late|ready|gone|new|in the kitchen}", "{please |}{bring|buy|take|fetch|remember} {some |the |}{thing}",
          "we {meet|eat|start|leave} {at {n}|on {day}|in {n} minutes|in {city}}", "{name} {is|was} {here|late|in {city}|at home|not well|right}",
          "{see you|call me|I am there|wait for me} {at {n}|on {day}|in {city}|tomorrow|tonight|soon}", "the {event} {is|starts} {on {day}|at {n}|in {place}|off}",
          "{can you|could you|please} {call|help|visit|ask|tell} {name}", "I {need|have|found|lost|want} {n} {item}", "{good|nice|best} {item} {in|from} {city}",
          "{how to|learn to|ways to} {cook|draw|grow|sell|clean|paint} {item}", "{dish} {recipe|for {n} people|in {city}}", "{history|map|weather|hotels|museums} {of|in} {city}",
          "{pay|call|write to|meet|visit} {name}{| on {day}| at {n}}", "{clean|repair|water|paint|sell} the {item}", "{cheap|used|old|new|red|small} {item}{| in {city}| near me}"]


def phrase(dice):
    """A few words of any kind, as somebody puts into a message, a search or a note."""
    text = dice.choice(PHRASE)
    for kind in ("thing", "day", "city", "name", "event", "place", "item", "dish"):
        text = text.replace("{" + kind + "}", "<" + kind + ">")
    text = expand(dice, text.replace("{n}", "<n>"))
    return re.sub(r"<(\w+)>", lambda m: str(dice.randrange(2, 30)) if m.group(1) == "n" else dice.choice(LISTS[m.group(1)]), text)


def either(kind, share=0.5):
    """Words of a list, or any phrase."""
    return lambda dice: phrase(dice) if dice.random() < share else dice.choice(LISTS[kind])


def expand(dice, text):
    """{a|b} becomes one of both."""
    while "{" in text:
        text = re.sub(r"\{([^{}]*)\}", lambda m: dice.choice(m.group(1).split("|")), text)
    return re.sub(r"  +", " ", text).strip().replace(" ,", ",")


def typo(dice, text):
    """One slip in one longer word."""
    places = [m for m in re.finditer(r"[a-z]{4,}", text)]
    if not places:
        return text
    word = dice.choice(places)
    at = dice.randrange(word.start() + 1, word.end() - 1)
    how = dice.randrange(3)
    if how == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2:]
    if how == 1:
        return text[:at] + text[at + 1:]
    return text[:at] + text[at] + text[at:]


BEFORE = ["please {}", "hi, {}", "hey, {}", "hello, {}", "ok, {}", "quick question: {}", "a question: {}", "so {}",
          "hello! {}", "hi! {}", "hey hearth, {}", "one more thing: {}", "well, {}", "and {}", "sorry, {}", "now {}",
          "tell me, {}", "say, {}", "just wondering, {}", "hm, {}", "next: {}", "um, {}", "i wonder: {}", "another one: {}"]
AFTER = ["{} please", "{}, please", "{} thanks", "{}, thank you", "{} for me", "{} here", "{} now", "{}, do you know"]


SCENES = ["I am new here.", "I have a laptop.", "I use Debian.", "My colleague asks:", "I have tried everything.", "It is my first day with hearth.",
          "I am writing a script.", "My computer is old.", "Good morning!", "Sorry to bother you.", "One question.", "I could not find it.",
          "I read the manual.", "My friend told me about it.", "This is for work.", "I am in a hurry.", "I have a new computer.", "Listen.",
          "I need some help.", "We are a small team.", "I am not an expert.", "There is something I want to know.", "I have been wondering.",
          "Let me ask something.", "I forgot it again.", "My boss wants to know:", "I am curious.", "Just one thing.", "Help me, please."]
FILLERS = ["just", "actually", "maybe", "really", "now", "then", "again", "simply", "exactly", "quickly", "easily", "currently", "also", "still",
           "even", "perhaps", "usually", "somehow", "here", "already", "best", "properly", "please", "kindly", "possibly", "of mine", "somewhere"]


SMALL = set("what is are do does can could would will i you me my the a an to please how in of for it so there tell give show that this and".split())


def loosened(dice, text):
    """A word more, or a small one less, so that no single one is needed."""
    words = text.split(" ")
    small = [i for i, word in enumerate(words[:-1]) if word in SMALL]
    if len(words) > 3 and dice.random() < 0.5:
        words.insert(dice.randrange(1, len(words)), dice.choice(FILLERS))
    elif len(words) > 4 and small:
        del words[dice.choice(small)]
    return " ".join(words)


EVERYDAY = sorted({word for kind in ("item", "thing", "topic", "word", "job", "event", "query", "room", "animal") for entry in LISTS[kind]
                   for word in entry.split() if word.isalpha() and word.islower() and len(word) > 2})


def disturbed(dice, text):
    """One of several words is another that has nothing to do with it: what is meant follows from the others."""
    words = text.split(" ")
    longer = [i for i, word in enumerate(words) if word.isalpha() and len(word) > 3]
    if len(longer) > 3:
        words[dice.choice(longer)] = dice.choice(EVERYDAY)
    return " ".join(words)


def typed(dice, text, question=True, plain=False):
    """A line as somebody might type it."""
    if dice.random() < 0.16:
        text = loosened(dice, text)
    if not plain:
        chance = dice.random()
        if chance < 0.07:
            end = dice.choice(["?", "", "?", "."])
            return dice.choice(SCENES) + " " + (text if dice.random() < 0.4 else text[:1].upper() + text[1:]) + end
        if chance < 0.2:
            text = dice.choice(BEFORE).format(text)
        elif chance < 0.27:
            text = dice.choice(AFTER).format(text)
    if dice.random() < 0.2:
        text = text.replace("what is", "what's").replace("i am", "i'm").replace("do not", "don't")
        text = text.replace("does not", "doesn't").replace("cannot", "can't").replace("i would", "i'd")
    if dice.random() < 0.07:
        text = typo(dice, text)
    if dice.random() < 0.05:
        text = re.sub(r" (the|a|an) ", " ", text, count=1)
    if dice.random() < 0.5:
        text = text[:1].upper() + text[1:]
        text = re.sub(r"\bi\b", "I", text)
    elif dice.random() < 0.04:
        text = text.upper()
    ends = ["?", "?", "?", "?", "", "", "??", " ?"] if question else ["", "", ".", ".", "!", "?"]
    return text + dice.choice(ends)
