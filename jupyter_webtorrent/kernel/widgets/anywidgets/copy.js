/** A button that copies; if the page may not, a field with the text selected, for the keyboard to copy. */

function render({ model, el }) {
  el.classList.add('wt-copy');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'jupyter-widgets jupyter-button widget-button wt-copy-button';
  button.textContent = 'Copy';
  const said = document.createElement('span');
  said.setAttribute('role', 'status');
  said.className = 'wt-copy-said';
  const field = document.createElement('input');
  field.readOnly = true;
  field.hidden = true;
  field.className = 'wt-copy-field';
  el.append(button, field, said);

  const show = () => {
    const what = model.get('what');
    button.title = `Copy ${what}`;
    button.setAttribute('aria-label', `Copy ${what}`);
    field.setAttribute('aria-label', what);
    button.disabled = model.get('value') === '';
    field.value = model.get('value');
  };
  let timer;
  const say = (words, milliseconds) => {
    said.textContent = words;
    clearTimeout(timer);
    timer = setTimeout(() => {
      said.textContent = '';
    }, milliseconds);
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(model.get('value'));
      field.hidden = true;
      say('Copied', 3000);
    } catch {
      field.hidden = false;
      field.focus();
      field.select();
      say('Press Ctrl+C or ⌘C', 30000);
    }
  };
  button.addEventListener('click', copy);
  model.on('change:value change:what', show);
  show();
  return () => {
    clearTimeout(timer);
    model.off('change:value change:what', show);
  };
}

export default { render };
