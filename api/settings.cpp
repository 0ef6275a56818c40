#include "api/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "api/address.h"
#include "api/settings/config_file.h"
#include "base/check.h"
#include "base/error.h"
#include "base/nearest_word.h"

namespace hearth::api {
namespace {

[[noreturn]] void fail(std::string_view expected, std::string_view found) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("expected {}, found \"{}\"", expected, found));
}

int64_t parse_integer(std::string_view text, int64_t min, int64_t max) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    fail(fmt::format("a whole number from {} to {}", min, max), text);
  }
  return value;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    words.push_back(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return words;
}

// Throws when `text` is no value of this setting.
void check_value(const Setting& setting, std::string_view text) {
  switch (setting.kind) {
    case SettingKind::address:
      parse_address(text);
      break;
    case SettingKind::toggle:
      parse_toggle(text);
      break;
    case SettingKind::count:
      parse_integer(text, setting.min, setting.max);
      break;
    case SettingKind::bytes:
      parse_bytes(text);
      break;
    case SettingKind::duration:
      parse_duration(text);
      break;
    case SettingKind::choice: {
      const auto words = words_of(setting.choices);
      if (text != setting.default_text &&
          std::find(words.begin(), words.end(), text) == words.end())
        fail(fmt::format("one of {}", setting.choices), text);
      break;
    }
    case SettingKind::text:
    case SettingKind::path:
    case SettingKind::list:
      break;
  }
}

SettingValue checked(const Setting& setting, std::string text, std::string origin) {
  if (setting.kind == SettingKind::choice)
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  try {
    check_value(setting, text);
  } catch (const Error& failure) {
    throw Error(failure.code(), fmt::format("{}: {}", origin, failure.what()));
  }
  return {&setting, std::move(text), std::move(origin)};
}

// Spaces and one pair of quotes around a value do not count.
std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const size_t start = text.find_first_not_of(blank);
  if (start == std::string_view::npos) return {};
  text = text.substr(start, text.find_last_not_of(blank) - start + 1);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

// Empty counts as not set, as everywhere in Ollama.
std::optional<std::string> variable(const SettingSources& sources, std::string_view name) {
  if (name.empty()) return std::nullopt;
  const auto found = sources.environment.find(std::string(name));
  if (found == sources.environment.end()) return std::nullopt;
  const std::string_view text = trim(found->second);
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

struct FileValue {
  std::string text;
  std::string origin;
};

// Of all files: the value of every key, the strongest file's one.
std::map<std::string_view, FileValue> read_files(const std::vector<ConfigFile>& files) {
  std::map<std::string_view, FileValue> values;
  for (const ConfigFile& file : files) {
    std::map<std::string_view, int> seen;
    std::vector<ConfigLine> lines;
    try {
      lines = parse_config_text(file.text);
    } catch (const Error& failure) {
      throw Error(failure.code(), fmt::format("{}: {}", file.path, failure.what()));
    }
    for (ConfigLine& line : lines) {
      const std::string origin = fmt::format("{}:{}", file.path, line.number);
      const Setting* setting = find_setting(line.key);
      if (setting == nullptr) {
        const std::string near = nearest_setting(line.key);
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{}: there is no setting \"{}\"{}", origin, line.key,
                                near.empty() ? "; `hearth config show` lists all"
                                             : fmt::format(", the nearest is \"{}\"", near)));
      }
      if (const auto [entry, is_new] = seen.emplace(setting->name, line.number); !is_new) {
        throw Error(ErrorCode::invalid_argument, fmt::format("{}: {} is set in line {} already",
                                                             origin, setting->name, entry->second));
      }
      // What a stronger file hides is checked too: a mistake is better named now than later.
      SettingValue value = checked(*setting, std::move(line.value), origin);
      values.emplace(setting->name, FileValue{std::move(value.text), std::move(value.origin)});
    }
  }
  return values;
}

// Ollama takes any value of a switch that it does not understand for "on".
std::string as_ollama_has_it(const Setting& setting, std::string text) {
  if (setting.kind != SettingKind::toggle) return text;
  try {
    parse_toggle(text);
    return text;
  } catch (const Error&) {  // the rule above
    return "1";
  }
}

std::string with_dashes(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c == '_') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Variables that the programs read without their being settings.
constexpr std::string_view other_variables[] = {"HEARTH_CONFIG"};

// What a variable that looks like one of ours or Ollama's but has no effect is told about it.
std::string describe_stray(std::string_view name) {
  for (const IgnoredVariable& variable : ignored_variables()) {
    if (variable.name == name)
      return fmt::format("{} has no effect: {}", variable.name, variable.reason);
  }
  const bool is_ours = name.starts_with("HEARTH_");
  if (!is_ours && !name.starts_with("OLLAMA_")) return {};
  if (is_ours && std::find(std::begin(other_variables), std::end(other_variables), name) !=
                     std::end(other_variables))
    return {};
  const std::string near = nearest_setting(name.substr(7));
  const Setting* setting = near.empty() ? nullptr : find_setting(near);
  return fmt::format(
      "{} has no effect: there is no such setting{}", name,
      setting == nullptr ? "" : fmt::format(", the nearest is {}", setting->environment));
}

void warn_of_strays(const SettingSources& sources, std::vector<std::string>& warnings) {
  for (const auto& [name, text] : sources.environment) {
    const bool is_known =
        std::any_of(settings().begin(), settings().end(), [&name](const Setting& setting) {
          return setting.environment == name || (!setting.ollama.empty() && setting.ollama == name);
        });
    if (is_known || trim(text).empty()) continue;
    if (std::string warning = describe_stray(name); !warning.empty())
      warnings.push_back(std::move(warning));
  }
}

}  // namespace

