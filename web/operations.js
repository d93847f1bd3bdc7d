// Long operations: what runs and ran, and the dialogs that start a restore or a verification.
import {announce, byId, element, setAttribute, setText} from './dom.js';
import {ago, bytes, local, plural} from './format.js';
import {fetchJson} from './live.js';

const kPollMillis = 1000;
const kRestMillis = 60_000;  // somebody else may have started one, and downloads go
const kFailedMillis = 5000;
const kTokenKey = 'api-token';

const isOver = ({state}) => state !== 'queued' && state !== 'running';

// For this tab only: it is gone with it.
export const loadToken = () => sessionStorage.getItem(kTokenKey) ?? '';
const saveToken = (token) => sessionStorage.setItem(kTokenKey, token);

// The answer, or an Error with the server's own words.
export async function act(method, url, token, body) {
  const headers = {Authorization: `Bearer ${token}`};
  if (body) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(url, {method, headers, body: body && JSON.stringify(body), cache: 'no-store'});
  } catch {
    throw new Error('The server cannot be reached; try again when the page says Live.');
  }
  const text = method === 'HEAD' ? '' : await response.text();
  if (response.ok) {
    saveToken(token);
    return text === '' ? null : JSON.parse(text);
  }
  let reason = `the server answered ${response.status}`;
  try {
    reason = JSON.parse(text).error ?? reason;
  } catch {
    // not JSON: the number has to do
  }
  if (response.status === 401 && text === '') reason = 'a token is needed, or this one is wrong';
  throw Object.assign(new Error(reason), {status: response.status});
}

class Item {
  constructor(operation, panel) {
    this.panel = panel;
    this.title = element('span', {class: 'operation-title'});
    this.badge = element('span', {class: 'badge'});
    this.client = element('span', {class: 'mono operation-client'}, operation.clientId);
    this.bar = element('progress', {max: '1', 'aria-label': `Progress of ${operation.id}`});
    this.text = element('span', {class: 'operation-text'});
    this.error = element('p', {class: 'operation-error', hidden: ''});
    this.findings = element('ul', {class: 'operation-findings', hidden: ''});
    this.cancel = element('button', {type: 'button', class: 'button button-small'}, 'Cancel');
    this.cancel.addEventListener('click', () => panel.cancel(this.operation));
    this.download = element('button', {type: 'button', class: 'button button-small'}, 'Download');
    this.download.addEventListener('click', () => panel.download(this.operation));
    this.node = element('li', {'data-operation': operation.id},
      element('div', {class: 'operation-head'}, this.badge, this.title, this.client,
        element('span', {class: 'operation-actions'}, this.cancel, this.download)),
      this.bar, this.text, this.error, this.findings);
  }

  update(operation) {
    this.operation = operation;
    const {state, progress, result} = operation;
    const verdict = state === 'succeeded' && result?.verdict ? result.verdict : '';
    setText(this.badge, operation.cancelling ? 'cancelling' : verdict || state);
    setAttribute(this.badge, 'data-state', {queued: 'waiting', running: 'imaging', failed: 'failing', cancelled: 'removed',
      succeeded: {failure: 'failing', warning: 'blocked'}[verdict] ?? 'live'}[state]);
    setText(this.title, title(operation));
    this.bar.hidden = state !== 'running';
    if (progress.bytesTotal > 0) this.bar.value = progress.bytesDone / progress.bytesTotal;
    setText(this.text, describe(operation));
    this.error.hidden = !operation.error;
    setText(this.error, operation.error ?? '');
    this.cancel.hidden = isOver(operation) || operation.cancelling;
    setAttribute(this.cancel, 'aria-label', `Cancel: ${title(operation)} of ${operation.clientId}`);
    this.download.hidden = !result?.fileAvailable;
    setAttribute(this.download, 'aria-label', `Download the restored ${operation.clientId}`);
    const findings = (result?.findings ?? []).map(({verdict: found, object, text}) => [found, object, text].filter(Boolean).join(': '));
    this.findings.hidden = findings.length === 0;
    if (this.findings.childElementCount !== findings.length) {
      this.findings.replaceChildren(...findings.map((text) => element('li', {}, text)));
    }
  }
}

function title({kind, to, download}) {
  if (kind === 'verification') return 'Verification';
  return download ? 'Restore as a download' : `Restore to ${to}`;
}

function describe({state, queuedAt, finishedAt, progress, result, kind, download}) {
  if (state === 'queued') return `waiting since ${local(queuedAt)}`;
  if (state === 'running') {
    if (progress.bytesTotal === 0) return 'reading the list of objects';
    return progress.bytesDone < progress.bytesTotal
      ? `${bytes(progress.bytesDone)} of ${bytes(progress.bytesTotal)}, ${progress.objectsDone} of ${plural(progress.objectsTotal, 'object')}`
      : `${bytes(progress.bytesTotal)} read, being checked`;
  }
  const parts = [`${state} ${ago(finishedAt)}`];
  if (result) {
    parts.push(`TXID ${result.txid}${result.time ? ` of ${local(result.time)}` : ''}`);
    if (result.bytes > 0) parts.push(bytes(result.bytes));
    if (kind === 'verification' && result.sourceEqual) parts.push('the live database held the same');
    if (download) parts.push(result.fileAvailable ? `the file is kept until ${local(result.fileExpiresAt)}` : 'the file is gone');
    if (result.note) parts.push(result.note);
    if (result.findingsTotal > result.findings?.length) parts.push(`${result.findingsTotal} findings, the first ones below`);
  }
  return parts.join(', ');
}

