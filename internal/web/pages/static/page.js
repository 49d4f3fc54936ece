'use strict';

// What pages do besides being read: a button to copy a command, and the parts
// that wait for the bucket.
(() => {
  const say = (el, text) => {
    const p = document.createElement('p');
    p.className = 'notice';
    p.setAttribute('role', 'alert');
    p.textContent = text;
    el.replaceChildren(p);
  };

  for (const el of document.querySelectorAll('.command')) {
    if (!navigator.clipboard) continue; // only where the connection is safe
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(el.querySelector('pre').textContent);
        button.textContent = 'Copied';
      } catch {
        getSelection().selectAllChildren(el.querySelector('pre'));
        button.textContent = 'Selected';
      }
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    });
    el.append(button);
  }

  const load = async (el) => {
    const waiting = document.createElement('p');
    waiting.className = 'muted part';
    waiting.textContent = 'Loading…';
    el.replaceChildren(waiting);
    try {
      const r = await fetch(el.dataset.part, { credentials: 'same-origin' });
      // Rendered by the same templates as the page itself.
      el.innerHTML = await r.text();
      if (!r.ok && !el.querySelector('.notice')) say(el, `This part cannot be shown: ${r.status} ${r.statusText}`);
      el.dispatchEvent(new CustomEvent('part', { bubbles: true }));
    } catch {
      say(el, 'This part cannot be shown: gorowatch does not answer.');
    }
  };
  for (const el of document.querySelectorAll('[data-part]')) load(el);

  // data asks the API. What it throws is fit for people.
  window.gorowatch = {
    say,
    async data(url) {
      let body;
      try {
        const r = await fetch(url, { credentials: 'same-origin' });
        body = await r.json();
      } catch {
        throw new Error('gorowatch does not answer');
      }
      if (body.status !== 'success') throw new Error(body.error);
      return body.data;
    },
    number: (x) => (Math.abs(x) < 10 && x % 1 ? x.toFixed(1) : Math.round(x).toLocaleString('en-US')),
    change: (x) => (x < 0 ? '' : '+') + Math.round(x).toLocaleString('en-US'),
    // dark calls back when the colours change.
    dark: (f) => {
      matchMedia('(prefers-color-scheme: dark)').addEventListener('change', f);
      addEventListener('theme', f);
    },
  };
})();
