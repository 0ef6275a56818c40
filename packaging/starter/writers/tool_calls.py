"""Calls of tools: one to four are offered under varied names, the right one is called, its result becomes a sentence."""

import json

from .extraction import FACTS
from .text import LISTS, either, expand, phrase, proper, read_blocks, syllables, typed

REQUESTS = read_blocks("requests.txt")


def pick(kind):
    return lambda d: d.choice(LISTS[kind])


def message(d):
    return phrase(d) if d.random() < 0.6 else d.choice(MESSAGES)


def between(low, high):
    return lambda d: d.randrange(low, high)


def figure(d):
    """A number to compute with, or any for what a tool makes of them: its result is repeated, not computed again."""
    return d.randrange(2, 60) if d.random() < 0.5 else d.randrange(10, 1000)


class Kind:
    """A kind of tool: names, descriptions, keys {place: (names, type, value, needed)}, result, answer. The ways to ask
    for it are a block of corpus/requests.txt unless given."""

    def __init__(self, names, descriptions, keys, result, answer, asks=None):
        self.names, self.descriptions, self.keys = names, descriptions, keys
        self.asks, self.result, self.answer = asks or REQUESTS[names[0]], result, answer


PLACE = proper("city", 0.15)
CITY = (["city", "location", "place", "town", "city_name"], "string", PLACE, True)
PERSON = (["to", "recipient", "name", "receiver", "person"], "string", proper("name", 0.15), True)

