#include "api/log_probs.h"

namespace hearth::api {
namespace {

Json write_one(const TokenLogProb& entry) {
  Json bytes = Json::array();
  for (const char byte : entry.token) bytes.push_back(static_cast<unsigned char>(byte));
  Json value;
  value["token"] = entry.token;
  value["logprob"] = entry.value;
  value["bytes"] = std::move(bytes);
  return value;
}

}  // namespace

Json write_log_probs(const std::vector<TokenLogProb>& log_probs) {
  Json list = Json::array();
  for (const TokenLogProb& entry : log_probs) {
    Json value = write_one(entry);
    Json top = Json::array();
    for (const TokenLogProb& other : entry.top) top.push_back(write_one(other));
    value["top_logprobs"] = std::move(top);
    list.push_back(std::move(value));
  }
  return list;
}

}  // namespace hearth::api
