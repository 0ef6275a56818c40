"""Questions and answers: the blocks of corpus/hearth.txt, smalltalk.txt and unknown.txt, asked in many ways."""

from .text import LISTS, disturbed, expand, read_blocks, reworded, typed

FRAMES = {
    "do": ["how do i {}", "how do i {}", "how can i {}", "how can i {}", "how to {}", "how to {}", "how would i {}",
           "what is the command to {}", "command to {}", "what do i type to {}", "i want to {}", "i would like to {}",
           "i need to {}", "can i {}", "is it possible to {}", "is there a way to {}", "tell me how to {}",
           "show me how to {}", "explain how to {}", "what is the best way to {}", "help me {}", "{}", "{}: how",
           "how does one {}", "i am trying to {}", "steps to {}", "i do not know how to {}", "how should i {}",
           "which command do i use to {}", "what must i do to {}", "could you tell me how to {}", "how do you {}",
           "please explain how i {}", "i have to {}, how", "what should i do to {}", "teach me to {}", "any way to {}",
           "what do i need to do to {}", "where do i {}", "what do i do if i want to {}", "trying to {}", "how do we {}",
           "does hearth let me {}", "i wish to {}", "with hearth, how do i {}", "can hearth {}", "can you {}"],
    "what": ["what is {}", "what is {}", "what are {}", "explain {}", "what does {} mean", "what does {} do",
             "tell me about {}", "{}", "describe {}", "what is meant by {}", "what do you know about {}", "define {}",
             "i do not understand {}", "can you explain {}", "what is {} for", "please explain {} to me", "why {}",
             "what is {} good for", "how does {} work", "what is the point of {}", "help with {}", "info about {}",
             "information on {}", "could you describe {}", "when do i need {}", "give me information about {}"],
    "can": ["does hearth support {}", "does hearth support {}", "can i use {}", "can i use {} with hearth",
            "can hearth use {}", "is there {}", "do you support {}", "is {} supported", "are {} supported", "{} support",
            "{}", "does {} work", "do {} work", "will {} work", "does it work with {}", "what about {}",
            "can it do {}", "does hearth have {}", "is {} possible", "how do i use {}", "i want to use {}",
            "does hearth work with {}", "do you have {}", "can hearth handle {}", "how about {}", "tell me about {}",
            "i would like to use {}", "can hearth do {}", "is {} available", "are there {}", "does hearth know {}"],
    "bad": ["{}", "{}", "{}, what now", "{}, what can i do", "why: {}", "{} - how do i fix that", "i get: {}",
            "it says {}", "help, {}", "{}, why", "what do i do when {}", "error: {}", "{}, what should i do",
            "what does it mean when {}", "what can i do if {}", "problem: {}", "{} and i do not know why",
            "how do i fix it: {}", "what if {}", "{}, help", "since today {}", "i have a problem: {}", "{} again",
            "why do i see: {}", "message: {}", "hearth says {}"],
    "ask": ["{}"],
}


class Intent:
    def __init__(self, name):
        self.name, self.ways, self.answer = name, [], ""


def read(name):
    """Intents of a file, and the words that fill its places."""
    intents, words = [], {}
    for block, lines in read_blocks(name).items():
        intents.append(Intent(block))
        for line in lines:
            if line.startswith("= "):
                intents[-1].answer = line[2:]
            elif line.startswith("%"):
                words[line[1]] = [w.strip() for w in line[3:].split(";")]
            else:
                kind, rest = line.split(" ", 1)
                intents[-1].ways += [(kind, way.strip()) for way in rest.split(";") if way.strip()]
    return intents, words


class Questions:
    def __init__(self):
        self.files = {name: read(name + ".txt") for name in ("hearth", "smalltalk", "unknown")}

    def turn(self, dice, name, intent=None):
        """One question of a file and its answer."""
        intents, words = self.files[name]
        intent = intent or dice.choice(intents)
        # Kinds first: a block with a long list of one kind shall not drown the others.
        kind, way = dice.choice(intent.ways)
        if dice.random() < 0.3:
            kind = dice.choice(sorted({k for k, _ in intent.ways}))
            way = dice.choice([w for k, w in intent.ways if k == kind])
        asked = expand(dice, dice.choice(FRAMES[kind]).replace("{}", way))
        if name == "hearth" and dice.random() < 0.35:
            asked = reworded(dice, asked)
        if name == "hearth" and dice.random() < 0.08:
            asked = disturbed(dice, asked)
        answer = intent.answer
        if "%m" in asked:
            model = dice.choice(LISTS["model"])
            asked, answer = asked.replace("%m", model), answer.replace("%m", model)
        for key, choices in words.items():
            while "%" + key in asked:
                asked = asked.replace("%" + key, dice.choice(choices), 1)
        question = kind != "bad" and not asked.startswith(("i ", "tell", "show", "give"))
        return typed(dice, asked, question, plain=name == "smalltalk" and dice.random() < 0.8), answer
