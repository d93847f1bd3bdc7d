// One request as libcurl sees it: sets up an easy handle, feeds the body, collects the answer. Used by TransferLoop
// only, on its thread.
#pragma once

#include <memory>
#include <string>

#include <curl/curl.h>

#include "base/error.h"
#include "http/transfer.h"

namespace http {

class EasyTransfer {
 public:
  EasyTransfer(Request request, const TransferOptions& options);
  EasyTransfer(const EasyTransfer&) = delete;
  EasyTransfer& operator=(const EasyTransfer&) = delete;

  // Category::io if libcurl has no memory, Category::invalid for a header that breaks out of its line.
  base::Result<> set_up();
  [[nodiscard]] CURL* handle() const { return easy_.get(); }

  // The outcome, once libcurl says it is done. Call once.
  base::Result<Response> finish(CURLcode code);

 private:
  struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  base::Result<> set_headers();
  void set_method();
  void set_timeouts();
  void keep_partial();
  [[nodiscard]] std::string subject() const;

  std::size_t read_body(base::MutableByteView out);
  std::size_t take_bytes(base::ByteView bytes);
  void take_header(std::string_view line);

  static std::size_t on_read(char* out, std::size_t size, std::size_t count, void* self);
  static int on_seek(void* self, curl_off_t offset, int origin);
  static std::size_t on_write(char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* line, std::size_t size, std::size_t count, void* self);

  Request request_;
  const TransferOptions& options_;
  std::unique_ptr<curl_slist, FreeList> header_list_;
  char error_text_[CURL_ERROR_SIZE] = {};
  std::uint64_t sent_bytes_ = 0;
  bool answer_too_long_ = false;
  std::optional<base::Error> body_error_;
  Response response_;
  // Last member: libcurl may still touch the ones above while the handle is freed.
  std::unique_ptr<CURL, FreeEasy> easy_;
};

}  // namespace http
