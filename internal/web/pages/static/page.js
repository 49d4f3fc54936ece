'use strict';

// What every page needs: buttons to copy commands, the parts that wait for the bucket, and the zone in
// which times are shown.
(() => {
  const say = (el, text) => {
    const p = document.createElement('p');
    p.className = 'notice';
    p.setAttribute('role', 'alert');
    p.textContent = text;
    el.replaceChildren(p);
  };

  for (const el of document.querySelectorAll('.command')) {
    if (!navigator.clipboard) continue; // browsers have it on secure connections only
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
      // The answer is safe HTML: it comes from the same templates as the page.
      el.innerHTML = await r.text();
      if (!r.ok && !el.querySelector('.notice')) say(el, `This part cannot be shown: ${r.status} ${r.statusText}`);
      el.dispatchEvent(new CustomEvent('part', { bubbles: true }));
    } catch {
      say(el, 'This part cannot be shown: gorowatch does not answer.');
    }
  };
  for (const el of document.querySelectorAll('[data-part]')) load(el);

  // Times are in UTC or in the browser's zone, as chosen in the header.
  const key = 'gorowatch-zone';
  let zone = 'UTC';
  try {
    if (localStorage.getItem(key) === 'local') zone = 'local';
  } catch { /* without storage, the choice is forgotten */ }
  const two = (n) => String(n).padStart(2, '0');
  const written = /^((\d{4}-)?(\d\d-\d\d) )?\d\d:\d\d(:\d\d)?( UTC)?/;
  // local rewrites a time in the browser's zone, in the same form. A time without a date gets one if
  // it is not of today in that zone.
  const local = (text, iso) => {
    const d = new Date(iso);
    if (/^\d\d-\d\d$/.test(text)) return `${two(d.getMonth() + 1)}-${two(d.getDate())}`;
    const as = text.match(written);
    if (!as || Number.isNaN(d.getTime())) return text;
    const day = `${two(d.getMonth() + 1)}-${two(d.getDate())} `;
    const date = as[2] ? `${d.getFullYear()}-${day}` : as[1] || d.toDateString() !== new Date().toDateString() ? day : '';
    return `${date}${two(d.getHours())}:${two(d.getMinutes())}${as[4] ? `:${two(d.getSeconds())}` : ''}${text.slice(as[0].length)}`;
  };
  // switchZone rewrites the time that an element has in a property.
  const switchZone = (el, property, iso) => {
    if (zone === 'UTC') {
      if (el.dataset.utc) el[property] = el.dataset.utc;
      delete el.dataset.utc;
      return;
    }
    el.dataset.utc ??= el[property];
    el[property] = local(el.dataset.utc, iso);
  };
  const times = () => {
    for (const t of document.querySelectorAll('time[datetime]:not(.age, .due)')) switchZone(t, 'textContent', t.dateTime);
    for (const o of document.querySelectorAll('option[data-at]')) switchZone(o, 'textContent', o.dataset.at);
    for (const table of document.querySelectorAll('table[data-from]')) {
      for (const cell of table.querySelectorAll('td[title]')) {
        switchZone(cell, 'title', new Date(Date.parse(table.dataset.from) + (cell.cellIndex - 1) * table.dataset.step * 1000).toISOString());
      }
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
    } catch { /* without storage, the choice is forgotten */ }
    times();
    dispatchEvent(new Event('zone'));
  });
  label.append('Times ', select);
  addEventListener('DOMContentLoaded', () => document.getElementById('switches')?.append(label));
  for (const kind of ['refreshed', 'times', 'part']) addEventListener(kind, times);
  times();

  // data asks the API. The messages of its errors are for people.
  window.gorowatch = {
    say,
    zone: () => zone,
    // clock writes a time of day in the chosen zone.
    clock: (ms) => {
      const utc = `${new Date(ms).toISOString().slice(11, 19)} UTC`;
      return zone === 'UTC' ? utc : local(utc, new Date(ms).toISOString());
    },
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
    // dark calls f when the colours of the theme change.
    dark: (f) => {
      matchMedia('(prefers-color-scheme: dark)').addEventListener('change', f);
      addEventListener('theme', f);
    },
  };
})();
