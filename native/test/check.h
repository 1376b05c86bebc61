#pragma once
#include <cstdio>
#include <cstdlib>
#include <vector>

// A test runner of a page: tests register themselves, a failed check ends the program.
namespace check {

struct Test {
  const char* title;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* title, void (*run)()) { tests().push_back({title, run}); }
};

[[noreturn]] inline void failed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  std::exit(1);
}

}  // namespace check

#define CHECK_JOIN(a, b) a##b
#define CHECK_NAME(prefix, line) CHECK_JOIN(prefix, line)
#define TEST(title)                                                     \
  static void CHECK_NAME(test_, __LINE__)();                            \
  static const check::Registration CHECK_NAME(registration_, __LINE__)( \
      title, CHECK_NAME(test_, __LINE__));                              \
  static void CHECK_NAME(test_, __LINE__)()
#define CHECK(condition) \
  if (!(condition)) check::failed(__FILE__, __LINE__, #condition)
