// Progress of many things at once, each on a line of its own: a bar with speed and time left for
// what has a size, a word for what has none. Lines are told apart by their digest; a bar never goes
// back.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace hearth::cli {

// What is to be seen; prints nothing. Times come in, so that tests own them.
class ProgressBars {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // One line of a stream: status, digest, total, completed.
  void take(const nlohmann::ordered_json& event, Time now);

  bool is_empty() const { return lines_.empty(); }
  // Every line as it looks now, without line breaks, at most `width` columns.
  std::vector<std::string> frame(int width, Time now) const;
  // For where nothing can be drawn over: lines that are new since the last call, of a bar at most
  // one in ten seconds and its end.
  std::vector<std::string> news(Time now);

 private:
  struct Line {
    std::string status;
    std::string digest;
    int64_t total = 0;
    int64_t completed = 0;
    std::deque<std::pair<Time, int64_t>> samples;  // of the last ten seconds, one a second
    int64_t told = -1;                             // `completed` at the last news
    Time told_at{};

    bool is_done() const { return total > 0 && completed >= total; }
    double bytes_per_second(Time now) const;
  };

  Line& line_for(const nlohmann::ordered_json& event, Time now);
  std::string bar(const Line& line, int width, Time now) const;

  std::vector<Line> lines_;
};

// "42s", "3m10s", "2h5m", "99h+".
std::string time_left(double seconds);

// Draws them on standard error, ten times a second at most; plain lines where that is no terminal.
class ProgressDisplay {
 public:
  ~ProgressDisplay();
  void take(const nlohmann::ordered_json& event);
  // Draws again when it is time: what is left and the speed change while nothing arrives.
  void tick();
  // The lines stay as they are, and the cursor stands below.
  void finish();

 private:
  void draw();

  ProgressBars bars_;
  std::chrono::steady_clock::time_point drawn_{};
  size_t drawn_lines_ = 0;
  bool is_drawn_ = false;  // there is something to see that finish() has not left behind yet
};

}  // namespace hearth::cli
