// The file is PEM around: "openssh-key-v1\0", cipher "none", derivation "none", its options "", the
// number of keys 1, the public key, and a block of: the same random number twice, the kind, the
// public half, seed and public half, a comment, bytes 1, 2, 3 ... up to a multiple of eight.
// Numbers are 32 bits, high byte first; texts have their length before them.
#include "registry/ssh_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/base64.h"
#include "base/check.h"
#include "base/error.h"
#include "base/file.h"

namespace hearth::registry {
namespace {

constexpr std::string_view kind = "ssh-ed25519";
constexpr std::string_view head = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view tail = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view magic{"openssh-key-v1\0", 15};
constexpr size_t file_bytes_max = 64 << 10;

std::string number(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

std::string text(std::string_view content) {
  return number(static_cast<uint32_t>(content.size())) + std::string(content);
}

// Takes numbers and texts off the front of untrusted bytes.
class Fields {
 public:
  Fields(std::string_view bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  uint32_t number() {
    uint32_t value = 0;
    for (const char byte : take(4)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::string_view text() { return take(number()); }
  std::string_view take(size_t count) {
    if (count > bytes_.size()) fail("ends too early");
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  void need(bool condition, std::string_view problem) const {
    if (!condition) fail(problem);
  }

 private:
  [[noreturn]] void fail(std::string_view problem) const {
    throw Error(ErrorCode::corrupt_data, fmt::format("{}: the key {}", what_, problem));
  }

  std::string_view bytes_;
  std::string_view what_;
};

std::string unwrap(std::string_view file, std::string_view what) {
  const size_t start = file.find(head), end = file.find(tail);
  if (start == file.npos || end == file.npos || end < start) {
    throw Error(
        ErrorCode::corrupt_data,
        fmt::format("{}: is no private key of OpenSSH's form (it begins with \"{}\")", what, head));
  }
  std::string letters;
  for (const char c : file.substr(start + head.size(), end - start - head.size()))
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') letters += c;
  auto bytes = decode_base64(letters);
  if (!bytes) throw Error(ErrorCode::corrupt_data, fmt::format("{}: the base64 is wrong", what));
  return *std::move(bytes);
}

// The new file gets its name only when nobody else has made it meanwhile.
void write_key(const std::filesystem::path& file, std::string_view content) {
  std::string temporary =
      (file.parent_path() / (std::string(unfinished_prefix) + "XXXXXX")).string();
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));  // 0600 from the start
  if (!fd) {
    throw Error(ErrorCode::forbidden,
                fmt::format("cannot make the key {}: {}", file.string(), std::strerror(errno)));
  }
  try {
    write_all(fd.get(), std::as_bytes(std::span(content.data(), content.size())), temporary);
    if (::fsync(fd.get()) != 0 ||
        (::link(temporary.c_str(), file.c_str()) != 0 && errno != EEXIST)) {
      throw Error(ErrorCode::internal,
                  fmt::format("cannot make the key {}: {}", file.string(), std::strerror(errno)));
    }
  } catch (...) {  // adds the clean-up and rethrows
    ::unlink(temporary.c_str());
    throw;
  }
  ::unlink(temporary.c_str());
  fsync_folder(file.parent_path());
}

}  // namespace

struct SshKey::State {
  std::array<unsigned char, seed_bytes> seed{};
  std::string public_half;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{nullptr, &EVP_PKEY_free};

  ~State() { OPENSSL_cleanse(seed.data(), seed.size()); }
};

SshKey::SshKey(std::span<const std::byte, seed_bytes> seed) : state_(std::make_unique<State>()) {
  std::memcpy(state_->seed.data(), seed.data(), seed.size());
  state_->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, state_->seed.data(),
                                                 state_->seed.size()));
  std::array<unsigned char, 32> half{};
  size_t size = half.size();
  if (!state_->key || EVP_PKEY_get_raw_public_key(state_->key.get(), half.data(), &size) != 1)
    throw Error(ErrorCode::internal, "this build of OpenSSL cannot use Ed25519 keys");
  state_->public_half.assign(half.begin(), half.end());
}

SshKey::~SshKey() = default;
SshKey::SshKey(SshKey&&) noexcept = default;
SshKey& SshKey::operator=(SshKey&&) noexcept = default;

SshKey SshKey::generate() {
  std::array<unsigned char, seed_bytes> seed{};
  if (RAND_bytes(seed.data(), static_cast<int>(seed.size())) != 1)
    throw Error(ErrorCode::internal, "the system gave no random bytes for a key");
  SshKey key{std::as_bytes(std::span(seed))};
  OPENSSL_cleanse(seed.data(), seed.size());
  return key;
}

SshKey SshKey::parse(std::string_view content, std::string_view what) {
  const std::string bytes = unwrap(content, what);
  Fields file(bytes, what);
  file.need(file.take(magic.size()) == magic, "is of a version that nobody knows");
  if (file.text() != "none") {
    throw Error(ErrorCode::unsupported,
                fmt::format("{}: has a passphrase; hearth needs a key without one", what));
  }
  file.text();  // derivation of the passphrase, and
  file.text();  // its options
  file.need(file.number() == 1, "file has several keys");
  file.text();  // the public key, which is said again below
  Fields block(file.text(), what);
  block.need(block.number() == block.number(), "is damaged");
  if (const std::string_view found = block.text(); found != kind) {
    throw Error(ErrorCode::unsupported, fmt::format("{}: is a key of the kind {}, expected {}",
                                                    what, found.substr(0, 40), kind));
  }
  const std::string_view half = block.text();
  const std::string_view both = block.text();
  block.need(both.size() == 64 && both.substr(32) == half, "has halves that do not agree");
  SshKey key{std::as_bytes(std::span<const char, seed_bytes>(both.data(), seed_bytes))};
  block.need(key.state_->public_half == half, "has halves that do not belong together");
  return key;
}

SshKey SshKey::load_or_create(const std::filesystem::path& file) {
  make_folders(file.parent_path());
  if (!std::filesystem::exists(file)) write_key(file, generate().print());
  SshKey key = parse(read_file(file, file_bytes_max), file.string());
  const std::filesystem::path public_file = file.string() + ".pub";
  if (!std::filesystem::exists(public_file))
    write_file_atomically(public_file, fmt::format("{} {}\n", kind, key.public_base64()));
  return key;
}

std::string SshKey::public_base64() const {
  return encode_base64(text(kind) + text(state_->public_half));
}

std::string SshKey::sign_base64(std::string_view data) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::array<unsigned char, 64> signature{};
  size_t size = signature.size();
  const auto bytes = std::as_bytes(std::span(data.data(), data.size()));
  HEARTH_CHECK(context != nullptr && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                                                        state_->key.get()) == 1);
  HEARTH_CHECK(
      EVP_DigestSign(context.get(), signature.data(), &size,
                     static_cast<const unsigned char*>(static_cast<const void*>(bytes.data())),
                     bytes.size()) == 1);
  return encode_base64(std::as_bytes(std::span(signature)));
}

