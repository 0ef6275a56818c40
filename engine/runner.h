// The protocol between hearthd and hearth-runner, shared by both ends: frames as values, and the
// channel that carries them over a socket pair as length-prefixed CBOR with descriptors beside
// (docs/runner-protocol.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/generation.h"

namespace hearth::engine {

inline constexpr int32_t runner_protocol_version = 1;
inline constexpr size_t frame_bytes_max = size_t{16} << 20;
inline constexpr size_t frame_descriptors_max = 250;
inline constexpr int runner_socket_fd = 3;  // where the runner finds its end
inline constexpr int exit_protocol = 70;    // exit codes of hearth-runner
inline constexpr int exit_out_of_memory = 71;

struct LoadOptions {
  std::string name;     // for messages and the log
  int32_t threads = 0;  // as EngineOptions
  std::string isa;      // kernel table by name; empty: the best
  int64_t context_tokens = 0;
  KvType kv_type = KvType::f16;
  int64_t cache_bytes = 0;
  int32_t sequences_max = 64;
  int32_t queue_max = 512;
  int32_t step_tokens = 512;
  bool vocabulary_only = false;  // as EngineOptions
  Speculation speculation = Speculation::automatic;
  int64_t draft_cache_bytes = 0;
  bool is_precise = false;  // the table of these instructions that rounds least
};

// What is known once a model stands.
struct LoadedFacts {
  int64_t context_tokens = 0;  // per sequence
  int64_t vocab_size = 0;
  int64_t weight_bytes = 0;
  int64_t cache_bytes = 0;
  int32_t threads = 0;
  std::string isa;
  std::string sandbox;  // which parts are on, as logged
};

// Either direction, first.
struct HelloFrame {
  int32_t protocol = runner_protocol_version;
  std::string program;  // name and version
};

// Daemon to runner.
struct LoadFrame {
  LoadOptions options;
  int32_t model_fds = 0;  // descriptors: model shards in order, adapters, draft model, lease
  int32_t adapter_fds = 0;
  int32_t draft_fds = 0;  // shards of a small model that guesses for this one
  bool has_lease = false;
};
struct CancelLoadFrame {};
// Writes the model again in another mixture (engine/quantize.h). Descriptors: the parts of the
// model in order, then the file to write.
struct QuantizeFrame {
  std::string name;     // of the model, for messages
  std::string mixture;  // "Q4_K_M"; empty: types stay, parts are joined
  int32_t threads = 0;  // 0: as many as cores and quota allow
  int32_t model_fds = 0;
};
struct GenerateFrame {
  GenerationRequest request;
  std::string unsupported;  // received only: the first thing asked for that version 1 cannot do
};
struct EmbedFrame {
  EmbeddingRequest request;
};
struct CancelFrame {
  RequestId id = 0;
};
struct TokenizeFrame {
  uint64_t call = 0;
  std::vector<PromptPart> prompt;
  bool as_prompt = true;  // as Engine::tokenize
};
struct DetokenizeFrame {
  uint64_t call = 0;
  std::vector<TokenId> tokens;
};
struct StatsRequestFrame {
  uint64_t call = 0;
};
struct PingFrame {
  uint64_t call = 0;
};
struct ShutdownFrame {};

// Runner to daemon.
struct ProgressFrame {
  double fraction = 0;
};
struct LoadedFrame {
  LoadedFacts facts;
};
// The file stands. Whoever asked looks at the file itself for what is in it.
struct QuantizedFrame {};
struct RefusedFrame {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};
struct EventsFrame {
  std::vector<GenerationEvent> events;
};
struct TokensFrame {
  uint64_t call = 0;
  std::vector<TokenId> tokens;
};
struct TextFrame {
  uint64_t call = 0;
  std::string text;
};
struct StatsFrame {
  uint64_t call = 0;
  EngineStats stats;
};
// A result; long ones come in several frames, whose values follow one another.
struct EmbeddingFrame {
  EmbeddingResult result;
  bool is_final = true;
};
struct FailedFrame {
  uint64_t call = 0;
  ErrorCode code = ErrorCode::internal;
  std::string message;
};
struct PongFrame {
  uint64_t call = 0;
  int64_t steps = 0;
  int32_t running = 0;
  int32_t waiting = 0;
  bool waits_for_lease = false;
};
struct FatalFrame {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

using Frame = std::variant<HelloFrame, LoadFrame, CancelLoadFrame, GenerateFrame, CancelFrame,
                           TokenizeFrame, DetokenizeFrame, StatsRequestFrame, PingFrame,
                           ShutdownFrame, ProgressFrame, LoadedFrame, RefusedFrame, EventsFrame,
                           TokensFrame, TextFrame, StatsFrame, FailedFrame, PongFrame, FatalFrame,
                           EmbedFrame, EmbeddingFrame, QuantizeFrame, QuantizedFrame>;

// The payload of a frame. Throws Error{invalid_argument} above frame_bytes_max.
std::vector<std::byte> encode_frame(const Frame& frame);
// Throws Error{corrupt_data} for anything that is not a frame of this protocol. Any bytes are safe.
Frame decode_frame(std::span<const std::byte> payload);

struct ReceivedFrame {
  Frame frame;
  std::vector<UniqueFd> descriptors;
};

enum class ReceiveStatus : uint8_t { frame, timeout, closed };

// One end of the socket. Any number of threads may send, one receives.
class FrameChannel {
 public:
  explicit FrameChannel(UniqueFd socket);

  // Waits until everything is written. Throws Error{unavailable} when the other end is gone, and as
  // encode_frame.
  void send(const Frame& frame, std::span<const int> descriptors = {});
  // For small frames: false when it would have to wait. Throws as send.
  bool try_send(const Frame& frame);

  // Waits at most `timeout` (negative: for ever); what has arrived of a frame by then is kept for
  // the next call. Throws Error{corrupt_data} for bytes that break the protocol; the channel is
  // then of no further use.
  ReceiveStatus receive(ReceivedFrame& received, std::chrono::milliseconds timeout);

  // Ends both directions: receive() returns closed, send() throws. Any thread.
  void shut_down() noexcept;

 private:
  enum class ReadResult : uint8_t { some, nothing, end };
  ReadResult read_some(std::span<std::byte> into, size_t& done);
  ReadResult advance();
  ReceivedFrame take_frame();

  UniqueFd socket_;
  std::mutex send_mutex_;
  // The frame being received.
  std::byte header_[8] = {};
  size_t header_done_ = 0;
  std::vector<std::byte> payload_;
  size_t payload_done_ = 0;
  std::vector<UniqueFd> descriptors_;
  size_t descriptors_expected_ = 0;
};

}  // namespace hearth::engine
