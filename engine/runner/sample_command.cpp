#include "engine/runner/sample_command.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/engine/dry_breakers.h"
#include "engine/runner.h"
#include "engine/sampler/sampler.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::json;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

std::vector<float> read_logits(const Json& request) {
  const auto list = request.find("logits");
  if (list == request.end() || !list->is_array() || list->empty())
    fail("\"logits\": expected a list of numbers, null for minus infinity");
  std::vector<float> logits;
  for (const Json& value : *list) {
    if (!value.is_number() && !value.is_null())
      fail(fmt::format("\"logits\"[{}]: expected a number or null", logits.size()));
    logits.push_back(value.is_null() ? -std::numeric_limits<float>::infinity()
                                     : value.get<float>());
  }
  return logits;
}

std::vector<TokenId> read_history(const Json& request, int64_t vocab_size) {
  std::vector<TokenId> history;
  const auto list = request.find("history");
  if (list == request.end()) return history;
  if (!list->is_array()) fail("\"history\": expected a list of token ids");
  for (const Json& id : *list) {
    if (!id.is_number_integer()) fail("\"history\": expected a list of token ids");
    const auto token = id.get<int64_t>();
    if (token < 0 || token >= vocab_size) {
      fail(fmt::format("\"history\": token {}, expected an id below {} as there are so many logits",
                       token, vocab_size));
    }
    history.push_back(static_cast<TokenId>(token));
  }
  return history;
}

// The options are spelled as in a generate frame, so its reader reads them.
SamplingOptions read_options(const Json& request) {
  const auto options = request.find("options");
  if (options == request.end()) return {};
  const auto as_frame = [](const std::vector<uint8_t>& cbor) {
    return decode_frame(std::as_bytes(std::span(cbor)));
  };
  const auto defaults = encode_frame(GenerateFrame{});
  const Json known = Json::from_cbor(defaults)["sampling"];
  for (const auto& [name, value] : options->items()) {
    if (!known.contains(name)) fail(fmt::format("there is no sampling option \"{}\"", name));
  }
  const Frame frame = as_frame(Json::to_cbor(Json{{"frame", "generate"}, {"sampling", *options}}));
  return std::get<GenerateFrame>(frame).request.sampling;
}

Json stages_of(Sampler& sampler, std::vector<float> logits) {
  Json stages = Json::array();
  sampler.sample(logits, [&](std::string_view name, std::span<const Candidate> candidates) {
    Json probabilities = Json::array();
    for (const Candidate& item : candidates) probabilities.push_back({item.id, item.p});
    stages.push_back({{"stage", name}, {"probabilities", std::move(probabilities)}});
  });
  return stages;
}

Json sample(const Json& request, const Tokenizer* tokenizer) {
  const std::vector<float> logits = read_logits(request);
  SamplingOptions options = read_options(request);
  const int64_t context = request.value("context", int64_t{4096});
  const int64_t draws = request.value("draws", int64_t{1});
  if (draws < 0 || draws > 1'000'000) fail("\"draws\": expected 0 to 1000000");
  if (context < 1 || context > int64_t{1} << 24) fail("\"context\": expected 1 to 16777216");
  const auto vocab_size = static_cast<int64_t>(logits.size());
  const auto breakers =
      tokenizer != nullptr ? find_breakers(*tokenizer, options.dry_sequence_breakers) : nullptr;
  Sampler sampler(options, vocab_size, context, breakers);
  // The stages shown are those of the first draw: the same random numbers decide about XTC.
  options.seed = static_cast<int64_t>(sampler.seed());
  Sampler observed(options, vocab_size, context, breakers);
  for (const TokenId id : read_history(request, vocab_size)) {
    sampler.accept(id);
    observed.accept(id);
  }
  Json answer{{"stages", stages_of(observed, logits)}, {"seed", sampler.seed()}};
  std::vector<float> final_probabilities(logits.size(), 0.0f);
  for (const Json& pair : answer["stages"].back()["probabilities"])
    final_probabilities[pair[0].get<size_t>()] = pair[1].get<float>();
  answer["probabilities"] = final_probabilities;
  Json& ids = answer["ids"] = Json::array();
  Json& log_probs = answer["log_probs"] = Json::array();
  for (int64_t i = 0; i < draws; ++i) {
    std::vector<float> copy = logits;
    ids.push_back(sampler.sample(copy));
    Json row = Json::array();
    for (const TokenLogProb& entry : sampler.log_probs()) row.push_back({entry.id, entry.value});
    if (!row.empty()) log_probs.push_back(std::move(row));
  }
  return answer;
}

}  // namespace

std::string answer_sample_request(std::string_view request, const Tokenizer* tokenizer) {
  try {
    const Json json = Json::parse(request);
    if (!json.is_object()) fail("the request: expected a JSON object");
    return sample(json, tokenizer).dump();
  } catch (const Json::exception& error) {
    fail(fmt::format("the request: {}", error.what()));
  }
}

}  // namespace hearth::engine
