#include "engine/models/key_reader.h"

#include "engine/gguf/keys.h"

namespace hearth::engine {

std::string KeyReader::key(std::string_view suffix) const {
  return arch_key(architecture_.name, suffix);
}

int64_t KeyReader::require(std::string_view suffix, int64_t low, int64_t high) const {
  return metadata_.require_int_between(key(suffix), low, high);
}

int64_t KeyReader::integer(std::string_view suffix, int64_t otherwise, int64_t low,
                           int64_t high) const {
  return has(suffix) ? require(suffix, low, high) : otherwise;
}

double KeyReader::number(std::string_view suffix, double otherwise, double low) const {
  const std::optional<double> value = metadata_.find_float(key(suffix));
  if (!value) return otherwise;
  if (!(*value > low && *value <= 1e12)) {
    fail(ErrorCode::corrupt_data, suffix,
         "is " + std::to_string(*value) + ", expected a number above " + std::to_string(low));
  }
  return *value;
}

double KeyReader::scale(std::string_view suffix, double otherwise, Presence presence) const {
  if (presence == Presence::required && !has(suffix)) {
    fail(ErrorCode::corrupt_data, suffix, "is missing; convert the model again with a newer tool");
  }
  return number(suffix, otherwise, 1e-12);
}

bool KeyReader::flag(std::string_view suffix, bool otherwise) const {
  return metadata_.find_bool(key(suffix)).value_or(otherwise);
}

std::string_view KeyReader::text(std::string_view suffix, std::string_view otherwise) const {
  return metadata_.find_string(key(suffix)).value_or(otherwise);
}

std::vector<int64_t> KeyReader::per_layer(std::string_view suffix, int64_t count,
                                          int64_t high) const {
  const auto values = metadata_.find_ints_per_layer(key(suffix), count);
  if (!values) fail(ErrorCode::corrupt_data, suffix, "is missing");
  for (size_t layer = 0; layer < values->size(); ++layer) {
    const int64_t value = (*values)[layer];
    if (value >= 1 && value <= high) continue;
    fail(ErrorCode::corrupt_data, suffix,
         "is " + std::to_string(value) + " for layer " + std::to_string(layer) +
             ", expected 1 to " + std::to_string(high));
  }
  return *values;
}

void KeyReader::fail(ErrorCode code, std::string_view suffix, const std::string& what) const {
  throw Error(code, metadata_.what() + ": " + key(suffix) + " " + what);
}

}  // namespace hearth::engine
