// The connection to the server: events while they flow, polling while they do not.
import {learnServerTime} from './format.js';

const kPollMillis = 5000;
const kReopenMillis = 3000;

export async function fetchJson(url) {
  // The server's ETag answers "unchanged" with a few bytes; the browser's cache then gives the body.
  const response = await fetch(url, {cache: 'no-cache'});
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  learnServerTime(response.headers.get('Date'));
  return response.json();
}

// Calls onRefresh() when a page must be fetched anew (it returns a promise that fails while the server is away),
// onChange(change) for each change, and onLink('live' | 'polling' | 'lost').
export class Live {
  constructor({onRefresh, onChange, onLink}) {
    this.onRefresh = onRefresh;
    this.onChange = onChange;
    this.onLink = onLink;
    this.pollTimer = 0;
    this.open();
  }

  open() {
    this.events = new EventSource('/api/events');
    this.events.addEventListener('hello', () => this.connected());
    this.events.addEventListener('resync', () => this.refresh());
    this.events.addEventListener('change', (event) => this.onChange(JSON.parse(event.data)));
    this.events.onerror = () => this.interrupted();
  }

  connected() {
    clearTimeout(this.pollTimer);
    this.pollTimer = 0;
    this.onLink('live');
    this.refresh();
  }

  interrupted() {
    // A refused stream (too many listeners) is closed for good by the browser: open it again ourselves.
    if (this.events.readyState === EventSource.CLOSED) {
      this.events.close();
      setTimeout(() => this.open(), kReopenMillis);
    }
    if (this.pollTimer === 0) this.poll();
  }

  async poll() {
    this.pollTimer = setTimeout(() => this.poll(), kPollMillis);
    const reached = await this.refresh();
    if (this.pollTimer !== 0) this.onLink(reached ? 'polling' : 'lost');
  }

  async refresh() {
    try {
      await this.onRefresh();
      return true;
    } catch {
      return false;
    }
  }
}
