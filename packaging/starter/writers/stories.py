"""Short stories from a grammar: somebody wants something, something is in the way, somebody helps, it ends well."""

from .text import LISTS, expand, proper, syllables, typed

HEROES = ["fox", "cat", "dog", "bear", "mouse", "rabbit", "owl", "dragon", "robot", "knight", "princess", "king", "queen",
          "wizard", "witch", "pirate", "farmer", "baker", "girl", "boy", "frog", "duck", "turtle", "horse", "lion",
          "elephant", "penguin", "hedgehog", "squirrel", "wolf", "bird", "fish", "giant", "dwarf", "ghost", "snail",
          "monkey", "tiger", "bee", "sailor", "shepherd", "gardener", "crow", "whale", "goat", "pig", "spider", "ant",
          "tree", "cloud", "train", "star", "snowman", "teapot", "lamp", "boat", "clock", "kite", "balloon", "doll", "lighthouse keeper", "miner", "rose",
          "kitten", "puppy", "pony", "donkey", "camel", "crab", "seal", "swan", "deer", "moose", "parrot", "beaver", "hamster", "butterfly", "ladybird", "dinosaur",
          "unicorn", "troll", "elf", "mermaid", "monster", "vampire", "hero", "detective", "grandmother", "grandfather", "baby", "piano", "car", "pumpkin", "zebra",
          "kangaroo", "koala", "panda", "raven", "eagle", "crocodile", "hippo", "rhino", "giraffe", "otter", "mole", "bat", "worm", "rat", "goose", "chicken", "stone",
          "child", "fairy", "prince", "teacher", "cook", "fisherman", "snake", "sheep", "cow", "hen", "astronaut", "doctor"]
TRAITS = ["little", "young", "old", "brave", "shy", "clever", "lonely", "curious", "small", "kind", "hungry", "merry"]
PLACES = ["in a forest", "by the sea", "on a hill", "in a small village", "on an island", "in an old castle",
          "at the edge of town", "in the mountains", "by a river", "in a quiet valley", "on a farm", "in a garden"]
WANTS = [("wanted to see the sea", "saw the sea"), ("wanted to find a friend", "had found a friend"),
         ("looked for a golden key", "held the golden key"), ("wanted to learn to sing", "could sing"),
         ("wanted to touch the moon", "saw the moon in the lake and touched it"), ("had lost a red hat", "had the red hat again"),
         ("wanted to bake the best cake", "baked the best cake of all"), ("wanted to cross the river", "stood on the other side"),
         ("looked for a warm place for the winter", "sat by a warm fire"), ("wanted to climb the highest tree", "sat in the highest tree"),
         ("wanted to find the lost star", "found the lost star"), ("wanted to build a boat", "sailed in a boat")]
TROUBLES = ["But the way was long and dark.", "But a storm came up.", "But there was a deep river.", "But nobody knew the way.",
            "But the bridge was broken.", "But it began to snow.", "But a big stone lay on the path.", "But the night was cold.",
            "But the door was locked.", "But the map was wet and could not be read."]
HELPERS = ["an old owl", "a tiny mouse", "a friendly giant", "a wise turtle", "a singing bird", "a kind old woman",
           "a hedgehog with a lantern", "a small cloud", "a travelling tailor", "a grey donkey", "a quiet fish", "a boy with a kite"]
HELPS = ["showed the way", "shared a piece of bread", "lit a lamp", "told a secret", "held out a hand", "knew what to do",
         "sang until the fear was gone", "carried the load"]
ENDS = ["They stayed friends for ever.", "From that day on nobody was lonely.", "And they all laughed until the evening.",
        "And everybody slept well that night.", "Since then they meet there every year.", "And that is how it was.",
        "And they shared a big bowl of soup.", "And the whole village danced."]

ASKS = ["tell me a {|short |little |nice |new }story", "a story{, please| please|}", "can you tell {me |}a story",
        "i want {to hear |}a {short |}story", "write {me |}a {short |}story", "story time", "once upon a time",
        "make up a {short |}story", "do you know a {good |}story", "read me a {bedtime |}story", "tell a story",
        "i would like a story", "give me a story", "invent a {|small |}tale", "a fairy tale{ please|}", "tell me a {fairy |bedtime |}tale"]
ABOUT = ["tell me a {|short |little |nice }story about {H}", "a {short |}story about {H}", "can you tell {me |}a story about {H}",
         "write {me |}a {short |little |}story about {H}", "i want {to hear |}a story about {H}", "{once upon a time there was|story:} {H}",
         "make up a story about {H}", "a story with {H}{ in it|}{ please|}", "do you know a story {about|with} {H}",
         "tell me about {H} in a story", "invent a {story|tale} about {H}", "{H} story", "a {fairy |bedtime |}tale {about|with} {H}",
         "give me a story where {H} is the hero", "story about {H}", "tell me the story of {H}", "please {write|tell} something about {H} as a story"]
MORE = ["another one", "another story", "one more", "again", "tell me another {one|story}", "more", "a different {one|story}", "and another"]


def article(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def tell(dice, hero, trait=None):
    name = proper("name")(dice)
    want, got = dice.choice(WANTS)
    trait = trait or dice.choice(TRAITS)
    helper = dice.choice(HELPERS)
    return (f"Once upon a time there was {article(trait + ' ' + hero)} named {name}, who lived {dice.choice(PLACES)}. "
            f"{name} {want}. {dice.choice(TROUBLES)} Then came {helper} and {dice.choice(HELPS)}. "
            f"In the end {name} {got}. {dice.choice(ENDS)}")


def some_hero(dice):
    """Mostly a known one; what nobody has heard of makes a habit of copying it."""
    chance = dice.random()
    return dice.choice(HEROES) if chance < 0.75 else dice.choice(LISTS["job"]) if chance < 0.9 else syllables(dice, 2, 4)


def turn(dice):
    hero = some_hero(dice)
    if dice.random() < 0.35:
        return typed(dice, expand(dice, dice.choice(ASKS)), False), tell(dice, hero)
    trait = dice.choice(TRAITS) if dice.random() < 0.3 else None
    shown = trait + " " + hero if trait else hero
    shown = shown if dice.random() < 0.1 else article(shown)
    asked = expand(dice, dice.choice(ABOUT).replace("{H}", shown))
    return typed(dice, asked, False), tell(dice, hero, trait)


def messages(dice):
    asked, told = turn(dice)
    made = [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
    if dice.random() < 0.15:
        made += [{"role": "user", "content": typed(dice, expand(dice, dice.choice(MORE)), False)},
                 {"role": "assistant", "content": tell(dice, some_hero(dice))}]
    return made
