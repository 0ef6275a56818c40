// See range_fetch.h.
#include "registry/remote/range_fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "registry/remote/backoff.h"
#include "registry/remote/token.h"

namespace hearth::registry {
namespace {

using std::chrono::milliseconds;

constexpr int redirects_max = 10;
constexpr int plain_answers_max = 3;
constexpr size_t refusal_bytes_max = 1024;
constexpr uint64_t noteworthy_bytes = uint64_t{256} << 10;
constexpr std::chrono::seconds retry_after_max{600};
constexpr std::chrono::seconds split_age{2};
constexpr double split_left_seconds = 3;
constexpr milliseconds check_interval{50};
constexpr uint64_t limited_part_bytes_min = uint64_t{256} << 10;

// An address that somebody else signed may no longer be good.
bool can_mean_expired(int status) {
  return status == 400 || status == 401 || status == 403 || status == 404 || status == 410;
}

int value_of_base64(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text, uint64_t size_bytes) {
  constexpr std::string_view unit = "bytes ";
  if (!text.starts_with(unit)) return std::nullopt;
  const char* const end = text.data() + text.size();
  ContentRange result;
  uint64_t last = 0;
  auto read = std::from_chars(text.data() + unit.size(), end, result.range.first);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != '-') return std::nullopt;
  read = std::from_chars(read.ptr + 1, end, last);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != '/') return std::nullopt;
  const std::string_view total(read.ptr + 1, static_cast<size_t>(end - read.ptr - 1));
  result.total_bytes = size_bytes;
  if (total != "*") {
    read = std::from_chars(total.data(), end, result.total_bytes);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  }
  if (last < result.range.first || last >= result.total_bytes) return std::nullopt;
  result.range.end = last + 1;
  return result;
}

std::string parse_content_digest(std::string_view text) {
  constexpr std::string_view key = "sha-256=:";
  const size_t start = text.find(key);
  if (start == std::string_view::npos) return "";
  const std::string_view rest = text.substr(start + key.size());
  const std::string_view base64 = rest.substr(0, rest.find(':'));
  if (base64.size() != 44 || base64.back() != '=' || base64.size() == rest.size()) return "";
  std::string hex;
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : base64.substr(0, 43)) {
    const int value = value_of_base64(c);
    if (value < 0) return "";
    bits = bits << 6 | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      hex += fmt::format("{:02x}", bits >> bit_count & 0xff);
    }
  }
  return hex;
}

struct RangeFetch::Connection : HttpHandler {
  explicit Connection(State& the_state) : state(the_state) {}
  bool on_head(const HttpHead& head) override;
  bool on_body(std::span<const std::byte> bytes) override;
  void on_end(const HttpOutcome& outcome) override;

  bool is_idle() const { return !part; }
  double rate() const;  // bytes per second

  State& state;
  std::optional<ChunkPlan::PartId> part;
  ByteRange asked;
  Url url;
  std::string authorization;  // that the request went out with
  int hops = 0;
  HttpHead head;
  bool is_accepted = false;  // the body is what was asked for
  std::string problem;       // why not
  std::string refusal;       // what the source says instead
  uint64_t received_bytes = 0;
  TimePoint started_at;
};

struct RangeFetch::State {
  State(RemoteSession& the_session, Url the_source, ChunkPlan& the_plan, RangeSink& the_sink)
      : session(the_session),
        source(std::move(the_source)),
        plan(the_plan),
        sink(the_sink),
        backoff(session.settings().retry_delay, session.settings().tries_max),
        client(session.http_options()) {
    for (int i = 0; i < session.settings().connections; ++i)
      connections.push_back(std::make_unique<Connection>(*this));
  }

  void start_idle();
  bool start_part(Connection& connection);
  void send(Connection& connection, const Url& url);
  uint64_t part_bytes_max() const;
  Connection* slowest();
  void finish(Connection& connection, const HttpOutcome& outcome);
  void answer_refusal(Connection& connection);
  void fail(Connection& connection, const std::string& reason, milliseconds at_least = {});
  void release(Connection& connection);
  bool take_whole(Connection& connection, std::span<const std::byte> bytes);

  RemoteSession& session;
  const Url source;
  ChunkPlan& plan;
  RangeSink& sink;
  Backoff backoff;
  StopCheck check;
  std::vector<std::unique_ptr<Connection>> connections;
  std::optional<Url> location;  // where the source sent us
  bool has_contact = false;     // the source has given a range
  bool is_whole = false;        // it gives no ranges
  int plain_answers = 0;        // whole answers to questions for ranges, in a row
  TimePoint pause_end{};        // nothing is asked before
  uint64_t fetched_bytes = 0;
  uint64_t fetched_at_failure = 0;
  TimePoint started_at = system_clock().now();
  std::chrono::duration<double> answer_delay{1};  // the shortest from question to answer
  HttpClient client;  // last: it goes first, and with it every call of a connection
};

double RangeFetch::Connection::rate() const {
  const std::chrono::duration<double> age = system_clock().now() - started_at;
  return static_cast<double>(received_bytes) / std::max(age.count(), 0.001);
}

