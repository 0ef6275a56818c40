// The bounded queue: order, bound, close, and two threads.
#include "base/queue.h"

#include <catch2/catch.hpp>
#include <thread>

using namespace hearth;

TEST_CASE("a full queue refuses") {
  Queue<int> queue(2);
  CHECK(queue.try_push(1));
  CHECK(queue.try_push(2));
  CHECK_FALSE(queue.try_push(3));
  CHECK(queue.try_pop() == 1);
  CHECK(queue.try_push(3));
  CHECK(queue.size() == 2);
}

TEST_CASE("a closed queue drains and then is empty") {
  Queue<int> queue(2);
  queue.try_push(1);
  queue.close();
  CHECK_FALSE(queue.try_push(2));
  CHECK(queue.pop() == 1);
  CHECK_FALSE(queue.pop().has_value());
}

TEST_CASE("a waiting consumer gets every item in order") {
  Queue<int> queue(4);
  std::thread producer([&queue] {
    for (int i = 0; i < 1000; ++i) {
      while (!queue.try_push(i)) std::this_thread::yield();
    }
    queue.close();
  });
  int expected = 0;
  while (auto item = queue.pop()) {
    if (*item != expected) break;
    ++expected;
  }
  producer.join();
  CHECK(expected == 1000);
}
