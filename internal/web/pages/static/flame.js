'use strict';

// The difference of two profiles as a flame graph that grows downwards: the function that a goroutine
// began with is on top, and the function that it waits in at the bottom. Inverted, the function that
// goroutines wait in is on top, and its callers are below it.
addEventListener('DOMContentLoaded', () => {
  const { data, say, number, change } = window.gorowatch;
  const row = 21; // pixels
  const least = 3; // pixels, below which a frame is not drawn

  const prepare = (n, parent, depth) => {
    n.parent = parent;
    n.depth = depth;
    n.c ??= [];
    let own = n.h - n.b;
    let grown = 0;
    let gone = 0;
    for (const c of n.c) {
      prepare(c, n, depth + 1);
      own -= c.h - c.b;
      grown += c.grown;
      gone += c.gone;
    }
    n.grown = grown + Math.max(0, own);
    n.gone = gone + Math.max(0, -own);
  };
  const walk = (n, f) => { f(n); n.c.forEach((c) => walk(c, f)); };
  const short = (name) => name.slice(name.lastIndexOf('/') + 1);
  const words = (n) => `${n.n} ${change(n.h - n.b)}${n.p ? `, ${n.p}` : ''}: ${number(n.b)} before, ${number(n.h)} after`;

  // invert makes the tree of callers: below each function that goroutines wait in are its callers.
  const invert = (root) => {
    const top = { n: root.n, b: root.b, h: root.h, c: [] };
    const child = (of, n) => {
      const key = `${n.n}\u0000${n.p ?? ''}`;
      of.index ??= new Map();
      let c = of.index.get(key);
      if (!c) {
        c = { n: n.n, p: n.p, f: n.f, s: n.s, b: 0, h: 0, c: [] };
        of.index.set(key, c);
        of.c.push(c);
      }
      return c;
    };
    walk(root, (n) => {
      if (!n.parent) return;
      const b = n.b - n.c.reduce((sum, c) => sum + c.b, 0);
      const h = n.h - n.c.reduce((sum, c) => sum + c.h, 0);
      if (!b && !h) return;
      let at = top;
      for (let x = n; x.parent; x = x.parent) {
        at = child(at, x);
        at.b += b;
        at.h += h;
      }
    });
    walk(top, (n) => n.c.sort((x, y) => (y.h - y.b) - (x.h - x.b) || y.h - x.h));
    return top;
  };

  // Goroutines that are gone have a width too. Otherwise nobody would see that they were there.
  const widths = {
    changed: { text: 'what changed', of: (n) => n.grown + n.gone },
    after: { text: 'all after, and what went', of: (n) => n.h + n.gone },
    before: { text: 'all before', of: (n) => n.b },
  };

  const flame = async (el) => {
    const plot = el.querySelector('.plot');
    const tools = el.querySelector('.tools');
    let d;
    try {
      d = await data(el.dataset.flame);
    } catch (e) {
      say(plot, `The flame graph cannot be shown: ${e.message}.`);
      return;
    }
    const sources = JSON.parse(el.dataset.sources ?? '[]');
    const trees = { callees: d.root };
    prepare(d.root, null, 0);
    trees.callers = invert(d.root);
    prepare(trees.callers, null, 0);

    // The state is in the address, so that a view can be shared.
    const asked = new URLSearchParams(location.search);
    const view = {
      width: asked.get('width') in widths ? asked.get('width') : d.root.grown + d.root.gone > 0 ? 'changed' : 'after',
      query: (asked.get('find') ?? '').slice(0, 200),
      tree: asked.get('tree') === 'callers' ? 'callers' : 'callees',
      top: null,
    };
    const path = (n) => { const names = []; for (let x = n; x.parent; x = x.parent) names.unshift(x.n); return names; };
    const find = (root, names) => names.reduce((n, name) => n?.c.find((c) => c.n === name), root) ?? root;
    view.top = find(trees[view.tree], asked.getAll('frame').slice(0, 200));
    const remember = () => {
      const u = new URL(location.href);
      const standard = d.root.grown + d.root.gone > 0 ? 'changed' : 'after';
      const set = (name, value) => { if (value) u.searchParams.set(name, value); else u.searchParams.delete(name); };
      set('width', view.width === standard ? '' : view.width);
      set('find', view.query);
      set('tree', view.tree === 'callers' ? 'callers' : '');
      u.searchParams.delete('frame');
      const names = path(view.top);
      if (names.join('').length < 1500) names.forEach((n) => u.searchParams.append('frame', n));
      history.replaceState(null, '', u);
    };

    const graph = document.createElement('div');
    graph.className = 'graph';
    graph.setAttribute('role', 'group');
    graph.setAttribute('aria-label', 'Flame graph; arrow keys move, Enter zooms, Escape zooms out');
    const detail = document.createElement('p');
    detail.className = 'detail';
    plot.replaceChildren(graph, detail);

    let most = 1;
    walk(d.root, (n) => { if (n.parent) most = Math.max(most, Math.abs(n.h - n.b)); });
    const tint = (n) => {
      const x = n.h - n.b;
      if (!x) return 'same';
      return (x > 0 ? 'up' : 'down') + Math.min(4, Math.max(1, Math.ceil(4 * Math.sqrt(Math.abs(x) / most))));
    };
    const hit = (n) => view.query && `${n.n} ${n.p ?? ''} ${n.f ?? ''}`.toLowerCase().includes(view.query.toLowerCase());

    let shown = [];
    const draw = () => {
      const size = widths[view.width].of;
      const width = graph.clientWidth;
      shown = [];
      const place = (n, left, share) => {
        shown.push({ n, left, share });
        let x = left;
        const all = Math.max(size(n), n.c.reduce((sum, c) => sum + size(c), 0)) || 1;
        for (const c of n.c) {
          const part = share * (size(c) / all);
          if (part * width >= least) place(c, x, part);
          x += part;
        }
      };
      // The frames above the zoomed one stay, to go back to them.
      const above = [];
      for (let n = view.top.parent; n; n = n.parent) above.unshift(n);
      above.forEach((n) => shown.push({ n, left: 0, share: 1, above: true }));
      place(view.top, 0, 1);
      graph.style.height = `${(1 + shown.reduce((m, s) => Math.max(m, s.n.depth), 0)) * row}px`;
      graph.replaceChildren(...shown.map((s, i) => {
        const b = document.createElement('button');
        const is = hit(s.n);
        b.type = 'button';
        b.className = `${tint(s.n)}${s.n.s ? ' std' : ''}${s.above ? ' above' : ''}${is ? ' hit' : ''}${view.query && !is ? ' dim' : ''}`;
        b.style.left = `${s.left * 100}%`;
        b.style.width = `${s.share * 100}%`;
        b.style.top = `${s.n.depth * row}px`;
        b.tabIndex = s.n === view.top ? 0 : -1;
        if (s.share * width > 40) b.textContent = `${short(s.n.n)} ${change(s.n.h - s.n.b)}`;
        b.setAttribute('aria-label', words(s.n));
        b.title = words(s.n);
        b.dataset.i = i;
        return b;
      }));
      count();
    };

    const focus = (i) => {
      if (i < 0 || !graph.children[i]) return;
      for (const b of graph.children) b.tabIndex = -1;
      graph.children[i].tabIndex = 0;
      graph.children[i].focus();
    };

    // source is the link to the line of a frame; empty: there is none. The panel of a frame shows it.
    const source = (n) => {
      const line = n.p?.match(/:(\d+)$/)?.[1];
      const s = n.f && line && sources.find((x) => n.f.startsWith(x.prefix));
      if (!s) return '';
      const file = n.f.slice(s.prefix.length).replace(/^\/+/, '');
      const escaped = file.split('/').map((x) => (x === '.' || x === '..' ? x.replaceAll('.', '%2E') : encodeURIComponent(x))).join('/');
      return s.url.replace('{path}', () => escaped).replace('{line}', line);
    };
    const panel = (n) => {
      const name = document.createElement('code');
      name.className = 'func';
      name.textContent = n.n;
      const all = trees[view.tree];
      const grew = all.grown ? `, ${Math.round((100 * n.grown) / all.grown)} % of what grew` : '';
      detail.replaceChildren(name, ` ${n.f ?? n.p ?? ''}`, document.createElement('br'),
        `${number(n.b)} before, ${number(n.h)} after: ${change(n.h - n.b)}${grew}${n.gone ? `, ${number(n.gone)} went` : ''}. `);
      const to = source(n);
      if (to) {
        const a = document.createElement('a');
        a.href = to;
        a.rel = 'noreferrer';
        a.textContent = 'Source';
        detail.append(a);
      }
    };
    const zoom = (n) => {
      view.top = n;
      draw();
      focus(shown.findIndex((s) => s.n === n));
      panel(n);
      remember();
    };
    const of = (e) => shown[e.target.closest?.('button')?.dataset.i];
    graph.addEventListener('click', (e) => { const s = of(e); if (s) zoom(s.n); });
    graph.addEventListener('focusin', (e) => { const s = of(e); if (s) panel(s.n); });
    graph.addEventListener('keydown', (e) => {
      const s = of(e);
      if (!s) return;
      const i = shown.indexOf(s);
      const beside = (step) => { for (let k = i + step; shown[k]; k += step) if (shown[k].n.depth === s.n.depth) return k; return -1; };
      const to = {
        ArrowLeft: () => focus(beside(-1)),
        ArrowRight: () => focus(beside(1)),
        ArrowUp: () => focus(shown.findIndex((x) => x.n === s.n.parent)),
        ArrowDown: () => focus(shown.findIndex((x) => x.n.parent === s.n)),
        Escape: () => zoom(trees[view.tree]),
      }[e.key];
      if (to) {
        e.preventDefault();
        to();
      }
    });

    const found = document.createElement('span');
    found.setAttribute('role', 'status');
    const count = () => {
      if (!view.query) {
        found.textContent = '';
        return;
      }
      let n = 0;
      let sum = 0;
      const drawn = shown.filter((s) => hit(s.n)).length;
      const add = (x, inside) => {
        const is = hit(x);
        if (is) n++;
        if (is && !inside) sum += x.h - x.b;
        x.c.forEach((c) => add(c, inside || is));
      };
      const root = trees[view.tree];
      add(root, false);
      found.textContent = `${n} match${n === 1 ? '' : 'es'}, ${change(sum)} of ${change(root.h - root.b)}: ${drawn} drawn, ${n - drawn} too narrow or outside`;
    };
    const search = document.createElement('input');
    search.type = 'search';
    search.value = view.query;
    search.addEventListener('input', () => {
      view.query = search.value.trim();
      draw();
      remember();
    });
    const select = document.createElement('select');
    for (const [value, w] of Object.entries(widths)) select.append(new Option(w.text, value, value === view.width, value === view.width));
    select.addEventListener('change', () => { view.width = select.value; draw(); remember(); });
    const labelled = (text, input) => {
      const l = document.createElement('label');
      l.append(`${text} `, input);
      return l;
    };
    const button = (text, act) => {
      const b = document.createElement('button');
      b.type = 'button';
      b.textContent = text;
      b.addEventListener('click', () => act(b));
      return b;
    };
    const callers = button('Callers', (b) => {
      view.tree = view.tree === 'callers' ? 'callees' : 'callers';
      view.top = trees[view.tree];
      b.setAttribute('aria-pressed', String(view.tree === 'callers'));
      draw();
      remember();
    });
    callers.setAttribute('aria-pressed', String(view.tree === 'callers'));
    callers.title = 'What goroutines wait in on top, and below it who calls it';

    // svg returns the graph as it is on the screen.
    const svg = () => {
      const width = 1200;
      const escape = (s) => s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
      const style = (b) => getComputedStyle(b);
      const height = (1 + shown.reduce((m, s) => Math.max(m, s.n.depth), 0)) * row;
      const frames = shown.map((s, i) => {
        const c = style(graph.children[i]);
        const w = Math.max(s.share * width - 1, 0.5);
        const text = `${short(s.n.n)} ${change(s.n.h - s.n.b)}`.slice(0, Math.floor(w / 7));
        return `<g><title>${escape(words(s.n))}</title><rect x="${(s.left * width).toFixed(1)}" y="${s.n.depth * row}" width="${w.toFixed(1)}" height="${row - 1}" fill="${c.backgroundColor}"/>${
          text.length > 3 ? `<text x="${(s.left * width + 4).toFixed(1)}" y="${s.n.depth * row + 14}" fill="${c.color}">${escape(text)}</text>` : ''}</g>`;
      });
      return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="12">${frames.join('')}</svg>\n`;
    };
    const save = button('SVG', () => {
      const a = document.createElement('a');
      a.href = URL.createObjectURL(new Blob([svg()], { type: 'image/svg+xml' }));
      a.download = 'goroutines.svg';
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 10000);
    });
    save.title = 'Save the graph as it is drawn';
    tools.append(labelled('Find', search), labelled('Width is', select), callers, button('Zoom out', () => zoom(trees[view.tree])), save, found);
    tools.hidden = false;

    draw();
    const notes = [`${change(d.growth)} goroutines. Red grew, blue went.`];
    if (d.folded) notes.push(`${number(d.folded)} frames are folded: they are too small to be told apart, and are not searched.`);
    detail.textContent = notes.join(' ');
    if (view.top.parent) panel(view.top);
    el.dataset.svg = svg().length;
    let width = graph.clientWidth;
    new ResizeObserver(() => { if (graph.clientWidth !== width) { width = graph.clientWidth; draw(); } }).observe(graph);
  };

  document.querySelectorAll('[data-flame]').forEach(flame);
});
