#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "../core/row_kernels.h"
#include "contender.h"

namespace vedette::bench {

double thread_ms() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

std::vector<double> take_turn(const std::function<void()>& run, double turn_ms,
                              const std::function<void()>& before) {
  constexpr size_t kFewestCalls = 3;
  std::vector<double> times;
  const double begin = thread_ms();
  double now = begin;
  while (now - begin < turn_ms || times.size() < kFewestCalls) {
    if (before) {
      before();
      now = thread_ms();
    }
    run();
    const double after = thread_ms();
    times.push_back(after - now);
    now = after;
  }
  return times;
}

size_t cache_bytes() {
  const long bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
  return bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

void fill_caches() {
  constexpr size_t kLeast = size_t{64} << 20;
  static std::vector<uint8_t> memory(std::max(kLeast, 2 * cache_bytes()));
  static uint8_t value = 0;
  std::memset(memory.data(), ++value, memory.size());
  asm volatile("" : : "r"(memory.data()) : "memory");
}

std::vector<double> copy_memory(size_t bytes, double turn_ms) {
  // Kept while the size stays: fresh memory would be measured by its page faults.
  static std::vector<uint8_t> from, to;
  if (from.size() != bytes) {
    from.assign(bytes, 1);
    to.assign(bytes, 2);
  }
  return take_turn(
      [&] {
        std::memcpy(to.data(), from.data(), bytes);
        // Whoever looks at `to` may be anybody: the copy cannot be left out.
        asm volatile("" : : "r"(to.data()) : "memory");
      },
      turn_ms);
}

void for_each_kernel(const std::function<void()>& run,
                     const std::function<void(const char*, std::function<void()>)>& add) {
  for (int i = 0; available_row_kernels(i) != nullptr; i++) {
    const char* const name = available_row_kernels(i)->name;
    add(name, [name, run] {
      require(choose_row_kernels(name));
      run();
    });
  }
}

}  // namespace vedette::bench
