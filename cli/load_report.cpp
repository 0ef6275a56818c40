// See load_report.h.
#include "cli/load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/human.h"

namespace hearth::cli {
namespace {

constexpr double percents[] = {50, 95, 99};

void fill(const std::vector<double>& values, double (&result)[3]) {
  for (size_t i = 0; i < std::size(percents); ++i) result[i] = percentile(values, percents[i]);
}

// Pieces per second between the last first piece and the first last piece.
double rate_while_all(const std::vector<AnswerTimes>& answers) {
  double begin = -INFINITY, end = INFINITY;
  for (const AnswerTimes& answer : answers) {
    if (answer.arrivals.empty()) return 0;
    begin = std::max(begin, answer.arrivals.front());
    end = std::min(end, answer.arrivals.back());
  }
  if (!(end > begin)) return 0;
  int64_t pieces = 0;
  for (const AnswerTimes& answer : answers) {
    pieces += std::count_if(answer.arrivals.begin(), answer.arrivals.end(),
                            [&](double time) { return time > begin && time <= end; });
  }
  return static_cast<double>(pieces) / (end - begin);
}

std::string milliseconds(double seconds) {
  return fmt::format("{:.{}f}", seconds * 1e3, seconds < 0.1 ? 1 : 0);
}

Json percentiles_json(const double (&values)[3]) {
  return {{"p50", values[0]}, {"p95", values[1]}, {"p99", values[2]}};
}

}  // namespace

double percentile(std::vector<double> values, double percent) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  return values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

LoadRow summarise_load(int32_t clients, const std::vector<AnswerTimes>& answers) {
  LoadRow row;
  row.clients = clients;
  row.requests = std::ssize(answers);
  std::vector<double> first_tokens, gaps;
  double begin = INFINITY, end = -INFINITY;
  for (const AnswerTimes& answer : answers) {
    if (!answer.error.empty()) {
      if (row.errors++ == 0) row.first_error = answer.error;
      continue;
    }
    begin = std::min(begin, answer.started);
    end = std::max(end, answer.ended);
    row.tokens += answer.tokens;
    row.prompt_tokens = std::max(row.prompt_tokens, answer.prompt_tokens);
    if (answer.arrivals.empty()) continue;
    first_tokens.push_back(answer.arrivals.front() - answer.started);
    for (size_t i = 1; i < answer.arrivals.size(); ++i)
      gaps.push_back(answer.arrivals[i] - answer.arrivals[i - 1]);
  }
  fill(first_tokens, row.first_token);
  fill(gaps, row.token);
  row.longest_gap = percentile(gaps, 100);
  if (end > begin) row.tokens_per_s = static_cast<double>(row.tokens) / (end - begin);
  // Clients that ask several times are not all being answered at any one time; at first they are.
  std::vector<AnswerTimes> firsts;
  const size_t each = answers.size() / static_cast<size_t>(clients);
  for (size_t i = 0; i < answers.size() && each > 0; i += each) firsts.push_back(answers[i]);
  row.all_decoding_per_s = rate_while_all(firsts);
  return row;
}

Newcomer summarise_newcomer(const AnswerTimes& arrival, const std::vector<AnswerTimes>& answers) {
  Newcomer newcomer{arrival, 0, 0};
  if (arrival.arrivals.empty()) return newcomer;
  const double begin = arrival.started, end = arrival.arrivals.front();
  for (const AnswerTimes& answer : answers) {
    const std::vector<double>& times = answer.arrivals;
    if (times.empty() || times.front() > begin || times.back() < end) continue;
    ++newcomer.streams;
    for (size_t i = 1; i < times.size(); ++i) {
      if (times[i] > begin && times[i - 1] < end)
        newcomer.longest_gap = std::max(newcomer.longest_gap, times[i] - times[i - 1]);
    }
  }
  return newcomer;
}

std::string load_table(const std::vector<LoadRow>& rows) {
  std::vector<std::vector<std::string>> lines = {
      {"CLIENTS", "FIRST TOKEN ms: p50", "p95", "p99", "PER TOKEN ms: p50", "p95", "p99",
       "LONGEST GAP ms", "TOKENS/S", "ALL WRITING", "ERRORS"}};
  std::string notes;
  for (const LoadRow& row : rows) {
    std::vector<std::string>& line = lines.emplace_back();
    line.push_back(std::to_string(row.clients));
    for (const double value : row.first_token) line.push_back(milliseconds(value));
    for (const double value : row.token) line.push_back(milliseconds(value));
    line.push_back(milliseconds(row.longest_gap));
    line.push_back(fmt::format("{:.1f}", row.tokens_per_s));
    line.push_back(row.all_decoding_per_s > 0 ? fmt::format("{:.1f}", row.all_decoding_per_s)
                                              : "-");
    line.push_back(std::to_string(row.errors));
    if (row.errors > 0)
      notes += fmt::format("first error with {} clients: {}\n", row.clients, row.first_error);
    if (row.newcomer) {
      notes += fmt::format(
          "{} clients: a prompt of {} tokens arrived; its first token came after {:.2f} s, and "
          "none "
          "of {} streams stood still for longer than {} ms\n",
          row.clients, row.newcomer->times.prompt_tokens,
          row.newcomer->times.arrivals.empty()
              ? 0
              : row.newcomer->times.arrivals.front() - row.newcomer->times.started,
          row.newcomer->streams, milliseconds(row.newcomer->longest_gap));
    }
  }
  return table(lines) + notes;
}

Json load_json(const std::vector<LoadRow>& rows) {
  Json result = Json::array();
  for (const LoadRow& row : rows) {
    Json& entry = result.emplace_back(Json{{"clients", row.clients},
                                           {"requests", row.requests},
                                           {"errors", row.errors},
                                           {"prompt_tokens", row.prompt_tokens},
                                           {"tokens", row.tokens},
                                           {"first_token_s", percentiles_json(row.first_token)},
                                           {"token_s", percentiles_json(row.token)},
                                           {"longest_gap_s", row.longest_gap},
                                           {"tokens_per_s", row.tokens_per_s},
                                           {"all_writing_tokens_per_s", row.all_decoding_per_s}});
    if (!row.first_error.empty()) entry["first_error"] = row.first_error;
    if (!row.newcomer) continue;
    const AnswerTimes& times = row.newcomer->times;
    entry["arrival"] = {{"prompt_tokens", times.prompt_tokens},
                        {"streams", row.newcomer->streams},
                        {"longest_gap_s", row.newcomer->longest_gap}};
    if (!times.arrivals.empty())
      entry["arrival"]["first_token_s"] = times.arrivals.front() - times.started;
    if (!times.error.empty()) entry["arrival"]["error"] = times.error;
  }
  return result;
}

}  // namespace hearth::cli
