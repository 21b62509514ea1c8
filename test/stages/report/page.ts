/** Reads a page as a browser would, for tests. */
import type { DefaultTreeAdapterTypes, ParserError } from 'parse5';
import { parse } from 'parse5';

type Node = DefaultTreeAdapterTypes.Node;

/** The document and all that the HTML standard calls a parse error. */
export function parsePage(html: string): { document: Node; errors: ParserError[] } {
  const errors: ParserError[] = [];
  const document = parse(html, { onParseError: (error) => errors.push(error), sourceCodeLocationInfo: true });
  return { document, errors };
}

/** All elements of a name below a node, in the order of the page. */
export function elementsOf(node: Node, name: string): DefaultTreeAdapterTypes.Element[] {
  const own = 'tagName' in node && node.tagName === name ? [node] : [];
  const children = 'childNodes' in node ? node.childNodes : [];
  return [...own, ...children.flatMap((child) => elementsOf(child, name))];
}

/** Attributes of all elements of a name below a node. */
export function attributesOf(node: Node, name: string): Record<string, string>[] {
  return elementsOf(node, name).map(({ attrs }) =>
    Object.fromEntries(attrs.map(({ name, value }) => [name, value])),
  );
}

/** The text of a node with single spaces, as it is read. */
export function textOf(node: Node): string {
  if ('value' in node && node.nodeName === '#text') return node.value;
  const children = 'childNodes' in node ? node.childNodes : [];
  return children.map(textOf).join('').replace(/\s+/g, ' ');
}
