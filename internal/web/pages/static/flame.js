'use strict';

// The difference of two profiles as a flame graph that hangs: the function that
// a goroutine began with on top, what it waits in at the bottom.
addEventListener('DOMContentLoaded', () => {
  const { data, say, number, change } = window.gorowatch;
  const row = 21; // pixels

  const prepare = (n, parent, depth) => {
    n.parent = parent;
    n.depth = depth;
    n.c ??= [];
    let own = n.h - n.b;
    let grown = 0;
    for (const c of n.c) {
      prepare(c, n, depth + 1);
      own -= c.h - c.b;
      grown += c.grown;
    }
    n.grown = grown + Math.max(0, own);
  };
  const walk = (n, f) => { f(n); n.c.forEach((c) => walk(c, f)); };
  const deepest = (n) => n.c.reduce((d, c) => Math.max(d, deepest(c)), n.depth);
  const words = (n) => `${n.n} ${change(n.h - n.b)}${n.p ? `, ${n.p}` : ''}: ${number(n.b)} before, ${number(n.h)} after`;

  const widths = {
    grown: { text: 'what grew', of: (n) => n.grown },
    after: { text: 'all after', of: (n) => n.h },
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
    const root = d.root;
    prepare(root, null, 0);
    let most = 1;
    walk(root, (n) => { if (n.parent) most = Math.max(most, Math.abs(n.h - n.b)); });
    const view = { top: root, width: root.grown > 0 ? 'grown' : 'after', query: '' };

    const graph = document.createElement('div');
    graph.className = 'graph';
    graph.setAttribute('role', 'group');
    graph.setAttribute('aria-label', 'Flame graph; arrow keys move, Enter zooms, Escape zooms out');
    const detail = document.createElement('p');
    detail.className = 'detail';
    plot.replaceChildren(graph, detail);

    const tint = (n) => {
      const x = n.h - n.b;
      if (!x) return 'same';
      return (x > 0 ? 'up' : 'down') + Math.max(1, Math.ceil(4 * Math.sqrt(Math.abs(x) / most)));
    };
    const hit = (n) => view.query && `${n.n} ${n.p ?? ''}`.toLowerCase().includes(view.query);

    let shown = [];
    const draw = () => {
      const size = widths[view.width].of;
      const width = graph.clientWidth;
      shown = [];
      const place = (n, left, share) => {
        shown.push({ n, left, share });
        let x = left;
        const all = size(n) || 1;
        for (const c of n.c) {
          const part = share * (size(c) / all);
          if (part * width >= 3) place(c, x, part);
          x += part;
        }
      };
      // What is above the one that is zoomed to stays as the way back.
      const above = [];
      for (let n = view.top.parent; n; n = n.parent) above.unshift(n);
      above.forEach((n) => shown.push({ n, left: 0, share: 1, above: true }));
      place(view.top, 0, 1);
      graph.style.height = `${(1 + shown.reduce((m, s) => Math.max(m, s.n.depth), 0)) * row}px`;
      graph.replaceChildren(...shown.map((s, i) => {
        const b = document.createElement('button');
        b.type = 'button';
        b.className = `${tint(s.n)}${s.n.s ? ' std' : ''}${s.above ? ' above' : ''}${hit(s.n) ? ' hit' : ''}`;
        b.style.left = `${s.left * 100}%`;
        b.style.width = `${s.share * 100}%`;
        b.style.top = `${s.n.depth * row}px`;
        b.tabIndex = s.n === view.top ? 0 : -1;
        if (s.share * width > 40) b.textContent = `${s.n.n} ${change(s.n.h - s.n.b)}`;
        b.setAttribute('aria-label', words(s.n));
        b.title = words(s.n);
        b.dataset.i = i;
        return b;
      }));
    };

    const focus = (i) => {
      if (i < 0 || !graph.children[i]) return;
      for (const b of graph.children) b.tabIndex = -1;
      graph.children[i].tabIndex = 0;
      graph.children[i].focus();
    };
    const zoom = (n) => {
      view.top = n;
      draw();
      focus(shown.findIndex((s) => s.n === n));
    };
    const of = (e) => shown[e.target.closest?.('button')?.dataset.i];
    graph.addEventListener('click', (e) => { const s = of(e); if (s) zoom(s.n); });
    for (const kind of ['mouseover', 'focusin']) graph.addEventListener(kind, (e) => { const s = of(e); if (s) detail.textContent = words(s.n); });
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
        Escape: () => zoom(root),
      }[e.key];
      if (to) {
        e.preventDefault();
        to();
      }
    });

    const found = document.createElement('span');
    found.setAttribute('role', 'status');
    const search = document.createElement('input');
    search.type = 'search';
    search.addEventListener('input', () => {
      view.query = search.value.trim().toLowerCase();
      let n = 0;
      let sum = 0;
      const count = (x, inside) => {
        const is = hit(x);
        if (is) n++;
        if (is && !inside) sum += x.h - x.b;
        x.c.forEach((c) => count(c, inside || is));
      };
      if (view.query) count(root, false);
      found.textContent = view.query ? `${n} match${n === 1 ? '' : 'es'}, ${change(sum)} of ${change(root.h - root.b)}` : '';
      draw();
    });
    const select = document.createElement('select');
    for (const [value, w] of Object.entries(widths)) select.append(new Option(w.text, value, value === view.width, value === view.width));
    select.addEventListener('change', () => { view.width = select.value; draw(); });
    const labelled = (text, input) => {
      const l = document.createElement('label');
      l.append(`${text} `, input);
      return l;
    };
    const reset = document.createElement('button');
    reset.type = 'button';
    reset.textContent = 'Zoom out';
    reset.addEventListener('click', () => zoom(root));
    tools.append(labelled('Find', search), labelled('Width is', select), reset, found);
    tools.hidden = false;

    draw();
    const notes = [`${change(d.growth)} goroutines. Red grew, blue went.`];
    if (d.folded) notes.push(`${number(d.folded)} frames are too small to be shown.`);
    detail.textContent = notes.join(' ');
    let width = graph.clientWidth;
    new ResizeObserver(() => { if (graph.clientWidth !== width) { width = graph.clientWidth; draw(); } }).observe(graph);
  };

  document.querySelectorAll('[data-flame]').forEach(flame);
});
