#include "modelfile/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/nearest_word.h"

namespace hearth::modelfile {
namespace {

using P = Parameters;
constexpr double int32_max = 2147483647.0;
constexpr double int64_max =
    4611686018427387904.0;  // 2^62: converts to and from double without surprise
constexpr double float_max = 1e30;

constexpr std::array<ParameterRow, 29> table{{
    {"temperature", &P::temperature, 0, float_max, "0.8",
     "how freely tokens are drawn; 0 always takes the likeliest"},
    {"top_k", &P::top_k, 0, int32_max, "40",
     "draw from this many of the likeliest tokens; 0 is off"},
    {"top_p", &P::top_p, 0, 1, "0.9",
     "draw from the likeliest tokens that together have this probability; 1 is off"},
    {"min_p", &P::min_p, 0, 1, "0",
     "drop tokens less likely than this share of the likeliest; 0 is off"},
    {"typical_p", &P::typical_p, 0, 1, "1",
     "draw from tokens of typical information content; 1 is off"},
    {"top_n_sigma", &P::top_n_sigma, -1, float_max, "-1",
     "drop tokens whose score is this many deviations below the best; 0 or less is off"},
    {"xtc_probability", &P::xtc_probability, 0, 1, "0",
     "how often the likeliest tokens are left out; 0 is off"},
    {"xtc_threshold", &P::xtc_threshold, 0, 1, "0.1",
     "tokens above this probability are left out, the least likely of them excepted"},
    {"dynatemp_range", &P::dynatemp_range, 0, float_max, "0",
     "temperature moves this far down and up with the uncertainty; 0 is fixed"},
    {"dynatemp_exponent", &P::dynatemp_exponent, 0, float_max, "1",
     "how uncertainty is mapped to that range"},
    {"dry_multiplier", &P::dry_multiplier, 0, float_max, "0",
     "what continuing a repetition costs; 0 is off"},
    {"dry_base", &P::dry_base, 0, float_max, "1.75", "grows by this factor per repeated token"},
    {"dry_allowed_length", &P::dry_allowed_length, 0, int32_max, "2",
     "repeated tokens that cost nothing"},
    {"dry_penalty_last_n", &P::dry_penalty_last_n, -1, int32_max, "-1",
     "tokens searched for repetitions; -1 is the context"},
    {"repeat_last_n", &P::repeat_last_n, -1, int32_max, "64",
     "tokens the penalties look back on; -1 is the context"},
    {"repeat_penalty", &P::repeat_penalty, 0, float_max, "1",
     "divides the score of tokens seen lately; 1 is off"},
    {"presence_penalty", &P::presence_penalty, -float_max, float_max, "0",
     "taken off once from tokens seen lately"},
    {"frequency_penalty", &P::frequency_penalty, -float_max, float_max, "0",
     "taken off per time a token was seen"},
    {"seed", &P::seed, -int64_max, int64_max, "-1", "same seed, same text; negative is random"},
    {"num_predict", &P::num_predict, -int32_max, int32_max, "-1",
     "tokens to generate at most; negative until the end"},
    {"stop", &P::stop, 0, 0, "none", "texts that end the answer; give it once per text"},
    {"num_ctx", &P::num_ctx, 0, int32_max, "auto", "tokens of context; 0 lets the machine decide"},
    {"num_keep", &P::num_keep, -1, int32_max, "4",
     "tokens kept from the start when the context is shifted; -1 is all"},
    {"num_batch", &P::num_batch, 0, int32_max, "512",
     "no effect: hearth decides how many prompt tokens are computed together", true},
    {"num_thread", &P::num_thread, 0, 65536, "0",
     "no effect: threads are the daemon's, --threads or HEARTH_NUM_THREADS", true},
    {"num_gpu", &P::num_gpu, -1, int32_max, "-1", "no effect: models run on the CPU", true},
    {"main_gpu", &P::main_gpu, 0, 65536, "auto", "no effect: models run on the CPU", true},
    {"use_mmap", &P::use_mmap, 0, 1, "auto", "no effect: hearth decides how weights are read",
     true},
    {"draft_num_predict", &P::draft_num_predict, 0, int32_max, "auto",
     "tokens guessed ahead at a time at most; 0 is none, auto as many as pay"},
}};

constexpr std::array<std::string_view, 9> retired{
    "penalize_newline", "low_vram", "f16_kv",       "logits_all",  "vocab_only",
    "use_mlock",        "mirostat", "mirostat_tau", "mirostat_eta"};

const ParameterRow* find(std::string_view name) {
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const auto& entry) { return entry.name == name; });
  return row == table.end() ? nullptr : &*row;
}