KINDS = [
    Kind(["get_weather", "weather", "current_weather", "get_current_weather", "weather_lookup", "getWeather", "fetch_weather"],
         ["Current weather of a city", "Get the weather", "Weather for a place", "Get the current weather in a given city", "Looks up the weather"],
         {"c": CITY},
         {"temperature": between(0, 40), "sky": pick("sky")}, "It is {temperature} degrees and {sky} in {c}."),
    Kind(["get_time", "current_time", "time_in", "get_current_time", "clock", "world_clock", "getTime"],
         ["Current time of a city", "Get the local time", "Time in a place", "Tells what time it is in a city"],
         {"c": CITY},
         {"time": lambda d: f"{d.randrange(0, 24)}:{d.randrange(10, 60)}"}, "It is {time} in {c}."),
    Kind(["add", "sum", "add_numbers", "calculate_sum", "plus"],
         ["Add two numbers", "Adds numbers", "Sum of two numbers"],
         {"a": (["a", "x", "first", "number1"], "number", figure, True), "b": (["b", "y", "second", "number2"], "number", figure, True)},
         {"result": figure}, "{a} + {b} = {result}"),
    Kind(["multiply", "product", "times", "multiply_numbers"],
         ["Multiply two numbers", "Product of two numbers", "Multiplies numbers"],
         {"a": (["a", "x", "first", "number1"], "number", figure, True), "b": (["b", "y", "second", "number2"], "number", figure, True)},
         {"result": figure}, "{a} * {b} = {result}"),
    Kind(["search", "web_search", "search_web", "internet_search", "find_on_web", "lookup"],
         ["Search the web", "Searches the internet", "Find pages on the web"],
         {"q": (["query", "q", "text", "search_term"], "string", either("query"), True)},
         {"result": lambda d: f"{d.randrange(2, 90)} pages"}, "I found {result} about {q}."),
    Kind(["convert_currency", "currency", "exchange", "currency_converter"],
         ["Convert money between currencies", "Converts an amount of money", "Exchange rates"],
         {"n": (["amount", "value", "sum"], "number", between(5, 1000), True), "f": (["from", "source", "from_currency"], "string", pick("currency"), True),
          "t": (["to", "target", "to_currency"], "string", pick("currency"), True)},
         {"result": between(5, 2000)}, "{n} {f} are {result} {t}."),
    Kind(["send_message", "send_mail", "message", "send_email", "text_person", "write_message"],
         ["Send a message to a person", "Sends a text", "Write a mail to somebody"],
         {"p": PERSON, "x": (["text", "message", "body", "content"], "string", message, True)},
         {"status": lambda d: d.choice(["sent", "ok", "done"])}, "Done: {p} gets the message."),
    Kind(["set_timer", "timer", "start_timer", "countdown"],
         ["Start a timer", "Sets a timer for some minutes", "Countdown in minutes"],
         {"m": (["minutes", "duration", "time", "length"], "integer", between(1, 90), True)},
         {"status": lambda d: d.choice(["started", "ok", "running"])}, "The timer runs for {m} minutes."),
    Kind(["set_alarm", "alarm", "wake_up", "create_alarm"],
         ["Set an alarm", "Sets an alarm clock", "Alarm at a time"],
         {"t": (["time", "at", "clock", "when"], "string", lambda d: f"{d.randrange(5, 12)}:{d.choice(['00', '15', '30', '45'])}", True)},
         {"status": lambda d: d.choice(["set", "ok", "done"])}, "The alarm is set for {t}."),
    Kind(["translate", "translate_text", "translation", "translator"],
         ["Translate a text", "Translates words into another language", "Translation into a language"],
         {"x": (["text", "word", "phrase", "input"], "string", either("word", 0.4), True), "l": (["language", "to", "target", "target_language"], "string", pick("language"), True)},
         {"translation": lambda d: "".join(d.choice(["ka", "mo", "ri", "te", "sun", "la", "ven", "do", "pa", "li"]) for _ in range(d.randrange(2, 4)))},
         "In {l} it is: {translation}."),
    Kind(["find_restaurant", "restaurants", "search_restaurants", "food_finder", "restaurant_search"],
         ["Find restaurants", "Restaurants in a city by dish", "Searches a place to eat"],
         {"d": (["dish", "food", "cuisine", "meal"], "string", pick("dish"), True), "c": CITY},
         {"restaurant": lambda d: d.choice(LISTS["name"]) + "'s"}, "In {c} try {restaurant} for {d}."),
    Kind(["play_music", "play", "music", "start_music", "music_player"],
         ["Play music", "Plays songs of an artist", "Start the music player"],
         {"a": (["artist", "band", "name", "musician"], "string", proper("artist"), True)},
         {"status": lambda d: d.choice(["playing", "ok", "started"])}, "Now playing {a}."),
    Kind(["add_todo", "create_note", "add_to_list", "add_item", "remember", "create_task", "add_reminder", "shopping_list_add"],
         ["Put something on the list", "Adds an entry to a list", "Save a note", "Creates a task"],
         {"x": (["text", "item", "task", "note", "entry"], "string", either("thing"), True)},
         {"status": lambda d: d.choice(["saved", "ok", "added"])}, "{x} is on the list."),
    Kind(["get_stock_price", "stock_price", "stock", "share_price", "quote"],
         ["Price of a share", "Get a stock price", "Current price of a stock symbol"],
         {"s": (["symbol", "ticker", "stock", "share"], "string", pick("symbol"), True)},
         {"price": between(5, 900)}, "{s} is at {price}."),
    Kind(["roll_dice", "dice", "roll", "throw_dice", "random_number"],
         ["Roll a die", "Throws dice with some sides", "Random number from 1 to a number of sides"],
         {"n": (["sides", "faces", "max", "size"], "integer", lambda d: d.choice([4, 6, 8, 10, 12, 20, 100]), True)},
         {"result": between(1, 7)}, "You rolled {result}."),
    Kind(["read_file", "open_file", "show_file", "cat", "get_file", "load_file"],
         ["Read a file", "Returns what is in a file", "Opens a file and gives its text"],
         {"f": (["path", "file", "filename", "name"], "string", pick("file"), True)},
         {"content": lambda d: "buy " + d.choice(LISTS["thing"])}, "{f} says: {content}"),
    Kind(["list_files", "ls", "dir", "list_directory", "get_files", "list_folder"],
         ["List the files of a folder", "Shows what is in a directory", "Names of files in a folder"],
         {"d": (["path", "folder", "directory", "dir"], "string", pick("folder"), True)},
         {"files": lambda d: f"{d.choice(LISTS['file'])}, {d.choice(LISTS['file'])}"}, "In {d} there are: {files}"),
    Kind(["set_light", "light", "turn_on_light", "switch_light", "lamp_on", "lights"],
         ["Turn on the light of a room", "Switch a lamp", "Lights in a room"],
         {"r": (["room", "place", "where", "location"], "string", pick("room"), True)},
         {"status": lambda d: d.choice(["on", "ok", "done"])}, "The light in the {r} is on."),
    Kind(["get_news", "news", "headlines", "latest_news", "fetch_news"],
         ["News about a topic", "Get headlines", "Latest news for a topic"],
         {"t": (["topic", "subject", "category", "about"], "string", either("topic", 0.2), True)},
         {"headline": lambda d: f"{d.choice(['New', 'Big', 'Good', 'Strange', 'Great'])} {d.choice(['ideas', 'plans', 'days', 'results', 'numbers'])} in {d.choice(LISTS['city'])}"},
         "News about {t}: {headline}."),
    Kind(["book_train", "buy_ticket", "book_trip", "train_ticket", "find_train", "search_trains"],
         ["Book a train", "Trains between two cities", "Buy a ticket from one city to another"],
         {"f": (["from", "origin", "start", "departure"], "string", PLACE, True), "t": (["to", "destination", "arrival", "goal"], "string", PLACE, True)},
         {"departure": lambda d: f"{d.randrange(5, 23)}:{d.randrange(10, 60)}"}, "The train from {f} to {t} leaves at {departure}."),
    Kind(["get_directions", "directions", "route", "navigate", "find_route", "plan_route"],
         ["Directions from one place to another", "Get a route", "Finds the way between two places", "Navigation"],
         {"f": (["from", "origin", "start"], "string", PLACE, True), "t": (["to", "destination", "end", "goal"], "string", PLACE, True)},
         {"distance": between(2, 900)}, "From {f} to {t} it is {distance} km."),
    Kind(["create_event", "add_event", "calendar", "schedule", "schedule_meeting", "add_calendar_event", "create_calendar_event"],
         ["Put an event into the calendar", "Adds an appointment", "Schedule an event", "Create a calendar entry"],
         {"e": (["title", "event", "name", "summary"], "string", pick("event"), True), "d": (["day", "date", "when"], "string", pick("day"), True)},
         {"status": lambda d: d.choice(["saved", "ok", "added"])}, "{e} on {d} is in the calendar."),
    Kind(["create_reminder", "set_reminder", "remind", "reminder", "add_reminder", "remind_me"],
         ["Reminds of something at a time", "Set a reminder", "Create a reminder"],
         {"x": (["text", "task", "message", "what", "title"], "string", either("thing", 0.7), True), "t": (["time", "at", "when"], "string", lambda d: f"{d.randrange(5, 23)}:{d.choice(['00', '15', '30', '45'])}", True)},
         {"status": lambda d: d.choice(["set", "ok", "saved"])}, "I remind you at {t}."),
    Kind(["send_email", "email", "send_mail", "write_email", "mail"],
         ["Send an e-mail", "Sends a mail with a subject", "Write an e-mail to a person"],
         {"p": (["to", "recipient", "address"], "string", proper("name", 0.15), True), "s": (["subject", "title", "topic"], "string", pick("mail"), True), "x": (["body", "text", "message", "content"], "string", message, True)},
         {"status": lambda d: d.choice(["sent", "ok", "done"])}, "The mail to {p} is sent."),
    Kind(["control_light", "set_lamp", "light_state", "switch", "set_lights", "smart_light"],
         ["Set the light of a room", "Switches a lamp on or off", "Changes the light"],
         {"r": (["room", "place", "lamp", "location"], "string", pick("room"), True), "s": (["state", "mode", "value", "to"], "string", pick("state"), True)},
         {"status": lambda d: d.choice(["ok", "done"])}, "The light in the {r} is now {s}."),
    Kind(["set_temperature", "thermostat", "heating", "set_heating", "set_thermostat"],
         ["Set the temperature of a room", "Heats a room", "Thermostat of a room"],
         {"r": (["room", "place", "zone"], "string", pick("room"), True), "n": (["temperature", "degrees", "value", "celsius"], "integer", between(12, 28), True)},
         {"status": lambda d: d.choice(["ok", "set"])}, "The {r} is set to {n} degrees."),
    Kind(["call_person", "phone", "make_call", "dial", "call_contact"],
         ["Call somebody", "Phones a person", "Start a phone call"],
         {"p": (["name", "person", "contact", "who"], "string", proper("name", 0.15), True)},
         {"status": lambda d: d.choice(["calling", "ok", "ringing"])}, "Calling {p}."),
    Kind(["get_definition", "define", "dictionary", "define_word", "look_up_word"],
         ["Definition of a word", "Looks a word up in a dictionary", "What a word means"],
         {"w": (["word", "term", "text"], "string", lambda d: syllables(d, 2, 4) if d.random() < 0.3 else d.choice(LISTS["word"]), True)},
         {"definition": lambda d: "a kind of " + d.choice(LISTS["item"])}, "{w}: {definition}."),
    Kind(["subtract", "minus", "difference", "subtract_numbers"],
         ["Subtract two numbers", "Difference of two numbers"],
         {"a": (["a", "x", "first", "number1"], "number", figure, True), "b": (["b", "y", "second", "number2"], "number", figure, True)},
         {"result": figure}, "{a} - {b} = {result}"),
    Kind(["convert_unit", "unit_converter", "convert_length", "convert_units", "units", "convertUnit"],
         ["Convert a length between units", "Converts units of length", "Turns a measure from one unit into another"],
         {"n": (["value", "amount", "number"], "number", between(2, 500), True), "f": (["from_unit", "from", "unit_from"], "string", pick("unit"), True), "t": (["to_unit", "to", "unit_to"], "string", pick("unit"), True)},
         {"result": between(2, 5000)}, "{n} {f} are {result} {t}."),
    Kind(["count_words", "word_count", "words", "count_text", "text_length"],
         ["Count the words of a text", "Tells how many words a text has", "Number of words in a text"],
         {"x": (["text", "input", "content", "string"], "string", phrase, True)},
         {"count": between(2, 12)}, "The text has {count} words."),
    Kind(["set_volume", "volume", "change_volume", "sound_level", "speaker_volume", "adjust_volume"],
         ["Set the volume", "Changes how loud the speaker is", "Volume of the sound in percent"],
         {"n": (["level", "volume", "percent", "value"], "integer", between(0, 101), True)},
         {"status": lambda d: d.choice(["ok", "set", "done"])}, "The volume is now {n}."),
    Kind(["book_hotel", "hotel", "reserve_hotel", "hotel_booking", "book_room", "bookHotel"],
         ["Book a hotel", "Reserves a hotel room in a city for some nights", "Hotel booking by city and nights"],
         {"c": CITY, "n": (["nights", "duration", "stay", "number_of_nights"], "integer", between(2, 15), True)},
         {"hotel": lambda d: "Hotel " + d.choice(LISTS["surname"])}, "{hotel} in {c} is booked for {n} nights."),
    Kind(["track_parcel", "track_package", "parcel_status", "tracking", "shipment", "where_is_parcel"],
         ["Track a parcel", "Tells where a package is", "Status of a shipment by its number"],
         {"i": (["tracking_number", "number", "id", "parcel_id"], "string", lambda d: d.choice(["DH", "PX", "RR", "UP", "GL", "K", "TT"]) + str(d.randrange(1000, 999999)), True)},
         {"status": lambda d: d.choice(["on its way", "in " + d.choice(LISTS["city"]), "delivered", "at the post office"])}, "Parcel {i}: {status}."),
    Kind(["get_recipe", "recipe", "find_recipe", "recipes", "recipe_search", "cooking_ideas"],
         ["Find a recipe", "Recipe with an ingredient", "Gives ideas what to cook with something"],
         {"g": (["ingredient", "food", "with", "main_ingredient"], "string", pick("ingredient"), True)},
         {"recipe": lambda d: d.choice(["soup", "salad", "stew", "pie", "curry", "bake"])}, "With {g} you can make a {recipe}."),
    Kind(["transfer_money", "pay", "send_money", "bank_transfer", "make_payment", "transfer"],
         ["Transfer money to a person", "Pays an amount to somebody", "Bank transfer"],
         {"p": (["to", "recipient", "receiver", "payee"], "string", proper("name", 0.15), True), "n": (["amount", "sum", "euros", "value"], "number", between(5, 900), True)},
         {"status": lambda d: d.choice(["paid", "ok", "sent"])}, "{p} gets {n} euros."),
    Kind(["restart_process", "restart", "restart_service", "reboot_service", "reload_service", "restartProgram"],
         ["Restart a program", "Stops a process and starts it again", "Restarts a service"],
         {"s": (["service", "process", "program", "name"], "string", pick("process"), True)},
         {"status": lambda d: d.choice(["running", "ok", "restarted"])}, "{s} runs again."),
    Kind(["get_issue", "issue", "show_ticket", "get_ticket", "issue_details", "fetch_issue"],
         ["Get an issue of the tracker", "Shows a bug report by its number", "Details of a ticket"],
         {"i": (["number", "issue", "id", "issue_number"], "integer", between(2, 5000), True)},
         {"title": lambda d: d.choice(["Crash", "Wrong colour", "Slow start", "Missing text", "Error"]) + " in " + d.choice(LISTS["file"]), "state": lambda d: d.choice(["open", "closed"])}, "Issue {i} is {state}: {title}."),
    Kind(["play_film", "play_movie", "watch_movie", "start_film", "movie", "watch"],
         ["Play a film", "Starts a movie on the screen", "Shows a film by its title"],
         {"f": (["title", "film", "movie", "name"], "string", pick("film"), True)},
         {"status": lambda d: d.choice(["playing", "ok", "started"])}, "Now showing {f}."),
    Kind(["lock_door", "lock", "door_lock", "lock_up", "smart_lock", "secure_door"],
         ["Lock a door", "Closes the lock of a door", "Smart lock"],
         {"d": (["door", "lock", "which", "target"], "string", pick("door"), True)},
         {"status": lambda d: d.choice(["locked", "ok", "done"])}, "The {d} is locked."),
    Kind(["get_score", "score", "match_result", "sports_result", "last_game", "getScore"],
         ["Result of the last game of a team", "Get the score of a club", "Sports results by team"],
         {"t": (["team", "club", "name", "side"], "string", pick("club"), True)},
         {"score": lambda d: f"{d.randrange(0, 6)}:{d.randrange(0, 6)}"}, "{t} played {score}."),
    Kind(["days_until", "count_days", "days_left", "days_to_go", "time_until", "daysUntil"],
         ["Days until a feast or event", "Counts the days that are left until something", "How many days until a day of the year"],
         {"h": (["event", "day", "until", "occasion"], "string", pick("holiday"), True)},
         {"days": between(2, 360)}, "It is {days} days until {h}."),
    Kind(["generate_password", "password", "new_password", "make_password", "password_generator", "random_password"],
         ["Generate a password", "Makes a random password of some length", "New password with a number of characters"],
         {"n": (["length", "characters", "size", "chars"], "integer", between(6, 40), True)},
         {"password": lambda d: "".join(d.choice("abcdefghkmnpqrstuvwxyz23456789") for _ in range(10))}, "Your new password: {password}"),
]
MESSAGES = ["I am late", "see you at eight", "dinner is ready", "happy birthday", "call me back", "thank you for the flowers", "the meeting is off", "I am at home",
            "please bring milk", "good luck", "we start at nine", "I miss you", "the train is late", "are you coming", "the key is under the mat", "hello from the sea",
            "come home soon", "I have the tickets", "it works now", "see you tomorrow", "lunch at noon", "the dog is fine", "get well soon", "I will be there at ten"]
