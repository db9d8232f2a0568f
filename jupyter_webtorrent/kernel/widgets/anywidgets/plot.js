/** Two lines over time, with the highest rate and the time span as words. */

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;

function line(kind, rates, top) {
  const shape = document.createElementNS(SVG, 'polyline');
  const points = rates.map((rate, index) => `${index},${HEIGHT - (HEIGHT * rate) / top}`);
  shape.setAttribute('class', `wt-plot-${kind}`);
  shape.setAttribute('points', points.join(' '));
  return shape;
}

function words(className) {
  const span = document.createElement('span');
  span.className = className;
  return span;
}

function render({ model, el }) {
  el.classList.add('wt-plot');
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('role', 'img');
  drawing.setAttribute('preserveAspectRatio', 'none');
  const top = words('wt-plot-top');
  const span = words('wt-plot-span');
  const now = words('wt-plot-now');
  now.textContent = 'now';
  const area = document.createElement('div');
  area.className = 'wt-plot-area';
  area.append(drawing, top);
  const axis = document.createElement('div');
  axis.className = 'wt-plot-axis';
  axis.append(span, now);
  const down = words('wt-plot-key wt-plot-key-down');
  const up = words('wt-plot-key wt-plot-key-up');
  const keys = document.createElement('div');
  keys.className = 'wt-plot-keys';
  keys.append(down, up);
  el.append(keys, area, axis);

  const show = () => {
    const summary = `${model.get('down_label')}, ${model.get('up_label')}`;
    const title = document.createElementNS(SVG, 'title');
    title.textContent = `Rates since ${model.get('span_label')}: ${summary}`;
    drawing.setAttribute('aria-label', title.textContent);
    drawing.setAttribute('viewBox', `0 0 ${Math.max(model.get('down').length - 1, 1)} ${HEIGHT}`);
    drawing.replaceChildren(
      title,
      line('up', model.get('up'), model.get('top')),
      line('down', model.get('down'), model.get('top'))
    );
    down.textContent = model.get('down_label');
    up.textContent = model.get('up_label');
    top.textContent = model.get('top_label');
    span.textContent = model.get('span_label');
  };
  // The newest state of all, once a drawing, however many of them changed.
  let asked = 0;
  const later = () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(show);
  };
  model.on('change', later);
  show();
  return () => {
    cancelAnimationFrame(asked);
    model.off('change', later);
  };
}

export default { render };
