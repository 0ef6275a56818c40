// See blob_download.h.
#include "registry/remote/blob_download.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "registry/remote/hash_behind.h"
#include "registry/remote/partial_file.h"
#include "registry/remote/range_fetch.h"

namespace hearth::registry {
namespace {

constexpr uint64_t save_bytes = uint64_t{128} << 10;
constexpr std::chrono::milliseconds save_interval{2};
constexpr std::chrono::milliseconds save_interval_max{1000};
constexpr int damages_max = 4;      // of one range
constexpr int comparisons_max = 4;  // of one blob
// Connections compare side by side, so this for each of them is read beyond what was wrong.
constexpr uint64_t compared_part_bytes = uint64_t{4} << 20;

// What was there before this download.
DownloadState known_state(const BlobStore& blobs, DownloadJournal& journal,
                          const BlobOrder& order) {
  const std::filesystem::path partial = partial_path(blobs.folder(), order.digest);
  if (auto state = journal.find(order.digest, order.size_bytes)) return *state;
  const ByteRanges arrived = read_ollama_parts(partial, order.size_bytes);
  return {arrived, arrived, {}};
}

// The first time: everything that is missing is written, noted and hashed.
class Arrival : public RangeSink {
 public:
  Arrival(BlobStore& blobs, DownloadJournal& journal, const BlobOrder& order, int connections)
      : journal_(journal),
        order_(order),
        state_(known_state(blobs, journal, order)),
        file_(blobs.folder(), order.digest, order.size_bytes),
        plan_(order.size_bytes, file_.was_there() ? state_.arrived : ByteRanges{},
              part_bytes_for(order.size_bytes, connections)),
        hash_(file_, order.size_bytes) {
    if (!file_.was_there()) state_ = {};
    save();
    remove_ollama_parts(file_.path());
    verify([] {});
  }

  // Whatever ends a download, it goes on from here.
  ~Arrival() override {
    if (is_unsaved_) save();
  }

  PartialFile& file() { return file_; }
  ChunkPlan& plan() { return plan_; }
  HashBehind& hash() { return hash_; }
  void set_check(StopCheck check) { check_ = std::move(check); }
  void forget() {
    is_unsaved_ = false;
    journal_.forget(order_.digest);
  }

  void write(uint64_t offset, std::span<const std::byte> bytes) override {
    file_.write(offset, bytes);
  }

  void progressed(uint64_t bytes) override {
    is_unsaved_ = true;
    unsaved_bytes_ += bytes;
    const auto age = std::chrono::steady_clock::now() - saved_at_;
    if ((unsaved_bytes_ < save_bytes || age < save_interval) && age < save_interval_max) return;
    save();
    hash_.advance(front());
  }

  void note_digest(ByteRange range, const std::string& sha256_hex) override {
    // One that reaches further stays: it also covers what came before a restart.
    std::erase_if(state_.digests, [&](const RangeDigest& known) {
      return range.first <= known.range.first && known.range.end <= range.end;
    });
    state_.digests.push_back({range, sha256_hex});
  }

  void part_done() override { verify(check_); }

 private:
  // Up to where bytes are final: here, and not waiting to be compared with a digest.
  uint64_t front() const {
    uint64_t front = plan_.done().front();
    for (const RangeDigest& digest : state_.digests) front = std::min(front, digest.range.first);
    return front;
  }

  void verify(const StopCheck& check) {
    std::vector<RangeDigest> waiting;
    for (RangeDigest& digest : state_.digests) {
      if (!plan_.done().contains(digest.range)) {
        waiting.push_back(std::move(digest));
      } else if (hash_range(file_, digest.range, check) != digest.sha256_hex) {
        lose(digest.range);
      }
    }
    state_.digests = std::move(waiting);
    hash_.advance(front());
  }

  void lose(ByteRange range) {
    log::warn(fmt::format("{}: bytes {} to {} arrived damaged and are fetched again",
                          order_.digest.text(), range.first, range.end));
    if (++damages_[range.first] >= damages_max) {
      throw Error(ErrorCode::corrupt_data,
                  fmt::format("bytes {} to {} of {} arrived damaged {} times", range.first,
                              range.end, order_.digest.text(), damages_max));
    }
    plan_.lose(range);
    is_unsaved_ = true;
  }