# Kinds that would do for the same request are not offered together.
ALIKE = [{"set_light", "control_light"}, {"send_message", "send_email"}, {"add_todo", "create_reminder", "create_event"},
         {"create_reminder", "set_timer"}, {"create_reminder", "set_alarm"}, {"get_directions", "book_train"}, {"search", "get_definition"},
         {"search", "get_news"}, {"search", "get_recipe"}, {"search", "get_stock_price"}, {"search", "find_restaurant"},
         {"translate", "get_definition"}, {"play_music", "play_film"}, {"convert_currency", "convert_unit"}, {"roll_dice", "generate_password"},
         {"get_news", "get_score"}, {"get_recipe", "find_restaurant"}, {"transfer_money", "send_message"}]
ARITHMETIC = {"add", "multiply", "subtract"}
NO_TOOL = "I have no tool for that."

MADE_UP_SHARE = 0.15
ARITHMETIC_SHARE = 0.15  # of chats: sums are known without a tool, so that its result counts needs showing


def made_up(dice):
    """A tool of a kind that is in no list, as people write them for their own programs: verb, object and any arguments."""
    verb, thing = dice.choice(LISTS["verb"]), dice.choice(LISTS["object"])
    places = dice.sample(list(FACTS.keys), dice.choice([1, 1, 2, 2, 3]))
    keys = {p: ([p, p, *FACTS.keys[p][0]], FACTS.keys[p][1], FACTS.keys[p][2], True) for p in places}
    form = dice.choice(["{key} {value}", "{key} {value}", "with {key} {value}", "with the {key} {value}", "{key}: {value}", "{key} is {value}", "{key} = {value}",
                        "whose {key} is {value}"])
    parts = [form.replace("{key}", p.replace("_", " ")).replace("{value}", "{" + p + "}") for p in places]
    told = dice.choice([", ", " and "]).join(parts)
    ask = dice.choice(["{v} {a|the|my|} {t} {k}", "{v} {a|the|} {t}, {k}", "{v} {t}: {k}", "{k}: {v} the {t}", "i {want|need} to {v} {a|the} {t} {k}", "can you {v} {a|the} {t} {k}",
                       "please {v} {the|a} {t} {k}", "{v} me {a|the} {t} {k}", "{t} {v}: {k}", "for the {t}: {v} it, {k}"])
    ask = ask.replace("{v}", verb).replace("{t}", thing).replace("{k}", told)
    names = [f"{verb}_{thing}", f"{verb}_{thing}", f"{thing}_{verb}", f"{verb}{thing.capitalize()}"]
    return Kind(names, [f"{verb.capitalize()} a {thing}", f"{verb.capitalize()}s the {thing}", f"To {verb} a {thing}", f"{thing.capitalize()}: {verb}"], keys,
                {"status": lambda d: d.choice(["ok", "done"])}, "Done.", [ask])


