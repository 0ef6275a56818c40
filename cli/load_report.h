// What `hearth bench` makes of the times at which answers arrived. Pure: no clock, no network.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace hearth::cli {

using Json = nlohmann::ordered_json;

// One answer as its client saw it; seconds on one clock.
struct AnswerTimes {
  double started = 0;            // the request was sent
  std::vector<double> arrivals;  // pieces of text; nearly always one token each
  double ended = 0;
  int64_t prompt_tokens = 0;  // as the daemon counted
  int64_t tokens = 0;         // written; of an answer that was cut off: its pieces
  std::string error;          // empty: none
};

// A prompt that came while others were being answered.
struct Newcomer {
  AnswerTimes times;
  // The longest time any other answer stood still between the arrival of this prompt and its first
  // token; 0 where none was being written all the while.
  double longest_gap = 0;
  int64_t streams = 0;  // answers that were being written all the while
};

// All answers with one number of clients. Times are seconds; percentiles by nearest rank.
struct LoadRow {
  int32_t clients = 0;
  int64_t requests = 0;
  int64_t errors = 0;
  std::string first_error;
  int64_t prompt_tokens = 0;   // of the longest prompt
  int64_t tokens = 0;          // written in all
  double first_token[3] = {};  // median, 95th, 99th percentile
  double token[3] = {};        // the same of the times between pieces
  double longest_gap = 0;
  double tokens_per_s = 0;        // from the first request to the last token
  double all_decoding_per_s = 0;  // pieces, while every client was being answered; 0: never
  std::optional<Newcomer> newcomer;
};

// `percent` of 0..100; 0 for no values.
double percentile(std::vector<double> values, double percent);
// `answers` are those of the first client, then those of the second, ..., as many of each.
LoadRow summarise_load(int32_t clients, const std::vector<AnswerTimes>& answers);
// `answers` are those that were being written when `arrival` was sent.
Newcomer summarise_newcomer(const AnswerTimes& arrival, const std::vector<AnswerTimes>& answers);

std::string load_table(const std::vector<LoadRow>& rows);
Json load_json(const std::vector<LoadRow>& rows);

}  // namespace hearth::cli
