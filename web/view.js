// Which clients the page shows: kept in the address, so that a reload or a shared link shows the same.
import {states} from './format.js';

const kPageSize = 50;
const kSortKeys = ['attention', 'id', 'path', 'state', 'size', 'lastReplicated', 'txid'];

export function loadView() {
  const parameters = new URLSearchParams(location.search);
  const state = parameters.get('state') ?? '';
  const sort = parameters.get('sort') ?? '';
  const offset = Number.parseInt(parameters.get('offset') ?? '0', 10);
  return {
    text: parameters.get('q') ?? '',
    state: states.includes(state) ? state : '',
    sort: kSortKeys.includes(sort) ? sort : 'attention',
    order: parameters.get('order') === 'desc' ? 'desc' : 'asc',
    offset: offset > 0 ? offset : 0,
    limit: kPageSize,
  };
}

// What differs from the plain page.
export function saveView(view) {
  const parameters = new URLSearchParams();
  if (view.text) parameters.set('q', view.text);
  if (view.state) parameters.set('state', view.state);
  if (view.sort !== 'attention') parameters.set('sort', view.sort);
  if (view.order !== 'asc') parameters.set('order', view.order);
  if (view.offset > 0) parameters.set('offset', String(view.offset));
  const query = parameters.toString();
  history.replaceState(null, '', query ? `?${query}` : location.pathname);
}

export function viewQuery(view) {
  const parameters = new URLSearchParams({limit: view.limit, offset: view.offset, sort: view.sort, order: view.order});
  if (view.text) parameters.set('q', view.text);
  if (view.state) parameters.set('state', view.state);
  return parameters.toString();
}