  // A journal that cannot be written costs time later, never the download.
  void save() {
    saved_at_ = std::chrono::steady_clock::now();
    unsaved_bytes_ = 0;
    is_unsaved_ = false;
    state_.arrived = plan_.done();
    state_.on_disk.add({0, hash_.front_on_disk()});
    try {
      journal_.put(order_.digest, order_.size_bytes, state_);
    } catch (const Error& error) {  // see above
      log::debug(fmt::format("no journal of {}: {}", order_.digest.text(), error.what()));
    }
  }

  DownloadJournal& journal_;
  const BlobOrder& order_;
  DownloadState state_;
  PartialFile file_;
  ChunkPlan plan_;
  HashBehind hash_;
  StopCheck check_;
  std::map<uint64_t, int> damages_;
  uint64_t unsaved_bytes_ = 0;
  bool is_unsaved_ = false;
  std::chrono::steady_clock::time_point saved_at_{};
};

// Once more, when the whole is wrong and nobody knows where: what comes is compared with what is
// there, and takes its place.
class Comparison : public RangeSink {
 public:
  Comparison(PartialFile& file, const BlobOrder& order, StopCheck check)
      : file_(file),
        order_(order),
        plan_(order.size_bytes, {}, compared_part_bytes),
        check_(std::move(check)) {}

  ChunkPlan& plan() { return plan_; }

  void write(uint64_t offset, std::span<const std::byte> bytes) override {
    old_.resize(bytes.size());
    file_.read(offset, old_);
    if (std::equal(bytes.begin(), bytes.end(), old_.begin())) return;
    file_.write(offset, bytes);
    has_changed_ = true;
    has_differed_ = true;
  }
  void progressed(uint64_t) override {}
  void note_digest(ByteRange, const std::string&) override {}

  // The whole is hashed again when something was wrong, but no more than a third of the time: much
  // may be wrong.
  void part_done() override {
    const auto start = std::chrono::steady_clock::now();
    if (!has_changed_ || (start < next_hash_ && !plan_.is_complete())) return;
    has_changed_ = false;
    is_right_ = hash_range(file_, {0, order_.size_bytes}, check_) == order_.digest.hex();
    const auto end = std::chrono::steady_clock::now();
    next_hash_ = end + 2 * (end - start);
  }
  bool is_satisfied() const override { return is_right_; }
  // Something came that was not what had come before.
  bool has_differed() const { return has_differed_; }

 private:
  PartialFile& file_;
  const BlobOrder& order_;
  ChunkPlan plan_;
  StopCheck check_;
  std::vector<std::byte> old_;
  bool has_changed_ = false;  // since the last hash
  bool has_differed_ = false;
  bool is_right_ = false;
  std::chrono::steady_clock::time_point next_hash_{};
};

std::string wait_for_hash(HashBehind& hash, const StopCheck& check) {
  constexpr std::chrono::milliseconds interval{50};
  while (true) {
    check();
    if (auto digest = hash.result(interval)) return *digest;
  }
}

// Compares until the whole is right: on a bad line what is compared may arrive damaged too. Throws
// Error{corrupt_data} when the source sends the same wrong bytes again, or other ones every time.
void repair(Arrival& arrival, RemoteSession& session, const BlobOrder& order,
            const StopCheck& check) {
  bool is_right = false;
  bool goes_on = true;
  for (int round = 1; goes_on; ++round) {
    log::warn(
        fmt::format("{} is damaged: it is asked for again and compared", order.digest.text()));
    Comparison comparison(arrival.file(), order, check);
    RangeFetch(session, order.url, comparison.plan(), comparison).run(check);
    is_right = comparison.is_satisfied();
    goes_on = !is_right && comparison.has_differed() && round < comparisons_max;
  }
  if (is_right) return;
  arrival.file().remove();
  arrival.forget();
  throw Error(ErrorCode::corrupt_data,
              fmt::format("{}: digest mismatch, file must be downloaded again: {} sends "
                          "something else",
                          order.digest.text(), order.url.authority()));
}

}  // namespace

StoredBlob download_blob(BlobStore& blobs, DownloadJournal& journal, RemoteSession& session,
                         const BlobOrder& order, const BlobProgress& progress) {
  const int connections = session.settings().connections;
  Arrival arrival(blobs, journal, order, connections);
  const StopCheck check = [&] { progress(arrival.plan().done().size_bytes()); };
  arrival.set_check(check);
  RangeFetch(session, order.url, arrival.plan(), arrival).run(check);
  arrival.hash().advance(order.size_bytes);
  if (wait_for_hash(arrival.hash(), check) != order.digest.hex())
    repair(arrival, session, order, check);
  StoredBlob blob = arrival.file().publish(blobs);
  arrival.forget();
  return blob;
}

}  // namespace hearth::registry
