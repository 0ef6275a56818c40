// Frames to CBOR and back. Every struct lists its fields once, in visit(); a writer and a reader
// walk the same list, so the two directions cannot drift apart.
#include <fmt/format.h>

#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "base/bytes.h"
#include "base/utf8.h"
#include "engine/kv_type.h"
#include "engine/runner.h"
#include "engine/runner/cbor_limits.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::json;

// In the order of the variant.
constexpr std::array<std::string_view, std::variant_size_v<Frame>> frame_names = {
    "hello",      "load",          "cancel_load", "generate",  "cancel",   "tokenize",
    "detokenize", "stats_request", "ping",        "shutdown",  "progress", "loaded",
    "refused",    "events",        "tokens",      "text",      "stats",    "failed",
    "pong",       "fatal",         "embed",       "embedding", "quantize", "quantized"};

constexpr std::array<std::string_view, 4> finish_names = {"stop", "length", "cancelled", "failed"};
constexpr std::array<std::string_view, 6> grammar_names = {"json",  "json_schema", "gbnf",
                                                           "regex", "tag",         "anything"};
constexpr std::array<std::string_view, pooling_count + 1> pooling_names = {
    "none", "mean", "cls", "last", "rank", "default"};

template <typename T, typename U>
concept Of = std::same_as<std::remove_const_t<T>, U>;

