// The part of the model that stands for engine::LogTracker and the client around it. What LogTracker decides by
// engine::judge and engine::Continuity is decided by them here too; what it does between (opening, listening, reading
// in this order) is told again, one step for each moment at which somebody else may get in between.
#pragma once

#include "engine/continuity.h"
#include "log.h"
#include "world.h"

namespace model {

// Events: delivers the ones in the mailbox / everything that happened. True: the current log is then another one.
bool drain(const Step& step);
bool hear_all(const Step& step);
void on_event(const Step& step, const Event& event);

// The position is lost; a base is needed.
void lose_position(const Step& step);
void need_base(const Step& step);

bool vouched(const State& s, Byte log);
bool database_unchanged(const Step& step);

// What bucket, frozen object and captures amount to.
Content belief(const State& s);
// The engine now says that it has everything up to commit `claim`. Not while a base collects its pages; and while the
// CLOSE_WRITE of a dead process is on its way, what is said stands in doubt for a second (looked() asks again).
void claim(const Step& step, Byte commit);

// Final looks at logs that are over. False: a gap.
bool finish_lives(const Step& step);
// Opens the log at the path unless one is held; true: there is one.
bool attach_by_path(const Step& step);
// Reads frames for `look` from the log behind its header (seen), as engine/look.cpp does.
void walk(const Step& step, const Log& log);
engine::Verdict verdict_of(const Step& step, const Life& life, engine::LookMode mode);
// Carries a verdict out; false: gap.
bool take(const Step& step, engine::Verdict verdict, const Log& log, engine::LookMode mode);

// The look that a base begins with. REQUIRES: a log is held.
void follow_for_base(const Step& step);
// A look has ended well: what it was made for goes on. `quiet`: nothing is under way.
void looked(const Step& step, bool quiet, bool took_pages);

}  // namespace model
