"""Calls of tools: one to four are offered under varied names, the right one is called, its result becomes a sentence."""

import json

from .text import LISTS, either, expand, phrase, proper, syllables, typed


def pick(kind):
    return lambda d: d.choice(LISTS[kind])


def message(d):
    return phrase(d) if d.random() < 0.6 else d.choice(MESSAGES)


def between(low, high):
    return lambda d: d.randrange(low, high)


class Kind:
    """A kind of tool: names, descriptions, keys {place: (names, type, value, needed)}, ways to ask, result, answer."""

    def __init__(self, names, descriptions, keys, asks, result, answer):
        self.names, self.descriptions, self.keys = names, descriptions, keys
        self.asks, self.result, self.answer = asks, result, answer


PLACE = proper("city", 0.15)
CITY = (["city", "location", "place", "town", "city_name"], "string", PLACE, True)
PERSON = (["to", "recipient", "name", "receiver", "person"], "string", proper("name", 0.15), True)

KINDS = [
    Kind(["get_weather", "weather", "current_weather", "get_current_weather", "weather_lookup", "getWeather", "fetch_weather"],
         ["Current weather of a city", "Get the weather", "Weather for a place", "Get the current weather in a given city", "Looks up the weather"],
         {"c": CITY},
         ["what is the weather in {c}", "weather in {c}", "how is the weather in {c}", "is it {raining|sunny|cold|warm|snowing} in {c}", "what is the weather like in {c}",
          "will it rain in {c}", "do i need {an umbrella|a coat} in {c}", "how {warm|cold|hot} is it in {c}", "tell me the weather {in|for} {c}",
          "i travel to {c}, how is the weather", "what is the temperature in {c}", "{c} weather", "check the weather in {c}", "temperature in {c} now", "what does the sky look like in {c}", "i am {flying|going} to {c}, what should i wear", "{is|will} it {be |}{nice|sunny|wet|freezing} {outside |}in {c} {today|tomorrow|this weekend|}", "{current|local} weather {conditions |}{for|in|at} {c}", "how {hot|cold|windy} is {c} {today|right now|}", "should i take {an umbrella|a jacket} to {c}", "{forecast|weather report} for {c}", "what is it like outside in {c}", "can you {check|look up|find out|get} {the weather|how the weather is} {in|for} {c}"],
         {"temperature": between(0, 40), "sky": pick("sky")}, "It is {temperature} degrees and {sky} in {c}."),
    Kind(["get_time", "current_time", "time_in", "get_current_time", "clock", "world_clock", "getTime"],
         ["Current time of a city", "Get the local time", "Time in a place", "Tells what time it is in a city"],
         {"c": CITY},
         ["what time is it in {c}", "time in {c}", "how late is it in {c}", "tell me the time in {c}", "what is the {local|current} time in {c}", "current time in {c}",
          "is it late in {c} now", "what does the clock say in {c}", "give me the local time {in|of} {c}", "{c} time", "what time do they have in {c}", "is it {morning|night|day} in {c}", "which hour is it in {c}", "can you {check|look up|tell me} the time in {c}", "i want to call {someone|a friend} in {c}, what time is it there", "the clock in {c}"],
         {"time": lambda d: f"{d.randrange(0, 24)}:{d.randrange(10, 60)}"}, "It is {time} in {c}."),
    Kind(["add", "sum", "add_numbers", "calculate_sum", "plus"],
         ["Add two numbers", "Adds numbers", "Sum of two numbers"],
         {"a": (["a", "x", "first", "number1"], "number", between(10, 1000), True), "b": (["b", "y", "second", "number2"], "number", between(10, 1000), True)},
         ["what is {a} + {b}", "add {a} and {b}", "{a} + {b}", "{a} plus {b}", "what is the sum of {a} and {b}", "how much is {a} plus {b}", "calculate {a} + {b}", "sum up {a} and {b}"],
         None, "{a} + {b} = {SUM}"),
    Kind(["multiply", "product", "times", "multiply_numbers"],
         ["Multiply two numbers", "Product of two numbers", "Multiplies numbers"],
         {"a": (["a", "x", "first", "number1"], "number", between(2, 200), True), "b": (["b", "y", "second", "number2"], "number", between(2, 200), True)},
         ["what is {a} times {b}", "multiply {a} and {b}", "{a} * {b}", "how much is {a} times {b}", "multiply {a} by {b}", "calculate {a} * {b}", "{a} x {b}"],
         None, "{a} * {b} = {PRODUCT}"),
    Kind(["search", "web_search", "search_web", "internet_search", "find_on_web", "lookup"],
         ["Search the web", "Searches the internet", "Find pages on the web"],
         {"q": (["query", "q", "text", "search_term"], "string", either("query"), True)},
         ["search {for|the web for|the internet for} {q}", "look up {q}", "find {|something about |pages about }{q}", "google {q}", "search: {q}", "find {|me }information {about|on} {q}", "what does the web say about {q}", "please look up {q} online", "do a {|web |quick }search {for|on} {q}", "i want to read about {q}", "look online for {q}", "search the {web|internet|net} about {q}", "can you search {q}", "web search {for|:} {q}", "look for {q} on the web"],
         {"result": lambda d: f"{d.randrange(2, 90)} pages"}, "I found {result} about {q}."),
    Kind(["convert_currency", "currency", "exchange", "currency_converter"],
         ["Convert money between currencies", "Converts an amount of money", "Exchange rates"],
         {"n": (["amount", "value", "sum"], "number", between(5, 1000), True), "f": (["from", "source", "from_currency"], "string", pick("currency"), True),
          "t": (["to", "target", "to_currency"], "string", pick("currency"), True)},
         ["convert {n} {f} to {t}", "how much is {n} {f} in {t}", "{n} {f} in {t}", "change {n} {f} into {t}", "exchange {n} {f} to {t}", "i have {n} {f}, how much is that in {t}", "what do i get in {t} for {n} {f}", "how many {t} {are|do i get for} {n} {f}", "turn {n} {f} into {t}", "{n} {f} to {t}", "what is {n} {f} worth in {t}", "what are {n} {f} in {t}"],
         {"result": between(5, 2000)}, "{n} {f} are {result} {t}."),
    Kind(["send_message", "send_mail", "message", "send_email", "text_person", "write_message"],
         ["Send a message to a person", "Sends a text", "Write a mail to somebody"],
         {"p": PERSON, "x": (["text", "message", "body", "content"], "string", message, True)},
         ["send {p} {|the |a }message: {x}", "tell {p}: {x}", "write to {p}: {x}", "message {p}: {x}", "send \"{x}\" to {p}", "text {p}: {x}", "let {p} know: {x}", "let {p} know that {x}", "tell {p} that {x}", "send {p} a {text|note|message} that says {x}", "send a {text|message} to {p} saying {x}", "{text|message|write} {p} that {x}", "inform {p} that {x}", "drop {p} a line: {x}", "send a message to {p}: {x}", "say {x} to {p}", "mail {p}: {x}", "write {p}: {x}"],
         {"status": lambda d: d.choice(["sent", "ok", "done"])}, "Done: {p} gets the message."),
    Kind(["set_timer", "timer", "start_timer", "countdown"],
         ["Start a timer", "Sets a timer for some minutes", "Countdown in minutes"],
         {"m": (["minutes", "duration", "time", "length"], "integer", between(1, 90), True)},
         ["set a timer {for|of} {m} minutes", "timer {m} minutes", "start a timer for {m} minutes", "wake me in {m} minutes", "remind me in {m} minutes", "{m} minutes timer", "count down {m} minutes", "set the timer to {m} minutes", "i need a timer for {m} minutes", "{please |}start counting {m} minutes", "tell me when {m} minutes are over", "set {m} minutes on the timer", "the {eggs|noodles|cake} need{s|} {m} minutes, set a timer", "can you time {m} minutes", "beep in {m} minutes", "alert me {in|after} {m} minutes", "let me know when {m} minutes have passed", "timer for {m} min"],
         {"status": lambda d: d.choice(["started", "ok", "running"])}, "The timer runs for {m} minutes."),
    Kind(["set_alarm", "alarm", "wake_up", "create_alarm"],
         ["Set an alarm", "Sets an alarm clock", "Alarm at a time"],
         {"t": (["time", "at", "clock", "when"], "string", lambda d: f"{d.randrange(5, 12)}:{d.choice(['00', '15', '30', '45'])}", True)},
         ["set an alarm {for|at} {t}", "wake me at {t}", "alarm at {t}", "wake me up at {t}", "i must get up at {t}", "set the alarm to {t}", "put an alarm on {t}", "i want to get up at {t}", "get me out of bed at {t}", "make an alarm for {t}", "my alarm should ring at {t}", "alarm clock to {t}"],
         {"status": lambda d: d.choice(["set", "ok", "done"])}, "The alarm is set for {t}."),
    Kind(["translate", "translate_text", "translation", "translator"],
         ["Translate a text", "Translates words into another language", "Translation into a language"],
         {"x": (["text", "word", "phrase", "input"], "string", either("word", 0.4), True), "l": (["language", "to", "target", "target_language"], "string", pick("language"), True)},
         ["translate {x} {to|into} {l}", "how do you say {x} in {l}", "what is {x} in {l}", "{x} in {l}", "say {x} in {l}", "what is the {l} word for {x}", "put {x} into {l}", "i need {x} in {l}", "how would {someone from there|people} say {x} in {l}", "what does {x} become in {l}", "give me the {l} translation of {x}", "translate to {l}: {x}", "{l} for {x}", "translate the {text|phrase|word} {x} {to|into} {l}", "how is {x} said in {l}"],
         {"translation": lambda d: "".join(d.choice(["ka", "mo", "ri", "te", "sun", "la", "ven", "do", "pa", "li"]) for _ in range(d.randrange(2, 4)))},
         "In {l} it is: {translation}."),
    Kind(["find_restaurant", "restaurants", "search_restaurants", "food_finder", "restaurant_search"],
         ["Find restaurants", "Restaurants in a city by dish", "Searches a place to eat"],
         {"d": (["dish", "food", "cuisine", "meal"], "string", pick("dish"), True), "c": CITY},
         ["where can i eat {d} in {c}", "find {|me }{d} in {c}", "{a restaurant with|restaurant for} {d} in {c}", "i want {|to eat }{d} in {c}", "best {d} in {c}", "find a place for {d} in {c}", "is there good {d} in {c}", "i am hungry for {d} in {c}", "where do they serve {d} in {c}", "{recommend|suggest} {a place|a restaurant} for {d} in {c}", "who makes good {d} in {c}", "we are in {c} and want {d}", "any {d} places in {c}"],
         {"restaurant": lambda d: d.choice(LISTS["name"]) + "'s"}, "In {c} try {restaurant} for {d}."),
    Kind(["play_music", "play", "music", "start_music", "music_player"],
         ["Play music", "Plays songs of an artist", "Start the music player"],
         {"a": (["artist", "band", "name", "musician"], "string", proper("artist"), True)},
         ["play {a}", "play {|some |music by |something by |a song by }{a}", "i want to hear {a}", "put on {a}", "music by {a}", "start {a}", "let me hear {a}", "can you play {a}", "i am in the mood for {a}", "some {a} please", "listen to {a}", "turn on some {a}", "start playing {a}", "play me {something|a song|songs} {by|from} {a}", "i would like to listen to {a}"],
         {"status": lambda d: d.choice(["playing", "ok", "started"])}, "Now playing {a}."),
    Kind(["add_todo", "create_note", "add_to_list", "add_item", "remember", "create_task", "add_reminder", "shopping_list_add"],
         ["Put something on the list", "Adds an entry to a list", "Save a note", "Creates a task"],
         {"x": (["text", "item", "task", "note", "entry"], "string", either("thing"), True)},
         ["put {x} on {the|my} list", "add {x} to {the|my} list", "remind me of {x}", "note: {x}", "write down {x}", "i must not forget {x}", "remember {x}", "add {x}", "make a note of {x}", "create a {task|note|todo}: {x}", "save a note: {x}", "put {x} down", "new {task|note|item}: {x}", "{x} goes on {the|my} list", "we need {x}, put it on the list", "jot down: {x}", "add {x} to the {shopping|todo} list"],
         {"status": lambda d: d.choice(["saved", "ok", "added"])}, "{x} is on the list."),
    Kind(["get_stock_price", "stock_price", "stock", "share_price", "quote"],
         ["Price of a share", "Get a stock price", "Current price of a stock symbol"],
         {"s": (["symbol", "ticker", "stock", "share"], "string", pick("symbol"), True)},
         ["what is the {stock|share} price of {s}", "price of {s}", "how much is {|one share of }{s}", "stock price {s}", "how is {s} doing {|on the stock market}", "{s} stock", "what does {s} cost", "get the price of {s}", "quote for {s}", "what is {s} trading at", "how much {are|do} {s} shares {cost|now}", "current {value|price} of {s}", "where does {s} stand", "check {s} for me", "what is {s} worth {today|}", "look up the {stock|share} {s}"],
         {"price": between(5, 900)}, "{s} is at {price}."),
    Kind(["roll_dice", "dice", "roll", "throw_dice", "random_number"],
         ["Roll a die", "Throws dice with some sides", "Random number from 1 to a number of sides"],
         {"n": (["sides", "faces", "max", "size"], "integer", lambda d: d.choice([4, 6, 8, 10, 12, 20, 100]), True)},
         ["roll a die with {n} sides", "roll a d{n}", "throw a {n} sided die", "roll a {n}-sided die", "throw a die with {n} faces", "give me a random number {from 1 |}to {n}", "dice with {n} sides please"],
         {"result": between(1, 7)}, "You rolled {result}."),
    Kind(["read_file", "open_file", "show_file", "cat", "get_file", "load_file"],
         ["Read a file", "Returns what is in a file", "Opens a file and gives its text"],
         {"f": (["path", "file", "filename", "name"], "string", pick("file"), True)},
         ["read {f}", "open {f}", "what is in {f}", "show me {f}", "show {|the file |what is in }{f}", "read the file {f}", "what does {f} say", "print {f}", "give me the contents of {f}"],
         {"content": lambda d: "buy " + d.choice(LISTS["thing"])}, "{f} says: {content}"),
    Kind(["list_files", "ls", "dir", "list_directory", "get_files", "list_folder"],
         ["List the files of a folder", "Shows what is in a directory", "Names of files in a folder"],
         {"d": (["path", "folder", "directory", "dir"], "string", pick("folder"), True)},
         ["list the files in {d}", "what is in the folder {d}", "which files are in {d}", "show the folder {d}", "list {d}", "files in {d}", "what files does {d} have", "look into the directory {d}"],
         {"files": lambda d: f"{d.choice(LISTS['file'])}, {d.choice(LISTS['file'])}"}, "In {d} there are: {files}"),
    Kind(["set_light", "light", "turn_on_light", "switch_light", "lamp_on", "lights"],
         ["Turn on the light of a room", "Switch a lamp", "Lights in a room"],
         {"r": (["room", "place", "where", "location"], "string", pick("room"), True)},
         ["turn on the light in the {r}", "light in the {r}", "make light in the {r}", "switch on the {r} light", "it is dark in the {r}", "light on in the {r}", "turn the {r} light on", "lamp in the {r} on", "i need light in the {r}", "lights on in the {r}", "turn on the {r} {lights|lamp}", "i cannot see anything in the {r}", "illuminate the {r}", "could you light up the {r}", "make the {r} bright"],
         {"status": lambda d: d.choice(["on", "ok", "done"])}, "The light in the {r} is on."),
    Kind(["get_news", "news", "headlines", "latest_news", "fetch_news"],
         ["News about a topic", "Get headlines", "Latest news for a topic"],
         {"t": (["topic", "subject", "category", "about"], "string", either("topic", 0.2), True)},
         ["news about {t}", "what is new in {t}", "what are the news in {t}", "{t} news", "headlines about {t}", "latest {t} news", "any news about {t}", "give me news on {t}", "what happened in {t}", "what is going on in {t}", "read me the {t} headlines", "show me {articles|stories|headlines} {about|on} {t}", "any {headlines|updates} on {t}", "i want to read {|the }{t} news", "latest on {t}", "what is the latest {in|about} {t}", "is there something new about {t}"],
         {"headline": lambda d: f"{d.choice(['New', 'Big', 'Good', 'Strange', 'Great'])} {d.choice(['ideas', 'plans', 'days', 'results', 'numbers'])} in {d.choice(LISTS['city'])}"},
         "News about {t}: {headline}."),
    Kind(["book_train", "buy_ticket", "book_trip", "train_ticket", "find_train", "search_trains"],
         ["Book a train", "Trains between two cities", "Buy a ticket from one city to another"],
         {"f": (["from", "origin", "start", "departure"], "string", PLACE, True), "t": (["to", "destination", "arrival", "goal"], "string", PLACE, True)},
         ["book a train from {f} to {t}", "a ticket from {f} to {t}", "train from {f} to {t}", "i want to go from {f} to {t}", "find a train from {f} to {t}", "from {f} to {t} by train", "buy a ticket from {f} to {t}", "i need a train {ticket |}from {f} to {t}", "{reserve|get} a {seat|ticket} from {f} to {t}", "when does the train from {f} to {t} leave", "trains from {f} to {t}", "travel from {f} to {t} by rail", "i would like to take the train from {f} to {t}"],
         {"departure": lambda d: f"{d.randrange(5, 23)}:{d.randrange(10, 60)}"}, "The train from {f} to {t} leaves at {departure}."),
    Kind(["get_directions", "directions", "route", "navigate", "find_route", "plan_route"],
         ["Directions from one place to another", "Get a route", "Finds the way between two places", "Navigation"],
         {"f": (["from", "origin", "start"], "string", PLACE, True), "t": (["to", "destination", "end", "goal"], "string", PLACE, True)},
         ["how do i {get|drive|walk|come} from {f} to {t}", "{directions|route|the way} from {f} to {t}", "show me the way from {f} to {t}", "navigate from {f} to {t}", "which way is it from {f} to {t}",
          "i am in {f} and {need|want} to {get|go|drive} to {t}", "plan a route {between|from} {f} {and|to} {t}", "guide me from {f} to {t}"],
         {"distance": between(2, 900)}, "From {f} to {t} it is {distance} km."),
    Kind(["create_event", "add_event", "calendar", "schedule", "schedule_meeting", "add_calendar_event", "create_calendar_event"],
         ["Put an event into the calendar", "Adds an appointment", "Schedule an event", "Create a calendar entry"],
         {"e": (["title", "event", "name", "summary"], "string", pick("event"), True), "d": (["day", "date", "when"], "string", pick("day"), True)},
         ["put {|a |the }{e} on {d} into {my|the} calendar", "schedule a {e} {for|on} {d}", "add {|a }{e} on {d}", "i have a {e} on {d}", "calendar: {e} on {d}", "plan a {e} for {d}",
          "book a {e} on {d}", "create an event {e} on {d}", "{e} on {d}, put it into the calendar", "block {d} for a {e}", "on {d} there is a {e}, note it", "set up a {e} for {d}"],
         {"status": lambda d: d.choice(["saved", "ok", "added"])}, "{e} on {d} is in the calendar."),
    Kind(["create_reminder", "set_reminder", "remind", "reminder", "add_reminder", "remind_me"],
         ["Reminds of something at a time", "Set a reminder", "Create a reminder"],
         {"x": (["text", "task", "message", "what", "title"], "string", either("thing", 0.7), True), "t": (["time", "at", "when"], "string", lambda d: f"{d.randrange(5, 23)}:{d.choice(['00', '15', '30', '45'])}", True)},
         ["remind me at {t}: {x}", "remind me {of|about} {x} at {t}", "set a reminder for {t}: {x}", "at {t} remind me of {x}", "reminder at {t}: {x}", "do not let me forget {x} at {t}",
          "i need a reminder {for|of} {x} at {t}", "remind me to {x} at {t}"],
         {"status": lambda d: d.choice(["set", "ok", "saved"])}, "I remind you at {t}."),
    Kind(["send_email", "email", "send_mail", "write_email", "mail"],
         ["Send an e-mail", "Sends a mail with a subject", "Write an e-mail to a person"],
         {"p": (["to", "recipient", "address"], "string", proper("name", 0.15), True), "s": (["subject", "title", "topic"], "string", pick("mail"), True), "x": (["body", "text", "message", "content"], "string", message, True)},
         ["send {|an e-mail |an email |a mail }to {p} with {|the }subject {s} and {|the }text {x}", "email {p}, subject {s}: {x}", "mail {p} about {s}: {x}", "write {|an email }to {p}, subject {s}, saying {x}",
          "e-mail to {p}. Subject: {s}. Text: {x}", "send {p} an email about {s} that says {x}"],
         {"status": lambda d: d.choice(["sent", "ok", "done"])}, "The mail to {p} is sent."),
    Kind(["control_light", "set_lamp", "light_state", "switch", "set_lights", "smart_light"],
         ["Set the light of a room", "Switches a lamp on or off", "Changes the light"],
         {"r": (["room", "place", "lamp", "location"], "string", pick("room"), True), "s": (["state", "mode", "value", "to"], "string", pick("state"), True)},
         ["turn {s} the {r} light", "turn the light in the {r} {s}", "turn the {r} light {s}", "{make|set} the light in the {r} {s}", "{make|set} the {r} light {s}", "switch the light in the {r} {s}", "switch {s} the light in the {r}",
          "{r} light {s}", "light {s} in the {r}", "set the {r} lamp to {s}", "please put the light in the {r} {|to }{s}"],
         {"status": lambda d: d.choice(["ok", "done"])}, "The light in the {r} is now {s}."),
    Kind(["set_temperature", "thermostat", "heating", "set_heating", "set_thermostat"],
         ["Set the temperature of a room", "Heats a room", "Thermostat of a room"],
         {"r": (["room", "place", "zone"], "string", pick("room"), True), "n": (["temperature", "degrees", "value", "celsius"], "integer", between(12, 28), True)},
         ["set the {r} to {n} degrees", "make it {n} degrees in the {r}", "heat the {r} to {n} degrees", "{n} degrees in the {r} {|please}", "i want {n} degrees in the {r}", "thermostat in the {r} to {n}",
          "turn the heating in the {r} to {n}", "warm up the {r} to {n} degrees"],
         {"status": lambda d: d.choice(["ok", "set"])}, "The {r} is set to {n} degrees."),
    Kind(["call_person", "phone", "make_call", "dial", "call_contact"],
         ["Call somebody", "Phones a person", "Start a phone call"],
         {"p": (["name", "person", "contact", "who"], "string", proper("name", 0.15), True)},
         ["call {p}", "phone {p}", "ring {p} {|please}", "i {want|need} to {talk|speak} to {p}", "give {p} a call", "dial {p}", "start a call with {p}", "get {p} on the phone"],
         {"status": lambda d: d.choice(["calling", "ok", "ringing"])}, "Calling {p}."),
    Kind(["get_definition", "define", "dictionary", "define_word", "look_up_word"],
         ["Definition of a word", "Looks a word up in a dictionary", "What a word means"],
         {"w": (["word", "term", "text"], "string", lambda d: syllables(d, 2, 4) if d.random() < 0.3 else d.choice(LISTS["word"]), True)},
         ["define {w}", "what does {w} mean", "meaning of {w}", "definition of {w}", "look up the word {w}", "what is the meaning of {w}", "explain the word {w}", "dictionary: {w}"],
         {"definition": lambda d: "a kind of " + d.choice(LISTS["item"])}, "{w}: {definition}."),
    Kind(["subtract", "minus", "difference", "subtract_numbers"],
         ["Subtract two numbers", "Difference of two numbers"],
         {"a": (["a", "x", "first", "number1"], "number", between(500, 1000), True), "b": (["b", "y", "second", "number2"], "number", between(10, 500), True)},
         ["what is {a} - {b}", "subtract {b} from {a}", "{a} minus {b}", "take {b} from {a}", "calculate {a} - {b}", "the difference between {a} and {b}", "how much is {a} minus {b}"],
         {"result": between(5, 900)}, "{a} - {b} = {result}"),
]
MESSAGES = ["I am late", "see you at eight", "dinner is ready", "happy birthday", "call me back", "thank you for the flowers", "the meeting is off", "I am at home",
            "please bring milk", "good luck", "we start at nine", "I miss you", "the train is late", "are you coming", "the key is under the mat", "hello from the sea",
            "come home soon", "I have the tickets", "it works now", "see you tomorrow", "lunch at noon", "the dog is fine", "get well soon", "I will be there at ten"]
