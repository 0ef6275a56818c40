// The key files byte by byte, the signature that the specification gives, and ssh-keygen where it
// is.
#include "registry/ssh_key.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <set>
#include <thread>
#include <vector>

#include "base/base64.h"
#include "base/error.h"
#include "base/file.h"
#include "tests/support/temp_folder.h"

using namespace hearth;
using namespace hearth::registry;

namespace {

constexpr std::string_view known_public =
    "AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

SshKey known_key() {
  std::array<std::byte, SshKey::seed_bytes> seed{};
  for (size_t i = 0; i < seed.size(); ++i) seed[i] = std::byte(i);
  return SshKey(seed);
}

std::string body(const std::string& file) {
  std::string letters;
  for (size_t at = file.find('\n') + 1, end; (end = file.find('\n', at)) != file.npos; at = end + 1)
    if (file[at] != '-') letters += file.substr(at, end - at);
  return decode_base64(letters).value();
}

// The output of a command; empty when it failed.
std::string output_of(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char buffer[4096];
  for (size_t count; (count = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;)
    text.append(buffer, count);
  return ::pclose(pipe) == 0 ? text : "";
}

bool has_ssh_keygen() {
  if (!output_of("command -v ssh-keygen").empty()) return true;
  WARN("skipped: ssh-keygen is not installed");
  return false;
}

mode_t mode_of(const std::filesystem::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE("ssh_key: the golden vector of the token signature") {
  const SshKey key = known_key();
  CHECK(key.public_base64() == known_public);
  CHECK(
      key.sign_base64("GET,https://registry.example/v2/token?nonce=AAECAwQFBgcICQoLDA0ODw&scope="
                      "repository%3Alibrary%2Fm%3Apull&service=registry.example&ts=1700000000,"
                      "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3"
                      "ODUyYjg1NQ==") ==
      "W9zHwJHRPakniqvrA3JmUOHh3VjF+/coZzchjRSsA6AfdZUgHmvFqW1BPhOlixmTxm/"
      "dKpgS0t366zcc2xLYAg==");
}

TEST_CASE("ssh_key: the layout of the private file") {
  const std::string file = known_key().print();
  CHECK(file.rfind("-----BEGIN OPENSSH PRIVATE KEY-----\n", 0) == 0);
  CHECK(file.substr(file.size() - 35) == "\n-----END OPENSSH PRIVATE KEY-----\n");
  const std::string bytes = body(file);
  const std::string public_key = decode_base64(known_public).value();
  const std::string half = public_key.substr(19);
  using namespace std::string_literals;
  std::string seed;
  for (char i = 0; i < 32; ++i) seed += i;
  const std::string before = "openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1\0\0\0\x33"s +
                             public_key + "\0\0\0\x88"s;
  CHECK(bytes.substr(0, before.size()) == before);
  const size_t check = before.size();
  CHECK(bytes.substr(check, 4) == bytes.substr(check + 4, 4));
  CHECK(bytes.substr(check + 8) == "\0\0\0\x0bssh-ed25519\0\0\0\x20"s + half + "\0\0\0\x40"s +
                                       seed + half + "\0\0\0\0"s + "\1\2\3\4\5"s);
}

TEST_CASE("ssh_key: files are made once, for nobody else to read, and kept") {
  const testing::TempFolder folder;
  const auto file = folder.path() / "new/folder/id_ed25519";
  const SshKey made = SshKey::load_or_create(file);
  CHECK(mode_of(file) == 0600);
  CHECK(mode_of(file.string() + ".pub") == 0644);
  CHECK(read_file(file.string() + ".pub") == "ssh-ed25519 " + made.public_base64() + "\n");
  const std::string content = read_file(file);
  CHECK(SshKey::load_or_create(file).public_base64() == made.public_base64());
  CHECK(read_file(file) == content);
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(file.parent_path()))
    ++count;
  CHECK(count == 2);
}

TEST_CASE("ssh_key: all who make it at once get the same key") {
  const testing::TempFolder folder;
  std::vector<std::string> keys(8);
  std::vector<std::thread> threads;
  for (std::string& key : keys) {
    threads.emplace_back(
        [&] { key = SshKey::load_or_create(folder.path() / "id_ed25519").public_base64(); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(std::set<std::string>(keys.begin(), keys.end()).size() == 1);
}

TEST_CASE("ssh_key: Ollama's key is used while there is none of ours") {
  const testing::TempFolder home;
  const auto ours = home.path() / ".hearth/id_ed25519";
  const auto ollama = home.path() / ".ollama/id_ed25519";
  CHECK(user_key_file(home.path()) == ours);
  SshKey::load_or_create(ollama);
  CHECK(user_key_file(home.path()) == ollama);
  SshKey::load_or_create(ours);
  CHECK(user_key_file(home.path()) == ours);
}

TEST_CASE("ssh_key: damaged files are told apart and never harm") {
  const std::string file = known_key().print();
  const auto code = [](std::string_view text) {
    try {
      SshKey::parse(text, "key");
    } catch (const Error& error) {
      return to_string(error.code());
    }
    return std::string_view("good");
  };
  CHECK(code(file) == "good");
  CHECK(code("") == "corrupt_data");
  CHECK(code("-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n") ==
        "corrupt_data");
  const std::string bytes = body(file);
  const auto wrapped = [](std::string_view content) {
    return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + encode_base64(content) +
           "\n-----END OPENSSH PRIVATE KEY-----\n";
  };
  CHECK(code(wrapped(bytes)) == "good");
  // All lengths but those that only cut the padding, which nothing depends on.
  for (size_t size = 0; size + 9 < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK(code(wrapped(std::string_view(bytes).substr(0, size))) == "corrupt_data");
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x80);
    code(wrapped(flipped));  // any answer, but no crash and no endless loop
  }
}

TEST_CASE("ssh_key: ssh-keygen reads ours, and we read its") {
  if (!has_ssh_keygen()) return;
  const testing::TempFolder folder;
  const auto ours = folder.path() / "ours";
  const SshKey key = SshKey::load_or_create(ours);
  CHECK(output_of("ssh-keygen -y -f " + ours.string())
            .rfind("ssh-ed25519 " + key.public_base64(), 0) == 0);
  const std::string theirs = (folder.path() / "theirs").string();
  output_of("ssh-keygen -q -t ed25519 -N '' -C someone@example -f " + theirs);
  CHECK(read_file(theirs + ".pub")
            .rfind("ssh-ed25519 " + SshKey::load_or_create(theirs).public_base64(), 0) == 0);
  for (const std::string options : {"-t ed25519 -N secret", "-t ecdsa -N ''"}) {
    const std::string other = (folder.path() / "other").string();
    output_of("rm -f " + other + "*; ssh-keygen -q " + options + " -f " + other);
    CHECK_THROWS_AS(SshKey::load_or_create(other), Error);
  }
}