bool RangeFetch::Connection::on_head(const HttpHead& the_head) {
  head = the_head;
  if (head.status == 206 && !state.is_whole) {
    const std::string* header = find_header(head.headers, "content-range");
    const auto range =
        header == nullptr ? std::nullopt : parse_content_range(*header, state.plan.size_bytes());
    if (range && range->total_bytes != state.plan.size_bytes()) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("{} has {} bytes of a blob that the manifest gives {}",
                              url.authority(), range->total_bytes, state.plan.size_bytes()));
    }
    is_accepted = range && range->range.first == asked.first && range->range.end <= asked.end;
    if (!is_accepted) {
      problem = "answered with another range than was asked for";
      return false;
    }
    const std::string* digest = find_header(head.headers, "content-digest");
    const std::string hex = digest == nullptr ? "" : parse_content_digest(*digest);
    if (!hex.empty()) state.sink.note_digest(range->range, hex);
  } else if (head.status == 200) {
    is_accepted = state.is_whole || asked.size() == state.plan.size_bytes();
    if (!is_accepted) {
      ++state.plain_answers;
      problem = "answered without regard to the range";
      return false;
    }
  }
  if (is_accepted) {
    state.session.note_accepted();
    state.answer_delay = std::min<std::chrono::duration<double>>(state.answer_delay,
                                                                 system_clock().now() - started_at);
    state.has_contact = true;
    if (head.status == 206) state.plain_answers = 0;
    if (url.text != state.source.text) state.location = url;
  }
  return true;
}

bool RangeFetch::State::take_whole(Connection& connection, std::span<const std::byte> bytes) {
  const uint64_t at = connection.received_bytes - bytes.size();
  if (at + bytes.size() > plan.size_bytes()) return false;
  const ByteRange range{at, at + bytes.size()};
  if (!plan.done().contains(range)) {
    sink.write(at, bytes);
    plan.add(range);
    sink.progressed(bytes.size());
  }
  return true;
}

bool RangeFetch::Connection::on_body(std::span<const std::byte> bytes) {
  if (!is_accepted) {
    for (const std::byte byte : bytes.first(std::min(bytes.size(), refusal_bytes_max)))
      if (refusal.size() < refusal_bytes_max) refusal += static_cast<char>(byte);
    return true;
  }
  received_bytes += bytes.size();
  state.fetched_bytes += bytes.size();
  if (state.is_whole) return state.take_whole(*this, bytes);
  const ByteRange left = state.plan.left(*part);
  const auto wanted =
      bytes.first(static_cast<size_t>(std::min<uint64_t>(bytes.size(), left.size())));
  if (!wanted.empty()) {
    state.sink.write(left.first, wanted);
    state.plan.arrived(*part, wanted.size());
    state.sink.progressed(wanted.size());
  }
  return wanted.size() == bytes.size();
}

void RangeFetch::Connection::on_end(const HttpOutcome& outcome) {
  state.finish(*this, outcome);
}

void RangeFetch::State::release(Connection& connection) {
  plan.release(*connection.part);
  connection.part.reset();
}

// A failure counts once, however many connections notice it; those that got somewhere start anew.
void RangeFetch::State::fail(Connection& connection, const std::string& reason,
                             milliseconds at_least) {
  const std::string text = fmt::format("{}: {}", connection.url.authority(), reason);
  release(connection);
  const TimePoint now = system_clock().now();
  if (now < pause_end && at_least.count() == 0) return;
  if (fetched_bytes - fetched_at_failure >= noteworthy_bytes) backoff.reset();
  fetched_at_failure = fetched_bytes;
  const auto delay = backoff.next();
  if (!delay) throw Error(ErrorCode::unavailable, text);
  log::debug(fmt::format("{}: again in {} ms", text, delay->count()));
  pause_end = std::max(pause_end, now + std::max(*delay, at_least));
}

// The source answered, but not with what was asked for.
void RangeFetch::State::answer_refusal(Connection& connection) {
  const int status = connection.head.status;
  if (RemoteSession::is_redirect(status)) {
    if (++connection.hops > redirects_max) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("{}: more than {} redirects", source.authority(), redirects_max));
    }
    return send(connection, session.follow(connection.url, connection.head.headers));
  }
  const bool is_at_source = connection.url.text == source.text;
  // Of several connections whose token has run out the first gets the next one for all.
  if (status == 401 && is_same_party(session.base(), connection.url) &&
      (connection.authorization != session.authorization() ||
       session.answer_challenge(connection.head.headers, check))) {
    return send(connection, connection.url);
  }
  if (!is_at_source && can_mean_expired(status)) {
    location.reset();
    return fail(connection, fmt::format("the address is no longer good ({})", status));
  }
  if (!is_passing(status) && status != 416)
    throw_status(status, connection.refusal, fmt::format("{}: ", connection.url.authority()));
  milliseconds at_least{0};
  if (const std::string* after = find_header(connection.head.headers, "retry-after")) {
    const auto pause = parse_retry_after(*after, std::chrono::system_clock::now());
    if (pause && *pause > retry_after_max) {
      throw Error(ErrorCode::unavailable, fmt::format("{} wants to be left alone for {} s",
                                                      connection.url.authority(), pause->count()));
    }
    at_least = pause.value_or(std::chrono::seconds(0));
  }
  fail(connection, status_text(status, connection.refusal), at_least);
}

