#include "engine/models/weight_placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/backend/aligned_memory.h"
#include "engine/backend/thread_layout.h"
#include "engine/backend/thread_pool.h"

namespace hearth::engine {
namespace {

// What a thread reads at once stays in its second-level cache until it is packed.
constexpr int64_t piece_bytes_max = 1 << 20;
constexpr int64_t buffers_bytes_max = 48 << 20;  // of all threads together
constexpr int64_t page_bytes = 4096;

// A matrix that steps multiply with, and everybody on the tape who means the same rows.
struct Move {
  std::vector<WeightId> weights;
  Weight moved;
  const std::byte* from = nullptr;
  std::byte* to = nullptr;
};

// Rows of a move, or bytes that stay mapped and are only looked at.
struct Piece {
  const Move* move = nullptr;
  std::span<const std::byte> bytes;
  int64_t first_row = 0;
  int64_t row_count = 0;
};

// Pieces that one memory node's lanes carry, who will also read those rows: memory lies on the node
// that writes it first.
struct PieceQueue {
  std::vector<Piece> pieces;
  std::atomic<size_t> next{0};
};

Layout layout_of(const KernelTable& kernels, const Weight& weight, int64_t rows_together) {
  const bool fits = rows_together % tile_rows == 0 || rows_together == weight.row_count;
  return fits && find_format(kernels, weight.type)->pack != nullptr ? Layout::tiles : Layout::rows;
}

// All matrices of linears and experts, in the order of the file.
std::vector<Move> find_moves(const KernelTable& kernels, const Tape& tape) {
  std::map<std::pair<const void*, int64_t>, Move> moves;
  // `rows_together`: of one expert; the tiles of a matrix never cross experts.
  const auto add = [&](WeightId id, int64_t rows_together) {
    const Weight& weight = tape.weight(id);
    if (weight.layout != Layout::rows || weight.data == nullptr) return;
    Move& move = moves[{weight.data, weight.row_count}];
    if (move.weights.empty()) {
      move.moved = weight;
      move.moved.layout = layout_of(kernels, weight, rows_together);
      move.from = static_cast<const std::byte*>(weight.data);
    }
    if (std::find(move.weights.begin(), move.weights.end(), id) == move.weights.end())
      move.weights.push_back(id);
  };
  for (const Operation& operation : tape.operations()) {
    if (const Linear* linear = std::get_if<Linear>(&operation)) {
      add(linear->weight, tape.weight(linear->weight).row_count);
    } else if (const Moe* moe = std::get_if<Moe>(&operation)) {
      for (const ExpertMatrix* matrix : {&moe->gate, &moe->up, &moe->down})
        add(matrix->weight, tape.weight(matrix->weight).row_count / moe->count);
    }
  }
  std::vector<Move> sorted;
  for (auto& [key, move] : moves) sorted.push_back(std::move(move));
  return sorted;
}

// Weights share lines of the cache with nobody.
int64_t place_bytes(const Weight& weight) {
  const int64_t bytes = weight_bytes(weight.layout, weight.row_bytes, weight.row_count);
  return (bytes + 63) / 64 * 64;
}

// The rows of a move in pieces of at most `bytes_max`, but of at least a tile.
void add_pieces(const Move& move, int64_t bytes_max, std::vector<Piece>& pieces) {
  const Weight& weight = move.moved;
  const int64_t rows_max =
      std::max(tile_rows, bytes_max / weight.row_bytes / tile_rows * tile_rows);
  for (int64_t row = 0; row < weight.row_count; row += rows_max) {
    const int64_t count = std::min(rows_max, weight.row_count - row);
    pieces.push_back(
        {&move,
         {move.from + row * weight.row_bytes, static_cast<size_t>(count * weight.row_bytes)},
         row,
         count});
  }
}

// What steps read and no move takes along: vectors, and everything where nothing is moved. Tables
// that only look-ups read are left to the system: a row of them is read for every token.
void add_mapped_pieces(const GgufFile& file, const std::vector<Move>& moves, const Tape& tape,
                       std::vector<Piece>& pieces) {
  std::set<const std::byte*> unwanted;
  for (const Move& move : moves) unwanted.insert(move.from);
  if (!moves.empty()) {
    for (const Operation& operation : tape.operations()) {
      const GetRow* look_up = std::get_if<GetRow>(&operation);
      if (look_up != nullptr)
        unwanted.insert(static_cast<const std::byte*>(tape.weight(look_up->table).data));
    }
  }
  for (const TensorInfo& tensor : file.tensors()) {
    const auto inside = unwanted.lower_bound(tensor.data.data());
    if (inside != unwanted.end() && *inside < tensor.data.data() + tensor.data.size()) continue;
    for (size_t at = 0; at < tensor.data.size(); at += piece_bytes_max)
      pieces.push_back(
          {nullptr,
           tensor.data.subspan(at, std::min<size_t>(piece_bytes_max, tensor.data.size() - at)), 0,
           0});
  }
}

// The threads that carry out the pieces.
class Movers {
 public:
  Movers(const GgufFile& file, const PlacementOptions& options, const std::vector<Piece>& pieces,
         bool forgets, const std::function<bool(double)>& progress)
      : file_(file),
        kernels_(*options.kernels),
        team_(options.threads),
        queues_(static_cast<size_t>(team_.layout().node_count)),
        forgets_(forgets),
        progress_(progress) {
    for (const Piece& piece : pieces) {
      total_bytes_ += std::ssize(piece.bytes);
      if (piece.move != nullptr) buffer_bytes_ = std::max(buffer_bytes_, std::ssize(piece.bytes));
      queues_[static_cast<size_t>(node_of(piece))].pieces.push_back(piece);
    }
  }

