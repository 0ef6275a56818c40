#include "api/types.h"

namespace hearth::api {

std::string_view to_string(Operation operation) {
  return operation == Operation::chat ? "chat" : "generate";
}

std::string_view to_string(DoneReason reason) {
  switch (reason) {
    case DoneReason::stop:
      return "stop";
    case DoneReason::length:
      return "length";
    case DoneReason::load:
      return "load";
    case DoneReason::unload:
      return "unload";
  }
  return "stop";
}

}  // namespace hearth::api
