#include "engine/kv_cache/plan_span.h"

#include <catch2/catch.hpp>

#include "tests/support/cache_simulation.h"

using namespace hearth::engine;
using namespace hearth::testing;

TEST_CASE("spans name their tokens, positions and pages") {
  const CacheShape shape = window_shape(64);
  const Pools pools(shape, 4);
  SequenceCache answer(shape, pools.all(), 64), prompt(shape, pools.all(), 64);
  const TokenId guessed[] = {7, 8}, read[] = {4, 5, 6};
  REQUIRE((answer.extend(2) && prompt.extend(3)));
  StepPlan plan;
  begin_span(plan, answer, 9, Role::decode).adapter = 1;
  add_tokens(plan, guessed);
  begin_span(plan, prompt, 0, Role::prompt, SequenceSpan(plan.sequences[0]));
  for (const TokenId token : read) add_token(plan, token);

  REQUIRE(plan.tokens == std::vector<TokenId>{7, 8, 4, 5, 6});
  REQUIRE(plan.decode_token_count == 2);
  REQUIRE(plan.positions[1] == std::array<int32_t, 3>{10, 10, 10});
  REQUIRE(plan.positions[4] == std::array<int32_t, 3>{2, 2, 2});
  const SequenceSpan& first = plan.sequences[0];
  const SequenceSpan& second = plan.sequences[1];
  REQUIRE((first.first_token == 0 && first.token_count == 2 && first.cached_tokens == 9));
  REQUIRE((second.first_token == 2 && second.token_count == 3 && second.cached_tokens == 0));
  // Only the memory of the spare span is used, nothing it says.
  REQUIRE((second.adapter == -1 && second.role == Role::prompt));
  REQUIRE(second.pages.size() == 2);
  for (const int32_t group : {0, 1})
    REQUIRE(second.pages[static_cast<size_t>(group)].data() == prompt.pages(group).data());
}
