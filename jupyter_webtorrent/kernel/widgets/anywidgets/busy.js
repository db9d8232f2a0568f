/** A bar that runs to and fro. */

function render({ model, el }) {
  el.classList.add('wt-busy');
  const bar = document.createElement('div');
  bar.className = 'wt-busy-bar';
  bar.setAttribute('role', 'progressbar');
  bar.append(document.createElement('div'));
  el.append(bar);

  const show = () => {
    bar.hidden = !model.get('active');
    bar.setAttribute('aria-label', model.get('label'));
  };
  model.on('change:active change:label', show);
  show();
  return () => model.off('change:active change:label', show);
}

export default { render };
