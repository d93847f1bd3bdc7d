// Numbers and times for people.

const kUnits = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
const kNumber = new Intl.NumberFormat('en-US');
const kDateTime = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'medium'});

export const states = ['live', 'idle', 'imaging', 'waiting', 'discovered', 'paused', 'blocked', 'conflict', 'failing', 'removed'];

export const stateMeanings = {
  live: 'Being written; stored as it changes',
  idle: 'Quiet; everything is stored',
  imaging: 'The first full image is being stored',
  waiting: 'Empty or not a database yet; starts at the first write',
  discovered: 'Found, not looked at yet',
  paused: 'Paused by the operator',
  blocked: 'Cannot be captured',
  conflict: 'Another writer owns this backup; nothing is overwritten',
  failing: 'The store refuses or is away; it is tried again',
  removed: 'The file is gone; its backup is kept',
};

export const needsAttention = (state) => state === 'conflict' || state === 'failing' || state === 'blocked';

export const number = (value) => kNumber.format(value);
export const plural = (count, word) => `${number(count)} ${word}${count === 1 ? '' : 's'}`;

// By the price table, whose default is in dollars.
export function money(value) {
  if (value === 0) return '$0';
  if (value < 0.01) return value < 0.0001 ? 'under $0.0001' : `$${value.toFixed(4)}`;
  return `$${value >= 1000 ? number(Math.round(value)) : value.toFixed(2)}`;
}

export function bytes(value) {
  let unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.length) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${kUnits[unit]}`;
}

// The server's clock, as far as its answers tell: times are its, and this machine's clock may differ.
let clockOffsetMillis = 0;
export function learnServerTime(dateHeader) {
  const time = Date.parse(dateHeader);
  // The header has whole seconds: smaller differences say nothing.
  if (!Number.isNaN(time)) clockOffsetMillis = Math.abs(time - Date.now()) > 1500 ? time - Date.now() : 0;
}
export const serverNow = () => Date.now() + clockOffsetMillis;

export function ago(isoTime) {
  if (!isoTime) return 'never';
  const seconds = Math.floor((serverNow() - Date.parse(isoTime)) / 1000);
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86400);
  return `${plural(days, 'day')} ago`;
}

export function until(isoTime) {
  const seconds = Math.ceil((Date.parse(isoTime) - serverNow()) / 1000);
  if (seconds <= 0) return 'now';
  if (seconds >= 2 * 86400) return `in ${plural(Math.ceil(seconds / 86400), 'day')}`;
  if (seconds >= 2 * 3600) return `in ${Math.ceil(seconds / 3600)} h`;
  return seconds < 60 ? `in ${seconds} s` : `in ${Math.ceil(seconds / 60)} min`;
}

export const local = (isoTime) => kDateTime.format(new Date(isoTime));
export const absolute = (isoTime) => (isoTime ? `${local(isoTime)} (${isoTime})` : 'never');

export function duration(fromIsoTime) {
  const minutes = Math.max(0, Math.floor((serverNow() - Date.parse(fromIsoTime)) / 60000));
  if (minutes >= 1440) return `${Math.floor(minutes / 1440)}d ${Math.floor(minutes / 60) % 24}h`;
  if (minutes >= 60) return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
  return `${minutes}m`;
}
