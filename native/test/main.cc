#include <signal.h>

#include <cstring>

#include "check.h"

// Usage: core_tests [part of a title]
int main(int count, char** arguments) {
  // A pipe whose reader closed is an error of the write, not the end of the program.
  signal(SIGPIPE, SIG_IGN);
  int passed = 0;
  for (const check::Test& test : check::tests()) {
    if (count > 1 && std::strstr(test.title, arguments[1]) == nullptr) continue;
    test.run();
    passed++;
  }
  std::printf("%d passed\n", passed);
  return passed > 0 ? 0 : 1;
}
