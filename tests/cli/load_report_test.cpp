// Percentiles, rates and gaps from times that were written down by hand.
#include "cli/load_report.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace hearth::cli;

namespace {

AnswerTimes answer(double started, std::vector<double> arrivals) {
  AnswerTimes times;
  times.started = started;
  times.tokens = std::ssize(arrivals);
  times.ended = arrivals.empty() ? started : arrivals.back();
  times.arrivals = std::move(arrivals);
  times.prompt_tokens = 100;
  return times;
}

}  // namespace

TEST_CASE("percentiles are values that occurred") {
  CHECK(percentile({}, 50) == 0);
  CHECK(percentile({7}, 99) == 7);
  CHECK(percentile({4, 1, 3, 2}, 50) == 2);
  CHECK(percentile({4, 1, 3, 2}, 51) == 3);
  CHECK(percentile({4, 1, 3, 2}, 95) == 4);
  CHECK(percentile({4, 1, 3, 2}, 0) == 1);
}

TEST_CASE("a row says what its clients saw") {
  AnswerTimes failed;
  failed.error = "no room";
  // While both are written, from 4 to 8, there are 2 + 4 pieces.
  const std::vector<AnswerTimes> answers = {answer(1, {2, 3, 4, 6, 8}),
                                            answer(1, {4, 5, 6, 7, 8, 10})};
  const LoadRow row = summarise_load(2, answers);
  CHECK(row.requests == 2);
  CHECK(row.errors == 0);
  CHECK(row.tokens == 11);
  CHECK(row.prompt_tokens == 100);
  CHECK(row.first_token[0] == 1);
  CHECK(row.first_token[2] == 3);
  CHECK(row.token[0] == 1);
  CHECK(row.longest_gap == 2);
  CHECK(row.tokens_per_s == Approx(11 / 9.0));
  CHECK(row.all_decoding_per_s == Approx(6 / 4.0));
  CHECK(summarise_load(2, {answers[0], failed, answers[1], failed}).all_decoding_per_s ==
        Approx(6 / 4.0));
  CHECK(summarise_load(2, {answers[0], failed}).all_decoding_per_s == 0);
  const LoadRow with_error = summarise_load(1, {answers[0], failed, failed});
  CHECK(with_error.errors == 2);
  CHECK(with_error.first_error == "no room");
  CHECK(with_error.tokens == 5);
  CHECK(summarise_load(1, {failed}).tokens_per_s == 0);
}

TEST_CASE("a newcomer's gaps are those of streams that ran all the while") {
  // The gap from 3 to 9 belongs to a stream that ended too early, that from 0 to 3 lies before.
  const std::vector<AnswerTimes> answers = {answer(0, {0.5, 3, 5.5, 7, 8, 20}),
                                            answer(0, {1, 3, 9}), answer(0, {4.5, 5, 30})};
  const Newcomer newcomer = summarise_newcomer(answer(4, {10}), answers);
  CHECK(newcomer.streams == 1);
  CHECK(newcomer.longest_gap == 12);
  CHECK(summarise_newcomer(answer(4, {}), answers).streams == 0);
}

TEST_CASE("rows become a table and JSON") {
  LoadRow row = summarise_load(1, {answer(0, {0.25, 0.3125, 0.375})});
  row.newcomer = summarise_newcomer(answer(0.3, {0.37}), {answer(0, {0.25, 0.3125, 0.375})});
  const std::string text = load_table({row});
  CHECK_THAT(text, Catch::Contains("250") && Catch::Contains("62.5") && Catch::Contains("8.0") &&
                       Catch::Contains("0.07 s, and none of 1 streams"));
  const Json json = load_json({row}).at(0);
  CHECK(json.at("token_s").at("p99") == 0.0625);
  CHECK(json.at("arrival").at("longest_gap_s") == 0.0625);
  CHECK(json.at("arrival").at("prompt_tokens") == 100);
  CHECK_FALSE(json.contains("first_error"));
}
