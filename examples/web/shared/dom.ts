// Small helpers of pages without a framework.

type Kinds = Record<string, new () => HTMLElement>;
type Parts<K extends Kinds> = { [Name in keyof K]: InstanceType<K[Name]> };

/**
 * Copies the page's <template> into <main> and returns its elements that have a `data-part`, by name. Each
 * element gets the id and the test id `key-part`.
 */
export function panel<K extends Kinds>(key: string, kinds: K): Parts<K> {
  const template = document.querySelector("template")!;
  const copy = template.content.cloneNode(true) as DocumentFragment;
  const found = new Map<string, HTMLElement>();
  for (const element of copy.querySelectorAll<HTMLElement>("[data-part]")) {
    const part = element.dataset.part!;
    element.dataset.testid = element.id = `${key}-${part}`;
    found.set(part, element);
  }
  const parts = Object.entries(kinds).map(([name, kind]) => {
    const element = found.get(name);
    if (!(element instanceof kind)) throw new Error(`the page has no ${kind.name} called ${name}`);
    return [name, element];
  });
  document.querySelector("main")!.append(copy);
  return Object.fromEntries(parts) as Parts<K>;
}

/** Creates an element with properties and children; text stays text. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children);
  return created;
}