void visit(auto& a, Of<LoadOptions> auto& o) {
  a("name", o.name), a("threads", o.threads), a("isa", o.isa), a("precise", o.is_precise),
      a("context_tokens", o.context_tokens);
  a("kv_type", o.kv_type), a("cache_bytes", o.cache_bytes), a("sequences_max", o.sequences_max);
  a("queue_max", o.queue_max), a("step_tokens", o.step_tokens);
  a("vocabulary_only", o.vocabulary_only), a("speculation", o.speculation);
  a("draft_cache_bytes", o.draft_cache_bytes);
}
void visit(auto& a, Of<LoadedFacts> auto& f) {
  a("context_tokens", f.context_tokens), a("vocab_size", f.vocab_size),
      a("weight_bytes", f.weight_bytes);
  a("cache_bytes", f.cache_bytes), a("threads", f.threads), a("isa", f.isa),
      a("sandbox", f.sandbox);
}
void visit(auto& a, Of<PromptPart> auto& p) {
  a("text", p.text), a("trusted", p.is_trusted), a("tokens", p.tokens);
}
void visit(auto& a, Of<LogitBias> auto& b) {
  a("token", b.token), a("bias", b.bias);
}
void visit(auto& a, Of<SamplingOptions> auto& s) {
  a("temperature", s.temperature), a("top_k", s.top_k), a("top_p", s.top_p), a("min_p", s.min_p);
  a("typical_p", s.typical_p), a("repeat_penalty", s.repeat_penalty),
      a("repeat_last_n", s.repeat_last_n);
  a("presence_penalty", s.presence_penalty), a("frequency_penalty", s.frequency_penalty),
      a("seed", s.seed);
  a("logit_bias", s.logit_bias), a("top_n_sigma", s.top_n_sigma), a("min_keep", s.min_keep);
  a("xtc_probability", s.xtc_probability), a("xtc_threshold", s.xtc_threshold);
  a("dynatemp_range", s.dynatemp_range), a("dynatemp_exponent", s.dynatemp_exponent);
  a("dry_multiplier", s.dry_multiplier), a("dry_base", s.dry_base),
      a("dry_allowed_length", s.dry_allowed_length);
  a("dry_penalty_last_n", s.dry_penalty_last_n),
      a("dry_sequence_breakers", s.dry_sequence_breakers);
  a("mirostat", s.mirostat), a("mirostat_tau", s.mirostat_tau), a("mirostat_eta", s.mirostat_eta);
  a("logprobs", s.logprobs), a("stages", s.stages);
}
void visit(auto& a, Of<GrammarSource> auto& g) {
  a("kind", g.kind), a("text", g.text), a("best_effort", g.is_best_effort);
  a("parts", g.parts), a("name", g.name);
}
void visit(auto& a, Of<ConstraintSpec> auto& c) {
  a("thoughts_open", c.thoughts_open), a("thoughts_close", c.thoughts_close),
      a("starts_in_thoughts", c.starts_in_thoughts);
  a("free_until", c.free_until), a("grammar", c.grammar);
  a("thoughts_tokens_max", c.thoughts_tokens_max);
}
void visit(auto& a, Of<GenerationRequest> auto& r) {
  a("id", r.id), a("prompt", r.prompt), a("sampling", r.sampling), a("tokens_max", r.tokens_max),
      a("stop", r.stop);
  a("context_tokens", r.context_tokens), a("truncate", r.truncate), a("keep_tokens", r.keep_tokens);
  a("shift", r.shift), a("shown_tokens", r.shown_tokens);
  a("tenant", r.tenant), a("return_tokens", r.return_tokens), a("adapter", r.adapter);
  a("adapter_scale", r.adapter_scale), a("guesses_max", r.guesses_max);
  a("constraint", r.constraint);
}
void visit(auto& a, Of<EmbeddingRequest> auto& r) {
  a("id", r.id), a("input", r.input), a("pooling", r.pooling), a("normalize", r.normalize);
  a("truncate", r.truncate), a("adapter", r.adapter), a("adapter_scale", r.adapter_scale);
}
void visit(auto& a, Of<EmbeddingResult> auto& r) {
  a("id", r.id), a("values", r.values), a("rows", r.rows), a("width", r.width);
  a("input_tokens", r.input_tokens), a("truncated", r.is_truncated), a("failed", r.has_failed);
  if (r.has_failed) a("code", r.error), a("message", r.message);
}
void visit(auto& a, Of<GuessCounts> auto& c) {
  a("drafted", c.drafted), a("accepted", c.accepted);
}
void visit(auto& a, Of<Timings> auto& t) {
  a("prompt_tokens", t.prompt_tokens), a("cached_prompt_tokens", t.cached_prompt_tokens);
  a("generated_tokens", t.generated_tokens), a("prompt_ns", t.prompt_ns),
      a("generation_ns", t.generation_ns), a("guesses", t.guesses);
}
void visit(auto& a, Of<GenerationEvent> auto& e) {
  a("id", e.id), a("text", e.text), a("log_probs", e.log_probs), a("final", e.is_final);
  if (!e.is_final) return;
  a("finish", e.finish), a("timings", e.timings), a("code", e.error), a("message", e.message),
      a("tokens", e.tokens), a("stop", e.stop);
}
void visit(auto& a, Of<EngineStats> auto& s) {
  a("weight_bytes", s.weight_bytes), a("cache_bytes", s.cache_bytes),
      a("cache_used_bytes", s.cache_used_bytes);
  a("running", s.running), a("waiting", s.waiting), a("steps", s.steps),
      a("preemptions", s.preemptions), a("context_tokens", s.context_tokens);
  a("threads", s.threads), a("guesses", s.guesses), a("answer_tokens_read", s.answer_tokens_read);
}

