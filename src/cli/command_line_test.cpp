#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/settings.h"

namespace cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kGuid = "0a1b2c3d-0000-4000-8000-00000000000f";

using Words = std::vector<std::string>;

template <typename T>
T expect_command(const Words& words) {
  auto command = parse_command_line(words);
  if (!command) {
    ADD_FAILURE() << command.error().message;
    return {};
  }
  if (!std::holds_alternative<T>(*command)) {
    ADD_FAILURE() << "another command than expected";
    return {};
  }
  return std::get<T>(std::move(*command));
}

std::string usage_error(const Words& words) {
  const auto command = parse_command_line(words);
  if (command) return "accepted";
  EXPECT_EQ(command.error().category, base::Category::invalid);
  return command.error().message;
}

TEST(CommandLine, DaemonNeedsOnlyDirectoriesAndBucket) {
  const Options options = expect_command<RunDaemon>({"-watch-dir", "/srv/a, /srv/b", "-bucket", "backups"}).options;
  EXPECT_THAT(options.watch_dirs, ElementsAre("/srv/a", "/srv/b"));
  EXPECT_EQ(options.store.bucket, "backups");
  EXPECT_EQ(options.bind, "127.0.0.1");
  EXPECT_EQ(options.port, 8080);
  EXPECT_EQ(options.client.sync_interval, 1s);
  EXPECT_EQ(options.shutdown_timeout, 30s);
  EXPECT_TRUE(options.client.switch_to_wal);
  EXPECT_FALSE(options.store.force_path_style);
  EXPECT_EQ(options.log.level, base::log::Level::info);
  EXPECT_EQ(options.log.format, base::log::Format::text);
  EXPECT_EQ(state_directory(options), "/srv/a/.litestream-manager");
}

TEST(CommandLine, TakeoverFindsTheStateDirectoryAsTheDaemonDoes) {
  const TakeoverRequest one =
      expect_command<TakeOver>({"takeover", kGuid, "-bucket", "backups", "-watch-dir", "/srv/a,/srv/b"}).request;
  EXPECT_THAT(one.clients, ElementsAre(kGuid));
  EXPECT_EQ(one.state_dir, "/srv/a/.litestream-manager");
  EXPECT_FALSE(one.all);
  EXPECT_FALSE(one.confirm) << "tells first what it would do";
  EXPECT_FALSE(one.without_fencing);
  const TakeoverRequest all =
      expect_command<TakeOver>({"takeover", "-all", "-bucket=backups", "-state-dir=/x", "-confirm", "-without-fencing"})
          .request;
  EXPECT_TRUE(all.all && all.confirm && all.without_fencing);
  EXPECT_EQ(all.state_dir, "/x");
}

TEST(CommandLine, TakeoverSaysWhatIsMissingOrTooMuch) {
  EXPECT_THAT(usage_error({"takeover", "-bucket=backups", "-state-dir=/x"}), HasSubstr("Give GUIDs, or -all"));
  EXPECT_THAT(usage_error({"takeover", kGuid, "-all", "-bucket=backups", "-state-dir=/x"}),
              HasSubstr("no GUID beside it"));
  EXPECT_THAT(usage_error({"takeover", "abc", "-bucket=backups", "-state-dir=/x"}), HasSubstr("\"abc\" is no GUID"));
  EXPECT_THAT(usage_error({"takeover", kGuid, "-state-dir=/x"}), HasSubstr("-bucket is missing"));
  EXPECT_THAT(usage_error({"takeover", kGuid, "-bucket=backups"}), HasSubstr("-state-dir is missing"));
  EXPECT_THAT(expect_command<ShowHelp>({"help", "takeover"}).text, HasSubstr("-confirm"));
}

