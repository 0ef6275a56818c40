#include "engine/model_info_json.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"

namespace hearth::engine {
namespace {

// A float32 in the shortest decimal form that names it: 1e-05, not 9.999999747378752e-06.
nlohmann::json from_float32(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{}", static_cast<float>(value)).c_str(), nullptr);
}

nlohmann::json element(const GgufValue& value) {
  if (const auto text = value.as_string()) return repair_utf8(*text);
  if (value.type() == GgufType::boolean) return *value.as_bool();
  if (value.type() == GgufType::f32) return from_float32(*value.as_float());
  if (const auto integer = value.as_int()) return *integer;
  if (value.type() == GgufType::u64) {
    uint64_t number;
    std::memcpy(&number, value.bytes().data(), sizeof(number));
    return number;
  }
  return value.as_float().value_or(0.0);
}

nlohmann::json full_array(const GgufValue& value) {
  nlohmann::json array = nlohmann::json::array();
  if (const auto texts = value.as_strings()) {
    for (const std::string_view text : *texts) array.push_back(repair_utf8(text));
    return array;
  }
  const auto size = static_cast<size_t>(*size_bytes(value.element_type()));
  for (int64_t i = 0; i < value.count(); ++i) {
    const auto bytes = value.bytes().subspan(static_cast<size_t>(i) * size, size);
    array.push_back(element(GgufValue(value.element_type(), value.element_type(), 1, bytes)));
  }
  return array;
}

nlohmann::json json_from(const GgufFile& file, MetadataArrays arrays) {
  nlohmann::json result = nlohmann::json::object();
  for (const auto& [key, value] : file.metadata().entries()) {
    if (key == key_name || key == key_chat_template) continue;
    nlohmann::json& target = result[repair_utf8(key)];
    if (!value.is_array()) {
      target = element(value);
    } else if (arrays == MetadataArrays::full) {
      target = full_array(value);
    }
  }
  int64_t parameter_count = 0;
  for (const TensorInfo& tensor : file.tensors()) parameter_count += tensor.value_count();
  result[std::string(key_parameter_count)] = parameter_count;
  return result;
}

}  // namespace

nlohmann::json read_model_metadata(const std::filesystem::path& path, MetadataArrays arrays) {
  return json_from(GgufFile::open(path), arrays);
}

nlohmann::json read_model_metadata(std::span<const int> fds, std::string_view what,
                                   MetadataArrays arrays) {
  return json_from(GgufFile::from_fds(fds, what), arrays);
}

}  // namespace hearth::engine
