// See file_description.h.
#include "registry/file_description.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"

namespace hearth::registry {
namespace {

// Two models that took the same place, size and date still differ in their metadata.
constexpr size_t head_bytes = 65536;

std::string head_digest(int fd, const std::filesystem::path& file) {
  std::array<std::byte, head_bytes> buffer;
  size_t filled = 0;
  while (const size_t count = read_some(fd, std::span(buffer).subspan(filled), file.string()))
    filled += count;
  return sha256_hex(std::span(buffer).first(filled));
}

}  // namespace

FileDescription describe_file(const std::filesystem::path& file) {
  struct stat status {};
  // Before it is opened: opening a pipe that nobody writes would hang.
  if (::stat(file.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} is not a regular file", file.string()));
  }
  const UniqueFd fd = open_for_reading(file);
  if (::fstat(fd.get(), &status) != 0) {
    throw Error(ErrorCode::internal,
                fmt::format("cannot read {}: {}", file.string(), std::strerror(errno)));
  }
  const std::string text = fmt::format(
      "a file that hearth has not read\n{}\n{} bytes\n{}.{:09}\n{}\n", file.string(),
      status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, head_digest(fd.get(), file));
  return {BlobDigest::from_hex(sha256_hex(std::as_bytes(std::span(text.data(), text.size())))),
          static_cast<uint64_t>(status.st_size)};
}

std::optional<std::filesystem::path> described_file(const BlobDigest& digest,
                                                    const std::filesystem::path& blob) {
  std::error_code error;
  std::filesystem::path target = std::filesystem::read_symlink(blob, error);
  if (error || !std::filesystem::is_regular_file(target, error)) return std::nullopt;
  try {
    if (describe_file(target).digest == digest) return target;
  } catch (const Error&) {  // whoever wants its bytes is told why they cannot be had
  }
  return std::nullopt;
}

}  // namespace hearth::registry
