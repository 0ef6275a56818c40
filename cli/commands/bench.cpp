// `hearth bench`: many clients ask a running daemon at once, each over a connection of its own, and
// what they see is measured. Prompts are token ids drawn at random, so that no prompt begins as
// another one and the daemon's cache of prefixes cannot help unless it was asked to.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/load_report.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr std::string_view sample_text =
    "The harbour lay quiet before sunrise: 14 boats, 3 of them painted green, waited for wind. "
    "Anna counted ropes, wrote numbers into a small book and asked herself whether yesterday's "
    "storm "
    "had moved the outer buoy. \"Not far,\" said old Per, who always knew; \"perhaps 250 metres "
    "north.\" They took bread, two lamps, some tea (without sugar), then rowed past grey stones "
    "where seals "
    "sleep. How many winters would this wall still hold? Nobody could say, but everyone helped.";
// Pieces that every stream has got before a newcomer arrives.
constexpr int64_t settled_pieces = 4;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Json read_schema(const std::string& path) {
  Json schema = Json::parse(read_file(path), nullptr, false);
  if (schema.is_object()) return schema;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("--schema {}: expected a JSON Schema, found no JSON object", path));
}

// Answers of one number of clients, and what they have to know of each other.
class Load {
 public:
  Load(const Client& client, const BenchOptions& options, std::vector<int32_t> vocabulary)
      : client_(client), options_(options), vocabulary_(std::move(vocabulary)) {
    if (!options.schema.empty()) format_ = read_schema(options.schema);
    for (int32_t i = 0; i < options.shared_prefix; ++i) shared_.push_back(draw());
    // The first request loads the model and tells what its template adds to every prompt.
    const AnswerTimes first = ask(ids(1), 1, false, nullptr);
    if (!first.error.empty()) throw Error(ErrorCode::unavailable, first.error);
    added_tokens_ = static_cast<int32_t>(first.prompt_tokens) - 1;
    for (const int32_t tokens : {options.prompt, options.arrive}) {
      if (tokens == 0 || tokens > added_tokens_) continue;
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the template of {} alone makes {} tokens of every prompt; ask for "
                              "more than {}",
                              options.model, added_tokens_, tokens));
    }
  }

  LoadRow run(int32_t clients) {
    std::vector<std::vector<AnswerTimes>> answers(static_cast<size_t>(clients));
    std::vector<std::vector<Json>> prompts(static_cast<size_t>(clients));
    const int32_t requests = options_.arrive > 0 ? 1 : options_.requests;
    for (std::vector<Json>& of_client : prompts)
      for (int32_t i = 0; i < requests; ++i)
        of_client.push_back(ids(options_.prompt - added_tokens_));
    const Json arrival = ids(std::max(options_.arrive - added_tokens_, 1));
    newcomer_began_ = false;
    settled_ = 0;
    {
      std::latch start(clients);
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < answers.size(); ++i) {
        threads.emplace_back([&, i] {
          start.arrive_and_wait();
          const bool is_bound = options_.bound < 0 || static_cast<int32_t>(i) < options_.bound;
          for (const Json& prompt : prompts[i])
            answers[i].push_back(ask(prompt, tokens_of_answers(), is_bound, &settled_));
        });
      }
      if (options_.arrive > 0) newcomer_ = watch_arrival(arrival, clients);
    }
    std::vector<AnswerTimes> all;
    for (std::vector<AnswerTimes>& of_client : answers)
      all.insert(all.end(), of_client.begin(), of_client.end());
    LoadRow row = summarise_load(clients, all);
    if (options_.arrive > 0) row.newcomer = summarise_newcomer(newcomer_, all);
    return row;
  }

 private:
  // Streams go on until the newcomer has begun, and are cut off then.
  int32_t tokens_of_answers() const { return options_.arrive > 0 ? -1 : options_.generate; }

  int32_t draw() {
    return vocabulary_[std::uniform_int_distribution<size_t>(0, vocabulary_.size() - 1)(random_)];
  }

  Json ids(int32_t count) {
    Json result = Json::array();
    for (int32_t i = 0; i < count; ++i) {
      const bool is_shared = count > 1 && i < static_cast<int32_t>(shared_.size());
      result.push_back(is_shared ? shared_[static_cast<size_t>(i)] : draw());
    }
    return result;
  }

  // One request to its end. Answers that are to be measured while a newcomer is read (`settled` is
  // given, and counts those that have begun for good) end with their first piece after its own.
  AnswerTimes ask(const Json& context, int32_t tokens, bool is_bound,
                  std::atomic<int64_t>* settled) {
    Json body = {{"model", options_.model},
                 {"prompt", "."},
                 {"context", context},
                 {"options", {{"num_predict", tokens}}}};
    if (is_bound && !format_.is_null()) body["format"] = format_;
    AnswerTimes times;
    bool is_settled = settled == nullptr;
    std::atomic<bool> stops = false;
    const auto settle = [&] {
      if (is_settled) return;
      is_settled = true;
      *settled += 1;
      settled->notify_all();
    };
    const auto receive = [&](const Json& line) {
      if (!line.value("response", "").empty() || !line.value("thinking", "").empty()) {
        if (settled != nullptr && newcomer_began_) stops = true;
        times.arrivals.push_back(now());
      }
      if (std::ssize(times.arrivals) == settled_pieces) settle();
      times.tokens = line.value("eval_count", std::ssize(times.arrivals));
      times.prompt_tokens = line.value("prompt_eval_count", times.prompt_tokens);
    };
    times.started = now();
    try {
      client_.stream("/api/generate", body, receive, stops);
    } catch (const Error& error) {  // counted: other clients go on
      times.error = error.what();
    }
    times.ended = now();
    settle();  // an answer that ended early is not waited for
    return times;
  }

  AnswerTimes watch_arrival(const Json& prompt, int32_t clients) {
    for (int64_t seen = settled_; seen < clients; seen = settled_) settled_.wait(seen);
    const AnswerTimes arrival = ask(prompt, 1, false, nullptr);
    newcomer_began_ = true;
    return arrival;
  }

  const Client& client_;
  const BenchOptions& options_;
  const std::vector<int32_t> vocabulary_;
  std::mt19937_64 random_{std::random_device{}()};
  Json format_;                  // what bound answers must look like; null: nothing
  std::vector<int32_t> shared_;  // tokens that all prompts begin with
  int32_t added_tokens_ = 0;
  std::atomic<bool> newcomer_began_ = false;  // or failed
  std::atomic<int64_t> settled_ = 0;
  AnswerTimes newcomer_;
};

