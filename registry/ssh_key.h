// The key pair by which a user is known to registries: Ed25519, in the files that ssh-keygen reads
// and writes. Registries of Ollama's kind give tokens for a signature of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hearth::registry {

// Where the key of a user is: ~/.hearth/id_ed25519; Ollama's (~/.ollama/id_ed25519) when only that
// is there, because registries know it already.
std::filesystem::path user_key_file(const std::filesystem::path& home);

// Any thread may use one, after it was made. Moves, never copies.
class SshKey {
 public:
  static constexpr size_t seed_bytes = 32;

  // From the seed that RFC 8032 calls the private key.
  explicit SshKey(std::span<const std::byte, seed_bytes> seed);
  ~SshKey();
  SshKey(SshKey&&) noexcept;
  SshKey& operator=(SshKey&&) noexcept;

  static SshKey generate();
  // `text` is a file as ssh-keygen writes it; `what` names it in messages. Throws
  // Error{corrupt_data}, and Error{unsupported} for a key of another kind or with a passphrase.
  static SshKey parse(std::string_view text, std::string_view what);
  // The key in `file`; when there is none a new one, for nobody else to read, with its public half
  // in `file`.pub. Never overwrites. Of two programs that do it at once both get the same key.
  // Throws as parse does, and Error{forbidden | out_of_memory | internal} naming the file.
  static SshKey load_or_create(const std::filesystem::path& file);

  // Of the public half in SSH's form: the second field of the .pub line.
  std::string public_base64() const;
  // Of the 64 bytes of the signature of `data`.
  std::string sign_base64(std::string_view data) const;
  // The whole of a private key file.
  std::string print() const;

 private:
  struct State;  // hides OpenSSL
  std::unique_ptr<State> state_;
};

}  // namespace hearth::registry
