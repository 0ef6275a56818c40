"""Facts from a sentence as JSON: with a schema in the prompt, with a list of keys, or just as JSON."""

import json

from .text import LISTS, expand, phrase, proper, syllables

AGE = ("age", "integer", lambda d: d.randrange(1, 99))
STRING, INTEGER = "string", "integer"


def pick(kind):
    return lambda d: d.choice(LISTS[kind])


def price(d):
    return d.choice([d.randrange(1, 100), d.randrange(1, 100), d.randrange(10, 2000) / 10])


def email(d):
    return f"{d.choice(LISTS['name']).lower()}{d.choice(['', '.' + d.choice(LISTS['surname']).lower()])}@example.{d.choice(['com', 'org', 'net'])}"


def phone(d):
    return "".join(str(d.randrange(10)) for _ in range(3)) + "-" + "".join(str(d.randrange(10)) for _ in range(4))


def clock(d):
    return f"{d.randrange(7, 22)}:{d.choice(['00', '15', '30', '45'])}"


def full_name(d):
    return f"{proper('name')(d)} {proper('surname')(d)}"


def anyone(d):
    return full_name(d) if d.random() < 0.25 else proper("name")(d)


# Each record: keys (with synonyms, type, values), and sentences that say all or some of them.
RECORDS = {
    "person": ({
        "name": (["name", "name", "name", "first_name", "person"], STRING, anyone),
        "age": (["age", "age", "years"], INTEGER, AGE[2]),
        "city": (["city", "city", "town", "home"], STRING, proper("city")),
        "job": (["job", "job", "profession", "occupation", "work"], STRING, pick("job"))},
        ["{name} is {age} years old and lives in {city}.", "{name} is a {job} from {city}.", "{name}, {age}, is a {job} in {city}.",
         "My name is {name}, I am {age} and I work as a {job}.", "I am {name}, {age} years old, from {city}.", "{name} ({age}) lives in {city}.",
         "{name} works as a {job} in {city}.", "This is {name}. {name} is {age} and works as a {job}.", "{name} turned {age} last week.",
         "In {city} lives {name}, a {job}.", "The {job} {name} is {age} years old.", "{name} from {city} is {age}.", "{name} is {age} years old.",
         "Meet {name}, a {age} year old {job} who lives in {city}.", "At {age}, {name} moved to {city} to be a {job}.", "{name} lives in {city}.",
         "Our {job} is called {name} and comes from {city}.", "{name} is {age}."]),
    "order": ({
        "item": (["item", "item", "product", "article"], STRING, pick("item")),
        "quantity": (["quantity", "quantity", "count", "amount", "number"], INTEGER, lambda d: d.randrange(2, 60)),
        "color": (["color", "colour"], STRING, pick("colour")),
        "customer": (["customer", "customer", "buyer", "name"], STRING, proper("name"))},
        ["{customer} orders {quantity} {color} {item}.", "Please send {quantity} {item} to {customer}.", "I would like {quantity} {color} {item}.",
         "{customer} bought {quantity} {item}.", "We need {quantity} {item} for {customer}.", "An order of {quantity} {color} {item} by {customer}.",
         "{quantity} {item}, please.", "{customer} wants {quantity} {color} {item} by Friday.", "Order: {quantity} {item} in {color}.",
         "{customer} asks for {quantity} {item}, all in {color}.", "Can you deliver {quantity} {color} {item}?", "{customer} took {quantity} {item} home."]),
    "price": ({
        "item": (["item", "product", "article", "name"], STRING, pick("item")),
        "price": (["price", "price", "cost"], "number", price),
        "shop": (["shop", "store", "city"], STRING, proper("city"))},
        ["The {item} cost {price} euros in {shop}.", "{item} for {price} dollars.", "I paid {price} euros for the {item}.",
         "In {shop} the {item} are {price} euros.", "The price of the {item} is {price}.", "You get {item} for {price} in {shop}."]),
    "event": ({
        "event": (["event", "event", "title", "what"], STRING, pick("event")),
        "day": (["day", "day", "weekday", "date"], STRING, pick("day")),
        "time": (["time", "time", "start", "at"], STRING, clock),
        "place": (["place", "place", "location", "where"], STRING, pick("place"))},
        ["The {event} is on {day} at {time} in {place}.", "{event} on {day} at {time}.", "On {day} we have a {event} in {place}.",
         "Do not forget the {event} on {day}, it starts at {time}.", "We meet for the {event} at {time} on {day} in {place}.",
         "There is a {event} in {place} on {day}.", "The {event} begins at {time} in {place}.", "{day}, {time}: {event} in {place}.",
         "Join us for a {event} on {day} at {time}.", "The {event} was moved to {day} at {time}."]),
    "book": ({
        "title": (["title", "title", "book", "name"], STRING, proper("title")),
        "author": (["author", "author", "writer", "by"], STRING, full_name),
        "year": (["year", "year", "published"], INTEGER, lambda d: d.randrange(1800, 2025))},
        ["{title} was written by {author} in {year}.", "{author} wrote {title} in {year}.", "I read {title} by {author}.", "The book {title} came out in {year}.",
         "{title} ({year}) is a novel by {author}.", "{author}'s book {title} is from {year}.", "In {year} {author} published {title}."]),
    "pet": ({
        "name": (["name", "name", "pet", "pet_name"], STRING, proper("pet")),
        "animal": (["animal", "animal", "kind", "species", "type"], STRING, pick("animal")),
        "age": (["age", "age", "years"], INTEGER, lambda d: d.randrange(1, 20)),
        "owner": (["owner", "owner", "human"], STRING, proper("name"))},
        ["{owner} has a {animal} called {name}.", "{name} is a {animal} and {age} years old.", "My {animal} {name} is {age}.",
         "{owner}'s {animal} {name} is {age} years old.", "The {animal} {name} belongs to {owner}.", "{name} the {animal} lives with {owner}.",
         "{owner} got a {age} year old {animal} named {name}."]),
    "contact": ({
        "name": (["name", "name", "person", "contact"], STRING, proper("name")),
        "email": (["email", "email", "mail"], STRING, email),
        "phone": (["phone", "phone", "number", "telephone"], STRING, phone)},
        ["You can reach {name} at {email} or {phone}.", "{name}'s mail is {email}.", "Call {name}: {phone}.", "Write to {name} at {email}.",
         "Contact: {name}, {email}, {phone}.", "{name}, phone {phone}", "The number of {name} is {phone}.", "{name} <{email}>"]),
    "trip": ({
        "from": (["from", "from", "start", "origin"], STRING, proper("city")),
        "to": (["to", "to", "destination", "goal"], STRING, proper("city")),
        "day": (["day", "day", "date"], STRING, pick("day")),
        "passengers": (["passengers", "people", "persons"], INTEGER, lambda d: d.randrange(1, 9))},
        ["A train from {from} to {to} on {day}.", "{passengers} people travel from {from} to {to}.", "We fly from {from} to {to} on {day}.",
         "I need {passengers} tickets from {from} to {to} for {day}.", "On {day} we go from {from} to {to}.", "The bus to {to} leaves {from} on {day}.",
         "Book a flight from {from} to {to} for {passengers} people."]),
    "weather": ({
        "city": (["city", "city", "place", "town"], STRING, proper("city")),
        "temperature": (["temperature", "temperature", "degrees"], INTEGER, lambda d: d.randrange(0, 40)),
        "sky": (["sky", "weather", "condition"], STRING, pick("sky"))},
        ["It is {temperature} degrees and {sky} in {city}.", "{city}: {sky}, {temperature} degrees.", "In {city} it is {sky}.",
         "The weather in {city} is {sky} with {temperature} degrees.", "{city} has {temperature} degrees today.", "Today {city} is {sky} at {temperature} degrees.",
         "We had {temperature} degrees in {city} and it was {sky}.", "It was {sky} in {city} yesterday, about {temperature} degrees."]),
    "car": ({
        "brand": (["brand", "brand", "make", "car", "manufacturer"], STRING, proper("brand")),
        "color": (["color", "color", "colour"], STRING, pick("colour")),
        "year": (["year", "year", "built"], INTEGER, lambda d: d.randrange(1960, 2026)),
        "price": (["price", "price", "cost"], INTEGER, lambda d: d.randrange(5, 900) * 100),
        "owner": (["owner", "driver", "name", "buyer"], STRING, anyone)},
        ["{owner} drives a {color} {brand} from {year}.", "A {color} {brand}, built in {year}, for {price} euros.", "The {brand} is {color} and costs {price} euros.",
         "{owner} bought a {brand} for {price} dollars.", "{owner} sold the {color} {brand} for {price}.", "My {brand} is from {year}.", "For sale: {brand}, {year}, {color}, {price} euros.",
         "The {color} {brand} belongs to {owner}.", "In {year} {owner} got a new {brand}."]),
    "meal": ({
        "dish": (["dish", "dish", "meal", "food", "main"], STRING, pick("dish")),
        "drink": (["drink", "drink", "beverage"], STRING, pick("drink")),
        "price": (["price", "price", "cost"], "number", price),
        "guests": (["guests", "people", "persons", "count"], INTEGER, lambda d: d.randrange(1, 13)),
        "name": (["name", "guest", "customer", "person"], STRING, anyone)},
        ["{name} had {dish} and {drink} for {price} euros.", "{name} orders {dish} with {drink}.", "The {dish} costs {price} dollars.", "{dish} and {drink} for {guests} people.",
         "For lunch {name} ate {dish}.", "{name} cooks {dish} for {guests} guests.", "We take {dish}, and {drink} to drink.", "{guests} of us want {dish} with {drink}.",
         "Table for {guests}, {name} pays {price} euros.", "Tonight we eat {dish} at {price} euros each.", "{name} likes {dish} and drinks {drink}."]),
    "note": ({
        "text": (["text", "text", "message", "task", "note"], STRING, phrase),
        "name": (["name", "from", "to", "person", "sender"], STRING, anyone),
        "time": (["time", "at", "when"], STRING, clock)},
        ["{name} says: {text}.", "At {time} {name} wrote: {text}.", "Note for {name}: {text}.", "Remind {name} at {time}: {text}.", "{name} ({time}): {text}"]),
    "score": ({
        "team": (["team", "club", "winner", "name"], STRING, proper("city")),
        "points": (["points", "score", "goals"], INTEGER, lambda d: d.randrange(0, 120)),
        "player": (["player", "name", "person"], STRING, anyone)},
        ["{player} made {points} points for {team}.", "{team} won with {points} points.", "{player} of {team} has {points} goals.", "{team}: {points} points.", "With {points} points {player} won."]),
    "thing": ({
        "name": (["name", "name", "item", "product", "object"], STRING, lambda d: syllables(d, 2, 4)),
        "weight": (["weight", "weight", "kg", "kilos"], "number", price),
        "color": (["color", "colour"], STRING, pick("colour")),
        "count": (["count", "number", "stock", "pieces"], INTEGER, lambda d: d.randrange(1, 400))},
        ["The {name} weighs {weight} kilos.", "A {color} {name} of {weight} kg.", "We have {count} {name} in {color}.", "There are {count} pieces of {name} left.", "{name}, {color}, {weight} kg."]),
}

