// What a row shows when it is opened: everything we know of one client, and how to restore it.
import {copyButton, element, setText} from './dom.js';
import {ago, bytes, local, number, until} from './format.js';

const kFacts = [
  ['Database', (client) => client.databasePath],
  ['Backup', (client) => client.replicaUrl],
  ['Last replicated', (client) => (client.lastReplicatedAt ? `${ago(client.lastReplicatedAt)}, ${local(client.lastReplicatedAt)}` : 'never')],
  ['First seen', (client) => local(client.createdAt)],
  ['TXID', (client) => `${client.txid} (hex ${client.txidHex})`],
  ['Size', (client) => `${bytes(client.databaseBytes)} (${number(client.databaseBytes)} bytes)`],
  ['Journal mode', (client) => client.journalMode || 'not known yet'],
  ['Commits captured', (client) => number(client.commits)],
  ['Uploads', (client) => `${number(client.uploads)} (${bytes(client.uploadBytes)})`],
  ['Gaps healed by a diff', (client) => number(client.diffs)],
  ['Restore points lost in outages', (client) => (client.lostRestorePoints
    ? `${number(client.lostRestorePoints)}, the last between ${local(client.lostSince)} and ${local(client.lostUntil)}` : 'none')],
  ['Other writer', (client) => (client.conflict ? otherWriter(client.conflict) : 'none seen')],
  ['Next attempt', (client) => (client.nextAttemptAt ? until(client.nextAttemptAt) : 'none planned')],
];

const kWriters = {
  litestream: 'Litestream, or another program that writes its format',
  manager: 'another Litestream Manager',
  'same-state-directory': 'a run of this state directory that it does not know of',
  unreadable: 'unknown; the object cannot be read',
};

function otherWriter({writer, lineage, since, noticedAt, key}) {
  return [kWriters[writer] ?? writer, lineage && `lineage ${lineage}`, since && `since ${local(since)}`,
    `noticed ${local(noticedAt)}`, key].filter(Boolean).join(', ');
}

export class Details {
  constructor(columns) {
    this.client = null;
    this.values = kFacts.map(([label]) => {
      const value = element('dd');
      return {label: element('dt', {}, label), value};
    });
    this.commands = [['restoreCommand', 'Restore'], ['litestreamCommand', 'Restore with the stock Litestream']].map(
      ([field, title]) => ({field, title, code: element('code')}));
    const facts = element('dl', {class: 'detail-facts'},
      ...this.values.map(({label, value}) => element('div', {}, label, value)));
    const restore = element('div', {class: 'restore'},
      ...this.commands.flatMap(({field, title, code}) => [
        element('h4', {}, title),
        element('div', {class: 'command-line'}, element('pre', {class: 'command'}, code),
          copyButton('Copy', () => this.client[field])),
      ]),
      element('p', {class: 'hint'}, 'Credentials come from the environment, as the daemon’s do.'));
    const cell = element('td', {colspan: String(columns), role: 'cell'}, facts, restore);
    this.row = element('tr', {class: 'detail-row', role: 'row'}, cell);
  }

  // Keeps the nodes, so that focus and selection survive an update.
  update(client) {
    this.client = client;
    kFacts.forEach(([, render], index) => setText(this.values[index].value, render(client)));
    for (const {field, code} of this.commands) setText(code, client[field]);
  }
}
