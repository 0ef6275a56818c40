// SHA-256 of streams of bytes. The only file that knows OpenSSL's digests.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace hearth {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  // 64 lower-case hex digits. The stream is finished afterwards.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 64 lower-case hex digits.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace hearth
