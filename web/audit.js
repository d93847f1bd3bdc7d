// What the audits of the bucket found, in words.
import {ago, number, plural, until} from './format.js';

// What an operator should know, the worst first.
const kFindings = [
  ['lost', 'backups without anything left'],
  ['broken', 'backups that could not be restored'],
  ['different', 'backups not as recorded'],
  ['unstored', 'databases without a backup'],
  ['gone', 'backups of databases that are gone'],
  ['unknown', 'backups that this host never had'],
  ['foreign', 'objects that are no backup\'s'],
];

function findings(audit) {
  const found = kFindings.filter(([kind]) => audit[kind].count > 0)
    .map(([kind, words]) => `${number(audit[kind].count)} ${words}`);
  if (audit.lostRestorePoints > 0) found.unshift(`${plural(audit.lostRestorePoints, 'restore point')} lost`);
  return found;
}

export function auditText(audit) {
  if (audit.running) return `under way: ${plural(audit.running.clients, 'backup')} looked at`;
  if (!audit.last && !audit.on) return 'off';
  if (!audit.last) return audit.dueAt ? `the first ${until(audit.dueAt)}` : 'about to go on';
  const found = findings(audit.last);
  return `${ago(audit.last.endedAt)}: ${found.length === 0 ? 'all as recorded' : found.join(', ')}`;
}

// Names go where there is room for them.
export function auditTitle({last}) {
  if (!last) return '';
  return kFindings.filter(([kind]) => last[kind].count > 0)
    .map(([kind, words]) => `${words}: ${last[kind].first.join(', ')}${last[kind].count > last[kind].first.length ? ', …' : ''}`)
    .concat(last.losses.first.map((loss) => `restore points lost: ${loss}`))
    .join('\n');
}
