/** Figures and tables with running numbers, so that a reader can cite `Figure 2`. */
import { type Markup, markup } from './markup.ts';

/** Hands out numbers in the order in which a page is put together; one for each page. */
export interface Numbering {
  figure(): number;
  table(): number;
}

export function numbering(): Numbering {
  let figures = 0;
  let tables = 0;
  return {
    figure: () => ++figures,
    table: () => ++tables,
  };
}

/** A figure; `caption` states n, seed and configuration. */
export function figure(numbers: Numbering, body: Markup, caption: Markup): Markup {
  const number = numbers.figure();
  return markup`<figure id="figure-${number}">${body}
<figcaption><b>Figure ${number}.</b> ${caption}</figcaption></figure>`;
}

/** A sub-section's heading with an anchor. */
export function section(id: string, heading: string, body: Markup): Markup {
  return markup`<section id="${id}"><h2>${heading}</h2>
${body}
</section>`;
}
