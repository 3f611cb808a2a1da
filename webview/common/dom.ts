/** Small helpers over the DOM. Text goes in as text: nothing here parses markup. */

export type Child = Node | string | null | undefined;

interface Properties {
  readonly [attribute: string]: string | number | boolean | undefined;
}

/** An element with attributes (`true` is a bare one, `false` and undefined leave it out; not so of ARIA) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag);
  setAttributes(created, attributes);
  append(created, children);
  return created;
}

/** As `element`, in the SVG namespace. */
export function svgElement<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Properties = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const created = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAttributes(created, attributes);
  append(created, children);
  return created;
}

export function button(
  label: string,
  onClick: () => void,
  attributes: Properties = {},
  ...children: readonly Child[]
): HTMLButtonElement {
  const created = element('button', { type: 'button', ...attributes }, ...children, label);
  created.addEventListener('click', onClick);
  return created;
}

export function setAttributes(target: Element, attributes: Properties): void {
  for (const [name, value] of Object.entries(attributes)) {
    // ARIA states are words: a bare one, or none, means something else.
    const isWord = name.startsWith('aria-') && typeof value === 'boolean';
    if (isWord) target.setAttribute(name, String(value));
    else if (value === undefined || value === false) target.removeAttribute(name);
    else target.setAttribute(name, value === true ? '' : String(value));
  }
}

/** Replaces the children; the same text again touches nothing, so that a selection in it lives on. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** The one root that the host's HTML has. */
export function appRoot(): HTMLElement {
  const root = document.getElementById('app');
  if (root === null) throw new Error('the page has no #app');
  return root;
}

/** Calls back on a key pressed outside of anything that takes the key itself. */
export function onKey(key: string, handler: (target: Element) => void): void {
  document.addEventListener('keydown', (event) => {
    if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const takesKeys =
      key === ' ' ? 'input, select, textarea, button, summary, a, td' : 'input, select, textarea';
    if (target.closest(takesKeys) !== null) return;
    event.preventDefault();
    handler(target);
  });
}

function append(target: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== null && child !== undefined) target.append(child);
}
