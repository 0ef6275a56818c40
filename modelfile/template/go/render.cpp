#include "modelfile/template/go/render.h"

#include <fmt/format.h>

#include "base/error.h"
#include "modelfile/template/go/data.h"
#include "modelfile/template/go/interpreter.h"

namespace hearth::modelfile::go {
namespace {

// A system text with an exchange pending begins a new one; so does a user after an answer.
void render_exchanges(Interpreter& interpreter, const Chat& chat, Heap& heap, MarkedText& output) {
  Exchange exchange;
  const auto flush = [&] {
    interpreter.run(exchange_data(exchange, chat, heap), false, output);
    exchange = {};
  };
  for (const Turn& turn : chat.turns) {
    const std::string& role = turn.role.bytes();
    if (role == "system") {
      if (exchange.is_pending()) flush();
      exchange.system = turn.content;
    } else if (role == "user") {
      if (!exchange.response.is_empty()) flush();
      exchange.prompt = turn.content;
    } else if (role == "assistant") {
      exchange.response = turn.content;
    }
  }
  interpreter.run(exchange_data(exchange, chat, heap), true, output);
}

}  // namespace

MarkedText render(const Program& program, const Json& context, const RenderLimits& limits,
                  std::chrono::system_clock::time_point now) {
  Budget budget(limits);
  Heap heap(budget);
  Interpreter interpreter(program, heap, now);
  MarkedText output;
  try {
    if (!context.contains("messages")) {
      interpreter.run(named_data(context, heap), false, output);
      return output;
    }
    const Chat chat = read_chat(context);
    if (!chat.prompt.is_empty() && !chat.suffix.is_empty()) {
      interpreter.run(infill_data(chat, heap), false, output);
    } else if (program.uses("messages")) {
      interpreter.run(chat_data(chat, heap), false, output);
    } else {
      render_exchanges(interpreter, chat, heap, output);
    }
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("template line {}: {}", interpreter.line(), error.what()));
  }
  return output;
}

}  // namespace hearth::modelfile::go