std::vector<int32_t> vocabulary_of(const Client& client, const std::string& model) {
  const Json answer = client.post("/api/tokenize", {{"model", model}, {"text", sample_text}});
  auto ids = answer.at("tokens").get<std::vector<int32_t>>();
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (ids.empty()) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the vocabulary of {} has no tokens for plain text", model));
  }
  return ids;
}

void check_options(const BenchOptions& options) {
  const auto check = [](const char* flag, int32_t value, int32_t least) {
    if (value >= least && value <= 1'000'000) return;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} is {}, expected {} to 1000000", flag, value, least));
  };
  for (const int32_t clients : options.clients) check("--clients", clients, 1);
  check("--prompt", options.prompt, 1);
  check("--generate", options.generate, 1);
  check("--requests", options.requests, 1);
  check("--arrive", options.arrive, 0);
  check("--shared-prefix", options.shared_prefix, 0);
  if (options.bound >= 0 && options.schema.empty())
    throw Error(ErrorCode::invalid_argument, "--bound needs --schema FILE");
}

}  // namespace

int bench(const Client& client, const BenchOptions& options) {
  check_options(options);
  Load load(client, options, vocabulary_of(client, options.model));
  std::vector<LoadRow> rows;
  Progress progress;
  bool has_errors = false;
  for (const int32_t clients : options.clients) {
    progress.message(fmt::format("{} clients", clients));
    rows.push_back(load.run(clients));
    has_errors |= rows.back().errors > 0;
  }
  progress.finish();
  if (options.is_json) {
    print(Json{{"model", options.model}, {"rows", load_json(rows)}}.dump(2) + "\n");
  } else {
    print(load_table(rows));
  }
  return has_errors ? 1 : 0;
}

}  // namespace hearth::cli
