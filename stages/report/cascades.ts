/** What each attack of AutoAttack has left standing: one table for each list of attacks. */
import { attackTitle } from '../numerics/analyses/attack-tables/attack-title.ts';
import { epsText, grouped, NORM_NAMES } from '../numerics/analyses/figure-text.ts';
import { figureSeed, itemsOf } from './facts.ts';
import type { Numbering } from './figure.ts';
import { type Markup, markup } from './markup.ts';
import type { AttackFigure, ReportData, VariantData } from './report-data.ts';
import { distinct, kindOf } from './settings.ts';
import { share, table } from './table.ts';

interface Line {
  variant: VariantData;
  figure: AttackFigure;
}

/** Null where no attack is made of several. */
export function cascadeTables({ variants }: ReportData, numbers: Numbering): Markup | null {
  const lists = new Map<string, Line[]>();
  for (const variant of variants) {
    for (const figure of variant.attack.attacks.filter(({ parts }) => parts.length > 1)) {
      const key = JSON.stringify([kindOf(figure).attack, ...figure.parts.map(({ attack }) => attack)]);
      lists.set(key, [...(lists.get(key) ?? []), { variant, figure }]);
    }
  }
  if (lists.size === 0) return null;
  return markup`${[...lists.values()].map((lines) => cascadeTable(lines, numbers))}`;
}

/** Norms in their usual order, ε rising, so that variants under the same attack stand together. */
function orderOf({ figure: { norm, eps } }: Line): number {
  return 1e9 * Object.keys(NORM_NAMES).indexOf(norm) + eps;
}

function cascadeTable(lines: Line[], numbers: Numbering): Markup {
  const [{ figure: first }] = lines as [Line];
  const columns = [
    { name: 'variant' },
    { name: 'ball' },
    { name: 'clean', number: true },
    ...first.parts.map(({ attack }, i) => ({
      name: `${i === 0 ? '' : '+ '}${attackTitle(attack)}`,
      number: true,
    })),
  ];
  const rising = [...lines].sort((a, b) => orderOf(a) - orderOf(b));
  const rows = rising.map(({ variant, figure }) => [
    variant.label,
    `${NORM_NAMES[figure.norm]} ${epsText(figure.eps)}`,
    share(figure.cleanCorrect, figure.n),
    ...figure.parts.map(({ robust }) => share(robust, figure.n)),
  ]);
  const used = lines.map(({ variant }) => variant);
  const n = distinct(used, ({ attack }) => grouped(attack.n));
  const caption = markup`<b>Table ${numbers.table()}.</b> ${kindOf(first).attack}: accuracy in % after each of its attacks, which gets only the ${itemsOf(used)} that those before it left standing; the last column is the figure. n = ${n} test ${itemsOf(used)}, with Wilson’s 95 % intervals. ${figureSeed(used)}`;
  return table(columns, rows, caption, 'cascade');
}
