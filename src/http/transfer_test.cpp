#include "http/transfer.h"

#include <algorithm>
#include <future>

#include <gtest/gtest.h>

#include "support/scripted_http.h"

namespace http {
namespace {

using test_support::ScriptedAnswer;
using test_support::ScriptedHttpServer;
using Then = ScriptedAnswer::Then;
using base::Category;

ScriptedAnswer answer_with(int status, std::string body = "", Then then = Then::keep_alive) {
  return {.status = status, .headers = {}, .body = std::move(body), .then = then};
}

Request request_for(const std::string& url, Method method = Method::get) {
  Request request;
  request.method = method;
  request.url = url;
  return request;
}

RequestBody body_of(std::string text) {
  const std::size_t size = text.size();
  return {size, [text = std::move(text)](std::uint64_t offset, base::MutableByteView out) -> base::Result<> {
            std::ranges::copy(base::as_bytes(text).subspan(offset, out.size()), out.begin());
            return {};
          }};
}

std::future<base::Result<Response>> begin(TransferLoop& loop, Request request, CallLimits limits = {}) {
  auto promise = std::make_shared<std::promise<base::Result<Response>>>();
  loop.start(std::move(request), std::move(limits),
             [promise](base::Result<Response> result) { promise->set_value(std::move(result)); });
  return promise->get_future();
}

base::Result<Response> fetch(TransferLoop& loop, Request request, CallLimits limits = {}) {
  return begin(loop, std::move(request), std::move(limits)).get();
}

Category category_of_failure(const base::Result<Response>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? Category::io : result.error().category;
}

TEST(TransferLoop, SendsTheUrlExactlyAsWritten) {
  ScriptedHttpServer server({answer_with(200)});
  TransferLoop loop;
  ASSERT_TRUE(fetch(loop, request_for(server.url() + "/a/../b//%20+*'()?x=%2F&y=")));
  EXPECT_EQ(server.requests().at(0).target, "/a/../b//%20+*'()?x=%2F&y=");
}

TEST(TransferLoop, GivesStatusHeadersInLowerCaseAndBody) {
  ScriptedHttpServer server(
      {{.status = 404, .headers = {{"X-One", "1"}, {"x-one", "2"}, {"ETag", "\"e\""}}, .body = "gone"}});
  TransferLoop loop;
  const auto response = fetch(loop, request_for(server.url()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->header("x-one"), "1, 2");
  EXPECT_EQ(response->header("etag"), "\"e\"");
  EXPECT_EQ(response->header("absent"), "");
  EXPECT_EQ(base::as_text(response->body), "gone");
}

TEST(TransferLoop, UsesEveryMethodWithItsBody) {
  const std::pair<Method, std::string> cases[] = {
      {Method::get, ""},  {Method::head, ""},           {Method::put, "put bytes"},
      {Method::put, ""},  {Method::post, "post bytes"}, {Method::post, ""},
      {Method::erase, ""}};
  ScriptedHttpServer server(std::vector<ScriptedAnswer>(std::size(cases), answer_with(200, "x")));
  TransferLoop loop;
  for (const auto& [method, body] : cases) {
    Request request = request_for(server.url(), method);
    if (method == Method::put || method == Method::post) request.body = body_of(body);
    ASSERT_TRUE(fetch(loop, std::move(request))) << to_string(method);
    const auto seen = server.requests().back();
    EXPECT_EQ(seen.method, to_string(method));
    EXPECT_EQ(seen.body, body);
    EXPECT_FALSE(seen.headers.contains("expect"));
    EXPECT_FALSE(seen.headers.contains("transfer-encoding"));
    if (method == Method::put || method == Method::post) {
      EXPECT_EQ(seen.headers.at("content-length"), std::to_string(body.size()));
    }
  }
  EXPECT_EQ(server.connections(), 1U) << "connections are kept";
}

TEST(TransferLoop, SendsALargeBodyWhole) {
  ScriptedHttpServer server({answer_with(200)});
  TransferLoop loop;
  std::string text(5'000'001, 'a');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  Request request = request_for(server.url(), Method::put);
  request.body = body_of(text);
  ASSERT_TRUE(fetch(loop, std::move(request)));
  EXPECT_EQ(server.requests().at(0).body, text);
}

TEST(TransferLoop, HandsTheBodysErrorOnUnchanged) {
  ScriptedHttpServer server({answer_with(200)});
  TransferLoop loop;
  Request request = request_for(server.url(), Method::put);
  request.body = RequestBody{10, [](std::uint64_t, base::MutableByteView) -> base::Result<> {
                               return base::fail(Category::io, "the source is gone");
                             }};
  const auto response = fetch(loop, std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error(), (base::Error{Category::io, "the source is gone", {}}));
}

TEST(TransferLoop, RefusesAnAnswerThatIsTooLong) {
  ScriptedHttpServer server({answer_with(200, "12345"), answer_with(200, "123456")});
  TransferLoop loop;
  Request request = request_for(server.url());
  request.response_bytes_max = 5;
  EXPECT_TRUE(fetch(loop, request));
  EXPECT_EQ(category_of_failure(fetch(loop, request)), Category::corrupt);
}

TEST(TransferLoop, RefusesHeadersThatBreakOutOfTheirLine) {
  ScriptedHttpServer server({});
  TransferLoop loop;
  Request request = request_for(server.url());
  request.headers = {{"x-a", "1\r\nx-b: 2"}};
  EXPECT_EQ(category_of_failure(fetch(loop, std::move(request))), Category::invalid);
  EXPECT_TRUE(server.requests().empty());
}

TEST(TransferLoop, CallsABrokenConnectionTransient) {
  ScriptedHttpServer server({answer_with(200, "0123456789", Then::cut_in_half), answer_with(200, "", Then::drop)});
  TransferLoop loop;
  EXPECT_EQ(category_of_failure(fetch(loop, request_for(server.url()))), Category::retry_later);
  EXPECT_EQ(category_of_failure(fetch(loop, request_for(server.url()))), Category::retry_later);
}

TEST(TransferLoop, CallsARefusedConnectionTransientAndNamesTheHost) {
  std::string url;
  {
    ScriptedHttpServer gone({});
    url = gone.url();
  }
  TransferLoop loop;
  const auto response = fetch(loop, request_for(url + "/key?secret-query"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().category, Category::retry_later);
  EXPECT_NE(response.error().message.find("127.0.0.1"), std::string::npos) << response.error().message;
}

TEST(TransferLoop, EndsAtTheDeadlineWhenTheServerHangs) {
  ScriptedHttpServer server({answer_with(200, "", Then::hang)});
  TransferLoop loop;
  CallLimits limits;
  limits.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  EXPECT_EQ(category_of_failure(fetch(loop, request_for(server.url()), limits)), Category::cancelled);
}

TEST(TransferLoop, EndsAtOnceWhenStopIsRequested) {
  ScriptedHttpServer server({answer_with(200, "", Then::hang)});
  TransferLoop loop;
  std::stop_source stop;
  auto response = begin(loop, request_for(server.url()), {.deadline = {}, .stop = stop.get_token()});
  server.wait_for_requests(1);
  stop.request_stop();
  EXPECT_EQ(category_of_failure(response.get()), Category::cancelled);
}

TEST(TransferLoop, DoesNotSendWhatWasStoppedBefore) {
  ScriptedHttpServer server({answer_with(200)});
  TransferLoop loop;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(category_of_failure(fetch(loop, request_for(server.url()), {.deadline = {}, .stop = stop.get_token()})),
            Category::cancelled);
}

TEST(TransferLoop, EndsAStalledTransfer) {
  ScriptedHttpServer server({answer_with(200, "", Then::hang)});
  TransferLoop loop;
  Request request = request_for(server.url());
  request.stall_timeout = std::chrono::seconds(1);
  EXPECT_EQ(category_of_failure(fetch(loop, std::move(request))), Category::retry_later);
}

TEST(TransferLoop, KeepsExcessRequestsWaitingInOrderAndCancelsThemThere) {
  ScriptedHttpServer server({answer_with(200, "", Then::hang)});
  TransferLoop loop({.limits = {.in_flight_max = 1, .waiting_max = 2, .connections_kept_max = 1}, .ca_file = {}});
  std::stop_source stop_first, stop_second, stop_third;
  auto first = begin(loop, request_for(server.url() + "/1"), {.deadline = {}, .stop = stop_first.get_token()});
  auto second = begin(loop, request_for(server.url() + "/2"), {.deadline = {}, .stop = stop_second.get_token()});
  server.wait_for_requests(1);
  auto third = begin(loop, request_for(server.url() + "/3"), {.deadline = {}, .stop = stop_third.get_token()});
  auto fourth = begin(loop, request_for(server.url() + "/4"));
  EXPECT_EQ(category_of_failure(fourth.get()), Category::retry_later) << "two are waiting already";
  stop_second.request_stop();
  EXPECT_EQ(category_of_failure(second.get()), Category::cancelled);
  stop_third.request_stop();
  EXPECT_EQ(category_of_failure(third.get()), Category::cancelled);
  stop_first.request_stop();
  EXPECT_EQ(category_of_failure(first.get()), Category::cancelled);
  EXPECT_EQ(server.requests().size(), 1U);
}

// The handle to which a wake-up went is replaced when kept connections are dropped; that must not lose the end.
TEST(TransferLoop, EndsEvenWhenConnectionsAreDroppedAtThatMoment) {
  ScriptedHttpServer server(std::vector<ScriptedAnswer>(200, answer_with(200)));
  for (int i = 0; i < 200; ++i) {
    TransferLimits limits;
    limits.connections_kept_for = std::chrono::milliseconds(0);
    TransferLoop loop({.limits = limits, .ca_file = {}});
    ASSERT_TRUE(begin(loop, request_for(server.url())).get());
  }
}

TEST(TransferLoop, RunsWaitingRequestsInTheOrderOfTheirStart) {
  ScriptedHttpServer server(std::vector<ScriptedAnswer>(20, answer_with(200)));
  TransferLoop loop({.limits = {.in_flight_max = 1, .waiting_max = 100, .connections_kept_max = 1}, .ca_file = {}});
  std::vector<std::future<base::Result<Response>>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(begin(loop, request_for(server.url() + "/" + std::to_string(i))));
  for (auto& answer : answers) ASSERT_TRUE(answer.get());
  const auto seen = server.requests();
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(seen.at(i).target, "/" + std::to_string(i));
}

TEST(TransferLoop, PreparesARequestOnlyWhenItHasItsSlot) {
  ScriptedHttpServer server({answer_with(200, "", Then::hang)});
  TransferLoop loop({.limits = {.in_flight_max = 1, .waiting_max = 10, .connections_kept_max = 1}, .ca_file = {}});
  std::stop_source stop_both;
  auto first = begin(loop, request_for(server.url()), {.deadline = {}, .stop = stop_both.get_token()});
  server.wait_for_requests(1);
  bool prepared = false;
  std::promise<base::Result<Response>> second;
  loop.start(
      [&]() -> base::Result<Request> {
        prepared = true;
        return base::fail(Category::denied, "no credentials");
      },
      {}, [&](base::Result<Response> result) { second.set_value(std::move(result)); });
  std::promise<void> seen;
  loop.post([&] {
    EXPECT_FALSE(prepared);
    seen.set_value();
  });
  seen.get_future().wait();
  stop_both.request_stop();
  EXPECT_EQ(category_of_failure(first.get()), Category::cancelled);
  EXPECT_EQ(category_of_failure(second.get_future().get()), Category::denied);
  EXPECT_TRUE(prepared);
}

TEST(TransferLoop, DestructionAnswersEverythingExactlyOnce) {
  ScriptedHttpServer server({answer_with(200, "", Then::hang)});
  std::vector<int> answers(8);
  std::vector<Category> categories(8, Category::io);
  bool soon = false;
  bool late = false;
  {
    TransferLoop loop({.limits = {.in_flight_max = 2, .waiting_max = 100, .connections_kept_max = 2}, .ca_file = {}});
    for (std::size_t i = 0; i < answers.size(); ++i) {
      loop.start(request_for(server.url()), {}, [&, i](base::Result<Response> result) {
        ++answers[i];
        categories[i] = category_of_failure(result);
        if (i == 0) {
          loop.start(request_for(server.url()), {}, [&](base::Result<Response> again) {
            EXPECT_EQ(category_of_failure(again), Category::cancelled);
            soon = true;
          });
        }
      });
    }
    loop.post_after(std::chrono::hours(1), [&] { late = true; });
    server.wait_for_requests(1);
  }
  EXPECT_EQ(answers, std::vector<int>(8, 1));
  EXPECT_EQ(categories, std::vector<Category>(8, Category::cancelled));
  EXPECT_TRUE(soon);
  EXPECT_TRUE(late);
}

TEST(TransferLoop, RunsTasksInOrderAndDelayedOnesByTheirTime) {
  TransferLoop loop;
  std::vector<int> order;
  std::promise<void> done;
  loop.post_after(std::chrono::milliseconds(20), [&] {
    order.push_back(3);
    done.set_value();
  });
  loop.post_after(std::chrono::milliseconds(5), [&] { order.push_back(2); });
  loop.post([&] { order.push_back(0); });
  loop.post([&] { order.push_back(1); });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace http
