// Live progress, buttons that copy, print and unfold. Pages work without it.
(() => {
  'use strict';
  const byId = id => document.getElementById(id);

  function draw(element, symbol) {
    element.querySelector('use').setAttribute('href', '#i-' + symbol);
  }

  // reload waits while a site restarts.
  async function reload() {
    try {
      const r = await fetch(location.href, { method: 'HEAD' });
      await r.text();
      if (r.status < 500) return location.reload();
    } catch {}
    setTimeout(reload, 3000);
  }

  // follow fills a page from events.
  function follow(live) {
    const row = byId('arrival').content.firstElementChild;
    const bar = live.querySelector('progress');
    const places = new Map();
    live.querySelectorAll('[data-place]').forEach(s => places.set(s.dataset.place, s.querySelector('ul')));

    function place(name) {
      if (!places.has(name)) {
        const section = document.createElement('section');
        const title = section.appendChild(document.createElement('h2'));
        title.textContent = name;
        places.set(name, section.appendChild(document.createElement('ul')));
        byId('arrivals').append(section);
      }
      return places.get(name);
    }

    const source = new EventSource(live.dataset.events);
    const on = (name, f) => source.addEventListener(name, e => f(JSON.parse(e.data)));
    function step(p) {
      bar.max = p.total;
      bar.value = p.done;
      if (p.say) byId('now').textContent = p.say;
      const stage = byId('stage-' + p.stage);
      if (!stage) return;
      stage.className = 'stage-' + p.state;
      stage.querySelector('.state').textContent = p.text;
      draw(stage, p.state);
    }
    on('progress', step);
    on('queue', q => byId('now').textContent = q.say);
    on('finding', f => {
      const item = row.cloneNode(true);
      item.className = 'v-' + f.verdict;
      item.querySelector('.word').textContent = f.word;
      item.querySelector('.title').textContent = f.title;
      draw(item, f.verdict);
      place(f.place).append(item);
    });
    on('done', d => {
      source.close();
      d.rest.forEach(step);
      reload();
    });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(reload, 3000);
    };
  }

  // copies makes a button copy a text, and say that it has.
  function copies(button, text) {
    const label = button.textContent;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
      setTimeout(() => button.textContent = label, 2000);
    });
  }

  // copyable adds a button.
  function copyable(element) {
    const text = element.textContent;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    copies(button, text);
    element.append(button);
  }

  // What only a script can do is hidden until there is one.
  document.querySelectorAll('[data-print]').forEach(b => {
    b.hidden = false;
    b.addEventListener('click', () => print());
  });
  document.querySelectorAll('[data-unfold]').forEach(a => a.addEventListener('click', e => {
    e.preventDefault();
    const all = [...document.querySelectorAll('main details')], open = all.some(d => !d.open);
    all.forEach(d => d.open = open);
    a.textContent = open ? 'Fold all' : 'Expand all';
  }));
  const live = byId('live');
  if (live) follow(live);
  if (navigator.clipboard) {
    document.querySelectorAll('pre:not(.transcript), [data-copy]').forEach(copyable);
    document.querySelectorAll('[data-link]').forEach(b => {
      b.hidden = false;
      copies(b, new URL(b.dataset.link, location).href);
    });
  }
})();
