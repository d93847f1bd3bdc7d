// Everything that can happen, one indivisible step each. apply() answers false if it cannot happen now.
#pragma once

#include <string_view>

#include "world.h"

namespace model {

enum class Action : Byte {
  // the applications
  open,
  close,
  kill,
  kill_writer,
  die_in_header,
  death_is_seen,
  append_page_0,
  append_page_1,
  append_old_value,
  spill,
  publish,
  ghost,
  roll_back,
  checkpoint,
  checkpoint_one_commit,
  checkpoint_one_page,
  restart,
  truncate,
  recover_in_place,
  draw_salts,
  tick,
  // events
  watch,
  lose_events,
  sweep,
  // the engine
  step,
  read_frames,
  read_header_again,
  judge,
  judge_again,
  leftover_again,
  append_unvouched,
  pin,
  unpin,
  base_first_stamp,
  base_second_stamp,
  begin_base,
  read_page,
  base_last_stamp,
  finish_base,
  rest_first_stamp,
  rest_second_stamp,
  rest_listen,
  start_upload,
  stored,
  answer_lost,
  upload_fails,
  upload_delayed,
  delayed_arrives,
  drop_captures,
  kill_manager,
  start_manager,
  forced_base,
  count
};

std::string_view name_of(Action action);

bool apply(const Step& step, Action action);

// The parts of apply().
bool apply_application(const Step& step, Action action);
bool apply_events(const Step& step, Action action);
bool apply_look(const Step& step, Action action);
bool apply_base(const Step& step, Action action);
bool apply_upload(const Step& step, Action action);

State first_state(const World& world);

}  // namespace model