bool parse_toggle(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "True", "TRUE"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "False", "FALSE"}) {
    if (text == no) return false;
  }
  fail("1 or 0", text);
}

Duration parse_duration(std::string_view text) {
  if (const std::optional<Duration> value = parse_go_duration(text))
    return negative_is_forever(*value);
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size())
    fail("a duration such as 5m, or seconds", text);
  return negative_is_forever(from_seconds(static_cast<double>(seconds)));
}

int64_t parse_bytes(std::string_view text) {
  int shift = 0;
  std::string_view digits = text;
  if (!digits.empty()) {
    constexpr std::string_view letters = "KMGT";
    const size_t letter = letters.find(digits.back());
    if (letter != std::string_view::npos) {
      shift = static_cast<int>(letter + 1) * 10;
      digits.remove_suffix(1);
    }
  }
  return parse_integer(digits, 0, std::numeric_limits<int64_t>::max() >> shift) << shift;
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view part = trim(text.substr(0, comma));
    if (!part.empty()) parts.emplace_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

const Setting* find_setting(std::string_view name) {
  const std::string wanted = with_dashes(name);
  for (const Setting& setting : settings()) {
    if (setting.name == wanted) return &setting;
  }
  return nullptr;
}

std::string nearest_setting(std::string_view name) {
  const std::string wanted = with_dashes(name);
  NearestWord nearest(wanted);
  for (const Setting& setting : settings()) nearest.consider(setting.name);
  return std::string(nearest.found());
}

const SettingValue& Settings::value(std::string_view name) const {
  const auto found =
      std::find_if(values_.begin(), values_.end(),
                   [name](const SettingValue& value) { return value.setting->name == name; });
  HEARTH_CHECK(found != values_.end());
  return *found;
}

const SettingValue& Settings::row(std::string_view name,
                                  std::initializer_list<SettingKind> kinds) const {
  const SettingValue& found = value(name);
  HEARTH_CHECK(std::find(kinds.begin(), kinds.end(), found.setting->kind) != kinds.end());
  return found;
}

const std::string& Settings::text(std::string_view name) const {
  return row(name, {SettingKind::text, SettingKind::address, SettingKind::choice}).text;
}

std::string Settings::path(std::string_view name) const {
  const std::string& text = row(name, {SettingKind::path}).text;
  if (!text.starts_with("~/")) return text;
  if (home_.empty() && text.starts_with("~/.hearth/")) return "/var/lib/hearth" + text.substr(9);
  return (home_.empty() ? "/var/lib/hearth" : home_) + text.substr(1);
}

bool Settings::is_on(std::string_view name) const {
  return parse_toggle(row(name, {SettingKind::toggle}).text);
}

int64_t Settings::count(std::string_view name) const {
  const SettingValue& found = row(name, {SettingKind::count, SettingKind::bytes});
  if (found.setting->kind == SettingKind::bytes) return parse_bytes(found.text);
  return parse_integer(found.text, found.setting->min, found.setting->max);
}

Duration Settings::duration(std::string_view name) const {
  return parse_duration(row(name, {SettingKind::duration}).text);
}

std::vector<std::string> Settings::list(std::string_view name) const {
  return split_commas(row(name, {SettingKind::list}).text);
}

Settings load_settings(const SettingSources& sources) {
  Settings loaded;
  loaded.home_ = variable(sources, "HOME").value_or("");
  const auto from_files = read_files(sources.files);
  for (const Setting& setting : settings()) {
    const auto add = [&](std::string text, std::string origin) {
      loaded.values_.push_back(checked(setting, std::move(text), std::move(origin)));
    };
    if (const auto flag = sources.flags.find(std::string(setting.name));
        flag != sources.flags.end()) {
      add(flag->second, fmt::format("flag --{}", setting.name));
      continue;
    }
    if (const auto ours = variable(sources, setting.environment)) {
      add(*ours, std::string(setting.environment));
      continue;
    }
    if (const auto theirs = variable(sources, setting.ollama)) {
      try {
        add(as_ollama_has_it(setting, *theirs), std::string(setting.ollama));
        continue;
      } catch (const Error& failure) {  // as Ollama has it: a warning, and the next source decides
        loaded.warnings_.push_back(fmt::format("{}; it is not used", failure.what()));
      }
    }
    if (const auto file = from_files.find(setting.name); file != from_files.end()) {
      add(file->second.text, file->second.origin);
    } else {
      add(std::string(setting.default_text), "default");
    }
  }
  warn_of_strays(sources, loaded.warnings_);
  return loaded;
}

std::string shown_value(const SettingValue& value) {
  return value.setting->is_secret && !value.text.empty() ? "(secret)" : value.text;
}

std::string setting_help(const Setting& setting) {
  std::string help(setting.help);
  if (!setting.choices.empty()) {
    help += ": ";
    for (const char c : setting.choices) help += c == ' ' ? std::string(", ") : std::string(1, c);
  }
  if (!setting.default_text.empty()) help += fmt::format(" [{}]", setting.default_text);
  help += fmt::format(" ({}", setting.environment);
  if (!setting.ollama.empty()) help += fmt::format(", {}", setting.ollama);
  return help + ")";
}

}  // namespace hearth::api
