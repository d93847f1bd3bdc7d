// The dashboard: what is asked for (view), what the server said (page), and how they meet.
import {announce, byId, element, setAttribute, setText} from './dom.js';
import {auditText, auditTitle} from './audit.js';
import {bytes, duration, money, needsAttention, number, plural, states} from './format.js';
import {fetchJson, Live} from './live.js';
import {Table} from './table.js';
import {OperationsPanel} from './operations.js';
import {setUpTheme} from './theme-button.js';
import {Tiles} from './tiles.js';
import {loadView, saveView, viewQuery} from './view.js';

const kTypingMillis = 150;
const kRefetchMillis = 1000;
const kMovingKeys = ['state', 'size', 'lastReplicated', 'txid'];

const view = loadView();
const operations = new OperationsPanel();
const table = new Table(byId('rows'), operations);
const tiles = new Tiles(byId('tiles'), (state) => changeView({state, offset: 0}));
let page = null;          // the last answer of /api/status, with totals kept fresh by events
let seenVersion = 0;      // newest fleet version that any message told of
let requestNumber = 0;    // answers of older requests are ignored
let refetchTimer = 0;

async function refresh() {
  const thisRequest = ++requestNumber;
  const answer = await fetchJson(`/api/status?${viewQuery(view)}`);
  if (thisRequest !== requestNumber) return;
  if (answer.clients.length === 0 && answer.matchingClients > 0 && view.offset > 0) {
    changeView({offset: 0});  // the fleet shrank below this page
    return;
  }
  page = answer;
  // A change may have overtaken this answer.
  if (answer.fleetVersion < seenVersion) refetchSoon();
  seenVersion = answer.fleetVersion;
  render();
}

function refetchSoon() {
  if (refetchTimer !== 0) return;
  refetchTimer = setTimeout(() => {
    refetchTimer = 0;
    refresh().catch(() => {});  // the event stream reports a lost connection
  }, kRefetchMillis);
}

// Whether a change can move clients into, out of or within the page that is shown.
function movesRows(change) {
  if (change.more || change.gone.length > 0 || change.totalClients !== page.totalClients) return true;
  if (kMovingKeys.includes(view.sort)) return true;
  if (view.state && change.states[view.state] !== page.states[view.state]) return true;
  if (change.states.removed !== page.states.removed) return true;
  if (change.clients.some((client) => view.state && table.has(client.clientId) && client.state !== view.state)) return true;
  if (view.sort !== 'attention') return false;
  return states.some((state) => needsAttention(state) && change.states[state] !== page.states[state])
    || change.clients.some((client) => needsAttention(client.state) && !table.has(client.clientId));
}

function applyChange(change) {
  seenVersion = Math.max(seenVersion, change.fleetVersion);
  if (page === null) return;
  const moves = movesRows(change);
  const {clients, gone, more, ...totals} = change;
  for (const client of clients) table.update(client);
  page = {...page, ...totals};
  renderTotals();
  if (moves) refetchSoon();
}

function changeView(changes) {
  Object.assign(view, changes);
  saveView(view);
  renderControls();
  refresh()
    .then(() => announce(`${plural(page.matchingClients, 'client')} found`))
    .catch(() => {});
}

function render() {
  table.show(page.clients);
  renderTotals();
  const some = page.clients.length > 0;
  const filtered = view.text !== '' || view.state !== '';
  byId('loading').hidden = true;
  byId('clients').hidden = !some;
  byId('empty-start').hidden = some || filtered;
  byId('empty-match').hidden = some || !filtered;
  const first = view.offset + 1;
  const last = view.offset + page.clients.length;
  byId('pager').hidden = !some;
  setText(byId('range'), `${number(first)}–${number(last)} of ${plural(page.matchingClients, 'client')}`);
  byId('page-buttons').hidden = page.matchingClients <= view.limit && view.offset === 0;
  byId('previous-page').disabled = view.offset === 0;
  byId('next-page').disabled = last >= page.matchingClients;
}

function renderTotals() {
  setText(byId('bucket'), page.bucket);
  setText(byId('version'), page.version ? `Version ${page.version}` : '');
  renderWatchDirs();
  renderNotices();
  const {counters, requests} = page;
  const pending = page.pendingBytes > 0 ? `, ${bytes(page.pendingBytes)} pending` : '';
  setText(byId('stored'), `${plural(counters.commits, 'commit')}, ${bytes(counters.uploadBytes)}${pending}`);
  renderBill();
  setText(byId('audit'), auditText(page.audit));
  setAttribute(byId('audit'), 'title', auditTitle(page.audit));
  setText(byId('start-command'), `touch ${page.watchDirs[0] ?? 'DIRECTORY'}/$(uuidgen).db`);
  tiles.update(page, view.state);
  renderTimes();
  const problems = states.filter(needsAttention).reduce((sum, state) => sum + page.states[state], 0);
  document.title = problems > 0 ? `(${problems}) Litestream Manager` : 'Litestream Manager';
}

