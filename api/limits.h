// How much a request may hold; docs/server.md lists them. Private to api.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/json.h"
#include "api/types.h"

namespace hearth::api {

inline constexpr size_t messages_max = 65'536;
inline constexpr size_t tools_max = 4'096;
inline constexpr size_t stops_max = 64;
inline constexpr size_t stop_bytes_max = 1'024;
inline constexpr size_t biased_tokens_max = 4'096;
inline constexpr int64_t choices_max = 128;
inline constexpr size_t documents_max = 2'048;

// Throws Error{invalid_argument} "<what>: at most <max>, found <count>".
void check_count(std::string_view what, size_t count, size_t max);
// Tokens that thoughts may take; -1, also where the field is absent: no limit. Throws
// Error{invalid_argument} for less than `least`.
int64_t read_thinking_budget(const Fields& fields, std::string_view key, int64_t least);
// Number and length of stop strings.
void check_stops(const modelfile::Parameters& options);

}  // namespace hearth::api
