// What a list says about a model goes into the index and comes back.
#include "daemon/summary_text.h"

#include <catch2/catch.hpp>

using namespace hearth;

TEST_CASE("a summary's text has all of it") {
  api::ModelSummary summary;
  summary.details = {"parent", "gguf", "llama", {"llama", "clip"}, "8.0B", "Q4_K_M", 4096, 512};
  summary.capabilities = {"completion", "tools"};
  api::ModelSummary again;
  REQUIRE(daemon::read_summary_text(daemon::summary_text(summary), again));
  CHECK(daemon::summary_text(again) == daemon::summary_text(summary));
  CHECK(again.details.families == summary.details.families);
  CHECK(again.details.embedding_length == 512);
  CHECK(again.capabilities == summary.capabilities);
  for (const char* wrong : {"", "[]", "{}", "[1,2,3,4,5,6,7,8,9]"})
    CHECK_FALSE(daemon::read_summary_text(wrong, again));
}
