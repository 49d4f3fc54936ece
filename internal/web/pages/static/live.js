'use strict';

// A page refreshes itself at each evaluation, and keeps what people do on it: the scroll position, the
// focus, what they type, what they have opened, and the zoom of a chart.
(() => {
  const every = Number(document.body.dataset.live) * 1000;
  const stale = document.getElementById('stale');
  const key = 'gorowatch-paused';
  let tag = null;
  let paused = false;
  try {
    paused = sessionStorage.getItem(key) === '1';
  } catch { /* without storage, the choice is forgotten */ }

  // Ages are by the server's clock.
  let ahead = 0;
  let fresh = Date.now();
  const setClock = (iso) => { ahead = Date.parse(iso) - Date.now(); };
  setClock(document.getElementById('now').dateTime);

  const unit = (s) => {
    const n = (x, u) => `${Math.round(x).toLocaleString('en-US')} ${u}`;
    if (s < 120) return n(s, 's');
    if (s < 7200) return n(s / 60, 'min');
    if (s < 172800) return n(s / 3600, 'h');
    if (s < 2 * 365 * 86400) return n(s / 86400, 'days');
    return n(Math.floor(s / (365 * 86400)), 'years');
  };
  const tick = () => {
    const now = Date.now() + ahead;
    for (const t of document.querySelectorAll('time.age')) {
      const s = (now - Date.parse(t.dateTime)) / 1000;
      const text = s >= 1 ? `${unit(s)} ago` : 'now';
      if (t.textContent !== text) t.textContent = text;
    }
    for (const t of document.querySelectorAll('time.due')) {
      const s = (Date.parse(t.dateTime) - now) / 1000;
      const text = s >= 1 ? `in ${unit(s)}` : 'now';
      if (t.textContent !== text) t.textContent = text;
    }
  };
  setInterval(tick, 1000);

  const button = document.createElement('button');
  button.type = 'button';
  button.id = 'live';
  const label = () => {
    button.textContent = paused ? 'Paused' : 'Live';
    button.title = paused ? 'The page stays as it is; click to refresh it at each evaluation' : 'The page refreshes itself at each evaluation; click to pause';
    button.setAttribute('aria-pressed', String(!paused));
  };
  label();
  button.addEventListener('click', () => {
    paused = !paused;
    try {
      sessionStorage.setItem(key, paused ? '1' : '0');
    } catch { /* without storage, the choice is forgotten */ }
    label();
    if (!paused) refresh();
  });

  const say = (text) => {
    if (stale.textContent === text) return;
    stale.textContent = text;
    stale.className = text ? 'notice' : '';
  };

  // A refresh keeps what scripts have drawn, and what somebody has opened or typed.
  const own = '.chart, .flame, [data-part], .command button';
  const morph = (from, to) => Idiomorph.morph(from, to, {
    morphStyle: 'innerHTML',
    ignoreActiveValue: true,
    restoreFocus: true,
    callbacks: {
      beforeNodeMorphed: (a, b) => {
        if (a.nodeType !== 1) return true;
        if (a.matches(own) && b.nodeType === 1 && b.matches(own)) return false;
        if (a.matches('input, textarea, select') && a.dataset.touched) return false;
        return true;
      },
      beforeNodeRemoved: (a) => !(a.nodeType === 1 && a.matches('.command button')),
      beforeAttributeUpdated: (name, a) => !(name === 'open' && a.tagName === 'DETAILS'),
    },
  });
  addEventListener('input', (e) => { if (e.target.closest?.('form')) e.target.dataset.touched = '1'; });

  const selecting = () => {
    const s = getSelection();
    return s && !s.isCollapsed && document.getElementById('main').contains(s.anchorNode);
  };

  let asking = false;
  const refresh = async () => {
    if (asking || paused || document.hidden || selecting()) return;
    asking = true;
    try {
      const r = await fetch(location.href.split('#')[0], { credentials: 'same-origin', cache: 'no-store', headers: tag ? { 'If-None-Match': tag } : {} });
      if (r.status === 200) {
        const page = new DOMParser().parseFromString(await r.text(), 'text/html');
        const first = tag === null; // the page has just been loaded
        tag = r.headers.get('ETag');
        setClock(page.getElementById('now').dateTime);
        if (!paused) {
          morph(document.getElementById('main'), page.getElementById('main').innerHTML);
          document.querySelector('footer').replaceChildren(...page.querySelector('footer').childNodes);
          document.title = page.title;
          tick();
          dispatchEvent(new Event(first ? 'times' : 'refreshed'));
        }
      } else if (r.status !== 304) {
        throw new Error(`gorowatch answers ${r.status}`);
      }
      fresh = Date.now();
      say('');
      document.body.dataset.refreshed = String(1 + Number(document.body.dataset.refreshed ?? 0));
    } catch (e) {
      const why = e instanceof TypeError ? 'gorowatch does not answer' : e.message;
      say(`This page is stale since ${window.gorowatch.clock(fresh + ahead)}: ${why}.`);
    }
    asking = false;
  };
  setInterval(refresh, every);
  document.addEventListener('visibilitychange', () => { if (Date.now() - fresh > every) refresh(); });

  addEventListener('DOMContentLoaded', () => document.getElementById('switches').prepend(button));
})();
