// The metadata of a GGUF header as JSON, the way /api/show presents it.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

namespace hearth::engine {

// Arrays (vocabularies, merges) are large; without `full` each stands as null.
enum class MetadataArrays { omitted, full };

// An object of all keys except general.name and tokenizer.chat_template, plus the computed
// general.parameter_count. Strings are valid UTF-8 whatever the file holds. Throws what
// read_model_info throws.
nlohmann::json read_model_metadata(const std::filesystem::path& path, MetadataArrays arrays);
nlohmann::json read_model_metadata(std::span<const int> fds, std::string_view what,
                                   MetadataArrays arrays);

}  // namespace hearth::engine
