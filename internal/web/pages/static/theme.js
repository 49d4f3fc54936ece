'use strict';

// The theme is set before the first paint: the chosen one, or that of the system.
(() => {
  const key = 'gorowatch-theme';
  const themes = ['system', 'light', 'dark'];
  let chosen = 'system';
  try {
    chosen = localStorage.getItem(key) ?? chosen;
  } catch { /* without storage, the choice is forgotten */ }
  if (!themes.includes(chosen)) chosen = 'system';
  const apply = () => {
    if (chosen === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
  };
  apply();
  addEventListener('DOMContentLoaded', () => {
    const label = document.createElement('label');
    const select = document.createElement('select');
    select.id = 'theme';
    for (const t of themes) select.append(new Option(t, t, t === chosen, t === chosen));
    select.addEventListener('change', () => {
      chosen = select.value;
      try {
        localStorage.setItem(key, chosen);
      } catch { /* without storage, the choice is forgotten */ }
      apply();
      dispatchEvent(new Event('theme'));
    });
    label.append('Theme ', select);
    document.getElementById('switches')?.append(label);
  });
})();