void RangeFetch::State::finish(Connection& connection, const HttpOutcome& outcome) {
  if (outcome.end == HttpEnd::refused || outcome.end == HttpEnd::untrusted) {
    throw Error(ErrorCode::forbidden,
                fmt::format("{}: {}", connection.url.authority(), outcome.reason));
  }
  if (!connection.is_accepted) {
    if (outcome.end == HttpEnd::complete && connection.problem.empty())
      return answer_refusal(connection);
    if (plain_answers >= plain_answers_max && !has_contact) is_whole = true;
    return fail(connection, connection.problem.empty() ? outcome.reason : connection.problem);
  }
  const bool is_complete = is_whole ? plan.is_complete() : plan.left(*connection.part).size() == 0;
  const bool was_short = outcome.end == HttpEnd::complete && connection.received_bytes > 0;
  if (is_complete || (was_short && !is_whole)) {
    release(connection);
    if (is_complete) sink.part_done();
    return;
  }
  fail(connection, outcome.end == HttpEnd::complete ? "fewer bytes than promised" : outcome.reason);
}

void RangeFetch::State::send(Connection& connection, const Url& url) {
  connection.url = url;
  connection.authorization = session.authorization();
  connection.head = HttpHead{};
  connection.is_accepted = false;
  connection.problem.clear();
  connection.refusal.clear();
  connection.received_bytes = 0;
  connection.started_at = system_clock().now();
  connection.asked = plan.left(*connection.part);
  HttpHeaders headers{{"Accept-Encoding", "identity"}};
  if (!is_whole) {
    headers.emplace_back(
        "Range", fmt::format("bytes={}-{}", connection.asked.first, connection.asked.end - 1));
    headers.emplace_back("Want-Content-Digest", "sha-256=1");
  }
  client.start(session.prepared("GET", url, std::move(headers)), connection);
}

// The connection that holds everybody up: it has long to go and gets much less than its share.
RangeFetch::Connection* RangeFetch::State::slowest() {
  const TimePoint now = system_clock().now();
  const std::chrono::duration<double> age = now - started_at;
  const double share = static_cast<double>(fetched_bytes) / std::max(age.count(), 0.001) /
                       static_cast<double>(connections.size());
  Connection* worst = nullptr;
  double worst_seconds = split_left_seconds;
  for (const auto& connection : connections) {
    if (connection->is_idle() || now - connection->started_at < split_age) continue;
    const double rate = connection->rate();
    if (rate > share / 2) continue;
    const auto left = static_cast<double>(plan.left(*connection->part).size());
    const double seconds = left / std::max(rate, 1.0);
    if (seconds > worst_seconds) {
      worst = connection.get();
      worst_seconds = seconds;
    }
  }
  return worst;
}

// With a limit no more is asked for than passes in two delays of the source: whatever it has sent
// or made ready beyond what was read is lost when the program ends.
uint64_t RangeFetch::State::part_bytes_max() const {
  const RateLimit* limit = session.rate_limit();
  const uint64_t bytes_per_second = limit == nullptr ? 0 : limit->bytes_per_second();
  if (bytes_per_second == 0) return UINT64_MAX;
  const double bytes = static_cast<double>(bytes_per_second) * 2 * answer_delay.count() /
                       static_cast<double>(connections.size());
  return std::max(limited_part_bytes_min, static_cast<uint64_t>(bytes));
}

bool RangeFetch::State::start_part(Connection& connection) {
  connection.part = plan.take(part_bytes_max());
  if (!connection.part) {
    Connection* slow = slowest();
    if (slow != nullptr) connection.part = plan.split(*slow->part);
  }
  if (!connection.part) return false;
  connection.hops = 0;
  send(connection, location.value_or(source));
  return true;
}

void RangeFetch::State::start_idle() {
  if (system_clock().now() < pause_end) return;
  for (const auto& connection : connections) {
    // One question first: where the blob is and whether it comes in ranges is asked once.
    if (client.active_count() > 0 && (!has_contact || is_whole)) return;
    if (connection->is_idle() && !start_part(*connection)) return;
  }
}

RangeFetch::RangeFetch(RemoteSession& session, Url source, ChunkPlan& plan, RangeSink& sink)
    : state_(std::make_unique<State>(session, std::move(source), plan, sink)) {}

RangeFetch::~RangeFetch() = default;

void RangeFetch::run(const StopCheck& check) {
  state_->check = check;
  const auto is_done = [&] { return state_->plan.is_complete() || state_->sink.is_satisfied(); };
  while (!is_done()) {
    check();
    state_->start_idle();
    state_->client.run_once(check_interval);
    // The last bytes may be here before their answer has ended, and it may end badly: the sink
    // looks at them all the same, and may find that some are wrong.
    if (state_->plan.is_complete()) state_->sink.part_done();
  }
}

}  // namespace hearth::registry
