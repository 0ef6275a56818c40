// See verify.h. Files are read by a few threads; the calling one only reports.
#include "registry/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "registry/file_description.h"
#include "registry/store_entries.h"

namespace hearth::registry {
namespace {

constexpr size_t chunk_bytes = size_t{1} << 20;

using Findings = std::map<BlobDigest, BlobFinding>;

void add_model(Findings& findings, const StoredManifest& stored) {
  const auto add = [&](const Layer& layer) {
    BlobFinding& finding = findings.try_emplace(layer.digest, layer.digest).first->second;
    finding.size_bytes = layer.size_bytes;
    const std::string name = stored.name.display();
    if (!finding.models.empty() && finding.models.back() == name) return;
    finding.models.push_back(name);
    if (!stored.is_ours) return;
    finding.ours.push_back(stored.name);
    const auto parent = ModelName::try_parse(layer.from);
    if (!layer.from.empty() && parent) finding.parents.push_back(*parent);
  };
  for (const Layer& layer : stored.manifest.layers) add(layer);
  if (stored.manifest.config) add(*stored.manifest.config);
}

Findings blobs_of(const ModelStore& store, const VerifyOptions& options) {
  Findings findings;
  if (options.model) {
    const auto stored = store.read(*options.model);
    if (!stored) {
      throw Error(ErrorCode::not_found,
                  fmt::format("model '{}' not found", options.model->display()));
    }
    add_model(findings, *stored);
    return findings;
  }
  store.referenced();  // throws for a manifest that cannot be read
  for (const StoredManifest& stored : store.list()) {
    if (stored.is_ours) add_model(findings, stored);
  }
  for (const std::filesystem::path& entry : entries_of(store.root() / "blobs")) {
    const auto digest = BlobDigest::try_parse(entry.filename().string());
    if (!digest || findings.contains(*digest)) continue;
    BlobFinding& finding = findings.try_emplace(*digest, *digest).first->second;
    finding.size_bytes = store.blobs().size(*digest).value_or(0);
  }
  return findings;
}

// What the threads share.
struct Work {
  Work(ModelStore& the_store, std::vector<BlobFinding*> the_blobs)
      : store(the_store), blobs(std::move(the_blobs)) {}

