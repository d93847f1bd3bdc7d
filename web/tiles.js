// Clients by state as a row of buttons that filter the table.
import {element, setAttribute, setText} from './dom.js';
import {number, stateMeanings, states} from './format.js';

// The others show when there is something to count.
const kAlwaysShown = ['live', 'idle', 'imaging', 'blocked', 'failing'];

export class Tiles {
  constructor(container, onChoose) {
    this.tiles = new Map();
    for (const state of ['', ...states]) {
      const count = element('span', {class: 'tile-count'}, '–');
      const title = state ? stateMeanings[state] : 'All clients whose file exists';
      const tile = element('button', {type: 'button', class: 'tile', 'data-state': state, 'aria-pressed': 'false', title},
        count, element('span', {class: 'tile-label'}, state || 'all clients'));
      tile.addEventListener('click', () => onChoose(tile.getAttribute('aria-pressed') === 'true' ? '' : state));
      this.tiles.set(state, {tile, count});
      container.append(tile);
    }
  }

  update(page, chosenState) {
    for (const [state, {tile, count}] of this.tiles) {
      const value = state ? page.states[state] : page.totalClients;
      setText(count, number(value));
      tile.classList.toggle('none', value === 0);
      tile.hidden = state !== '' && value === 0 && !kAlwaysShown.includes(state) && state !== chosenState;
      setAttribute(tile, 'aria-pressed', String(state === chosenState));
    }
  }
}
