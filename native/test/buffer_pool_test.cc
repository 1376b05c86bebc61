#include "../core/buffer_pool.h"

#include <cstring>
#include <thread>
#include <vector>

#include "check.h"

using namespace vedette;

namespace {

constexpr size_t kPage = 4096;

}  // namespace

TEST("a pool gives memory out again, aligned and whole, and refuses a second release") {
  BufferPool pool(PoolLimits{});
  PooledMemory first, second;
  CHECK(pool.acquire(10000, &first).ok());
  CHECK(first.size == 10000 && reinterpret_cast<uintptr_t>(first.data) % 64 == 0);
  std::memset(first.data, 7, first.size);
  CHECK(pool.check_held(first.token, first.data).ok());
  CHECK(pool.check_held(first.token, first.data + 1).code == Code::tensor_invalid);
  CHECK(pool.release(first.token).ok());
  CHECK(pool.release(first.token).code == Code::tensor_invalid);
  CHECK(pool.check_held(first.token, first.data).code == Code::tensor_invalid);
  CHECK(pool.release(0).code == Code::tensor_invalid);
  CHECK(pool.acquire(9000, &second).ok());
  CHECK(second.data == first.data && second.token != first.token && second.size == 9000);
  const PoolStatistics statistics = pool.statistics();
  CHECK(statistics.acquired == 2 && statistics.reused == 1 && statistics.refused == 0);
  CHECK(statistics.held == 1 && statistics.held_bytes == 3 * kPage && statistics.idle == 0);
  CHECK(pool.release(second.token).ok());
}

TEST("what is asked of a pool is not served with memory more than a quarter larger") {
  BufferPool pool(PoolLimits{});
  PooledMemory large, small;
  CHECK(pool.acquire(100 * kPage, &large).ok());
  CHECK(pool.release(large.token).ok());
  CHECK(pool.acquire(79 * kPage, &small).ok());
  CHECK(small.data != large.data);
  CHECK(pool.release(small.token).ok());
  CHECK(pool.acquire(80 * kPage, &small).ok());
  CHECK(small.data == large.data);
  CHECK(pool.release(small.token).ok());
}

TEST("a pool keeps its limits on bytes, buffers and idle memory") {
  PoolLimits limits;
  limits.bytes = 10 * kPage;
  limits.buffers = 3;
  limits.idle_bytes = 6 * kPage;
  BufferPool pool(limits);
  PooledMemory a, b, c, d;
  CHECK(pool.acquire(0, &a).code == Code::tensor_invalid);
  CHECK(pool.acquire(10 * kPage + 1, &a).code == Code::tensor_invalid);
  CHECK(pool.acquire(SIZE_MAX, &a).code == Code::tensor_invalid);
  CHECK(pool.acquire(6 * kPage, &a).ok());
  CHECK(pool.acquire(4 * kPage + 1, &b).code == Code::overloaded);
  CHECK(pool.acquire(kPage, &b).ok() && pool.acquire(kPage, &c).ok());
  CHECK(pool.acquire(1, &d).code == Code::overloaded);
  CHECK(pool.statistics().refused == 5);
  CHECK(pool.release(a.token).ok());
  CHECK(pool.statistics().idle_bytes == 6 * kPage);
  // The idle one has to go for this one.
  CHECK(pool.acquire(3 * kPage, &d).ok());
  CHECK(pool.statistics().idle == 0 && pool.statistics().reused == 0);
  for (const PooledMemory& memory : {b, c, d}) CHECK(pool.release(memory.token).ok());
  CHECK(pool.acquire(5 * kPage, &a).ok());
  CHECK(pool.release(a.token).ok());
  const PoolStatistics statistics = pool.statistics();
  CHECK(statistics.held == 0 && statistics.held_bytes == 0);
  CHECK(statistics.idle_bytes <= limits.idle_bytes);
}

TEST("a pool serves several threads, and no two of them hold the same memory") {
  PoolLimits limits;
  limits.bytes = 40 * kPage;
  BufferPool pool(limits);
  std::vector<std::thread> threads;
  for (int id = 1; id <= 4; id++) {
    threads.emplace_back([&pool, id] {
      for (int round = 0; round < 5000; round++) {
        PooledMemory memory;
        const size_t size = static_cast<size_t>(1 + (round * 7 + id) % 12) * kPage - 5;
        const Status status = pool.acquire(size, &memory);
        if (!status.ok()) {
          CHECK(status.code == Code::overloaded);
          continue;
        }
        memory.data[0] = memory.data[size - 1] = static_cast<uint8_t>(id);
        std::this_thread::yield();
        CHECK(memory.data[0] == id && memory.data[size - 1] == id);
        CHECK(pool.release(memory.token).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(pool.statistics().held == 0);
}
