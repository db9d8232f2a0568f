/** A bar of all pieces; the fuller a part of it, the more of its pieces are here. */

const SVG = 'http://www.w3.org/2000/svg';

function rectangle(x, width, per_cent) {
  const shape = document.createElementNS(SVG, 'rect');
  shape.setAttribute('x', x);
  shape.setAttribute('width', width);
  shape.setAttribute('height', 1);
  // What has only begun must still be seen.
  shape.setAttribute('fill-opacity', per_cent === 100 ? 1 : 0.15 + (0.55 * per_cent) / 100);
  return shape;
}

/** One shape for each stretch of equal parts: a complete torrent is one. */
function shapes(done) {
  const found = [];
  let begin = 0;
  for (let index = 1; index <= done.length; index += 1) {
    if (index === done.length || done[index] !== done[begin]) {
      if (done[begin] > 0) {
        found.push(rectangle(begin, index - begin, done[begin]));
      }
      begin = index;
    }
  }
  return found;
}

function render({ model, el }) {
  el.classList.add('wt-pieces');
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('class', 'wt-pieces-map');
  drawing.setAttribute('role', 'img');
  drawing.setAttribute('preserveAspectRatio', 'none');
  el.append(drawing);

  const show = () => {
    const done = model.get('done');
    const title = document.createElementNS(SVG, 'title');
    title.textContent = model.get('summary');
    drawing.setAttribute('aria-label', model.get('summary'));
    drawing.setAttribute('viewBox', `0 0 ${Math.max(done.length, 1)} 1`);
    drawing.replaceChildren(title, ...shapes(done));
  };
  model.on('change:done change:summary', show);
  show();
  return () => model.off('change:done change:summary', show);
}

export default { render };