  void run() {
    auto body = [this](int32_t lane) noexcept {
      try {
        work(queues_[static_cast<size_t>(team_.layout().lane_nodes[static_cast<size_t>(lane)])],
             lane == 0);
      } catch (...) {
        stops_ = true;
        std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
      }
    };
    team_.run(body);
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  int32_t node_of(const Piece& piece) const {
    if (piece.move == nullptr) return team_.layout().lane_nodes.front();
    return node_of_row(team_.layout(), piece.first_row, piece.move->moved.row_count);
  }

  void work(PieceQueue& queue, bool reports) {
    std::optional<AlignedMemory> buffer;
    while (!stops_) {
      const size_t index = queue.next.fetch_add(1);
      if (index >= queue.pieces.size()) return;
      const Piece& piece = queue.pieces[index];
      if (piece.move == nullptr) {
        look_at(piece.bytes);
      } else {
        if (!buffer) buffer.emplace(buffer_bytes_, "reading weights");
        carry(piece, buffer->data());
      }
      done_bytes_ += std::ssize(piece.bytes);
      if (reports) report();
    }
  }

  // Once through the mapping, so that the first step does not wait for the disk in small pieces.
  static void look_at(std::span<const std::byte> bytes) {
    for (size_t at = 0; at < bytes.size(); at += page_bytes)
      static_cast<void>(*static_cast<const volatile std::byte*>(&bytes[at]));
  }

  void carry(const Piece& piece, std::byte* buffer) const {
    const Weight& weight = piece.move->moved;
    std::byte* to = piece.move->to + row_offset(weight.layout, weight.row_bytes, piece.first_row);
    if (weight.layout == Layout::tiles) {
      file_.read(piece.bytes, buffer);
      find_format(kernels_, weight.type)->pack(buffer, piece.row_count, weight.width, to);
    } else {
      file_.read(piece.bytes, to);
    }
    if (forgets_) file_.forget(piece.bytes);
  }

  void report() const {
    const double share = static_cast<double>(done_bytes_.load()) /
                         static_cast<double>(std::max(total_bytes_, int64_t{1}));
    if (progress_ && !progress_(share))
      throw Error(ErrorCode::cancelled, file_.what() + ": loading was cancelled");
  }

  const GgufFile& file_;
  const KernelTable& kernels_;
  ThreadTeam team_;
  std::vector<PieceQueue> queues_;  // one per node
  const bool forgets_;
  const std::function<bool(double)>& progress_;
  int64_t total_bytes_ = 0;
  int64_t buffer_bytes_ = 0;
  std::atomic<int64_t> done_bytes_{0};
  std::atomic<bool> stops_{false};
  std::mutex mutex_;  // guards failure_
  std::exception_ptr failure_;
};

// Gives every move its place in `memory`. Empties `moves` where there is not enough.
WeightPlacement find_room(const PlacementOptions& options, std::vector<Move>& moves,
                          HugeMemory& memory) {
  WeightPlacement placement;
  int64_t total = 0;
  for (const Move& move : moves) total += place_bytes(move.moved);
  if (total > options.memory_max) {
    placement.why_mapped =
        options.memory_max <= 0
            ? "no memory was given for them"
            : fmt::format("they take {} bytes and {} may be taken", total, options.memory_max);
    for (const Move& move : moves)
      placement.mapped_bytes += move.moved.row_count * move.moved.row_bytes;
    moves.clear();
    return placement;
  }
  memory = HugeMemory(total, "the weights");
  int64_t offset = 0;
  for (Move& move : moves) {
    move.to = memory.data() + offset;
    move.moved.data = move.to;
    offset += place_bytes(move.moved);
    (move.moved.layout == Layout::tiles ? placement.tile_bytes : placement.row_bytes) +=
        place_bytes(move.moved);
  }
  return placement;
}

}  // namespace

std::string WeightPlacement::text() const {
  std::string text;
  const auto add = [&text](int64_t bytes, const char* where) {
    if (bytes == 0) return;
    text += fmt::format("{}{:.2f} GB {}", text.empty() ? "" : ", ",
                        static_cast<double>(bytes) * 1e-9, where);
  };
  add(tile_bytes, "in tiles");
  add(row_bytes, "in rows");
  add(mapped_bytes, "mapped");
  if (!why_mapped.empty()) text += ": " + why_mapped;
  return text;
}

WeightPlacement place_weights(const GgufFile& file, const PlacementOptions& options,
                              const std::function<bool(double)>& progress, Tape& tape,
                              HugeMemory& memory) {
  std::vector<Move> moves = find_moves(*options.kernels, tape);
  const WeightPlacement placement = find_room(options, moves, memory);
  const int64_t piece_bytes =
      std::min(piece_bytes_max, buffers_bytes_max / std::max(1, options.threads));
  std::vector<Piece> pieces;
  for (const Move& move : moves) add_pieces(move, piece_bytes, pieces);
  add_mapped_pieces(file, moves, tape, pieces);
  // Where the file and its copy do not both fit, the file's pages would push out those of others.
  const auto file_bytes = static_cast<int64_t>(file.file_size_bytes());
  const bool forgets = options.memory_max - placement.tile_bytes - placement.row_bytes < file_bytes;
  Movers(file, options, pieces, forgets, progress).run();
  for (const Move& move : moves) {
    for (const WeightId id : move.weights) tape.replace_weight(id, move.moved);
  }
  return placement;
}

}  // namespace hearth::engine
