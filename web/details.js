// What a row shows when it is opened: everything we know of one client, and how to restore it.
import {copyButton, element, setText} from './dom.js';
import {ago, bytes, local, money, number, plural, until} from './format.js';
import {fetchJson} from './live.js';

const kRefetchMillis = 2000;

const kFacts = [
  ['Database', (client) => client.databasePath, 'wide'],
  ['Backup', (client) => client.replicaUrl, 'wide'],
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
  ['Backup verified', (client) => (client.verification ? verified(client.verification) : 'not yet')],
  ['Other writer', (client) => (client.conflict ? otherWriter(client.conflict) : 'none seen')],
  ['Next attempt', (client) => (client.nextAttemptAt ? until(client.nextAttemptAt) : 'none planned')],
];

// What comes with the client's own record only.
const kAccountFacts = [
  ['In the bucket', ({bucket}) => (bucket ? `${plural(bucket.objects, 'object')}, ${bytes(bucket.bytes)}` : 'nothing yet')],
  ['A restore reads', ({bucket}) => (bucket?.planObjects ? plural(bucket.planObjects, 'object') : 'not known')],
  ['Oldest restorable point', ({bucket}) => (bucket?.oldestPointAt ? local(bucket.oldestPointAt) : 'none')],
  ['Last snapshot', ({bucket}) => (bucket?.lastSnapshotAt ? local(bucket.lastSnapshotAt) : 'none; the first image still serves')],
  ['Cost', ({costPerMonth}) => (costPerMonth === null ? 'not known in the first hour' : `about ${money(costPerMonth)} a month`)],
  ['Requests since start', (account) => requests(account), 'wide'],
  ['Merging and removing', ({bucket}) => upkeep(bucket), 'wide'],
];

function upkeep(bucket) {
  if (!bucket?.failedAt) return 'no failure';
  const what = `${local(bucket.failedAt)}: ${bucket.failure}`;
  return bucket.failing ? `failing since ${what}` : `well again; last failure ${what}`;
}

function requests({requests: all, requestsByPurpose, requestsPerDay}) {
  const parts = Object.entries(requestsByPurpose)
    .map(([purpose, kinds]) => `${purpose} ${number(Object.values(kinds).reduce((sum, count) => sum + count, 0))}`);
  const perDay = requestsPerDay === null ? '' : `; ${number(Math.round(requestsPerDay))} a day`;
  return `${number(all)}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}${perDay}`;
}

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

function verified({verdict, at, txid, sourceEqual, object, text}) {
  return [verdict, txid && `TXID ${txid}`, `${ago(at)}, ${local(at)}`, sourceEqual && 'the live database held the same',
    object, text].filter(Boolean).join('; ');
}

export class Details {
  constructor(columns, actions) {
    this.client = null;
    this.refetchTimer = 0;
    this.missed = false;
    const nodes = ([label, , size]) => ({label: element('dt', {}, label), value: element('dd', {}, '…'), size: size ?? ''});
    this.values = kFacts.map(nodes);
    this.accountValues = kAccountFacts.map(nodes);
    this.commands = [['restoreCommand', 'Restore'], ['litestreamCommand', 'Restore with the stock Litestream']].map(
      ([field, title]) => ({field, title, code: element('code')}));
    const list = (title, values) => element('dl', {class: 'detail-facts', 'aria-label': title},
      ...values.map(({label, value, size}) => element('div', {class: size}, label, value)));
    const facts = list('Database', this.values);
    const account = element('div', {class: 'account'}, element('h4', {}, 'Backup and cost'),
      list('Backup and cost', this.accountValues));
    const restore = element('div', {class: 'restore'},
      ...this.commands.flatMap(({field, title, code}) => [
        element('h4', {}, title),
        element('div', {class: 'command-line'}, element('pre', {class: 'command'}, code),
          copyButton('Copy', () => this.client[field])),
      ]),
      element('p', {class: 'hint'}, 'Credentials come from the environment, as the daemon’s do.'));
    const button = (label, act) => {
      const node = element('button', {type: 'button', class: 'button'}, label);
      node.addEventListener('click', () => act(this.client));
      return node;
    };
    const doing = element('div', {class: 'detail-actions', role: 'group', 'aria-label': 'Backup'},
      button('Restore…', (client) => actions.restore(client)),
      button('Verify now', (client) => actions.verify(client)));
    const cell = element('td', {colspan: String(columns), role: 'cell'}, facts, account, doing, restore);
    this.row = element('tr', {class: 'detail-row', role: 'row'}, cell);
  }

  // Keeps the nodes, so that focus and selection survive an update.
  update(client) {
    this.client = client;
    kFacts.forEach(([, render], index) => setText(this.values[index].value, render(client)));
    for (const {field, code} of this.commands) setText(code, client[field]);
  }

  // The server has news of the client: its account may have changed, too. Asked for at most each two seconds.
  refetch() {
    if (this.refetchTimer !== 0) {
      this.missed = true;
      return;
    }
    this.fetchAccount();
    this.refetchTimer = setTimeout(() => {
      this.refetchTimer = 0;
      const again = this.missed && this.row.isConnected;
      this.missed = false;
      if (again) this.refetch();
    }, kRefetchMillis);
  }

  async fetchAccount() {
    try {
      const {account} = await fetchJson(`/api/clients/${encodeURIComponent(this.client.clientId)}`);
      kAccountFacts.forEach(([, render], index) => setText(this.accountValues[index].value, render(account)));
      this.accountValues.at(-1).value.classList.toggle('bad', account.bucket?.failing === true);
    } catch {
      // The page says when the server is away; what was known stays.
    }
  }
}
