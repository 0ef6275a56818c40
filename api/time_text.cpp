#include "api/time_text.h"

#include <fmt/format.h>

#include <cstdint>
#include <ctime>
#include <string_view>

namespace hearth::api {
namespace {

struct SplitTime {
  std::time_t seconds;
  int64_t ns;
};

SplitTime split(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(time - whole);
  return {std::chrono::system_clock::to_time_t(whole), rest.count()};
}

std::string print(const std::tm& fields, int64_t ns, std::string_view zone) {
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", fields.tm_year + 1900, fields.tm_mon + 1,
                  fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec);
  if (ns > 0) {
    std::string fraction = fmt::format(".{:09}", ns);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += fraction;
  }
  return text + std::string(zone);
}

}  // namespace

std::string rfc3339_utc(WallTime time) {
  const SplitTime parts = split(time);
  std::tm fields{};
  gmtime_r(&parts.seconds, &fields);
  return print(fields, parts.ns, "Z");
}

std::string rfc3339_local(WallTime time) {
  const SplitTime parts = split(time);
  std::tm fields{};
  localtime_r(&parts.seconds, &fields);
  const long offset_minutes = fields.tm_gmtoff / 60;
  if (offset_minutes == 0) return print(fields, parts.ns, "Z");
  const long size = offset_minutes < 0 ? -offset_minutes : offset_minutes;
  return print(fields, parts.ns,
               fmt::format("{}{:02}:{:02}", offset_minutes < 0 ? '-' : '+', size / 60, size % 60));
}

}  // namespace hearth::api