def offered(dice, kind):
    """A tool as a request has it, with the names its keys got."""
    keys = {k: dice.choice(names) for k, (names, *_) in kind.keys.items()}
    if len(set(keys.values())) < len(keys):
        keys = {k: names[0] for k, (names, *_) in kind.keys.items()}
    properties = {keys[k]: {"type": kind.keys[k][1]} for k in keys}
    name = dice.choice(kind.names)
    tool = {"type": "function", "function": {"name": name, "description": dice.choice(kind.descriptions), "parameters": {
        "type": "object", "properties": properties, "required": list(properties)}}}
    return tool, keys


def filled(text, values):
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text


def call(dice, kind, tool, keys, result_turn):
    """The turns of one call: question, call, and perhaps result and answer."""
    values = {k: kind.keys[k][2](dice) for k in keys}
    while len(set(map(str, values.values()))) < len(values):
        values = {k: kind.keys[k][2](dice) for k in keys}
    way = dice.choice(kind.asks)
    for at, key in enumerate(keys):  # as numbers, so that slips of typing do not reach them
        way = way.replace("{" + key + "}", f"<{at}>")
    way = expand(dice, way)
    asked = typed(dice, way, dice.random() < 0.5) if "\"" not in way else way
    for at, key in enumerate(keys):
        shown = str(values[key])
        if kind.keys[key][2] is CITY[2] and dice.random() < 0.1:
            shown = values[key] = shown.lower()
        asked = asked.replace(f"<{at}>", shown)
    arguments = {keys[k]: values[k] for k in keys}
    made = [{"role": "user", "content": asked},
            {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": tool["function"]["name"], "arguments": arguments}}]}]
    if result_turn:
        result = {k: v(dice) for k, v in kind.result.items()}
        shown = json.dumps(result, ensure_ascii=False) if dice.random() < 0.7 or len(result) > 1 else str(next(iter(result.values())))
        if len(result) > 1 and dice.random() < 0.3:
            shown = ", ".join(str(v) for v in result.values())
        made += [{"role": "tool", "content": shown},
                 {"role": "assistant", "content": filled(kind.answer, {**values, **result})}]
    return made


def some_kinds(dice):
    """One to four kinds, no two of which would do for the same request."""
    count = dice.choices([1, 2, 3, 4], [3, 3, 3, 2])[0]
    first = dice.choice([k for k in KINDS if k.names[0] in ARITHMETIC]) if dice.random() < ARITHMETIC_SHARE else dice.choice(KINDS)
    while True:
        kinds = [first, *dice.sample([k for k in KINDS if k is not first], count - 1)]
        if not any(len(alike & {kind.names[0] for kind in kinds}) > 1 for alike in ALIKE):
            dice.shuffle(kinds)
            return kinds


def messages(dice, questions):
    """A chat with tools, and the tools."""
    kinds = some_kinds(dice)
    kinds = [made_up(dice) if dice.random() < MADE_UP_SHARE else kind for kind in kinds]
    tools = [offered(dice, kind) for kind in kinds]
    while len({t["function"]["name"] for t, _ in tools}) < len(tools):
        tools = [offered(dice, kind) for kind in kinds]
    made = []
    for turn in range(dice.choices([1, 2, 3], [6, 3, 1])[0]):
        kind = dice.randrange(len(kinds))
        chance = dice.random()
        if chance < 0.08:
            made += [dict(zip(("role", "content"), ("user", q))) if i == 0 else {"role": "assistant", "content": q}
                     for i, q in enumerate(questions.turn(dice, dice.choice(["hearth", "smalltalk"])))]
        elif chance < 0.12:
            other = dice.choice([k for k in KINDS if k not in kinds])
            tool, keys = offered(dice, other)
            made += [call(dice, other, tool, keys, False)[0], {"role": "assistant", "content": NO_TOOL}]
        else:
            made += call(dice, kinds[kind], *tools[kind], result_turn=dice.random() < 0.6 or turn == 0 and dice.random() < 0.3)
    return made, [t for t, _ in tools]