export class OperationsPanel {
  constructor() {
    this.items = new Map();
    this.list = byId('operation-list');
    this.timer = 0;
    this.tokenFile = null;
    this.known = new Map();  // state by id, to tell what has changed
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.refresh(); });
  }

  // Asks, and then every second for as long as something waits or runs, else now and then.
  async refresh() {
    clearTimeout(this.timer);
    this.timer = 0;
    try {
      const {operations, tokenFile} = await fetchJson('/api/operations');
      this.tokenFile = tokenFile;
      document.documentElement.toggleAttribute('data-operations', tokenFile !== null);
      this.show(operations);
    } catch {  // the page says when the server is away
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.refresh(), kFailedMillis);
      return;
    }
    clearTimeout(this.timer);  // another call may have been quicker
    if (document.hidden) return;
    const runs = [...this.items.values()].some(({operation}) => !isOver(operation));
    this.timer = setTimeout(() => this.refresh(), runs ? kPollMillis : kRestMillis);
  }

  show(operations) {
    byId('operations').hidden = operations.length === 0;
    const next = new Map();
    operations.forEach((operation, index) => {
      const item = this.items.get(operation.id) ?? new Item(operation, this);
      item.update(operation);
      if (this.list.children[index] !== item.node) this.list.insertBefore(item.node, this.list.children[index] ?? null);
      next.set(operation.id, item);
      const before = this.known.get(operation.id);
      if (before && before !== operation.state) announce(`${title(operation)} ${operation.state}`);
      this.known.set(operation.id, operation.state);
    });
    for (const [id, item] of this.items) if (!next.has(id)) item.node.remove();
    this.items = next;
    const active = operations.filter((operation) => !isOver(operation)).length;
    setText(byId('operations-count'), active > 0 ? `${active} under way` : '');
  }

  async cancel(operation) {
    await this.dialog().withToken(`Cancel: ${title(operation)}`, (token) => act('DELETE', `/api/operations/${operation.id}`, token));
    this.refresh();
  }

  async download(operation) {
    const url = `/api/operations/${operation.id}/file`;
    // Asked first, so that a refusal is told here and does not take the page away.
    const granted = await this.dialog().withToken('Download', (token) => act('HEAD', url, token));
    if (!granted) {
      this.refresh();
      return;
    }
    const field = element('input', {type: 'hidden', name: 'token'});
    field.value = loadToken();
    const form = element('form', {method: 'post', action: url, hidden: ''}, field);
    document.body.append(form);
    form.submit();
    form.remove();
    announce('The download begins');
  }

  dialog() {
    this.startDialog ??= new StartDialog(this);
    return this.startDialog;
  }

  async verify(client) {
    const started = await this.dialog().withToken(`Verify ${client.clientId}`,
      (token) => act('POST', '/api/verifications', token, {clientId: client.clientId}));
    if (started) this.reveal('The verification was queued');
  }

  restore(client) {
    this.dialog().askForRestore(client);
  }

  async reveal(text) {
    announce(text);
    await this.refresh();
    byId('operations').scrollIntoView({block: 'nearest'});
  }
}

// One dialog for both: what to restore, or only the token where it is missing or was refused.
class StartDialog {
  constructor(panel) {
    this.panel = panel;
    this.node = byId('start-dialog');
    this.form = byId('start-form');
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    byId('start-cancel').addEventListener('click', () => this.node.close());
    this.node.addEventListener('close', () => this.ended?.(null));
    this.form.addEventListener('change', () => this.showFields());
  }

  showFields() {
    const {elements} = this.form;
    byId('start-at').hidden = elements.when.value !== 'moment';
    byId('start-to').hidden = elements.where.value !== 'path';
    elements.at.required = !byId('start-restore').hidden && elements.when.value === 'moment';
    elements.to.required = !byId('start-restore').hidden && elements.where.value === 'path';
    byId('start-restore').disabled = byId('start-restore').hidden;
  }

  open(heading, isRestore, problem) {
    setText(byId('start-title'), heading);
    byId('start-restore').hidden = !isRestore;
    setText(byId('start-submit'), isRestore ? 'Restore' : 'Go on');
    setText(byId('token-command'), `sudo cat ${this.panel.tokenFile ?? ''}`);
    this.form.elements.token.value = loadToken();
    this.tell(problem ?? '');
    this.showFields();
    this.node.showModal();
    if (!isRestore) this.form.elements.token.focus();
  }

  tell(problem) {
    byId('start-problem').hidden = problem === '';
    setText(byId('start-problem'), problem);
  }

  askForRestore(client) {
    this.perform = async (token) => {
      const {elements} = this.form;
      const body = {clientId: client.clientId};
      if (elements.when.value === 'moment') body.at = elements.at.value.trim();
      if (elements.where.value === 'path') body.to = elements.to.value.trim();
      else body.download = true;
      await act('POST', '/api/restores', token, body);
      this.panel.reveal('The restore was queued');
      return true;
    };
    this.ended = null;
    this.open(`Restore ${client.clientId}`, true);
  }

  // Does it at once where a token is known and right; else asks. Resolves to what `perform` gave, or null: given up.
  async withToken(heading, perform) {
    let problem = '';
    if (loadToken() !== '') {
      try {
        return (await perform(loadToken())) ?? true;
      } catch (error) {
        problem = error.message;
      }
    }
    return new Promise((resolve) => {
      this.perform = perform;
      this.ended = resolve;
      this.open(heading, false, problem);
    });
  }

  async submit() {
    const button = byId('start-submit');
    if (button.disabled) return;
    button.disabled = true;
    try {
      const done = (await this.perform(this.form.elements.token.value.trim())) ?? true;
      this.ended?.(done);
      this.ended = null;
      this.node.close();
    } catch (error) {
      this.tell(error.message);
    } finally {
      button.disabled = false;
    }
  }
}