TEST(CommandLine, AForkGoesToTheFirstWatchedDirectoryOrWhereItIsTold) {
  constexpr const char* kNew = "0A1B2C3D-0000-4000-8000-0000000000AA";
  const RestoreRequest watched = expect_command<Restore>({"fork", kGuid, "-to", kNew, "-bucket", "backups",
                                                          "-watch-dir", "/srv/a,/srv/b", "-txid", "7"})
                                     .request;
  EXPECT_EQ(watched.output, std::string("/srv/a/") + kNew + ".db");
  EXPECT_EQ(watched.replica, std::string("databases/") + kGuid);
  EXPECT_EQ(watched.new_client, kNew);
  EXPECT_EQ(watched.target.txid, base::Txid{7});
  EXPECT_FALSE(watched.onto_backup || watched.force);
  const Words to{"fork", kGuid, "-to", kNew, "-bucket", "backups", "-watch-dir=/srv/a", "-onto-backup", "-o"};
  const auto with = [&](const std::string& output) {
    Words words = to;
    words.push_back(output);
    return words;
  };
  EXPECT_EQ(expect_command<Restore>(with("/elsewhere/")).request.output, std::string("/elsewhere/") + kNew + ".db");
  const std::string sqlite = std::string("/x/") + kNew + ".sqlite3";
  EXPECT_EQ(expect_command<Restore>(with(sqlite)).request.output, sqlite);
  EXPECT_TRUE(expect_command<Restore>(with(sqlite)).request.onto_backup);
  EXPECT_THAT(usage_error(with("/x/copy.db")), HasSubstr(std::string("call it ") + kNew + ".db"));
  EXPECT_THAT(expect_command<ShowHelp>({"help", "fork"}).text, HasSubstr("-onto-backup"));
}

TEST(CommandLine, CommandsAboutTheBucketFindTheStateDirectoryAsTheDaemonDoes) {
  const auto retention =
      expect_command<ShowRetention>({"retention", "-bucket=backups", "-watch-dir=/srv/a", "-retention-window=2h"})
          .request;
  EXPECT_EQ(retention.client, "");
  EXPECT_EQ(retention.policy.retention.window, 2h);
  EXPECT_EQ(retention.common.state_dir, "/srv/a/.litestream-manager");
  EXPECT_FALSE(retention.common.state_dir_said) << "it need not exist";
  const auto purge = expect_command<Purge>({"purge", kGuid, "-bucket=backups", "-state-dir=/x"}).request;
  EXPECT_EQ(purge.client, kGuid);
  EXPECT_FALSE(purge.confirm) << "tells first what it would do";
  EXPECT_FALSE(purge.gone);
  EXPECT_TRUE(purge.common.state_dir_said);
  const auto audit = expect_command<Audit>({"audit", "-bucket=backups", "-state-dir=/x", "-repair", "-json"}).request;
  EXPECT_TRUE(audit.repair && audit.common.json);
  EXPECT_THAT(usage_error({"retention", "abc", "-bucket=backups"}), HasSubstr("is no GUID"));
  EXPECT_THAT(usage_error({"retention"}), HasSubstr("-bucket is missing"));
  EXPECT_THAT(usage_error({"purge", "-bucket=backups"}), HasSubstr("which client?"));
  EXPECT_THAT(usage_error({"purge", kGuid, kGuid, "-bucket=backups"}), HasSubstr("one client at a time"));
  EXPECT_THAT(usage_error({"audit", "-bucket=backups"}), HasSubstr("-state-dir is missing"));
  EXPECT_THAT(usage_error({"audit", kGuid, "-bucket=backups", "-state-dir=/x"}), HasSubstr("takes no GUID"));
}

TEST(CommandLine, DaemonTakesEverySetting) {
  const Options o =
      expect_command<RunDaemon>({"--watch-dir=/a", "--watch-dir=/b,/a", "-bucket=s3://bkt/prefix", "-endpoint",
                                 "http://127.0.0.1:9000/", "-region", "eu-central-1", "-force-path-style", "-port=0",
                                 "-bind=0.0.0.0", "-sync-interval=250ms", "-state-dir=/var/lib/x", "-no-wal-switch",
                                 "-retention=off", "-shutdown-timeout=0s", "-log-level=debug", "-log-format=json"})
          .options;
  EXPECT_THAT(o.watch_dirs, ElementsAre("/a", "/b"));
  EXPECT_EQ(o.store.bucket, "s3://bkt/prefix");
  EXPECT_EQ(o.store.endpoint, "http://127.0.0.1:9000");
  EXPECT_EQ(o.store.region, "eu-central-1");
  EXPECT_TRUE(o.store.force_path_style);
  EXPECT_EQ(o.port, 0);
  EXPECT_EQ(o.bind, "0.0.0.0");
  EXPECT_EQ(o.client.sync_interval, 250ms);
  EXPECT_EQ(state_directory(o), "/var/lib/x");
  EXPECT_FALSE(o.client.switch_to_wal);
  EXPECT_TRUE(o.client.retention.off);
  const auto kept =
      expect_command<RunDaemon>({"-watch-dir=/a", "-bucket=b12", "-retention-window=2d", "-retention-hourly=3d",
                                 "-retention-daily=4d", "-retention-weekly=14d", "-retention-monthly=0s"})
          .options.client.retention;
  using std::chrono::days;
  EXPECT_EQ(kept, (history::RetentionPolicy{false, days(2), days(3), days(4), days(14), days(0)}));
  EXPECT_EQ(o.shutdown_timeout, 0s);
  EXPECT_EQ(o.log.level, base::log::Level::debug);
  EXPECT_EQ(o.log.format, base::log::Format::json);
}

