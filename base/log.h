// Logging: one line per event on standard error. The only file that knows spdlog.
// Messages are formatted by the caller (fmt::format), so this header stays light.
#pragma once

#include <string_view>

namespace hearth::log {

enum class Level { debug, info, warn, error, off };

// Set once in main. `program` stands in every line. Thread-safe afterwards.
void start(std::string_view program, Level level);

void debug(std::string_view message);
void info(std::string_view message);
void warn(std::string_view message);
void error(std::string_view message);

// The line as it is, at level info: for lines that programs read (JSON).
void plain(std::string_view line);

}  // namespace hearth::log