  ModelStore& store;
  std::vector<BlobFinding*> blobs;  // each is touched by the thread that took it
  std::atomic<size_t> next{0};
  std::atomic<size_t> finished_threads{0};
  std::atomic<uint64_t> done_bytes{0};
  std::atomic<bool> is_stopped{false};
  std::mutex mutex;  // for `failure`
  std::exception_ptr failure;
};

void throw_if_stopped(const Work& work) {
  if (work.is_stopped) throw Error(ErrorCode::cancelled, "verifying was stopped");
}

BlobDigest hash_blob(Work& work, const BlobDigest& digest, uint64_t& size_bytes) {
  const UniqueFd fd = work.store.blobs().open(digest);
  Sha256 hash;
  std::vector<std::byte> buffer(chunk_bytes);
  for (size_bytes = 0;;) {
    throw_if_stopped(work);
    const size_t count = read_some(fd.get(), buffer, digest.text());
    if (count == 0) return BlobDigest::from_hex(hash.finish_hex());
    hash.update(std::span<const std::byte>(buffer).first(count));
    size_bytes += count;
    work.done_bytes += count;
  }
}

// A file that nobody has read is right by definition; what was read is its name from now on.
void read_first_time(Work& work, BlobFinding& finding) {
  uint64_t last = 0;
  const BlobDigest actual =
      work.store.read_linked_file(finding.digest, [&](uint64_t done, uint64_t) {
        throw_if_stopped(work);
        work.done_bytes += done - last;
        last = done;
      });
  finding.health = BlobHealth::read;
  finding.actual = actual;
  finding.detail = fmt::format("was read for the first time; it is {} now", actual.text());
}

void look_at(Work& work, BlobFinding& finding) {
  const BlobStore& blobs = work.store.blobs();
  if (const std::string problem = work.store.link_problem(finding.digest); !problem.empty()) {
    finding.health = BlobHealth::moved;
    finding.detail = problem;
    return;
  }
  if (!blobs.has(finding.digest)) {
    finding.health = BlobHealth::missing;
    finding.detail = "is not in the store";
    return;
  }
  if (described_file(finding.digest, blobs.path(finding.digest)))
    return read_first_time(work, finding);
  uint64_t size_bytes = 0;
  const BlobDigest actual = hash_blob(work, finding.digest, size_bytes);
  if (actual == finding.digest) return;
  finding.health = BlobHealth::damaged;
  finding.actual = actual;
  finding.detail = size_bytes == finding.size_bytes
                       ? fmt::format("has the content of {}", actual.text())
                       : fmt::format("has {} bytes, expected {}", size_bytes, finding.size_bytes);
}

// A model may be deleted while its blobs are read.
void look_at_or_miss(Work& work, BlobFinding& finding) {
  try {
    look_at(work, finding);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    finding.health = BlobHealth::missing;
    finding.detail = error.what();
  }
}

void run_thread(Work& work) {
  try {
    for (size_t i; (i = work.next++) < work.blobs.size();) look_at_or_miss(work, *work.blobs[i]);
  } catch (...) {  // a background job's catch site: thrown again where the work was started
    const std::lock_guard lock(work.mutex);
    if (!work.failure) work.failure = std::current_exception();
    work.is_stopped = true;
  }
  ++work.finished_threads;
}

// Reports until all threads have ended; what `progress` throws stops them.
void watch(Work& work, std::vector<std::thread>& threads, uint64_t total,
           const VerifyProgress& progress) {
  struct Join {
    Work& work;
    std::vector<std::thread>& threads;
    ~Join() {
      if (work.finished_threads < threads.size()) work.is_stopped = true;
      for (std::thread& thread : threads) thread.join();
    }
  };
  {
    const Join join{work, threads};
    auto next_report = std::chrono::steady_clock::now();
    while (work.finished_threads < threads.size()) {
      if (progress && std::chrono::steady_clock::now() >= next_report) {
        progress(std::min(work.done_bytes.load(), total), total);
        next_report += std::chrono::milliseconds(100);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  if (work.failure) std::rethrow_exception(work.failure);
  if (progress) progress(total, total);
}

}  // namespace

std::string_view to_string(BlobHealth health) {
  switch (health) {
    case BlobHealth::good:
      return "good";
    case BlobHealth::read:
      return "read";
    case BlobHealth::damaged:
      return "damaged";
    case BlobHealth::missing:
      return "missing";
    case BlobHealth::moved:
      return "moved";
  }
  return "";
}

std::vector<BlobFinding> verify(ModelStore& store, const VerifyOptions& options,
                                const VerifyProgress& progress) {
  Findings findings = blobs_of(store, options);
  std::vector<BlobFinding*> blobs;
  uint64_t total = 0;
  for (auto& entry : findings) {
    blobs.push_back(&entry.second);
    total += store.blobs().size(entry.first).value_or(0);
  }
  // The largest first, so that no thread is left alone with it at the end.
  std::sort(blobs.begin(), blobs.end(), [](const BlobFinding* a, const BlobFinding* b) {
    return a->size_bytes > b->size_bytes;
  });
  Work work(store, blobs);
  const auto processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int thread_count = std::clamp(options.threads, 1, processors);
  std::vector<std::thread> threads;
  for (int i = 0; i < thread_count; ++i) threads.emplace_back([&work] { run_thread(work); });
  watch(work, threads, total, progress);
  std::vector<BlobFinding> result;
  for (auto& entry : findings) result.push_back(std::move(entry.second));
  std::stable_sort(result.begin(), result.end(),
                   [](const BlobFinding& a, const BlobFinding& b) { return a.health > b.health; });
  return result;
}

}  // namespace hearth::registry
