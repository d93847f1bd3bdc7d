#include "os/memory.h"

#include <cstdlib>  // tells whether this is glibc

#if defined(__GLIBC__)
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <link.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace os {

void limit_memory_pools() {
#if defined(__GLIBC__)
  ::mallopt(M_ARENA_MAX, 2);
#endif
}

void give_back_free_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

#if defined(__GLIBC__)
namespace {

// The loader holds its lock around this, so nothing that we look at is unloaded meanwhile.
int unmap_unwritable_segments(::dl_phdr_info* object, std::size_t /*size*/, void* /*data*/) {
  const std::uintptr_t page_mask = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)) - 1;
  const std::span segments(object->dlpi_phdr, object->dlpi_phnum);
  const bool is_the_kernels = std::ranges::any_of(segments, [&](const auto& segment) {
    return segment.p_type == PT_LOAD && object->dlpi_addr + segment.p_vaddr == ::getauxval(AT_SYSINFO_EHDR);
  });
  if (is_the_kernels) return 0;
  for (const auto& segment : segments) {
    // What the loader changes when it relocates is in a writable segment.
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~page_mask;
    const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_filesz;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // refused where it is locked: then it stays
  }
  return 0;
}

}  // namespace
#endif

void let_go_of_idle_code() {
#if defined(__GLIBC__)
  ::dl_iterate_phdr(unmap_unwritable_segments, nullptr);
#endif
}

}  // namespace os
