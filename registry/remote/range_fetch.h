// The connections of one blob: they ask its source for what a plan says is missing, until nothing
// is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "registry/remote/chunk_plan.h"
#include "registry/remote/remote_session.h"

namespace hearth::registry {

// Where bytes go. Called by the thread in RangeFetch::run(); what it throws comes out there.
class RangeSink {
 public:
  virtual ~RangeSink() = default;
  virtual void write(uint64_t offset, std::span<const std::byte> bytes) = 0;
  // The plan knows of what was written.
  virtual void progressed(uint64_t bytes) = 0;
  // The source says what a range must be: 64 lower-case hex digits.
  virtual void note_digest(ByteRange range, const std::string& sha256_hex) = 0;
  // A part is complete. May take bytes out of the plan again.
  virtual void part_done() = 0;
  // Nothing more is needed, although the plan is not complete.
  virtual bool is_satisfied() const { return false; }
};

// One thread. All that it is given must outlive it.
class RangeFetch {
 public:
  RangeFetch(RemoteSession& session, Url source, ChunkPlan& plan, RangeSink& sink);
  ~RangeFetch();

  // Returns when the plan is complete. `check` is called at least every 100 ms. Throws
  // Error{not_found | unauthorized | forbidden | corrupt_data | unavailable}, and what `check` and
  // the sink throw.
  void run(const StopCheck& check);

 private:
  struct Connection;
  struct State;
  std::unique_ptr<State> state_;
};

// "bytes 0-99/1000" as range and total; absent when it is not of that form. A total of '*' is
// `size_bytes`.
struct ContentRange {
  ByteRange range;
  uint64_t total_bytes = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view text, uint64_t size_bytes);

// The SHA-256 in a Content-Digest header (RFC 9530) as 64 hex digits; empty when it has none.
std::string parse_content_digest(std::string_view text);

}  // namespace hearth::registry
