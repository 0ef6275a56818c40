"""How a chat becomes text: the same rules as chat_template.jinja, which hearth uses.

A sample is a list of pieces: ("control", name of a token), ("text", what the model reads), ("answer", what it is to
write; <|im_end|> follows it).
"""

import json


def signature(tool):
    """A tool in one line: name(key: type, optional?: type) - description."""
    function = tool["function"]
    parameters = function.get("parameters") or {}
    required = parameters.get("required") or []
    keys = []
    for key, schema in (parameters.get("properties") or {}).items():
        keys.append(f"{key}{'' if key in required else '?'}: {schema.get('type', 'any')}")
    return f"{function['name']}({', '.join(keys)}) - {function.get('description', '')}"


def call_text(name, arguments):
    inner = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{inner}\n</tool_call>"


def spoken(message):
    """What an assistant's message says: its words, then its calls."""
    text = message.get("content") or ""
    for call in message.get("tool_calls", []):
        text += ("\n" if text else "") + call_text(call["function"]["name"], call["function"]["arguments"])
    return text


def pieces(messages, tools=None):
    made = []

    def turn(role, text, answer=False):
        made.append(("control", "<|im_start|>"))
        made.append(("text", role + "\n" + ("" if answer else text)))
        if answer:
            made.append(("answer", text))
        else:
            made.append(("control", "<|im_end|>"))
        made.append(("text", "\n"))

    rest = list(messages)
    system = rest.pop(0)["content"] if rest and rest[0]["role"] == "system" else ""
    if tools:
        system += ("\n\n" if system else "") + "Tools:\n" + "\n".join(signature(t) for t in tools)
    if system:
        turn("system", system)
    for message in rest:
        if message["role"] == "assistant":
            turn("assistant", spoken(message), answer=True)
        else:
            turn(message["role"], message["content"])
    made.pop()  # nothing follows the last answer
    return made


def prompt_ids(tokenizer, messages, tools=None):
    """Ids of what stands before an answer."""
    ids = []
    for kind, text in pieces(messages + [{"role": "assistant", "content": ""}], tools):
        if kind == "control":
            ids.append(tokenizer.ids[text])
        else:
            ids += tokenizer.encode(text) + ([tokenizer.end] if kind == "answer" else [])
    return ids[:-1]
