// Feeds damaged GGUF files to everything that reads them, without needing libFuzzer:
//   gguf_mutate COUNT [FIRST]        mutations FIRST .. FIRST + COUNT - 1
//   gguf_mutate --write-seeds FOLDER the undamaged files, as a corpus for gguf_fuzz
// A refusal is a pass. A crash, an exception other than hearth::Error, more than 20 seconds for one
// file or a message that is not one line is a failure and names the number that repeats it.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/log.h"
#include "tests/fuzz/exercise.h"
#include "tests/fuzz/mutation.h"
#include "tests/fuzz/seeds.h"

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

constexpr unsigned seconds_per_file_max = 20;
constexpr int64_t memory_kib_max = int64_t{2} << 20;

std::atomic<uint64_t> current_number = 0;
static_assert(std::atomic<uint64_t>::is_always_lock_free);

// Only write(2): called from signal handlers and from a dying sanitizer.
void name_current() {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "mutation %llu\n",
                                 static_cast<unsigned long long>(current_number.load()));
  static_cast<void>(!::write(STDERR_FILENO, text.data(), static_cast<size_t>(size)));
}

void die(int signal_number) {
  name_current();
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

void install_handlers() {
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(name_current);
  } else {
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::signal(number, die);
  }
  ::signal(SIGALRM, die);
}

int64_t peak_memory_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

int run(uint64_t count, uint64_t first) {
  const auto seeds = hearth::fuzz::make_seeds();
  uint64_t failed = 0;
  for (const std::string& seed : seeds) {
    const auto outcome = hearth::fuzz::exercise_gguf(seed);
    if (outcome.depth != hearth::fuzz::Depth::ran && &seed != &seeds.back()) {
      fmt::print(stderr, "a seed does not run: {}\n", outcome.complaint);
      ++failed;
    }
  }
  std::array<uint64_t, 6> by_depth{};
  for (current_number = first; current_number < first + count; ++current_number) {
    ::alarm(seconds_per_file_max);
    try {
      const auto outcome =
          hearth::fuzz::exercise_gguf(hearth::fuzz::mutate(seeds, current_number.load()));
      ++by_depth[static_cast<size_t>(outcome.depth)];
    } catch (const std::exception& error) {
      fmt::print(stderr, "mutation {}: {}\n", current_number.load(), error.what());
      ++failed;
    }
  }
  ::alarm(0);
  fmt::print(
      "refused {}, opened {}, described {}, tokenized {}, loaded {}, ran {}; at most {} MiB of "
      "memory\n",
      by_depth[0], by_depth[1], by_depth[2], by_depth[3], by_depth[4], by_depth[5],
      peak_memory_kib() / 1024);
  if (peak_memory_kib() > memory_kib_max) {
    fmt::print(stderr, "a small file made hearth take more than {} MiB\n", memory_kib_max / 1024);
    ++failed;
  }
  fmt::print("{} passed, {} failed\n", count - std::min(failed, count), failed);
  return failed == 0 ? 0 : 1;
}

int write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const std::string& seed : hearth::fuzz::make_seeds()) {
    hearth::write_file_atomically(folder / fmt::format("seed-{}.gguf", number++), seed);
  }
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::string first_argument = argument_count > 1 ? arguments[1] : "";
  if (first_argument == "--write-seeds" && argument_count == 3) return write_seeds(arguments[2]);
  const uint64_t count = std::strtoull(first_argument.c_str(), nullptr, 10);
  if (count == 0) {
    fmt::print(stderr, "usage: gguf_mutate COUNT [FIRST] | --write-seeds FOLDER\n");
    return 2;
  }
  hearth::log::start("gguf_mutate", hearth::log::Level::off);
  install_handlers();
  return run(count, argument_count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 0);
}