SCHEMA = ["Answer with JSON for this schema: {S}\n{T}", "{T}\nAnswer as JSON by this schema: {S}", "Schema: {S}\nText: {T}",
          "Extract JSON with the schema {S} from this text: {T}", "Use this JSON schema: {S}\n\n{T}", "{S}\n\n{T}",
          "Fill this JSON schema: {S}\nfrom: {T}", "Text: {T}\nJSON schema: {S}", "Return JSON that fits {S}. {T}",
          "Read the text and answer in JSON.\nSchema: {S}\nText: {T}"]
KEYS = ["{|Please }{extract|get|give me|find|take} {K} {|from this text |from the text }as JSON: {T}", "{T}\n{Give|Return|Extract} {K} as JSON.",
        "JSON with {K}: {T}", "{T} Write that as JSON with {K}.", "Make JSON with the keys {K} from: {T}", "Turn this into JSON ({K}): {T}",
        "Extract {K} from \"{T}\" in JSON", "{T}\nJSON with {K}, please", "As JSON with the fields {K}: {T}", "what are {K}? answer in json: {T}",
        "Find {K} in this text and answer in JSON. {T}", "give {K} as json. {T}", "Return a JSON object with {K}. Text: {T}", "parse into json with {K}: {T}"]
BARE = ["{Turn this into|Convert this to|Write this as|Make this|Put this into|Give me this as|Say this in} JSON: {T}", "{T}\n{As|In} JSON, please.",
        "as JSON: {T}", "json: {T}", "Extract the {facts|data|information} as JSON: {T}", "{T} as json", "JSON, please: {T}",
        "Answer in JSON. {T}", "parse this into json: {T}", "What is in this sentence? Answer in JSON: {T}", "{T}\nAnswer with JSON only."]


