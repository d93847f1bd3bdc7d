// Everything from the server becomes text through these helpers; nothing is ever parsed as HTML. Paths of databases are
// chosen by strangers.

export const byId = (id) => document.getElementById(id);

// element('td', {class: 'mono', title: 'x'}, child or text ...)
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Both touch the document only if something differs, so that an unchanged row costs no layout.
export function setText(node, text) {
  if (node.textContent === text) return false;
  node.textContent = text;
  return true;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// Marks a value that has just changed; the style sheet lets the mark fade.
export function flash(node) {
  node.classList.remove('changed');
  requestAnimationFrame(() => node.classList.add('changed'));
}

export function announce(text) {
  byId('announcer').textContent = text;
}

// The clipboard interface exists in secure contexts only; a dashboard opened over plain HTTP by another machine's name
// needs the old way.
export async function copyText(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not permitted: the old way below may be
    }
  }
  const area = element('textarea', {class: 'visually-hidden', readonly: ''});
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  return copied;
}

// A button that copies what `getText` gives and says so for a moment.
export function copyButton(label, getText) {
  const button = element('button', {type: 'button', class: 'button button-small'}, label);
  button.addEventListener('click', async () => {
    const copied = await copyText(getText());
    button.textContent = copied ? 'Copied' : 'Press Ctrl+C';
    announce(copied ? 'Copied to the clipboard' : 'Could not copy');
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
}
