#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace hearth::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// The message and a line break, nothing else.
class LineFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    line.append(message.payload.data(), message.payload.data() + message.payload.size());
    line.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>();
  }
};

}  // namespace

void start(std::string_view program, Level level) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();  // spdlog's interface asks for a
                                                                  // shared_ptr
  auto logger = std::make_shared<spdlog::logger>(std::string(program), sink);
  logger->set_level(to_spdlog(level));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %n: %v");
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(logger);
  // A sink of its own, because the formatter belongs to the sink.
  auto plain_sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto plain_logger = std::make_shared<spdlog::logger>("plain", plain_sink);
  plain_logger->set_level(to_spdlog(level));
  plain_logger->set_formatter(std::make_unique<LineFormatter>());
  spdlog::drop("plain");
  spdlog::register_logger(plain_logger);
}

void debug(std::string_view message) {
  spdlog::debug(message);
}
void info(std::string_view message) {
  spdlog::info(message);
}
void warn(std::string_view message) {
  spdlog::warn(message);
}
void error(std::string_view message) {
  spdlog::error(message);
}

void plain(std::string_view line) {
  if (const auto logger = spdlog::get("plain")) logger->info(line);
}

}  // namespace hearth::log
