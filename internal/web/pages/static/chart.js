'use strict';

// Charts of the goroutines of a service and of the stacks of a leak.
addEventListener('DOMContentLoaded', () => {
  const { data, say, number, dark } = window.gorowatch;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = () => [1, 2, 3, 4, 5, 6, 7, 8].map((i) => colour(`--chart-${i}`));
  const two = (n) => String(n).padStart(2, '0');
  // Times are in UTC or in the browser's zone, as chosen in the header.
  const zone = () => window.gorowatch.zone();
  const at = (t) => { const d = new Date(t * 1000); return zone() === 'local' ? new Date(d.getTime() - d.getTimezoneOffset() * 60000) : d; };
  const day = (d) => `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
  const clock = (d, seconds) => `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${seconds ? `:${two(d.getUTCSeconds())}` : ''}`;
  const when = (t) => `${day(at(t))} ${clock(at(t), true)} ${zone() === 'local' ? 'local time' : 'UTC'}`;
  const tzDate = (t) => (zone() === 'local' ? new Date(t * 1000) : uPlot.tzDate(new Date(t * 1000), 'Etc/UTC'));

  const ticks = (u, splits, axis, space, incr) => splits.map((t, i) => {
    const d = at(t);
    if (incr >= 86400) return day(d).slice(5);
    const time = clock(d, incr < 60);
    return i === 0 || (d.getUTCHours() === 0 && d.getUTCMinutes() === 0) ? `${time}\n${day(d).slice(5)}` : time;
  });
  // The axis has no fractions of goroutines.
  const whole = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();
  const axes = (more) => {
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
    return [
      { ...axis, values: ticks, space: 70 },
      { ...axis, size: 60, incrs: whole, values: (u, splits) => splits.map((x) => number(x)) },
      ...more.map((m) => ({ ...axis, ...m })),
    ];
  };
  const height = (el) => (el.clientWidth < 500 ? 220 : 300);
  const fitted = (el, plot) => {
    let width = el.clientWidth;
    new ResizeObserver(() => {
      if (el.clientWidth && el.clientWidth !== width) {
        width = el.clientWidth;
        plot().setSize({ width, height: height(el) });
      }
    }).observe(el);
  };
  // tip shows the values of all lines at the cursor, the largest first.
  const maxLines = 14;
  const tip = (u) => {
    const { idx, left, top } = u.cursor;
    let el = u.over.querySelector('.tip');
    if (idx == null || left < 0 || top < 0) {
      el?.remove();
      return;
    }
    if (!el) {
      el = document.createElement('div');
      el.className = 'tip';
      u.over.append(el);
    }
    const lines = [];
    u.series.forEach((s, i) => {
      const y = u.data[i]?.[idx];
      if (!i || y == null || !s.named || !s.show) return;
      const text = s.scale === 'load' ? `${Math.abs(y) < 10 ? y.toFixed(2) : number(y)} load` : `${number(y)} goroutines`;
      lines.push({ y: s.scale === 'load' ? -1 : y, near: Math.abs(u.valToPos(y, s.scale) - top), name: s.label, text, fill: s.colour ?? '' });
    });
    lines.sort((x, y) => y.y - x.y);
    const nearest = lines.reduce((best, l) => (!best || l.near < best.near ? l : best), null);
    const head = document.createElement('strong');
    head.textContent = when(u.data[0][idx]);
    const listed = lines.slice(0, maxLines);
    if (nearest && !listed.includes(nearest)) listed[maxLines - 1] = nearest;
    const rows = listed.map((l) => {
      const div = document.createElement('div');
      const mark = document.createElement('span');
      mark.className = 'swatch line';
      mark.style.color = l.fill;
      div.append(mark, `${l.name}: ${l.text}`);
      if (l === nearest) div.className = 'near';
      return div;
    });
    if (lines.length > maxLines) {
      const more = document.createElement('div');
      more.textContent = `and ${lines.length - maxLines} more`;
      rows.push(more);
    }
    el.replaceChildren(head, ...rows);
    const right = left > u.over.clientWidth / 2;
    el.style.left = right ? '' : `${left + 12}px`;
    el.style.right = right ? `${u.over.clientWidth - left + 12}px` : '';
    el.style.top = `${Math.max(0, Math.min(top, u.over.clientHeight - el.clientHeight))}px`;
  };
  // legend names the lines. A click on an entry hides its lines, and another click shows them.
  const legend = (entries, plot) => {
    const ul = document.createElement('ul');
    ul.className = 'legend';
    for (const [look, text, fill, lines] of entries) {
      const li = document.createElement('li');
      const mark = document.createElement('span');
      mark.className = `swatch ${look}`;
      if (fill) mark.style.color = fill;
      if (lines?.length) {
        const b = document.createElement('button');
        b.type = 'button';
        b.className = 'entry';
        b.setAttribute('aria-pressed', 'true');
        b.title = 'Hide or show it';
        b.append(mark, text);
        b.addEventListener('click', () => {
          const show = b.getAttribute('aria-pressed') !== 'true';
          b.setAttribute('aria-pressed', String(show));
          plot().batch(() => lines.forEach((i) => plot().setSeries(i, { show })));
        });
        li.append(b);
      } else {
        li.append(mark, text);
      }
      ul.append(li);
    }
    return ul;
  };

  // lay makes the lines of a chart: instances that leak in colour, with the band between the lowest
  // and the highest count of each step, and the others in grey.
  const lay = (h, withLoad) => {
    const xs = Array.from({ length: h.steps }, (_, i) => h.start + i * h.step);
    const rows = [xs];
    const series = [{}];
    const bands = [];
    const entries = [];
    const colours = palette();
    const leaking = h.instances.filter((x) => x.leaking);
    const lit = leaking.length ? leaking : h.instances;
    const grey = h.instances.filter((x) => !lit.includes(x));
    const line = (values, s) => { rows.push(values); series.push({ scale: 'y', points: { show: false }, spanGaps: false, ...s }); return rows.length - 1; };
    // floor is the lowest count of each of about forty spans of time.
    const floor = (values) => {
      const stretch = Math.max(2, Math.ceil(values.length / 40));
      const out = [];
      for (let i = 0; i < values.length; i += stretch) {
        const some = values.slice(i, i + stretch).filter((v) => v != null);
        out.push(...Array(Math.min(stretch, values.length - i)).fill(some.length ? Math.min(...some) : null));
      }
      return out.map((v, i) => (values[i] == null ? null : v));
    };
    const greys = grey.map((x) => line(x.max, { label: x.name, named: true, stroke: colour('--chart-other'), colour: colour('--chart-other'), width: 1 }));
    const rest = [];
    lit.forEach((x, i) => {
      const c = colours[i % colours.length];
      const high = line(x.max, { label: `${x.name}, highest`, stroke: c, width: 0.5 });
      const low = line(x.min, { label: x.name, named: true, stroke: c, colour: c, width: leaking.length ? 2 : 1.25 });
      const lines = [high, low];
      if (lit.length <= 12) bands.push({ series: [high, low], fill: `${c}33` });
      if (i < 3 && leaking.length) lines.push(line(floor(x.min), { label: `floor of ${x.name}`, stroke: `${c}99`, width: 1, paths: uPlot.paths.stepped({ align: 1 }) }));
      if (i < 8) entries.push(['line', x.name, c, lines]);
      else rest.push(...lines);
    });
    if (lit.length > 8) entries.push(['', `and ${lit.length - 8} more`, '', rest]);
    if (grey.length) entries.push(['line', `${grey.length} that ${grey.length === 1 ? 'does' : 'do'} not grow`, colour('--chart-other'), greys]);
    const fitted = [];
    const fits = h.fits.toSorted((a, b) => b.growth_per_hour.value - a.growth_per_hour.value).slice(0, 3);
    for (const f of fits) {
      const line_ = (rate) => xs.map((t) => (t < f.from || t > f.to ? null : f.level + (rate / 3600) * (t - f.at)));
      const g = f.growth_per_hour;
      if (g.low != null && g.high != null) {
        const high = line(xs.map((t, i) => { const a = line_(g.low)[i], b = line_(g.high)[i]; return a == null ? null : Math.max(a, b); }), { label: 'interval', stroke: 'transparent' });
        const low = line(xs.map((t, i) => { const a = line_(g.low)[i], b = line_(g.high)[i]; return a == null ? null : Math.max(0, Math.min(a, b)); }), { label: 'interval', stroke: 'transparent' });
        fitted.push(high, low);
        bands.push({ series: [high, low], fill: colour('--chart-interval') });
      }
      fitted.push(line(line_(g.value), { label: `fitted line of ${f.instance}`, stroke: colour('--text'), width: 1.5, dash: [7, 5] }));
    }
    if (fits.length) entries.push(['dash', `fitted growth and its 95 % interval${h.fits.length > 3 ? ', of three' : ''}`, colour('--text'), fitted]);
    if (withLoad) {
      const sum = xs.map((_, i) => {
        let total = null;
        for (const x of h.instances) if (x.load?.[i] != null) total = (total ?? 0) + x.load[i];
        return total;
      });
      const drawn = line(sum, { label: 'all shown', named: true, scale: 'load', stroke: colour('--chart-load'), colour: colour('--chart-load'), width: 1.25 });
      entries.push(['line', 'total load of the instances shown', colour('--chart-load'), [drawn]]);
    }
    if (h.profiles.length) entries.push(['dot', 'profile taken', colour('--link')]);
    if (leaking.length) entries.push(['thin', `floor${leaking.length > 3 ? ' of three' : ''}`, colour('--muted')]);
    if (h.restarts.length) entries.push(['tick', 'restart', colour('--muted')]);
    if (h.deploys.length) entries.push(['dash', 'deploy', colour('--muted')]);
    return { rows, series, bands, entries };
  };

  // marks draws events, such as deploys, over the lines.
  const marks = (u, h, picked) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const bottom = bbox.top + bbox.height;
    const x = (t) => Math.round(u.valToPos(t, 'x', true));
    const inside = (t) => t >= u.scales.x.min && t <= u.scales.x.max;
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'alphabetic';
    const taken = []; // right ends of the labels in each row
    const upright = (t, c, dash, text) => {
      if (t == null || !inside(t)) return;
      ctx.strokeStyle = ctx.fillStyle = c;
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash(dash.map((d) => d * ratio));
      ctx.beginPath();
      ctx.moveTo(x(t), bbox.top);
      ctx.lineTo(x(t), bottom);
      ctx.stroke();
      ctx.setLineDash([]);
      const w = ctx.measureText(text).width;
      const left = x(t) + w + 8 * ratio > bbox.left + bbox.width ? x(t) - w - 4 * ratio : x(t) + 4 * ratio;
      let row = 0;
      while (taken[row]?.some(([from, to]) => left < to && left + w > from)) row++;
      (taken[row] ??= []).push([left - 4 * ratio, left + w + 4 * ratio]);
      if (row < 8) ctx.fillText(text, left, bbox.top + (12 + 13 * row) * ratio);
    };
    upright(h.onset, colour('--accent'), [], 'onset');
    upright(h.detected_at, colour('--red'), [2, 3], 'alert');
    upright(h.resolved_at, colour('--green'), [], 'resolved');
    for (const d of h.deploys) upright(d.time, colour('--muted'), [4, 4], d.version || `deploy of ${d.instances}`);
    ctx.fillStyle = colour('--muted');
    for (const r of h.restarts) {
      if (!inside(r.time)) continue;
      ctx.beginPath();
      ctx.moveTo(x(r.time), bottom - 12 * ratio);
      ctx.lineTo(x(r.time) - 4 * ratio, bottom - 4 * ratio);
      ctx.lineTo(x(r.time) + 4 * ratio, bottom - 4 * ratio);
      ctx.fill();
    }
    for (const p of h.profiles) {
      if (!inside(p.time)) continue;
      const chosen = picked.includes(p.key);
      ctx.fillStyle = colour(chosen ? '--accent' : '--link');
      ctx.beginPath();
      ctx.arc(x(p.time), bottom, (chosen ? 6 : h.profiles.length > 60 ? 2 : 3.5) * ratio, 0, 2 * Math.PI);
      ctx.fill();
    }
    ctx.restore();
  };

  // The shortest and the longest span of time that a chart can show, in seconds.
  const shortest = 60;
  const longest = 120 * 86400;

  const goroutines = (figure) => {
    const plotEl = figure.querySelector('.plot');
    const caption = figure.querySelector('figcaption');
    const tools = figure.querySelector('.tools');
    // The state is in the address, so that a view can be shared.
    const query = new URLSearchParams(location.search);
    const span = (from, to) => (from > 0 && to - from >= shortest ? [Math.max(from, to - longest), to] : null);
    const view = { range: span(Number(query.get('from')), Number(query.get('to'))), last: Number(query.get('last')) || 0, load: query.get('load') === '1' };
    let picked = query.getAll('pick').slice(0, 2);
    const remember = () => {
      const u = new URL(location.href);
      const set = (name, value) => { if (value) u.searchParams.set(name, value); else u.searchParams.delete(name); };
      set('from', view.range && !view.last ? view.range[0].toFixed(0) : '');
      set('to', view.range && !view.last ? view.range[1].toFixed(0) : '');
      set('last', view.last ? String(view.last) : '');
      set('load', view.load ? '1' : '');
      u.searchParams.delete('pick');
      picked.forEach((k) => u.searchParams.append('pick', k));
      history.replaceState(null, '', u);
    };
    let plot = null;
    let last = null;

    const pick = (u, h, event) => {
      const box = u.over.getBoundingClientRect();
      const left = event.clientX - box.left;
      if (event.clientY < box.bottom - 24) return;
      let best = null;
      for (const p of h.profiles) {
        const d = Math.abs(u.valToPos(p.time, 'x') - left);
        if (d < 12 && (!best || d < best.d)) best = { d, p };
      }
      if (best) choose(u, h, best.p);
    };
    const choose = (u, h, p) => {
      picked = [...picked.filter((k) => k !== p.key), p.key].slice(-2);
      remember();
      tell(u, h);
    };
    // tell names the picked profiles below the chart, with a link that compares them.
    const tell = (u, h) => {
      u.redraw(false);
      strip(u, h);
      if (!picked.length) return;
      const chosen = h.profiles.filter((p) => picked.includes(p.key)); // in order of time
      caption.textContent = `Picked: ${chosen.map((p) => `${when(p.time)} on ${p.instance}`).join(' and ')}. `;
      const form = document.querySelector('form.pick');
      if (chosen.length === 2) {
        if (form) [form.elements.base.value, form.elements.head.value] = chosen.map((p) => p.key);
        const a = document.createElement('a');
        a.href = figure.dataset.chart.replace(/\/api\/v1\/services\/.*$/, '/compare?') + new URLSearchParams({ base: chosen[0].key, head: chosen[1].key });
        a.textContent = 'Compare them';
        caption.append(a, ' ', other('Pick none', () => { picked = []; caption.textContent = ''; remember(); tell(u, h); }));
      } else {
        caption.append('Pick another one to compare them.');
      }
    };

    const other = (text, act) => {
      const b = document.createElement('button');
      b.type = 'button';
      b.textContent = text;
      b.addEventListener('click', act);
      return b;
    };

    // strip lists the events below the chart: deploys, restarts, profiles.
    const strip = (u, h) => {
      let el = plotEl.querySelector('.strip');
      if (!el) {
        el = document.createElement('div');
        el.className = 'strip';
        u.root.after(el);
      }
      const lanes = [
        ['deploys', h.deploys.map((d) => ({ time: d.time, title: `Deploy ${d.version || `of ${d.instances} instances`}, ${when(d.time)}` }))],
        ['restarts', h.restarts.map((r) => ({ time: r.time, title: `Restart${r.instance ? ` of ${r.instance}` : ''}, ${when(r.time)}` }))],
        ['profiles', h.profiles.map((p) => ({ time: p.time, profile: p, title: `Profile of ${p.instance}, ${when(p.time)}` }))],
      ];
      const held = document.activeElement?.dataset?.mark;
      el.replaceChildren(...lanes.filter(([, marks]) => marks.length).map(([name, marks]) => {
        const lane = document.createElement('div');
        lane.className = `lane ${name}`;
        const label = document.createElement('span');
        label.textContent = name;
        lane.append(label);
        let tabbable = true;
        for (const m of marks) {
          if (m.time < u.scales.x.min || m.time > u.scales.x.max) continue;
          const mark = document.createElement(m.profile ? 'button' : 'i');
          mark.style.left = `${u.bbox.left / devicePixelRatio + u.valToPos(m.time, 'x')}px`;
          mark.title = m.title;
          if (m.profile) {
            mark.type = 'button';
            mark.setAttribute('aria-label', `Pick: ${m.title}`);
            mark.setAttribute('aria-pressed', String(picked.includes(m.profile.key)));
            mark.dataset.mark = m.profile.key;
            mark.tabIndex = tabbable ? 0 : -1;
            tabbable = false;
            mark.addEventListener('click', () => choose(u, h, m.profile));
          }
          lane.append(mark);
        }
        lane.addEventListener('keydown', (e) => {
          const to = { ArrowLeft: 'previousElementSibling', ArrowRight: 'nextElementSibling' }[e.key];
          const next = to && e.target[to];
          if (next?.tagName === 'BUTTON') {
            e.preventDefault();
            next.focus();
          }
        });
        return lane;
      }));
      if (held) [...el.querySelectorAll('button')].find((b) => b.dataset.mark === held)?.focus({ preventScroll: true });
    };

    const draw = (h) => {
      const began = performance.now();
      last = h;
      plot?.destroy();
      plotEl.replaceChildren();
      if (!h.instances.length) {
        const p = document.createElement('p');
        p.className = 'muted part';
        p.textContent = `There are no samples between ${when(h.start)} and ${when(h.start + h.steps * h.step)}.`;
        plotEl.append(p);
        return;
      }
      const l = lay(h, view.load);
      const known = h.instances.map((x) => x.max.findIndex((v) => v != null)).filter((i) => i >= 0);
      const first = view.range || !known.length ? 0 : Math.min(...known);
      plot = new uPlot({
        width: plotEl.clientWidth,
        height: height(plotEl),
        tzDate,
        legend: { show: false },
        scales: { x: { range: () => [h.start + (first - 1) * h.step, h.start + (h.steps - 1) * h.step] }, y: { range: (u, min, max) => [0, (max || 1) * 1.08] }, load: { range: (u, min, max) => [0, (max || 1) * 1.5] } },
        axes: axes(view.load ? [{ scale: 'load', side: 1, grid: { show: false }, values: (u, s) => s.map(String) }] : []),
        series: l.series,
        bands: l.bands,
        cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false } },
        hooks: {
          draw: [(u) => marks(u, h, picked)],
          setSize: [(u) => strip(u, h)],
          setCursor: [tip],
          setSelect: [(u) => {
            if (u.select.width < 5) return;
            const from = u.posToVal(u.select.left, 'x');
            const to = u.posToVal(u.select.left + u.select.width, 'x');
            const middle = (from + to) / 2;
            view.range = to - from < shortest ? [middle - shortest / 2, middle + shortest / 2] : [from, to];
            view.last = 0;
            press();
            remember();
            load();
          }],
          ready: [(u) => u.over.addEventListener('click', (e) => pick(u, h, e))],
        },
      }, l.rows, plotEl);
      const notes = [];
      if (h.more) notes.push(`${h.more} more instances are not drawn.`);
      if (h.profiles_error) notes.push(`Cannot list the profiles: ${h.profiles_error}.`);
      notes.push(...h.warnings.map((w) => `Prometheus says: ${w}.`));
      plotEl.append(legend(l.entries, () => plot));
      strip(plot, h);
      if (picked.length) tell(plot, h);
      if (notes.length) {
        const p = document.createElement('p');
        p.className = 'muted';
        p.textContent = notes.join(' ');
        plotEl.append(p);
      }
      figure.dataset.drawn = Math.round(performance.now() - began);
    };

    let asked = 0;
    const load = async (quietly = false) => {
      const turn = ++asked;
      const url = new URL(figure.dataset.chart, location.href);
      if (view.last) view.range = [Date.now() / 1000 - view.last, Date.now() / 1000];
      if (view.range) {
        url.searchParams.set('start', view.range[0].toFixed(3));
        url.searchParams.set('end', view.range[1].toFixed(3));
      }
      if (view.load) url.searchParams.set('load', 'true');
      url.searchParams.set('points', Math.max(100, Math.min(1000, Math.round(plotEl.clientWidth * 0.75))));
      if (!quietly) figure.setAttribute('aria-busy', 'true');
      try {
        let h = await data(url);
        // If there are only recent samples, zoom in on them.
        const first = h.instances.reduce((m, x) => { const i = x.max.findIndex((v) => v != null); return i < 0 ? m : Math.min(m, i); }, h.steps);
        if (!view.range && first > h.steps / 2 && first < h.steps) {
          url.searchParams.set('start', (h.start + (first - 1) * h.step).toFixed(3));
          h = await data(url);
        }
        if (turn === asked) draw(h);
      } catch (e) {
        if (turn === asked) say(plotEl, `The chart cannot be drawn: ${e.message}`);
      }
      if (turn === asked) figure.removeAttribute('aria-busy');
    };

    const button = (text, range) => {
      const b = document.createElement('button');
      b.type = 'button';
      b.textContent = text;
      b.dataset.range = range;
      b.addEventListener('click', () => {
        view.last = range;
        view.range = null;
        press();
        remember();
        load();
      });
      return b;
    };
    const reset = other('Reset zoom', () => { view.range = null; view.last = 0; press(); remember(); load(); });
    // press marks the button of the span that the chart shows, if there is one.
    const press = () => {
      for (const b of tools.querySelectorAll('[data-range]')) b.setAttribute('aria-pressed', String(!(view.range && !view.last) && Number(b.dataset.range) === view.last));
      reset.hidden = !view.range || Boolean(view.last);
    };
    const leak = figure.dataset.chart.includes('leak=');
    tools.append(button(leak ? 'Since the onset' : 'Default', 0), button('1 h', 3600), button('6 h', 6 * 3600), button('1 d', 86400), button('7 d', 7 * 86400), reset);
    const label = document.createElement('label');
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = view.load;
    box.addEventListener('change', () => { view.load = box.checked; remember(); load(); });
    label.append(box, ' load');
    tools.append(label);
    tools.hidden = false;
    press();
    fitted(plotEl, () => plot ?? { setSize() {} });
    dark(() => { if (last) draw(last); });
    addEventListener('zone', () => { if (last) draw(last); });
    // A refresh does not change a chart in which somebody has zoomed or picked profiles.
    addEventListener('refreshed', () => { if ((!view.range || view.last) && !picked.length && figure.isConnected && !plotEl.querySelector('.tip')) load(true); });
    load();
  };

  const counts = async (figure) => {
    const plotEl = figure.querySelector('.plot');
    let plot = null;
    const draw = (c) => {
      plot?.destroy();
      plotEl.replaceChildren();
      if (c.times.length) {
        const colours = palette();
        const pad = Math.max((c.times.at(-1) - c.times[0]) * 0.02, 1);
        plot = new uPlot({
          width: plotEl.clientWidth,
          height: Math.min(220, height(plotEl)),
          tzDate,
          legend: { show: false },
          scales: { x: { range: () => [c.times[0] - pad, c.times.at(-1) + pad] }, y: { range: (u, min, max) => [0, (max || 1) * 1.08] } },
          axes: axes([]),
          series: [{}, { label: 'all goroutines', named: true, stroke: colour('--chart-other'), colour: colour('--chart-other'), width: 1, points: { size: 4 } },
            ...c.stacks.map((s, i) => ({ label: s.name, named: true, stroke: colours[i % colours.length], colour: colours[i % colours.length], width: 2, points: { size: 6 } }))],
          cursor: { drag: { x: false, y: false }, points: { show: false } },
          hooks: { setCursor: [tip] },
        }, [c.times, c.total, ...c.stacks.map((s) => s.counts)], plotEl);
        plotEl.append(legend([...c.stacks.map((s, i) => ['line', s.name, colours[i % colours.length], [i + 2]]), ['line', `all goroutines of ${c.instance}`, colour('--chart-other'), [1]]], () => plot));
      }
      const notes = [];
      if (!c.times.length && !c.unread) notes.push('There are no profiles to count in.');
      if (c.unread) notes.push(`${c.unread} profile${c.unread === 1 ? '' : 's'} could not be read: ${c.problem}.`);
      if (notes.length) {
        const p = document.createElement('p');
        p.className = 'muted part';
        p.textContent = notes.join(' ');
        plotEl.append(p);
      }
    };
    try {
      const c = await data(figure.dataset.counts);
      draw(c);
      fitted(plotEl, () => plot ?? { setSize() {} });
      dark(() => draw(c));
      addEventListener('zone', () => draw(c));
    } catch (e) {
      say(plotEl, `The counts cannot be shown: ${e.message}.`);
    }
  };

  document.querySelectorAll('[data-chart]').forEach(goroutines);
  document.querySelectorAll('[data-counts]').forEach(counts);
});