void visit(auto& a, Of<HelloFrame> auto& f) {
  a("protocol", f.protocol), a("program", f.program);
}
void visit(auto& a, Of<LoadFrame> auto& f) {
  a("options", f.options), a("model_fds", f.model_fds), a("adapter_fds", f.adapter_fds),
      a("draft_fds", f.draft_fds), a("lease", f.has_lease);
}
void visit(auto&, Of<CancelLoadFrame> auto&) {}
void visit(auto& a, Of<QuantizeFrame> auto& f) {
  a("name", f.name), a("mixture", f.mixture), a("threads", f.threads), a("model_fds", f.model_fds);
}
void visit(auto&, Of<QuantizedFrame> auto&) {}
void visit(auto& a, Of<GenerateFrame> auto& f) {
  visit(a, f.request);
}
void visit(auto& a, Of<EmbedFrame> auto& f) {
  visit(a, f.request);
}
void visit(auto& a, Of<EmbeddingFrame> auto& f) {
  visit(a, f.result);
  a("final", f.is_final);
}
void visit(auto& a, Of<CancelFrame> auto& f) {
  a("id", f.id);
}
void visit(auto& a, Of<TokenizeFrame> auto& f) {
  a("call", f.call), a("prompt", f.prompt), a("as_prompt", f.as_prompt);
}
void visit(auto& a, Of<DetokenizeFrame> auto& f) {
  a("call", f.call), a("tokens", f.tokens);
}
void visit(auto& a, Of<StatsRequestFrame> auto& f) {
  a("call", f.call);
}
void visit(auto& a, Of<PingFrame> auto& f) {
  a("call", f.call);
}
void visit(auto&, Of<ShutdownFrame> auto&) {}
void visit(auto& a, Of<ProgressFrame> auto& f) {
  a("fraction", f.fraction);
}
void visit(auto& a, Of<LoadedFrame> auto& f) {
  visit(a, f.facts);
}
void visit(auto& a, Of<RefusedFrame> auto& f) {
  a("code", f.code), a("message", f.message);
}
void visit(auto& a, Of<EventsFrame> auto& f) {
  a("events", f.events);
}
void visit(auto& a, Of<TokensFrame> auto& f) {
  a("call", f.call), a("tokens", f.tokens);
}
void visit(auto& a, Of<TextFrame> auto& f) {
  a("call", f.call), a("text", f.text);
}
void visit(auto& a, Of<StatsFrame> auto& f) {
  a("call", f.call), a("stats", f.stats);
}
void visit(auto& a, Of<FailedFrame> auto& f) {
  a("call", f.call), a("code", f.code), a("message", f.message);
}
void visit(auto& a, Of<PongFrame> auto& f) {
  a("call", f.call), a("steps", f.steps), a("running", f.running), a("waiting", f.waiting);
  a("waits_for_lease", f.waits_for_lease);
}
void visit(auto& a, Of<FatalFrame> auto& f) {
  a("code", f.code), a("message", f.message);
}

class Writer {
 public:
  explicit Writer(Json& map) : map_(map) {}

  template <typename T>
  void operator()(const char* key, const T& value) {
    map_[key] = to_json(value);
  }

 private:
  template <typename T>
  requires std::is_arithmetic_v<T>
  static Json to_json(T value) { return value; }
  static Json to_json(const std::string& value) { return value; }
  static Json to_json(KvType value) { return kv_type_name(value); }
  static Json to_json(Speculation value) { return speculation_name(value); }
  static Json to_json(FinishReason value) { return finish_names[static_cast<size_t>(value)]; }
  static Json to_json(GrammarKind value) { return grammar_names[static_cast<size_t>(value)]; }
  static Json to_json(const std::optional<ConstraintSpec>& value) {
    return value ? to_json(*value) : Json::object();
  }
  static Json to_json(ErrorCode value) { return to_string(value); }
  static Json to_json(const std::optional<Pooling>& value) {
    return pooling_names[value ? static_cast<size_t>(*value) : pooling_names.size() - 1];
  }

  template <typename T>
  requires std::is_class_v<T>
  static Json to_json(const T& value) {
    Json map = Json::object();
    Writer writer(map);
    visit(writer, value);
    return map;
  }

  template <typename T>
  static Json to_bytes(const std::vector<T>& values) {
    static_assert(std::endian::native == std::endian::little, "numbers travel little-endian");
    std::vector<uint8_t> bytes(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return Json::binary(std::move(bytes));
  }
  static Json to_json(const std::vector<TokenId>& tokens) { return to_bytes(tokens); }
  static Json to_json(const std::vector<float>& values) { return to_bytes(values); }

  // Packed, for a frame has room for many more bytes than values: per row a count, per entry id,
  // value, length and bytes of the piece.
  static Json to_json(const std::vector<std::vector<LogProb>>& rows) {
    std::vector<uint8_t> bytes;
    const auto put = [&bytes](const auto& value) {
      const size_t at = bytes.size();
      bytes.resize(at + sizeof(value));
      std::memcpy(bytes.data() + at, &value, sizeof(value));
    };
    for (const std::vector<LogProb>& row : rows) {
      put(static_cast<uint32_t>(row.size()));
      for (const LogProb& entry : row) {
        put(entry.id), put(entry.value), put(static_cast<uint32_t>(entry.piece.size()));
        bytes.insert(bytes.end(), entry.piece.begin(), entry.piece.end());
      }
    }
    return Json::binary(std::move(bytes));
  }

  template <typename T>
  static Json to_json(const std::vector<T>& values) {
    Json list = Json::array();
    for (const T& value : values) list.push_back(to_json(value));
    return list;
  }

  Json& map_;
};

class Reader {
 public:
  explicit Reader(const Json& map) : map_(map) {
    if (!map.is_object()) fail("frame", "a map", map);
  }