std::string SshKey::print() const {
  uint32_t random = 0;
  if (RAND_bytes(static_cast<unsigned char*>(static_cast<void*>(&random)), sizeof(random)) != 1)
    throw Error(ErrorCode::internal, "the system gave no random bytes for a key");
  const std::string seed(state_->seed.begin(), state_->seed.end());
  std::string block = number(random) + number(random) + text(kind) + text(state_->public_half) +
                      text(seed + state_->public_half) + text("");
  for (char pad = 1; block.size() % 8 != 0; ++pad) block += pad;
  const std::string bytes = std::string(magic) + text("none") + text("none") + text("") +
                            number(1) + text(text(kind) + text(state_->public_half)) + text(block);
  const std::string letters = encode_base64(bytes);
  std::string file = fmt::format("{}\n", head);
  for (size_t i = 0; i < letters.size(); i += 70) file += letters.substr(i, 70) + '\n';
  return file + std::string(tail) + '\n';
}

std::filesystem::path user_key_file(const std::filesystem::path& home) {
  const std::filesystem::path ours = home / ".hearth/id_ed25519";
  const std::filesystem::path ollama = home / ".ollama/id_ed25519";
  return !std::filesystem::exists(ours) && std::filesystem::exists(ollama) ? ollama : ours;
}

}  // namespace hearth::registry
