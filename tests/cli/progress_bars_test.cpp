// Bars of many files at once: speed, time left, never backwards; plain lines where nothing is
// drawn.
#include "cli/progress_bars.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/human.h"

using namespace hearth::cli;
using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Json bar(const char* digest, int64_t completed, int64_t total) {
  return {{"status", std::string("pulling ") + digest},
          {"digest", digest},
          {"total", total},
          {"completed", completed}};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const ProgressBars::Time start{std::chrono::hours(1)};

}  // namespace

TEST_CASE("a line for each file, in the order they came") {
  ProgressBars bars;
  bars.take({{"status", "pulling manifest"}}, start);
  CHECK(bars.frame(80, start).size() == 1);
  bars.take(bar("aa", 0, 4'000'000'000), start);
  bars.take(bar("bb", 100, 100), start);
  for (int i = 1; i <= 20; ++i)
    bars.take(bar("aa", i * int64_t{100'000'000}, 4'000'000'000), start + i * seconds(1));
  const auto frame = bars.frame(100, start + seconds(20));
  REQUIRE(frame.size() == 3);
  CHECK(frame[0] == "pulling manifest");
  INFO(frame[1]);
  CHECK(contains(frame[1], "pulling aa:  50% ▕"));
  CHECK(contains(frame[1], "2 GB/4 GB  100 MB/s  20s"));
  CHECK(contains(frame[2], "pulling bb: 100% ▕"));
  CHECK(contains(frame[2], "█▏ 100 B"));
  for (const std::string& line : frame) CHECK(display_width(line) <= 100);
  // Too narrow for a bar: the numbers stay.
  CHECK(contains(bars.frame(30, start + seconds(20))[1], "2 GB/4 GB"));
}

TEST_CASE("a bar never goes back, and what was there before is no speed") {
  ProgressBars bars;
  bars.take(bar("aa", 900, 1000), start);
  bars.take(bar("aa", 100, 1000), start + seconds(1));
  CHECK(contains(bars.frame(80, start + seconds(1))[0], " 90% "));
  CHECK_FALSE(contains(bars.frame(80, start + seconds(1))[0], "/s"));
  bars.take(bar("aa", 2000, 1000), start + seconds(2));
  CHECK(contains(bars.frame(80, start + seconds(2))[0], "100%"));
  bars.take({{"status", "verifying"}}, start + seconds(2));
  CHECK(contains(bars.frame(80, start + seconds(2))[1], "verifying "));
  bars.take({{"status", "success"}}, start + seconds(2));
  CHECK(bars.frame(80, start + seconds(2)).back() == "success");
}

TEST_CASE("the speed is that of the last ten seconds") {
  ProgressBars bars;
  bars.take(bar("aa", 0, 1'000'000'000), start);
  int64_t completed = 0;
  for (int i = 1; i <= 60; ++i) {
    completed += i <= 30 ? 10'000'000 : 1'000'000;
    bars.take(bar("aa", completed, 1'000'000'000), start + i * seconds(1));
  }
  CHECK(contains(bars.frame(100, start + seconds(60))[0], "  1 MB/s  11m10s"));
}

TEST_CASE("without a terminal there are few lines") {
  ProgressBars bars;
  std::vector<std::string> all;
  const auto step = [&](const Json& event, milliseconds at) {
    bars.take(event, start + at);
    for (const std::string& line : bars.news(start + at)) all.push_back(line);
  };
  step({{"status", "pulling manifest"}}, milliseconds(0));
  for (int i = 0; i <= 250; ++i) step(bar("aa", i * 1000, 250'000), milliseconds(i * 100));
  step({{"status", "success"}}, milliseconds(26'000));
  step({{"status", "success"}}, milliseconds(27'000));
  CHECK(all == std::vector<std::string>{"pulling manifest", "pulling aa: 0% 0 B/250 KB",
                                        "pulling aa: 40% 100 KB/250 KB 10 KB/s",
                                        "pulling aa: 80% 200 KB/250 KB 10 KB/s",
                                        "pulling aa: 100% 250 KB", "success"});
}

TEST_CASE("time left") {
  CHECK(time_left(0.2) == "1s");
  CHECK(time_left(42) == "42s");
  CHECK(time_left(190) == "3m10s");
  CHECK(time_left(7500) == "2h5m");
  CHECK(time_left(1e12) == "99h+");
}
