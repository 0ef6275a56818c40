// raise_exception(): the template refuses its input in its own words, which are shown as they are.
#pragma once

#include <string>

#include "base/error.h"

namespace hearth::modelfile::jinja {

class RaisedByTemplate : public Error {
 public:
  explicit RaisedByTemplate(const std::string& message)
      : Error(ErrorCode::invalid_argument, message) {}
};

}  // namespace hearth::modelfile::jinja
