// The table of one page of clients. Rows are kept by client id and changed in place.
import {copyButton, element, flash, setAttribute, setText} from './dom.js';
import {absolute, ago, bytes, number, stateMeanings, until} from './format.js';
import {Details} from './details.js';

const kColumns = 7;

function cell(label, className, ...children) {
  // The label shows on narrow screens, where each row becomes a card.
  return element('td', {role: 'cell', 'data-label': label, class: className}, ...children);
}

class Row {
  constructor(client, actions) {
    this.client = client;
    this.actions = actions;
    this.id = element('span', {class: 'client-id mono'}, client.clientId);
    this.s3Path = element('span', {class: 's3-path mono'}, client.s3Path);
    this.path = element('span', {class: 'path mono'});
    this.badge = element('span', {class: 'badge'});
    this.behind = element('span', {class: 'behind', hidden: ''}, 'behind');
    this.detail = element('span', {class: 'detail', hidden: ''});
    this.size = element('span');
    this.time = element('time');
    this.txid = element('span', {class: 'mono'});
    this.more = element('button', {type: 'button', class: 'button button-small', 'aria-expanded': 'false',
      'aria-label': `Details of ${client.clientId}`}, 'Details');
    this.more.addEventListener('click', () => this.toggle());
    const copy = copyButton('Copy restore', () => this.client.restoreCommand);
    copy.setAttribute('aria-label', `Copy the restore command of ${client.clientId}`);
    this.node = element('tr', {role: 'row', 'data-client': client.clientId},
      cell('Client', 'client', this.id, this.s3Path),
      cell('Database', 'database', this.path),
      cell('State', 'state', this.badge, this.behind, this.detail),
      cell('Size', 'number', this.size),
      cell('Last replicated', 'when', this.time),
      cell('TXID', 'number', this.txid),
      cell('', 'actions', copy, this.more));
    this.details = null;
    this.update(client, false);
  }

  update(client, isChange) {
    this.client = client;
    const shown = isChange ? flash : () => {};
    if (setText(this.path, client.databasePath)) setAttribute(this.path, 'title', client.databasePath);
    if (setText(this.badge, client.state)) {
      setAttribute(this.badge, 'data-state', client.state);
      setAttribute(this.badge, 'title', stateMeanings[client.state] ?? '');
    }
    this.behind.hidden = !client.behind;
    if (setText(this.size, bytes(client.databaseBytes))) {
      setAttribute(this.size, 'title', `${number(client.databaseBytes)} bytes`);
      shown(this.size);
    }
    if (setText(this.txid, String(client.txid))) {
      setAttribute(this.txid, 'title', `hex ${client.txidHex}`);
      shown(this.txid);
    }
    setAttribute(this.time, 'datetime', client.lastReplicatedAt ?? '');
    setAttribute(this.time, 'title', absolute(client.lastReplicatedAt));
    this.updateTimes();
    if (this.details) this.details.refetch();
  }

  updateTimes() {
    setText(this.time, ago(this.client.lastReplicatedAt));
    const next = this.client.nextAttemptAt ? `next attempt ${until(this.client.nextAttemptAt)}` : '';
    const text = [this.client.detail, next].filter(Boolean).join('; ');
    this.detail.hidden = text === '';
    setText(this.detail, text);
    if (this.details) this.details.update(this.client);
  }

  toggle() {
    if (this.details) {
      this.details.row.remove();
      this.details = null;
    } else {
      this.details = new Details(kColumns, this.actions);
      this.details.update(this.client);
      this.details.refetch();
      this.node.after(this.details.row);
    }
    this.node.classList.toggle('open', this.details !== null);
    this.more.setAttribute('aria-expanded', String(this.details !== null));
  }

  nodes() {
    return this.details ? [this.node, this.details.row] : [this.node];
  }
}

export class Table {
  // `actions.restore(client)` and `actions.verify(client)` are what a client's details offer.
  constructor(body, actions) {
    this.body = body;
    this.actions = actions;
    this.rows = new Map();
  }

  has(clientId) {
    return this.rows.has(clientId);
  }

  // Shows exactly these clients, in this order; known rows keep their place in the document where they can.
  show(clients) {
    const next = new Map();
    for (const client of clients) {
      const row = this.rows.get(client.clientId) ?? new Row(client, this.actions);
      row.update(client, true);
      next.set(client.clientId, row);
    }
    for (const [id, row] of this.rows) {
      if (!next.has(id)) row.nodes().forEach((node) => node.remove());
    }
    let position = this.body.firstChild;
    for (const row of next.values()) {
      for (const node of row.nodes()) {
        if (node === position) position = position.nextSibling;
        else this.body.insertBefore(node, position);
      }
    }
    this.rows = next;
  }

  // Changes the row of a client if it is shown.
  update(client) {
    this.rows.get(client.clientId)?.update(client, true);
  }

  updateTimes() {
    for (const row of this.rows.values()) row.updateTimes();
  }
}
