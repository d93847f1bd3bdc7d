// The button that goes through automatic, light and dark (theme.js applies the choice before the first paint).
const kOrder = ['auto', 'light', 'dark'];

export function setUpTheme(button) {
  const root = document.documentElement;
  const show = () => { button.textContent = `Theme: ${root.dataset.theme ?? 'auto'}`; };
  button.addEventListener('click', () => {
    const next = kOrder[(kOrder.indexOf(root.dataset.theme ?? 'auto') + 1) % kOrder.length];
    if (next === 'auto') delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      localStorage.setItem('theme', next);
    } catch {
      // Storage can be forbidden; the choice then lasts as long as the page.
    }
    show();
  });
  show();
}
