// The mixtures and their rules, after those that the usual quantisers of GGUF files apply, so that
// a label means the same file here and there.
#include "engine/quantize/mixtures.h"

#include <algorithm>
#include <cctype>

namespace hearth::engine {
namespace {

constexpr Mixture mixture_table[] = {
    {"F32", "", 0, DType::f32},          {"F16", "", 1, DType::f16},
    {"BF16", "", 32, DType::bf16},       {"Q8_0", "", 7, DType::q8_0},
    {"Q6_K", "", 18, DType::q6_k},       {"Q5_K_M", "Q5_K", 17, DType::q5_k},
    {"Q5_K_S", "", 16, DType::q5_k},     {"Q5_1", "", 9, DType::q5_1},
    {"Q5_0", "", 8, DType::q5_0},        {"Q4_K_M", "Q4_K", 15, DType::q4_k},
    {"Q4_K_S", "", 14, DType::q4_k},     {"Q4_1", "", 3, DType::q4_1},
    {"Q4_0", "", 2, DType::q4_0},        {"IQ4_NL", "", 25, DType::iq4_nl},
    {"IQ4_XS", "", 30, DType::iq4_xs},   {"MXFP4", "", 38, DType::mxfp4},
    {"MXFP4_MOE", "", 38, DType::q8_0},  {"Q3_K_L", "", 13, DType::q3_k},
    {"Q3_K_M", "Q3_K", 12, DType::q3_k}, {"Q3_K_S", "", 11, DType::q3_k},
    {"Q2_K", "", 10, DType::q2_k},       {"Q2_K_S", "", 21, DType::q2_k},
    {"TQ2_0", "", 37, DType::tq2_0},     {"TQ1_0", "", 36, DType::tq1_0},
};

enum class When : uint8_t {
  always,
  shared_heads,     // four and more heads of queries per head of keys
  eight_experts,    // the models whose attention is small beside their experts
  is_expert,        // the tensor has a matrix per expert
  first_2,          // of its role
  first_4,          //
  first_sixteenth,  // of its role
  first_eighth,     //
  more_bits,        // first and last eighth, and every third between
};

enum class Family : uint8_t { any, falcon, not_falcon };

struct Rule {
  TensorRole role;
  std::string_view mixture;  // empty: all that are not plain floats
  When when;
  DType type;
  Family family = Family::any;
};

constexpr TensorRole v = TensorRole::attention_v;
constexpr TensorRole down = TensorRole::ffn_down;
constexpr TensorRole out = TensorRole::attention_output;
constexpr TensorRole qkv = TensorRole::attention_qkv;

constexpr Rule rules[] = {
    {TensorRole::other, "MXFP4_MOE", When::is_expert, DType::mxfp4},
    {down, "MXFP4_MOE", When::is_expert, DType::mxfp4},
    {TensorRole::embedding, "TQ1_0", When::always, DType::q4_k},
    {TensorRole::embedding, "TQ2_0", When::always, DType::q4_k},

    {TensorRole::attention_k, "", When::eight_experts, DType::q8_0},
    {v, "", When::eight_experts, DType::q8_0},
    {v, "Q2_K", When::shared_heads, DType::q4_k},
    {v, "Q2_K", When::always, DType::q3_k},
    {v, "Q2_K_S", When::shared_heads, DType::q4_k},
    {v, "Q3_K_M", When::first_2, DType::q5_k},
    {v, "Q3_K_M", When::always, DType::q4_k},
    {v, "Q3_K_L", When::always, DType::q5_k},
    {v, "IQ4_NL", When::shared_heads, DType::q5_k},
    {v, "IQ4_XS", When::shared_heads, DType::q5_k},
    {v, "Q4_K_M", When::more_bits, DType::q6_k},
    {v, "Q5_K_M", When::more_bits, DType::q6_k},
    {v, "Q4_K_S", When::first_4, DType::q5_k},

    {down, "Q2_K", When::always, DType::q3_k},
    {down, "Q2_K_S", When::first_eighth, DType::q4_k},
    {down, "Q3_K_M", When::first_sixteenth, DType::q5_k},
    {down, "Q3_K_M", When::always, DType::q4_k, Family::not_falcon},
    {down, "Q3_K_M", When::more_bits, DType::q4_k, Family::falcon},
    {down, "Q3_K_L", When::always, DType::q4_k, Family::falcon},
    {down, "Q3_K_L", When::always, DType::q5_k, Family::not_falcon},
    {down, "Q4_K_M", When::first_sixteenth, DType::q6_k, Family::falcon},
    {down, "Q4_K_M", When::more_bits, DType::q5_k, Family::falcon},
    {down, "Q4_K_M", When::more_bits, DType::q6_k, Family::not_falcon},
    {down, "IQ4_NL", When::first_eighth, DType::q5_k},
    {down, "IQ4_XS", When::first_eighth, DType::q5_k},
    {down, "Q5_K_M", When::more_bits, DType::q6_k},
    {down, "Q4_K_S", When::first_eighth, DType::q5_k, Family::not_falcon},

    {out, "Q3_K_L", When::always, DType::q4_k, Family::falcon},
    {out, "Q2_K", When::eight_experts, DType::q5_k, Family::not_falcon},
    {out, "Q3_K_S", When::eight_experts, DType::q5_k, Family::not_falcon},
    {out, "Q3_K_M", When::eight_experts, DType::q5_k, Family::not_falcon},
    {out, "Q4_K_S", When::eight_experts, DType::q5_k, Family::not_falcon},
    {out, "Q4_K_M", When::eight_experts, DType::q5_k, Family::not_falcon},
    {out, "IQ4_NL", When::eight_experts, DType::q5_k, Family::not_falcon},
    {out, "IQ4_XS", When::eight_experts, DType::q5_k, Family::not_falcon},
    {out, "Q2_K", When::always, DType::q3_k, Family::not_falcon},
    {out, "Q3_K_M", When::always, DType::q4_k, Family::not_falcon},
    {out, "Q3_K_L", When::always, DType::q5_k, Family::not_falcon},

    {qkv, "Q3_K_M", When::always, DType::q4_k},
    {qkv, "Q3_K_L", When::always, DType::q4_k},
    {qkv, "Q4_K_M", When::always, DType::q5_k},
    {qkv, "Q5_K_M", When::always, DType::q6_k},
};

// Tensors of single architectures that are worth more bits than any mixture of K types gives them.
struct Exception {
  std::string_view architecture;
  std::string_view local_name;
  DType type;
};

constexpr Exception exceptions[] = {
    {"qwen35", "nextn.eh_proj.weight", DType::q8_0},
    {"qwen35moe", "nextn.eh_proj.weight", DType::q8_0},
    {"gemma3n", "per_layer_token_embd.weight", DType::f16},
    {"deepseek2", "attn_k_b.weight", DType::q8_0},
    {"deepseek2", "attn_v_b.weight", DType::q8_0},
    {"deepseek2", "attn_q_a.weight", DType::q8_0},
    {"deepseek2", "attn_q_b.weight", DType::q8_0},
    {"deepseek2", "attn_kv_a_mqa.weight", DType::q8_0},
    {"glm4", "token_embd.weight", DType::f16},
    {"glm4", "output.weight", DType::f16},
    {"glmocr", "token_embd.weight", DType::f16},
    {"glmocr", "output.weight", DType::f16},
};

// What a matrix gets whose rows are no whole number of blocks.
struct Fallback {
  DType wanted;
  DType type;
};

constexpr Fallback fallbacks[] = {
    {DType::tq1_0, DType::q4_0},    {DType::tq2_0, DType::q4_0}, {DType::q2_k, DType::iq4_nl},
    {DType::q3_k, DType::iq4_nl},   {DType::q4_k, DType::q5_0},  {DType::q5_k, DType::q5_1},
    {DType::iq4_xs, DType::iq4_nl}, {DType::q6_k, DType::q8_0},
};

bool is_k_type(DType type) {
  return info(type).block_values == 256;
}

bool fits(DType type, int64_t width) {
  return width % info(type).block_values == 0;
}

bool holds(When when, const TensorPlace& place) {
  const int64_t i = place.index;
  const int64_t n = place.count;
  switch (when) {
    case When::always:
      return true;
    case When::shared_heads:
      return place.heads_per_kv_head >= 4;
    case When::eight_experts:
      return place.experts == 8;
    case When::is_expert:
      return place.is_expert;
    case When::first_2:
      return i < 2;
    case When::first_4:
      return i < 4;
    case When::first_sixteenth:
      return i < n / 16;
    case When::first_eighth:
      return i < n / 8;
    case When::more_bits:
      return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
  }
  return false;
}

bool applies(const Rule& rule, const Mixture& mixture, const TensorPlace& place) {
  if (rule.role != place.role) return false;
  if (!rule.mixture.empty() && rule.mixture != mixture.name) return false;
  const bool is_falcon = place.architecture == "falcon";
  if (rule.family != Family::any && is_falcon != (rule.family == Family::falcon)) return false;
  return holds(rule.when, place);
}

DType ruled_type(const Mixture& mixture, const TensorPlace& place) {
  if (place.role == TensorRole::head) {
    const bool is_coarse = place.architecture == "falcon" || !fits(mixture.base, place.width);
    return is_coarse || mixture.base == DType::q8_0 ? DType::q8_0 : DType::q6_k;
  }
  const Rule* rule = std::find_if(std::begin(rules), std::end(rules),
                                  [&](const Rule& row) { return applies(row, mixture, place); });
  const DType type = rule == std::end(rules) ? mixture.base : rule->type;
  // Eighty layers with shared heads: the models of 70 billion parameters, whose values are an
  // eighth of the queries and so cheap to keep better.
  const bool is_large = place.role == v && place.layers == 80 && place.heads_per_kv_head > 1;
  return is_large && (type == DType::q3_k || type == DType::q4_k) ? DType::q5_k : type;
}

}  // namespace

std::span<const Mixture> mixtures() {
  return mixture_table;
}

const Mixture* find_mixture(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper.empty()) return nullptr;
  const Mixture* found =
      std::find_if(std::begin(mixture_table), std::end(mixture_table),
                   [&](const Mixture& row) { return row.name == upper || row.alias == upper; });
  return found == std::end(mixture_table) ? nullptr : found;
}

std::string mixture_names() {
  std::string names;
  for (const Mixture& row : mixture_table) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

DType mixture_type(const Mixture& mixture, const TensorPlace& place) {
  const bool is_float = info(mixture.base).block_values == 1;
  if (is_float) return mixture.base;
  DType type = ruled_type(mixture, place);
  if (is_k_type(mixture.base)) {
    const Exception* row =
        std::find_if(std::begin(exceptions), std::end(exceptions), [&](const Exception& exception) {
          return exception.architecture == place.architecture &&
                 exception.local_name == place.local_name;
        });
    if (row != std::end(exceptions)) type = row->type;
  }
  if (fits(type, place.width)) return type;
  const Fallback* row = std::find_if(std::begin(fallbacks), std::end(fallbacks),
                                     [type](const Fallback& each) { return each.wanted == type; });
  return row != std::end(fallbacks) && fits(row->type, place.width) ? row->type : DType::f16;
}

}  // namespace hearth::engine
