// The functions Go templates can call: those of text/template and Ollama's four.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "modelfile/template/go/value.h"

namespace hearth::modelfile::go {

struct Call {
  Heap& heap;
  std::chrono::system_clock::time_point now;
  std::vector<Value> arguments;
};

using Function = Value (*)(Call&);

bool is_function(std::string_view name);
// The two that do not evaluate all of their arguments; the interpreter runs them itself.
inline bool is_short_circuit(std::string_view name) {
  return name == "and" || name == "or";
}
// Null for the short-circuit ones and unknown names.
Function find_function(std::string_view name);

// printf and its %-formats.
MarkedText format(const MarkedText& format, const std::vector<Value>& arguments, Budget& budget);

}  // namespace hearth::modelfile::go