function renderBill() {
  const {requests, bill} = page;
  const asked = requests.put + requests.get + requests.head + requests.list + requests.delete + requests.multipart;
  const failed = requests.failed > 0 ? ` (${number(requests.failed)} failed)` : '';
  const perDay = bill.requestsPerDay === null ? '' : `, ${number(Math.round(bill.requestsPerDay))} a day`;
  setText(byId('requests'), `${number(asked)}${failed}${perDay}`);
  setText(byId('held'), `${plural(bill.storedObjects, 'object')}, ${bytes(bill.storedBytes)}`);
  const projected = bill.monthCostProjected === null ? '' : `, about ${money(bill.monthCostProjected)} at its end`;
  setText(byId('bill'), bill.priced ? `${money(bill.monthCost)} so far${projected}` : 'none: the bucket is a directory');
  const since = `Since ${bill.monthCountedFrom}, by the price table: ${number(bill.monthRequests)} requests, `
    + `storage ${money(bill.monthStorageCost)}`;
  setAttribute(byId('bill'), 'title', bill.priced ? since : '');
}

function renderWatchDirs() {
  const node = byId('watch-dirs');
  const text = page.watchDirStates.map((dir) => dir.path).join(', ') || 'none';
  setText(node, text);
}

function renderNotices() {
  const lost = page.watchDirStates.filter((dir) => !dir.ok)
    .map((dir) => `Watch directory ${dir.path} is not being watched: ${dir.detail}`);
  const texts = [...lost, ...page.notices];
  const list = byId('notices');
  list.hidden = texts.length === 0;
  const shown = [...list.children].map((item) => item.textContent);
  if (shown.join('\n') === texts.join('\n')) return;
  list.replaceChildren(...texts.map((text) => element('li', {}, text)));
}

function renderTimes() {
  if (page === null) return;
  setText(byId('uptime'), duration(page.startedAt));
  table.updateTimes();
}

function renderControls() {
  if (byId('search').value !== view.text) byId('search').value = view.text;
  byId('state-filter').value = view.state;
  byId('attention-button').setAttribute('aria-pressed', String(view.sort === 'attention'));
  for (const header of document.querySelectorAll('th[data-sort]')) {
    const sorted = header.dataset.sort === view.sort;
    header.setAttribute('aria-sort', sorted ? (view.order === 'desc' ? 'descending' : 'ascending') : 'none');
  }
}

function sortBy(key) {
  // The first click shows what people look for: the largest and the newest.
  const firstOrder = ['size', 'lastReplicated', 'txid'].includes(key) ? 'desc' : 'asc';
  const turned = view.order === 'asc' ? 'desc' : 'asc';
  changeView({sort: key, order: view.sort === key ? turned : firstOrder, offset: 0});
}

function showLink(link) {
  const words = {live: 'Live', polling: 'Polling every 5 s', lost: 'Disconnected'};
  const node = byId('link-state');
  node.dataset.link = link;
  setText(node, words[link]);
  byId('lost-banner').hidden = link !== 'lost';
}

function setUpControls() {
  const filter = byId('state-filter');
  filter.append(new Option('All states', ''));
  for (const state of states) filter.append(new Option(state, state));
  filter.addEventListener('change', () => changeView({state: filter.value, offset: 0}));
  let typing = 0;
  byId('search').addEventListener('input', (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => changeView({text: event.target.value.trim(), offset: 0}), kTypingMillis);
  });
  byId('attention-button').addEventListener('click', () => {
    changeView({sort: view.sort === 'attention' ? 'id' : 'attention', order: 'asc', offset: 0});
  });
  for (const header of document.querySelectorAll('th[data-sort]')) {
    header.querySelector('button').addEventListener('click', () => sortBy(header.dataset.sort));
  }
  byId('clear-filters').addEventListener('click', () => changeView({text: '', state: '', offset: 0}));
  byId('previous-page').addEventListener('click', () => changeView({offset: Math.max(0, view.offset - view.limit)}));
  byId('next-page').addEventListener('click', () => changeView({offset: view.offset + view.limit}));
  document.addEventListener('keydown', (event) => {
    const typingNow = event.target.matches('input, select, textarea');
    if (event.key === '/' && !typingNow && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      byId('search').focus();
    }
  });
}

setUpTheme(byId('theme-button'));
setUpControls();
renderControls();
setInterval(() => { if (!document.hidden) renderTimes(); }, 1000);
// Everything is asked anew when the server is back: what ran may have ended with it.
const refreshAll = () => Promise.all([refresh(), operations.refresh()]);
new Live({onRefresh: refreshAll, onChange: applyChange, onLink: showLink});