template <typename T>
constexpr std::string_view type_of() {
  if constexpr (std::is_same_v<T, int64_t>) return "int";
  if constexpr (std::is_same_v<T, float>) return "float";
  if constexpr (std::is_same_v<T, bool>) return "bool";
  return "list of strings";
}

[[noreturn]] void throw_wrong_type(const ParameterRow& row) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("option \"{}\" must be of type {}", row.name, type_name(row)));
}

// The value inside the row's range, or an error that names the range.
double checked(const ParameterRow& row, double value) {
  if (value >= row.min && value <= row.max) return value;
  const auto bound = [](double limit) {
    return std::abs(limit) >= int32_max ? std::string("any") : fmt::format("{}", limit);
  };
  throw Error(ErrorCode::invalid_argument,
              fmt::format("option \"{}\" is out of range: {}, expected {} to {}", row.name, value,
                          bound(row.min), bound(row.max)));
}

// JSON numbers may be written as 3.7 where a whole number is meant; the rest is cut off, as clients
// expect.
int64_t json_int(const ParameterRow& row, const Json& value) {
  if (!value.is_number()) throw_wrong_type(row);
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{1} << 62) {
    checked(row, std::numeric_limits<double>::infinity());
  }
  if (value.is_number_integer()) {
    checked(row, static_cast<double>(value.get<int64_t>()));
    return value.get<int64_t>();
  }
  return static_cast<int64_t>(checked(row, std::trunc(value.get<double>())));
}

void set_from_json(Parameters& parameters, const ParameterRow& row, const Json& value) {
  std::visit(
      [&](auto member) {
        using T = typename std::decay_t<decltype(parameters.*member)>::value_type;
        if constexpr (std::is_same_v<T, int64_t>) {
          parameters.*member = json_int(row, value);
        } else if constexpr (std::is_same_v<T, float>) {
          if (!value.is_number()) throw_wrong_type(row);
          parameters.*member = static_cast<float>(checked(row, value.get<double>()));
        } else if constexpr (std::is_same_v<T, bool>) {
          if (!value.is_boolean()) throw_wrong_type(row);
          parameters.*member = value.get<bool>();
        } else {
          const bool is_list =
              value.is_array() && std::all_of(value.begin(), value.end(),
                                              [](const Json& entry) { return entry.is_string(); });
          if (!is_list) throw_wrong_type(row);
          parameters.*member = value.get<T>();
        }
      },
      row.member);
}

template <typename T>
T number_from_text(const ParameterRow& row, std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range)
    checked(row, std::numeric_limits<double>::infinity());
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("parameter {}: expected a value of type {}, found \"{}\"", row.name,
                            type_name(row), text));
  }
  checked(row, static_cast<double>(value));
  return value;
}

bool bool_from_text(const ParameterRow& row, std::string_view text) {
  for (std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  throw Error(ErrorCode::invalid_argument,
              fmt::format("parameter {}: expected true or false, found \"{}\"", row.name, text));
}

// Value of one set parameter in text form, one entry per line it takes.
std::vector<std::string> texts_of(const Parameters& parameters, const ParameterRow& row) {
  return std::visit(
      [&](auto member) -> std::vector<std::string> {
        const auto& value = parameters.*member;
        if (!value) return {};
        if constexpr (std::is_same_v<std::decay_t<decltype(*value)>, std::vector<std::string>>) {
          return *value;
        } else {
          return {fmt::format("{}", *value)};
        }
      },
      row.member);
}

std::map<std::string_view, const ParameterRow*> rows_by_name() {
  std::map<std::string_view, const ParameterRow*> rows;
  for (const ParameterRow& row : table) rows[row.name] = &row;
  return rows;
}

}  // namespace

std::span<const ParameterRow> parameter_table() {
  return table;
}

std::string_view type_name(const ParameterRow& row) {
  return std::visit(
      [](auto member) {
        return type_of<
            typename std::decay_t<decltype(std::declval<Parameters>().*member)>::value_type>();
      },
      row.member);
}

bool is_retired_parameter(std::string_view name) {
  return std::find(retired.begin(), retired.end(), name) != retired.end();
}

std::string_view missing_effect(const Parameters& parameters, std::string_view name) {
  const ParameterRow* row = find(name);
  if (!row || !row->is_inert) return {};
  const auto* number = std::get_if<std::optional<int64_t> Parameters::*>(&row->member);
  const bool is_left_to_us = number && (parameters.**number).value_or(0) <= 0;
  return is_left_to_us ? std::string_view() : row->help;
}