TEST(CommandLine, WrongUsageSaysWhatIsWrongHowToMendItAndTheUsage) {
  struct Case {
    Words words;
    const char* expected;
  };
  const Case cases[] = {
      {{}, "-watch-dir is missing"},
      {{"-watch-dir", "a"}, "-bucket is missing: where shall the backups go? For a first try: -bucket file:///"},
      {{"-bucket", "bkt"}, "-watch-dir is missing: which directories"},
      {{"-watch-dir", "a,,b", "-bucket", "bkt"}, "-watch-dir: \"a,,b\" has an empty entry"},
      {{"-watch-dir", "a", "-bucket", "s3:/x"}, "-bucket: "},
      {{"-watch-dirs", "a"}, "there is no flag -watch-dirs; did you mean -watch-dir?"},
      {{"-watch-dir", "a", "-bucket", "bkt", "-port", "70000"}, "-port: \"70000\" is not a port"},
      {{"-watch-dir", "a", "-bucket", "bkt", "-bind", "localhost"}, "-bind: \"localhost\" is not an IP address"},
      {{"-sync-interval", "5"}, "-sync-interval: \"5\" is not a duration"},
      {{"-sync-interval", "0s"}, "-sync-interval: \"0s\" is out of range; give 1ms to 24h"},
      {{"-shutdown-timeout", "2h"}, "give 0s to 1h"},
      {{"-retention-window", "59m"}, "give 1h to 36500d"},
      {{"-log-level", "loud"}, "-log-level: \"loud\" is not one of debug|info|warn|error"},
      {{"-no-wal-switch=perhaps"}, "neither true nor false"},
      {{"restor", kGuid}, "there is no command \"restor\"; did you mean restore?"},
      {{"version", "x"}, "version takes nothing"},
      {{"help", "me"}, "help knows only"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(usage_error(c.words), AllOf(HasSubstr(c.expected), HasSubstr("\nusage: litestream-manager ")));
  }
}

TEST(CommandLine, PinsNeedAReasonAndAFuture) {
  const auto pin =
      expect_command<Pins>({"pin", kGuid, "-bucket=backups", "-note=x", "-txid=255", "-until=2199-01-01"}).request;
  EXPECT_EQ(pin.what, PinRequest::What::pin);
  EXPECT_EQ(pin.client, kGuid);
  EXPECT_EQ(pin.note, "x");
  EXPECT_TRUE(pin.until.has_value());
  EXPECT_THAT(usage_error({"pin", kGuid, "-bucket=backups"}), HasSubstr("-note is missing"));
  EXPECT_THAT(usage_error({"pin", kGuid, "-bucket=backups", "-note=x", "-until=2020-01-01"}),
              HasSubstr("over already"));
  EXPECT_THAT(usage_error({"pin", "-bucket=backups", "-note=x"}), HasSubstr("which client?"));
  EXPECT_THAT(usage_error({"pin", "abc", "-bucket=backups", "-note=x"}), HasSubstr("is no GUID"));
  EXPECT_THAT(usage_error({"unpin", kGuid, "-bucket=backups"}), HasSubstr("which pin?"));
  EXPECT_THAT(usage_error({"unpin", kGuid, "-bucket=backups", "-all", "-txid=1"}), HasSubstr("which pin?"));
  EXPECT_TRUE(expect_command<Pins>({"pins", "-bucket=backups"}).request.client.empty());
  EXPECT_THAT(expect_command<ShowHelp>({"help", "unpin"}).text, HasSubstr("-txid"));
}

TEST(CommandLine, RestoreTakesAGuidAndABucket) {
  const auto request = expect_command<Restore>({"restore", kGuid, "-o", "out.db", "-bucket", "backups"}).request;
  EXPECT_EQ(request.store.bucket, "backups");
  EXPECT_EQ(request.replica, std::string("databases/") + kGuid);
  EXPECT_EQ(request.output, "out.db");
  EXPECT_FALSE(request.force);
  EXPECT_EQ(request.integrity_check, engine::IntegrityCheck::quick);
}

TEST(CommandLine, RestoreTakesAUrlAndFlagsOnEitherSideOfIt) {
  const auto request = expect_command<Restore>({"restore", "-force", "s3://backups/databases/" + std::string(kGuid),
                                                "-o=out.db", "-integrity-check", "full", "-region=r"})
                           .request;
  EXPECT_EQ(request.store.bucket, "s3://backups");
  EXPECT_EQ(request.replica, std::string("databases/") + kGuid);
  EXPECT_EQ(request.store.region, "r");
  EXPECT_TRUE(request.force);
  EXPECT_EQ(request.integrity_check, engine::IntegrityCheck::full);
}

TEST(CommandLine, RestoreRefusesWhatItCannotMean) {
  struct Case {
    Words words;
    const char* expected;
  };
  const Case cases[] = {
      {{"restore"}, "which database?"},
      {{"restore", kGuid}, "-o is missing"},
      {{"restore", kGuid, "-o", "x"}, "-bucket is missing"},
      {{"restore", "shop", "-o", "x", "-bucket", "bkt"}, "\"shop\" is neither a GUID"},
      {{"restore", kGuid, kGuid, "-o", "x", "-bucket", "bkt"}, "one database at a time"},
      {{"restore", kGuid, "-o", "x", "-bucket", "bkt", "-port", "1"}, "there is no flag -port"},
      {{"restore", kGuid, "-o", "x", "-bucket", "bkt", "-integrity-check", "half"}, "not one of none|quick|full"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(usage_error(c.words), AllOf(HasSubstr(c.expected), HasSubstr("litestream-manager restore GUID|URL")));
  }
}

TEST(CommandLine, RestoreAllNeedsABucketAndADirectory) {
  const RestoreAllRequest request =
      expect_command<RestoreAll>({"restore-all", "-o", "/srv/new", "-bucket", "backups", "-match", "0a*", "-order",
                                  "newest", "-resume", "-parallel", "3", "-at", "2026-11-22T00:00:00Z"})
          .request;
  EXPECT_EQ(request.output, "/srv/new");
  EXPECT_EQ(request.match, "0a*");
  EXPECT_EQ(request.order, ClientOrder::newest);
  EXPECT_TRUE(request.resume);
  EXPECT_EQ(request.parallel, 3U);
  EXPECT_TRUE(request.target.before);
  EXPECT_TRUE(expect_command<RestoreAll>({"restore-all", "-bucket", "backups", "-dry-run"}).request.output.empty());
  EXPECT_THAT(usage_error({"restore-all", "-bucket", "backups"}), HasSubstr("-o is missing"));
  EXPECT_THAT(usage_error({"restore-all", "-o", "x"}), HasSubstr("-bucket is missing"));
  EXPECT_THAT(usage_error({"restore-all", kGuid, "-o", "x", "-bucket", "backups"}), HasSubstr("takes no GUID"));
}

TEST(CommandLine, VerifyIsAboutOneClientAllOrAShare) {
  const VerifyRequest one =
      expect_command<Verify>({"verify", kGuid, "-bucket", "backups", "-watch-dir", "/srv/a"}).request;
  EXPECT_EQ(one.replica, std::string("databases/") + kGuid);
  EXPECT_EQ(one.state_dir, "/srv/a/.litestream-manager");
  const VerifyRequest sample =
      expect_command<Verify>({"verify", "-sample", "2%", "-bucket", "backups", "-state-dir", "/var/lib/s"}).request;
  EXPECT_EQ(sample.sample_percent, 2.0);
  EXPECT_EQ(sample.state_dir, "/var/lib/s");
  EXPECT_TRUE(expect_command<Verify>({"verify", "-all", "-bucket", "backups"}).request.state_dir.empty());
  for (const Words& wrong :
       {Words{"verify", "-bucket", "backups"}, Words{"verify", kGuid, "-all", "-bucket", "backups"},
        Words{"verify", "-all", "-sample", "2", "-bucket", "backups"}}) {
    EXPECT_THAT(usage_error(wrong), HasSubstr("give the GUID"));
  }
  EXPECT_THAT(usage_error({"verify", "-all"}), HasSubstr("-bucket is missing"));
  EXPECT_THAT(usage_error({"verify", "-sample", "0", "-bucket", "backups"}), HasSubstr("is no share"));
}

TEST(CommandLine, VersionAndHelpHaveManySpellings) {
  for (const char* word : {"version", "-version", "--version"}) expect_command<ShowVersion>({word});
  for (const Words& words : {Words{"help"}, Words{"-help"}, Words{"--help"}, Words{"-h"}, Words{"-port", "1", "-h"}}) {
    EXPECT_THAT(expect_command<ShowHelp>(words).text, HasSubstr("-watch-dir DIRS"));
  }
  for (const Words& words : {Words{"help", "restore"}, Words{"restore", "-help"}, Words{"restore", "--help"}}) {
    EXPECT_THAT(expect_command<ShowHelp>(words).text, HasSubstr("-integrity-check none|quick|full  (default quick)"));
  }
}

TEST(CommandLine, HelpNamesEverySettingWithItsDefault) {
  Options defaults;
  const std::string help = expect_command<ShowHelp>({"help"}).text;
  for (const Setting& setting : daemon_settings(defaults)) EXPECT_THAT(help, HasSubstr("  -" + setting.name));
  for (const char* shown :
       {"(default 8080)", "(default 127.0.0.1)", "(default 1s)", "(default 30s)", "(default info)"}) {
    EXPECT_THAT(help, HasSubstr(shown));
  }
}

// One file and nothing in the environment.
Surroundings with_file(const std::string& text) {
  Surroundings surroundings = empty_surroundings();
  surroundings.read_file = [text](const std::filesystem::path&) { return text; };
  return surroundings;
}

std::string refusal_with_file(const Words& words, const std::string& text) {
  const auto command = parse_command_line(words, with_file(text));
  return command ? "accepted" : command.error().message;
}

TEST(CommandLine, AFileIsEnoughForTheDaemon) {
  const auto command = parse_command_line(
      Words{"-config=f"},
      with_file("watch-dir = [\"/a\"]\nbucket = \"backups\"\n[[client]]\nmatch = \"x\"\npaused = true\n"));
  ASSERT_TRUE(command) << command.error().message;
  const auto& daemon = std::get<RunDaemon>(*command);
  EXPECT_EQ(daemon.options.store.bucket, "backups");
  EXPECT_EQ(daemon.options.client_blocks.size(), 1U);
  EXPECT_EQ(daemon.options.config_file, "f");
}

TEST(CommandLine, MistakesOfAFileAreToldWithoutUsageAndStopEveryCommand) {
  for (const Words& words : {Words{"-config=f"}, Words{"restore", kGuid, "-o", "x", "-config=f"}}) {
    const std::string refusal = refusal_with_file(words, "prot = 1\nbukket = \"a\"\n");
    EXPECT_THAT(refusal, AllOf(HasSubstr("f:1:1: "), HasSubstr("\nf:2:1: "), testing::Not(HasSubstr("usage"))));
  }
}

TEST(CommandLine, SettingsThatContradictEachOtherAreRefusedWithWhoSaidThem) {
  struct Case {
    const char* file;
    Words words;
    const char* expected;
  };
  const Case cases[] = {
      {"bucket = \"file:///b\"\nendpoint = \"http://h\"\n",
       {},
       "endpoint (f:2:1) is about a server, but bucket (f:1:1)"},
      {"bucket = \"file:///b\"\n", {"-force-path-style"}, "force-path-style (-force-path-style) is about a server"},
      {"bucket = \"bbb\"\nendpoint = \"http://h\"\nforce-path-style = false\n", {}, "endpoint (f:2:1) implies it"},
      {"bucket = \"bbb\"\nstate-dir = \"/a\"\n", {}, "nothing in state-dir (f:2:1) /a is ever watched"},
      {"bucket = \"bbb\"\n", {"-state-dir=/"}, "nothing in state-dir (-state-dir) / is ever watched"},
      {"bucket = \"bbb\"\nstate-dir = \"/a/state\"\nforce-path-style = false\n", {}, "accepted"},
      {"bucket = \"bbb\"\nstate-dir = \"/ab\"\n", {}, "accepted"},
      {"bucket = \"bbb\"\nretention-hourly = \"12h\"\n",
       {},
       "retention-hourly (f:2:1) is 12h, but retention-window keeps every restore point of the last 24h anyway"},
      {"bucket = \"bbb\"\nretention-window = \"1h\"\n", {"-retention-daily=3h"}, "is 3h, less than one day"},
      {"bucket = \"bbb\"\nretention = \"off\"\nretention-hourly = \"12h\"\n", {}, "accepted"},
      {"bucket = \"bbb\"\nretention-window = \"1h\"\nsync-interval = \"2h\"\n",
       {},
       "shorter than the time between two"},
      {"bucket = \"bbb\"\n[[client]]\nmatch = \"x\"\nretention-hourly = \"12h\"\n",
       {},
       "f:4:1: retention-hourly is 12h"},
      {"bucket = \"bbb\"\nretention-window = \"1h\"\n[[client]]\nmatch = \"x\"\nretention-hourly = \"12h\"\n",
       {},
       "accepted"},
      {"bucket = \"bbb\"\nretention-window = \"60d\"\nretention-hourly = \"0s\"\n", {}, "accepted"},
      {"bucket = \"bbb\"\nendpoint = \"http://h\"\nforce-path-style = true\n", {}, "accepted"},
  };
  for (const Case& c : cases) {
    Words words{"-config=f", "-watch-dir=/a"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    EXPECT_THAT(refusal_with_file(words, c.file), HasSubstr(c.expected)) << c.file;
  }
}

TEST(CommandLine, RestoreTakesTheBucketOfAFileUnlessAUrlNamesOne) {
  const std::string file = "bucket = \"backups\"\nregion = \"r\"\nport = 1\n";
  const auto by_id = parse_command_line(Words{"restore", kGuid, "-o=x", "-config=f"}, with_file(file));
  ASSERT_TRUE(by_id) << by_id.error().message;
  EXPECT_EQ(std::get<Restore>(*by_id).request.store.bucket, "backups");
  EXPECT_EQ(std::get<Restore>(*by_id).request.store.region, "r");
  const std::string url = "s3://other/databases/" + std::string(kGuid);
  const auto by_url = parse_command_line(Words{"restore", url, "-o=x", "-config=f"}, with_file(file));
  ASSERT_TRUE(by_url) << by_url.error().message;
  EXPECT_EQ(std::get<Restore>(*by_url).request.store.bucket, "s3://other");
  EXPECT_THAT(usage_error({"restore", url, "-o=x", "-bucket=backups"}), HasSubstr("leave -bucket out"));
}

TEST(CommandLine, ExplainShowsAlsoWhatTheDaemonWouldRefuse) {
  const auto nothing = expect_command<Explain>({"explain"});
  EXPECT_THAT(nothing.mistakes, ElementsAre(HasSubstr("-watch-dir is missing"), HasSubstr("-bucket is missing")));
  EXPECT_TRUE(find_effective(nothing.settings, "port")->is_default());
  const auto whole = expect_command<Explain>({"explain", kGuid, "-json", "-watch-dir=/a", "-bucket=bbb", "-port=1"});
  EXPECT_TRUE(whole.mistakes.empty());
  EXPECT_TRUE(whole.json);
  EXPECT_EQ(whole.client_id, kGuid);
  EXPECT_EQ(find_effective(whole.settings, "port")->holds, (SourcedValue{"1", "-port"}));
  EXPECT_EQ(find_effective(whole.settings, "json"), nullptr) << "a setting of explain is none of the daemon";
  EXPECT_THAT(expect_command<ShowHelp>({"explain", "-sample"}).text, HasSubstr("\nport = 8080\n"));
  EXPECT_THAT(usage_error({"explain", "shop"}), HasSubstr("\"shop\" is not a GUID"));
  EXPECT_THAT(usage_error({"explain", kGuid, kGuid}), HasSubstr("one client at a time"));
}

}  // namespace
}  // namespace cli
