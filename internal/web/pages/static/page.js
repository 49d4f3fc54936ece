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

  // Times are in UTC, or in the zone of whoever looks: it is chosen in the header.
  const key = 'gorowatch-zone';
  let zone = 'UTC';
  try {
    if (localStorage.getItem(key) === 'local') zone = 'local';
  } catch { /* no storage, no memory */ }
  const two = (n) => String(n).padStart(2, '0');
  const times = () => {
    for (const t of document.querySelectorAll('time[datetime]:not(.age, .due)')) {
      const d = new Date(t.dateTime);
      if (Number.isNaN(d.getTime())) continue;
      if (zone === 'UTC') {
        if (t.dataset.utc) t.textContent = t.dataset.utc;
        delete t.dataset.utc;
        continue;
      }
      t.dataset.utc ??= t.textContent;
      const whole = /\d-\d/.test(t.dataset.utc);
      t.textContent = `${whole ? `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ` : ''}${two(d.getHours())}:${two(d.getMinutes())}`;
    }
  };
  const label = document.createElement('label');
  const select = document.createElement('select');
  select.id = 'zone';
  for (const z of ['UTC', 'local']) select.append(new Option(z, z, z === zone, z === zone));
  select.addEventListener('change', () => {
    zone = select.value;
    try {
      localStorage.setItem(key, zone);
    } catch { /* no storage, no memory */ }
    times();
    dispatchEvent(new Event('zone'));
  });
  label.append('Times ', select);
  addEventListener('DOMContentLoaded', () => document.getElementById('switches')?.append(label));
  for (const kind of ['refreshed', 'times']) addEventListener(kind, times);
  times();

  // data asks the API. What it throws is fit for people.
  window.gorowatch = {
    say,
    zone: () => zone,
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
