#include "oracle/worker/journal.h"

#include <chrono>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

namespace oracle {

namespace {

std::string now_text() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::to_string(std::chrono::duration_cast<milliseconds>(now).count());
}

std::string name_of(const Head& head) {
  return std::to_string(head.number) + ' ' + head.previous + ' ' + head.hash;
}

}  // namespace

Journal::Journal(const std::string& path)
    : descriptor_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) throw std::runtime_error("cannot open journal " + path);
}

Journal::~Journal() {
  ::close(descriptor_);
}

void Journal::intends(const Head& head) const {
  append("I " + name_of(head) + ' ' + now_text());
}

void Journal::committed(const Head& head) const {
  append("C " + std::to_string(head.number) + ' ' + head.hash + ' ' + now_text());
}

void Journal::rolled_back(const Head& head) const {
  append("R " + name_of(head) + ' ' + now_text());
}

void Journal::rewrites_pages(const Head& head) const {
  append("P " + std::to_string(head.number) + ' ' + head.hash + ' ' + now_text());
}

void Journal::snapshot(const Head& head, const std::string& digest, const std::string& file) const {
  append("S " + std::to_string(head.number) + ' ' + head.hash + ' ' + digest + ' ' + file);
}

void Journal::append(std::string line) const {
  line += '\n';
  if (::write(descriptor_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw std::runtime_error("cannot write to the journal");
  }
}

}  // namespace oracle
