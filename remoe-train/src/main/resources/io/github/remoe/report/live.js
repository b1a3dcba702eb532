// Keeps the page of a training up to date, section by section, and says when the training has ended.
(() => {
  'use strict';

  const MILLIS = Number(document.currentScript.dataset.millis ?? 3000);
  const MILLIS_UNSEEN = 60000;

  const bar = document.createElement('aside');
  const state = document.createElement('span');
  const time = document.createElement('time');
  bar.className = 'live-status';
  bar.setAttribute('aria-label', 'Live');
  bar.style.cssText = 'position: sticky; bottom: 0; padding: .5em 1em; text-align: right;'
      + ' background: var(--ground, Canvas); color: var(--text, CanvasText);'
      + ' border-top: 1px solid var(--line, currentColor)';
  // Only what happens is told by a screen reader, not every tick.
  state.setAttribute('role', 'status');
  bar.append(state, ' ', time);
  document.body.append(bar);

  // The page's own script may have changed what is shown, so this is what the next is compared with.
  let served = document.querySelector('main').cloneNode(true);
  let timer;
  let asking = false;

  function say(text) {
    if (state.textContent !== text) {
      state.textContent = text;
    }
  }

  function tick() {
    time.textContent = `Updated ${new Date().toLocaleTimeString([], {hour12: false})}`;
  }

  // Where an element is: up from the first id in it, or down from an element above of which that can
  // be said.
  function place(element) {
    const down = [];
    let named = element.id ? element : element.querySelector('[id]');
    while (!named && element.parentElement) {
      down.unshift([...element.parentElement.children].indexOf(element));
      element = element.parentElement;
      named = element.id ? element : element.querySelector('[id]');
    }
    let up = 0;
    for (let e = named; e && e !== element; e = e.parentElement) {
      up++;
    }
    return {id: named?.id, up, down};
  }

  function find({id, up, down}) {
    let element = document.getElementById(id);
    for (let i = 0; i < up; i++) {
      element = element?.parentElement;
    }
    return down.reduce((e, i) => e?.children[i], element);
  }

  // What the reader has opened, sorted, scrolled and focused in a section.
  function remember(section) {
    const all = (selector) => [...section.querySelectorAll(selector)];
    return {
      opened: all('details').map((e) => ({place: place(e), open: e.open})),
      sorted: all('th[aria-sort]')
          .map((e) => ({place: place(e), sort: e.getAttribute('aria-sort')}))
          .filter((e) => e.sort !== 'none'),
      scrolled: all('*')
          .filter((e) => e.scrollLeft || e.scrollTop)
          .map((e) => ({place: place(e), left: e.scrollLeft, top: e.scrollTop})),
      focused: section.contains(document.activeElement) ? place(document.activeElement) : null,
    };
  }

  function restore(remembered) {
    for (const {place, open} of remembered.opened) {
      const details = find(place);
      if (details) {
        details.open = open;
      }
    }
    for (const {place, sort} of remembered.sorted) {
      // Upwards, then downwards.
      for (let clicks = 0; clicks < 2; clicks++) {
        const head = find(place);
        if (head && head.getAttribute('aria-sort') !== sort) {
          head.querySelector('button')?.click();
        }
      }
    }
    for (const {place, left, top} of remembered.scrolled) {
      find(place)?.scrollTo({left, top, behavior: 'instant'});
    }
    if (remembered.focused) {
      find(remembered.focused)?.focus({preventScroll: true});
    }
  }

  function show(page) {
    const main = document.querySelector('main');
    const fresh = page.querySelector('main');
    const shown = [...main.children];
    const alike = shown.length === fresh.children.length
        && shown.length === served.children.length;
    const changed = shown.filter(
        (section, i) => !alike || !served.children[i].isEqualNode(fresh.children[i]));
    const reading = shown.find((section) => section.getBoundingClientRect().bottom > 0);
    const readingAt = reading && reading.getBoundingClientRect().top;
    const readingIndex = shown.indexOf(reading);

    const remembered = changed.map(remember);
    if (alike) {
      for (const section of changed) {
        const i = shown.indexOf(section);
        section.replaceWith(document.importNode(fresh.children[i], true));
      }
    } else {
      main.replaceChildren(...document.importNode(fresh, true).childNodes);
    }
    remembered.forEach(restore);

    const now = main.children[readingIndex];
    if (now && changed.length > 0) {
      const moved = now.getBoundingClientRect().top - readingAt;
      window.scrollBy({top: moved, behavior: 'instant'});
    }
    served = fresh;
    document.title = page.title;
  }

  async function refresh() {
    if (asking) {
      return;
    }
    asking = true;
    clearTimeout(timer);
    let ended = false;
    try {
      const answer = await fetch('/?refresh', {cache: 'no-store'});
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      ended = answer.headers.get('Training') === 'ended';
      if (answer.ok && 'noPage' in document.querySelector('main').dataset) {
        location.reload();
      } else if (answer.ok) {
        show(page);
        tick();
        say(ended ? 'The training has ended; this is its page to the end.' : 'The training runs.');
      } else {
        say(page.querySelector('main').textContent.trim());
      }
    } catch (e) {
      say('No answer any more: the training has ended or was stopped.');
    }
    asking = false;
    if (!ended) {
      timer = setTimeout(refresh, document.hidden ? MILLIS_UNSEEN : MILLIS);
    }
  }

  document.addEventListener('visibilitychange', () => {
    if (timer && !document.hidden) {
      refresh();
    }
  });
  tick();
  say('The training runs.');
  timer = setTimeout(refresh, MILLIS);
})();
