#include "fiber.h"

#include <bit>
#include <csetjmp>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace simulation {

namespace {

// SQLite needs some 30 KiB for its deepest statements; sanitizers need several times as much.
constexpr std::size_t kStackBytes = std::size_t{512} << 10;
constexpr std::size_t kGuardBytes = std::size_t{16} << 10;

// Stacks are used again: a seed has dozens of fibers, a run has millions of seeds.
std::vector<std::byte*>& free_stacks() {
  static std::vector<std::byte*> stacks;
  return stacks;
}

std::byte* take_stack() {
  if (auto& stacks = free_stacks(); !stacks.empty()) {
    std::byte* stack = stacks.back();
    stacks.pop_back();
    return stack;
  }
  void* memory = ::mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  CHECK(::mprotect(memory, kGuardBytes, PROT_NONE) == 0);
  return static_cast<std::byte*>(memory) + kGuardBytes;
}

}  // namespace

struct Fiber::Context {
  std::byte* stack = take_stack();
  ucontext_t start{};
  ucontext_t caller{};
  // swapcontext() makes a system call each time for the signal mask, so it is used for the first entry only.
  jmp_buf inside{}, outside{};
  bool begun = false;
  bool finished = false;
#if defined(__SANITIZE_ADDRESS__)
  void* fake_inside = nullptr;
  void* fake_outside = nullptr;
  const void* outer_stack = nullptr;
  std::size_t outer_size = 0;
#endif
};

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), context_(std::make_unique<Context>()) {}

Fiber::~Fiber() {
  CHECK(context_->finished || !context_->begun);
  free_stacks().push_back(context_->stack);
}

bool Fiber::finished() const {
  return context_->finished;
}

// makecontext() passes ints only.
void Fiber::enter(unsigned high, unsigned low) {
  auto* self = std::bit_cast<Fiber*>((std::uint64_t{high} << 32) | low);
  self->run();
}

void Fiber::run() {
  Context& c = *context_;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &c.outer_stack, &c.outer_size);
#endif
  body_();
  body_ = nullptr;
  c.finished = true;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(nullptr, c.outer_stack, c.outer_size);
  ::setcontext(&c.caller);
#else
  ::_longjmp(c.outside, 1);
#endif
}

#if defined(__SANITIZE_ADDRESS__)

void Fiber::resume() {
  Context& c = *context_;
  CHECK(!c.finished);
  __sanitizer_start_switch_fiber(&c.fake_outside, c.stack, kStackBytes);
  if (!std::exchange(c.begun, true)) {
    ::getcontext(&c.start);
    c.start.uc_stack.ss_sp = c.stack;
    c.start.uc_stack.ss_size = kStackBytes;
    c.start.uc_link = nullptr;
    const auto self = std::bit_cast<std::uint64_t>(this);
    ::makecontext(&c.start, reinterpret_cast<void (*)()>(&Fiber::enter), 2, static_cast<unsigned>(self >> 32),
                  static_cast<unsigned>(self));
  }
  ::swapcontext(&c.caller, &c.start);
  __sanitizer_finish_switch_fiber(c.fake_outside, nullptr, nullptr);
}

void Fiber::suspend() {
  Context& c = *context_;
  __sanitizer_start_switch_fiber(&c.fake_inside, c.outer_stack, c.outer_size);
  ::swapcontext(&c.start, &c.caller);
  __sanitizer_finish_switch_fiber(c.fake_inside, &c.outer_stack, &c.outer_size);
}

#else

void Fiber::resume() {
  Context& c = *context_;
  CHECK(!c.finished);
  if (::_setjmp(c.outside) != 0) return;
  if (std::exchange(c.begun, true)) ::_longjmp(c.inside, 1);
  ::getcontext(&c.start);
  c.start.uc_stack.ss_sp = c.stack;
  c.start.uc_stack.ss_size = kStackBytes;
  c.start.uc_link = nullptr;
  const auto self = std::bit_cast<std::uint64_t>(this);
  ::makecontext(&c.start, reinterpret_cast<void (*)()>(&Fiber::enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
  ::swapcontext(&c.caller, &c.start);
}

void Fiber::suspend() {
  Context& c = *context_;
  if (::_setjmp(c.inside) == 0) ::_longjmp(c.outside, 1);
}

#endif

}  // namespace simulation