Parameters default_parameters() {
  Parameters defaults;
  defaults.num_batch = 512;
  defaults.num_gpu = -1;
  defaults.num_thread = 0;
  defaults.num_keep = 4;
  defaults.seed = -1;
  defaults.num_predict = -1;
  defaults.top_k = 40;
  defaults.repeat_last_n = 64;
  defaults.top_p = 0.9F;
  defaults.min_p = 0.0F;
  defaults.typical_p = 1.0F;
  defaults.temperature = 0.8F;
  defaults.repeat_penalty = 1.0F;
  defaults.presence_penalty = 0.0F;
  defaults.frequency_penalty = 0.0F;
  defaults.stop = std::vector<std::string>{};
  return defaults;
}

namespace {

std::string unknown_parameter(std::string_view name) {
  NearestWord nearest(name);
  for (const ParameterRow& row : parameter_table()) nearest.consider(row.name);
  if (nearest.found().empty()) return fmt::format("unknown parameter '{}'", name);
  return fmt::format("unknown parameter '{}'; did you mean {}?", name, nearest.found());
}

}  // namespace

ParsedParameters parse_options(const Json& options) {
  ParsedParameters parsed;
  if (options.is_null()) return parsed;
  if (!options.is_object())
    throw Error(ErrorCode::invalid_argument, "options must be an object of names and values");
  for (const auto& [name, value] : options.items()) {
    if (value.is_null()) continue;
    const ParameterRow* row = find(name);
    if (row) {
      set_from_json(parsed.values, *row, value);
      if (const std::string_view why = missing_effect(parsed.values, name); !why.empty())
        parsed.warnings.push_back(fmt::format("option \"{}\" has {}", name, why));
    } else if (is_retired_parameter(name)) {
      parsed.warnings.push_back(fmt::format("option \"{}\" does nothing any more", name));
    } else {
      parsed.warnings.push_back(fmt::format("{} is ignored", unknown_parameter(name)));
    }
  }
  return parsed;
}

bool set_parameter(Parameters& parameters, std::string_view name, std::string_view value) {
  const ParameterRow* row = find(name);
  if (!row && is_retired_parameter(name)) return false;
  if (!row) throw Error(ErrorCode::invalid_argument, unknown_parameter(name));
  std::visit(
      [&](auto member) {
        using T = typename std::decay_t<decltype(parameters.*member)>::value_type;
        auto& target = parameters.*member;
        if constexpr (std::is_same_v<T, bool>) {
          target = bool_from_text(*row, value);
        } else if constexpr (std::is_arithmetic_v<T>) {
          target = number_from_text<T>(*row, value);
        } else {
          if (!target) target.emplace();
          target->emplace_back(value);
        }
      },
      row->member);
  return true;
}

Parameters merge(const Parameters& base, const Parameters& over) {
  Parameters merged = base;
  for (const ParameterRow& row : table) {
    std::visit(
        [&](auto member) {
          if (over.*member) merged.*member = over.*member;
        },
        row.member);
  }
  return merged;
}

Json to_json(const Parameters& parameters) {
  Json object = Json::object();
  for (const auto& [name, row] : rows_by_name()) {
    std::visit(
        [&, key = std::string(name)](auto member) {
          const auto& value = parameters.*member;
          if (!value) return;
          if constexpr (std::is_same_v<std::decay_t<decltype(*value)>, float>) {
            // Through text: the shortest digits that mean this float, not those of the nearest
            // double.
            object[key] = Json::parse(fmt::format("{}", *value));
          } else {
            object[key] = *value;
          }
        },
        row->member);
  }
  return object;
}

std::vector<std::pair<std::string, std::string>> to_lines(const Parameters& parameters) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& [name, row] : rows_by_name()) {
    for (std::string& text : texts_of(parameters, *row)) lines.emplace_back(name, std::move(text));
  }
  return lines;
}

std::string print_parameters(const Parameters& parameters) {
  std::string text;
  for (const auto& [name, value] : to_lines(parameters)) {
    const bool is_string = name == "stop";
    // JSON's quoting equals that of the programs that read this field.
    const std::string shown =
        is_string ? Json(value).dump(-1, ' ', false, Json::error_handler_t::replace) : value;
    text += fmt::format("{}{:<30} {}", text.empty() ? "" : "\n", name, shown);
  }
  return text;
}

}  // namespace hearth::modelfile
