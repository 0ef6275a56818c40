// The options of a model: one table for Modelfile PARAMETER, the API's `options`, the command
// line's /set and docs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "modelfile/chat.h"

namespace hearth::modelfile {

// Absent means: not said here; the next level decides (request, then Modelfile, then
// default_parameters()).
struct Parameters {
  std::optional<int64_t> num_ctx;
  std::optional<int64_t> num_batch;
  std::optional<int64_t> num_gpu;
  std::optional<int64_t> main_gpu;
  std::optional<int64_t> num_thread;
  std::optional<int64_t> draft_num_predict;
  std::optional<int64_t> num_keep;
  std::optional<int64_t> seed;
  std::optional<int64_t> num_predict;
  std::optional<int64_t> top_k;
  std::optional<int64_t> repeat_last_n;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> typical_p;
  std::optional<float> top_n_sigma;
  std::optional<float> xtc_probability;
  std::optional<float> xtc_threshold;
  std::optional<float> dynatemp_range;
  std::optional<float> dynatemp_exponent;
  std::optional<float> dry_multiplier;
  std::optional<float> dry_base;
  std::optional<int64_t> dry_allowed_length;
  std::optional<int64_t> dry_penalty_last_n;
  std::optional<float> temperature;
  std::optional<float> repeat_penalty;
  std::optional<float> presence_penalty;
  std::optional<float> frequency_penalty;
  std::optional<bool> use_mmap;
  std::optional<std::vector<std::string>> stop;
};

using ParameterMember =
    std::variant<std::optional<int64_t> Parameters::*, std::optional<float> Parameters::*,
                 std::optional<bool> Parameters::*,
                 std::optional<std::vector<std::string>> Parameters::*>;

struct ParameterRow {
  std::string_view name;
  ParameterMember member;
  double min;  // inclusive range of numbers
  double max;
  std::string_view default_text;  // for people: "0.8", "auto"
  std::string_view help;          // one line
  bool is_inert = false;          // kept and shown for other programs; help says what decides here
};

// All parameters, in the order help shows them.
std::span<const ParameterRow> parameter_table();
// "int", "float", "bool" or "list of strings".
std::string_view type_name(const ParameterRow& row);
// What to tell somebody who set this parameter and asks for what hearth does not do; empty for
// every other one, for unknown names, and for numbers that leave the choice to the machine (0 and
// below).
std::string_view missing_effect(const Parameters& parameters, std::string_view name);
// Names that older files hold and that do nothing any more; they are accepted with a warning.
bool is_retired_parameter(std::string_view name);
// The values that hold when nobody said anything. num_ctx and others the machine decides stay
// absent.
Parameters default_parameters();

struct ParsedParameters {
  Parameters values;
  std::vector<std::string> warnings;  // one line each: names that are unknown or change nothing
};
// The API's `options` object. null values are skipped; integers may come as 3.7 and are cut. Throws
// Error{invalid_argument} naming the option and the expected type or range.
ParsedParameters parse_options(const Json& options);

// One PARAMETER line. `stop` adds to the list, others replace. False for a retired name (ignored).
// Throws Error{invalid_argument} for an unknown name or a value that does not fit.
bool set_parameter(Parameters& parameters, std::string_view name, std::string_view value);

// `over` wins wherever it says something; stop lists replace as a whole.
Parameters merge(const Parameters& base, const Parameters& over);
// An object of what is set, sorted by name; floats in their shortest form.
Json to_json(const Parameters& parameters);
// name and value pairs of what is set, sorted by name; one pair per stop string. Strings are bare.
std::vector<std::pair<std::string, std::string>> to_lines(const Parameters& parameters);
// The `parameters` field of show: name padded to 30 columns, a space, the value; strings in double
// quotes.
std::string print_parameters(const Parameters& parameters);

}  // namespace hearth::modelfile
