// The one exception type of the project.
// Absent is std::optional, failed is `throw Error`, impossible is HEARTH_CHECK (docs/style.md).
// Exactly four places catch: the HTTP session, the engine worker, a background job and the mains.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace hearth {

enum class ErrorCode {
  invalid_argument,  // the caller sent something that can never work
  not_found,         // a name, file or digest that is not there
  already_exists,    // would overwrite something
  unauthorized,      // who are you
  forbidden,         // not for you
  corrupt_data,      // bytes that are not what they claim to be
  unsupported,       // right, but hearth cannot do it (yet)
  out_of_memory,     // memory, disk or cache space ran out
  unavailable,       // try again later
  cancelled,         // the client went away or asked to stop
  internal,          // our own mistake
};

// Lower-case name, for example "invalid_argument".
std::string_view to_string(ErrorCode code);
// Inverse of to_string; `internal` for a name it does not know.
ErrorCode error_code_from(std::string_view name);

// Messages are lower case and say what, where, expected against found, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace hearth
