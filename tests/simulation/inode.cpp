#include <algorithm>
#include <utility>

#include "disk.h"

namespace simulation {

namespace {

// Chunks are used again; a seed takes some dozens.
template <typename Chunk>
std::vector<std::unique_ptr<Chunk>>& free_chunks() {
  static std::vector<std::unique_ptr<Chunk>> chunks;
  return chunks;
}
constexpr std::size_t kFreeChunks = 4096;

}  // namespace

std::unique_ptr<Inode::Chunk> Inode::take_chunk() {
  auto& pool = free_chunks<Chunk>();
  if (pool.empty()) return std::make_unique<Chunk>();
  auto chunk = std::move(pool.back());
  pool.pop_back();
  chunk->fill(0);
  return chunk;
}

Inode::~Inode() {
  auto& pool = free_chunks<Chunk>();
  for (auto& chunk : chunks_) {
    if (pool.size() < kFreeChunks) pool.push_back(std::move(chunk));
  }
}

void Inode::need_chunks(std::size_t count) {
  while (chunks_.size() < count) chunks_.push_back(take_chunk());
}

std::size_t Inode::read(std::uint64_t offset, base::MutableByteView out) const {
  if (offset >= size) return 0;
  const std::size_t count = std::min<std::uint64_t>(out.size(), size - offset);
  for (std::size_t done = 0; done < count;) {
    const std::size_t in_chunk = (offset + done) % kChunkBytes;
    const std::size_t part = std::min(count - done, kChunkBytes - in_chunk);
    const Chunk& chunk = *chunks_[(offset + done) / kChunkBytes];
    std::copy_n(chunk.data() + in_chunk, part, out.data() + done);
    done += part;
  }
  return count;
}

void Inode::write(std::uint64_t offset, base::ByteView bytes) {
  if (durable) unsynced.push_back({offset, base::Bytes(bytes.begin(), bytes.end()), false});
  need_chunks((offset + bytes.size() + kChunkBytes - 1) / kChunkBytes);
  for (std::size_t done = 0; done < bytes.size();) {
    const std::size_t in_chunk = (offset + done) % kChunkBytes;
    const std::size_t part = std::min(bytes.size() - done, kChunkBytes - in_chunk);
    std::copy_n(bytes.data() + done, part, chunks_[(offset + done) / kChunkBytes]->data() + in_chunk);
    done += part;
  }
  size = std::max<std::uint64_t>(size, offset + bytes.size());
}

void Inode::truncate(std::uint64_t to) {
  if (durable) unsynced.push_back({to, {}, true});
  need_chunks((to + kChunkBytes - 1) / kChunkBytes);
  // What is cut off reads as zeros if the file grows again.
  for (std::uint64_t at = to; at < size;) {
    const std::size_t in_chunk = at % kChunkBytes;
    const std::size_t part = std::min<std::uint64_t>(size - at, kChunkBytes - in_chunk);
    std::fill_n(chunks_[at / kChunkBytes]->data() + in_chunk, part, std::uint8_t{0});
    at += part;
  }
  size = to;
}

std::uint8_t* Inode::region(std::size_t index) {
  need_chunks(index + 1);
  return chunks_[index]->data();
}

base::Bytes Inode::bytes() const {
  base::Bytes all(size);
  read(0, all);
  return all;
}

}  // namespace simulation