  template <typename T>
  void operator()(const char* key, T& value) {
    const auto found = map_.find(key);
    if (found != map_.end()) from_json(key, *found, value);
  }

 private:
  [[noreturn]] static void fail(const char* key, std::string_view expected, const Json& found) {
    throw Error(ErrorCode::corrupt_data,
                fmt::format("\"{}\": expected {}, found {}", key, expected, found.type_name()));
  }

  static void from_json(const char* key, const Json& json, bool& value) {
    if (!json.is_boolean()) fail(key, "a boolean", json);
    value = json.get<bool>();
  }

  template <std::integral T>
  static void from_json(const char* key, const Json& json, T& value) {
    if (!json.is_number_integer()) fail(key, "an integer", json);
    const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<uint64_t>())
                                                : std::in_range<T>(json.get<int64_t>());
    if (!fits) fail(key, "an integer in range", json);
    value = json.get<T>();
  }

  template <std::floating_point T>
  static void from_json(const char* key, const Json& json, T& value) {
    if (!json.is_number()) fail(key, "a number", json);
    value = json.get<T>();
  }

  static void from_json(const char* key, const Json& json, std::string& value) {
    if (!json.is_string()) fail(key, "a string", json);
    value = json.get_ref<const std::string&>();
  }

  template <typename T>
  static void from_bytes(const char* key, std::string_view expected, const Json& json,
                         std::vector<T>& values) {
    if (!json.is_binary() || json.get_binary().size() % sizeof(T) != 0) fail(key, expected, json);
    const auto& bytes = json.get_binary();
    values.resize(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  static void from_json(const char* key, const Json& json, std::vector<TokenId>& tokens) {
    from_bytes(key, "token ids", json, tokens);
  }
  static void from_json(const char* key, const Json& json, std::vector<float>& values) {
    from_bytes(key, "floats", json, values);
  }
  static void from_json(const char* key, const Json& json, std::optional<Pooling>& value) {
    const size_t index = index_of(key, json, pooling_names);
    value.reset();
    if (index + 1 < pooling_names.size()) value = static_cast<Pooling>(index);
  }

  template <size_t count>
  static size_t index_of(const char* key, const Json& json,
                         const std::array<std::string_view, count>& names) {
    for (size_t i = 0; i < count; ++i) {
      if (json == names[i]) return i;
    }
    fail(key, "a known name", json);
  }

  static void from_json(const char* key, const Json& json, KvType& value) {
    value = static_cast<KvType>(index_of(key, json, kv_type_names));
  }
  static void from_json(const char* key, const Json& json, Speculation& value) {
    value = static_cast<Speculation>(index_of(key, json, speculation_names));
  }
  static void from_json(const char* key, const Json& json, FinishReason& value) {
    value = static_cast<FinishReason>(index_of(key, json, finish_names));
  }
  static void from_json(const char* key, const Json& json, GrammarKind& value) {
    value = static_cast<GrammarKind>(index_of(key, json, grammar_names));
  }
  // An empty map is no constraint.
  static void from_json(const char* key, const Json& json, std::optional<ConstraintSpec>& value) {
    value.reset();
    if (json.is_object() && json.empty()) return;
    ConstraintSpec spec;
    from_json(key, json, spec);
    value = std::move(spec);
  }
  static void from_json(const char* key, const Json& json, ErrorCode& value) {
    if (!json.is_string()) fail(key, "an error code", json);
    value = error_code_from(json.get_ref<const std::string&>());
  }

  static void from_json(const char* key, const Json& json,
                        std::vector<std::vector<LogProb>>& rows) {
    if (!json.is_binary()) fail(key, "log-probabilities", json);
    ByteReader reader(std::as_bytes(std::span(json.get_binary())), key);
    rows.clear();
    while (reader.remaining() > 0) {
      std::vector<LogProb>& row = rows.emplace_back();
      for (auto left = reader.read<uint32_t>("entries"); left > 0; --left) {
        LogProb& entry = row.emplace_back();
        entry.id = reader.read<TokenId>("id");
        entry.value = reader.read<float>("value");
        const auto piece = reader.take(reader.read<uint32_t>("piece"), "piece");
        entry.piece.resize(piece.size());
        if (!piece.empty()) std::memcpy(entry.piece.data(), piece.data(), piece.size());
      }
    }
  }

  template <typename T>
  static void from_json(const char* key, const Json& json, std::vector<T>& values) {
    if (!json.is_array()) fail(key, "a list", json);
    values.clear();
    values.reserve(json.size());
    for (const Json& item : json) from_json(key, item, values.emplace_back());
  }

  template <typename T>
  requires std::is_class_v<T>
  static void from_json(const char* key, const Json& json, T& value) {
    if (!json.is_object()) fail(key, "a map", json);
    Reader reader(json);
    visit(reader, value);
  }

  const Json& map_;
};

// Names the first thing a request asks for that this version specifies but cannot do yet.
std::string unsupported_in(const Json& map) {
  const auto prompt = map.find("prompt");
  if (prompt == map.end() || !prompt->is_array()) return "";
  for (const Json& part : *prompt) {
    if (part.contains("image")) return "a picture in the prompt";
    if (part.contains("audio")) return "sound in the prompt";
  }
  return "";
}

// The daemon puts event text into JSON, which is UTF-8 or nothing.
void check_text(const EventsFrame& frame) {
  for (const GenerationEvent& event : frame.events) {
    if (!is_valid_utf8(event.text) || !is_valid_utf8(event.message) || !is_valid_utf8(event.stop)) {
      throw Error(ErrorCode::corrupt_data, "an event whose text is not UTF-8");
    }
  }
}

template <typename T>
Frame read_frame(const Json& map) {
  T frame;
  Reader reader(map);
  visit(reader, frame);
  if constexpr (std::same_as<T, GenerateFrame>) frame.unsupported = unsupported_in(map);
  if constexpr (std::same_as<T, EventsFrame>) check_text(frame);
  return frame;
}

template <size_t... indices>
Frame frame_from(size_t wanted, const Json& map, std::index_sequence<indices...>) {
  using ReadFrame = Frame (*)(const Json&);
  constexpr ReadFrame readers[] = {&read_frame<std::variant_alternative_t<indices, Frame>>...};
  return readers[wanted](map);
}

}  // namespace

std::vector<std::byte> encode_frame(const Frame& frame) {
  Json map = Json::object();
  map["frame"] = frame_names[frame.index()];
  Writer writer(map);
  std::visit([&writer](const auto& value) { visit(writer, value); }, frame);
  std::vector<uint8_t> bytes;
  Json::to_cbor(map, bytes);
  if (bytes.size() > frame_bytes_max) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a {} of {} bytes is too large for the runner, at most {} are possible",
                            frame_names[frame.index()], bytes.size(), frame_bytes_max));
  }
  const auto view = std::as_bytes(std::span(bytes));
  return {view.begin(), view.end()};
}

Frame decode_frame(std::span<const std::byte> payload) {
  check_cbor(payload);
  Json map;
  try {
    map = Json::from_cbor(payload.begin(), payload.end());
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corrupt_data, fmt::format("a frame that is not CBOR: {}", error.what()));
  }
  const auto name = map.is_object() ? map.find("frame") : map.end();
  if (name == map.end() || !name->is_string())
    throw Error(ErrorCode::corrupt_data, "a frame without a name");
  const auto& text = name->get_ref<const std::string&>();
  for (size_t i = 0; i < frame_names.size(); ++i) {
    if (frame_names[i] == text)
      return frame_from(i, map, std::make_index_sequence<frame_names.size()>());
  }
  throw Error(ErrorCode::corrupt_data, "a frame of an unknown name");
}

}  // namespace hearth::engine