# Kinds that would do for the same request are not offered together.
ALIKE = [{"set_light", "control_light"}, {"send_message", "send_email"}, {"add_todo", "create_reminder", "create_event"},
         {"get_directions", "book_train"}, {"search", "get_definition"}, {"search", "get_news"}, {"set_timer", "create_reminder"}]
NO_TOOL = "I have no tool for that."


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
    way = dice.choice(kind.asks)
    for key in keys:
        way = way.replace("{" + key + "}", "<" + key + ">")
    way = expand(dice, way)
    asked = typed(dice, way, dice.random() < 0.5) if "\"" not in way else way
    for key in keys:  # typing slips do not reach the values, and places in capitals are places still
        asked = asked.replace("<" + key.upper() + ">", "<" + key + ">")
        shown = str(values[key])
        if kind.keys[key][2] is CITY[2] and dice.random() < 0.1:
            shown = values[key] = shown.lower()
        asked = asked.replace("<" + key + ">", shown)
    arguments = {keys[k]: values[k] for k in keys}
    made = [{"role": "user", "content": asked},
            {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": tool["function"]["name"], "arguments": arguments}}]}]
    if result_turn:
        if kind.result is None:
            number = values["a"] + values["b"] if "{SUM}" in kind.answer else values["a"] * values["b"]
            result, known = {"result": number}, {"SUM": number, "PRODUCT": number}
        else:
            result = {k: v(dice) for k, v in kind.result.items()}
            known = result
        shown = json.dumps(result, ensure_ascii=False) if dice.random() < 0.7 or len(result) > 1 else str(next(iter(result.values())))
        if len(result) > 1 and dice.random() < 0.3:
            shown = ", ".join(str(v) for v in result.values())
        made += [{"role": "tool", "content": shown},
                 {"role": "assistant", "content": filled(kind.answer, {**values, **known})}]
    return made


def messages(dice, questions):
    """A chat with tools, and the tools."""
    count = dice.choices([1, 2, 3, 4], [3, 3, 3, 2])[0]
    kinds = dice.sample(KINDS, count)
    while any(len(alike & {kind.names[0] for kind in kinds}) > 1 for alike in ALIKE):
        kinds = dice.sample(KINDS, count)
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
