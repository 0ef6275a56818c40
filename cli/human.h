// Sizes, times and tables as people read them, in the forms Ollama prints.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

std::string human_size(int64_t bytes);  // "2.0 GB", "2 GB", "813 MB", "12 B"
std::string human_duration(
    int64_t nanoseconds);  // as Go prints durations: "1.234567s", "12ms", "1m2.5s"
// "3 days ago", "4 minutes from now", "Forever" beyond 20 years ahead, "Never" for a time long
// gone.
std::string human_time(std::chrono::system_clock::time_point time,
                       std::chrono::system_clock::time_point now);
// RFC 3339 with any fraction and offset. The epoch when it is not one.
std::chrono::system_clock::time_point parse_time(std::string_view text);
// Left-aligned columns, each followed by four spaces (the last too, as in Ollama), one row a line.
std::string table(const std::vector<std::vector<std::string>>& rows);
int display_width(std::string_view text);  // columns on a terminal; wide characters count two

}  // namespace hearth::cli