BESIDE = ["That is all.", "It was a nice day.", "Thank you!", "Nobody else was there.", "See you soon.", "We are happy about it.", "It rained.",
          "More news tomorrow.", "As you know.", "I heard it today.", "Good to know.", "Dear team,", "Hello!", "That was last year.", "Please note:"]


def listed(dice, keys):
    if len(keys) == 1:
        return keys[0]
    return ", ".join(keys[:-1]) + dice.choice([" and ", " and ", ", "]) + keys[-1]


def schema_text(dice, keys, types):
    schema = {"type": "object", "properties": {k: {"type": t} for k, t in zip(keys, types)}}
    if dice.random() < 0.7:
        schema["required"] = list(keys)
    if dice.random() < 0.15:
        schema["additionalProperties"] = False
    return json.dumps(schema, indent=2) if dice.random() < 0.08 else json.dumps(schema) if dice.random() < 0.7 else json.dumps(schema, separators=(",", ":"))


def messages(dice):
    places, sentences = RECORDS[dice.choice(list(RECORDS))]
    sentence = dice.choice(sentences)
    there = [k for k in places if "{" + k + "}" in sentence]
    values = {k: places[k][2](dice) for k in there}
    text = sentence
    for key in there:
        text = text.replace("{" + key + "}", str(values[key]))
    text = text[:1].upper() + text[1:] if dice.random() < 0.9 else text
    if dice.random() < 0.15:
        more = dice.choice(BESIDE)
        text = f"{more} {text}" if dice.random() < 0.4 else f"{text} {more}"
    way = dice.choices(["schema", "keys", "bare"], [5, 5, 2])[0]
    wanted = list(there)
    if way != "bare":
        dice.shuffle(wanted)
        wanted = wanted[:dice.choice([len(wanted), len(wanted), max(1, len(wanted) - 1), 1])]
    named = {k: k if way == "bare" else dice.choice(places[k][0]) for k in wanted}
    if len(set(named.values())) < len(named):
        named = {k: k for k in wanted}
    answer = {named[k]: values[k] for k in wanted}
    if way == "schema":
        asked = dice.choice(SCHEMA).replace("{S}", schema_text(dice, list(answer), [places[k][1] for k in wanted]))
        asked = asked.replace("{T}", text)
    elif way == "keys":
        asked = expand(dice, dice.choice(KEYS).replace("{K}", "<K>").replace("{T}", "<T>"))
        asked = asked.replace("<K>", dice.choice(["", "", "the "]) + listed(dice, list(answer))).replace("<T>", text)
    else:
        asked = expand(dice, dice.choice(BARE).replace("{T}", "<T>")).replace("<T>", text)
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}]
