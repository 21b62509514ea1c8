/** The page: a pure function of the data, complete in itself, without a script and without a request. */

import { grouped } from '../numerics/analyses/figure-text.ts';
import { cascadeTables } from './cascades.ts';
import { certifiedTable } from './certified.ts';
import { configurationSection, dataSection } from './configuration.ts';
import { confusion } from './confusion.ts';
import { copiesSection } from './copies.ts';
import { accuracyCurves } from './curves.ts';
import { figureSeed, itemsOf } from './facts.ts';
import { numbering, section } from './figure.ts';
import { attackGrids, gradientGrids } from './image-grid.ts';
import { Markup, markup } from './markup.ts';
import { decisionMaps } from './plane.ts';
import type { ReportData } from './report-data.ts';
import { scoreModels } from './score-models.ts';
import { attackRows, distinct } from './settings.ts';
import { sigmaSweep } from './sigma-sweep.ts';
import { STYLE } from './style.ts';
import { headlineTable } from './table.ts';
import { targetSection } from './target-stores.ts';
import { trainingCurves } from './training-curves.ts';
import { numericsOnTrial } from './trial.ts';

/** The whole report as one HTML file. The same data gives the same bytes. */
export function reportHtml(data: ReportData): string {
  const sections = sectionsOf(data);
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="pag-pipeline">
<link rel="icon" href="data:,">
<title>${data.title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>${data.title}</h1>
<p class="lead">${lead(data)}</p>
${doubts(data)}
<nav aria-label="sections">${sections.map(({ id, heading }) => markup`<a href="#${id}">${heading}</a>`)}</nav>
</header>
<main>
${sections.map(({ id, heading, body }) => section(id, heading, body))}
</main>
</body>
</html>
`;
  return page.text;
}

interface Section {
  id: string;
  heading: string;
  body: Markup;
}

/** In the order of what a reader asks first; sections without content are left out. */
function sectionsOf(data: ReportData): Section[] {
  const numbers = numbering();
  const sections: Section[] = [
    {
      id: 'accuracy',
      heading: 'Accuracy',
      body: markup`${headlineTable(data, numbers)}${caveat(data)}${cascadeTables(data, numbers)}${certifiedTable(data, numbers)}`,
    },
    { id: 'curves', heading: 'Robust accuracy against ε', body: accuracyCurves(data, numbers) },
  ];
  const confused = confusion(data, numbers);
  if (confused !== null)
    sections.push({ id: 'confusion', heading: 'Confusion under attack', body: confused });
  const maps = decisionMaps(data, numbers);
  if (maps !== null) sections.push({ id: 'maps', heading: 'Decision maps', body: maps });
  const targets = targetSection(data, numbers);
  if (targets !== null) sections.push({ id: 'targets', heading: 'Target gradients', body: targets });
  if (data.variants.some(({ pictures }) => pictures !== null)) {
    sections.push({ id: 'gradients', heading: 'Gradients', body: gradientGrids(data, numbers) });
    sections.push({ id: 'attacked', heading: 'Large targeted attacks', body: attackGrids(data, numbers) });
  }
  const learned = scoreModels(data, numbers);
  if (learned !== null) sections.push({ id: 'score', heading: 'Score models', body: learned });
  const sweep = sigmaSweep(data, numbers);
  if (sweep !== null) sections.push({ id: 'sigma', heading: 'Noise levels', body: sweep });
  sections.push(
    { id: 'training', heading: 'Training', body: trainingCurves(data, numbers) },
    { id: 'trial', heading: 'Numerics on trial', body: numericsOnTrial(data, numbers) },
    { id: 'configuration', heading: 'Configuration', body: configurationSection(data, numbers) },
    { id: 'data', heading: 'Data', body: dataSection(data) },
    { id: 'tables', heading: 'Tables to copy', body: copiesSection(data) },
  );
  return sections;
}

function lead({ variants }: ReportData): string {
  const sets = distinct(
    variants,
    ({ dataset, attack }) => `${dataset.name}, n = ${grouped(attack.n)} test ${itemsOf(variants)}`,
  );
  const count = `${variants.length} classifier${variants.length === 1 ? '' : 's'}`;
  return `${count} · ${sets} · ${figureSeed(variants)}`;
}

/** The evaluator's doubts about its own figures stand before all figures. */
function doubts({ variants }: ReportData): Markup | null {
  const found = variants.filter(({ attack }) => attack.doubts.length > 0);
  if (found.length === 0) return null;
  const count = found.reduce((sum, { attack }) => sum + attack.doubts.length, 0);
  const head =
    count === 1
      ? 'The evaluator doubts one of these figures'
      : `The evaluator has ${count} doubts about these figures`;
  return markup`<div class="warning" role="note"><p><b>⚠ ${head}:</b></p>
<ul>${found.flatMap(({ label, attack }) => attack.doubts.map(({ sentence }) => markup`<li><b>${label}</b>: ${sentence}</li>`))}</ul></div>`;
}

function caveat({ variants }: ReportData): Markup {
  const kinds = attackRows(variants).map(({ kind }) => kind);
  const names = [...new Set(kinds.map(({ attack }) => attack))].join(', ');
  const items = itemsOf(variants);
  const targeted = `For targeted attacks it is the share that was not led to the target class, another class drawn for each of the ${items}.`;
  return markup`<p>Robust accuracy is the share of test ${items} that are still classified right after the named attack. ${kinds.some((kind) => kind.targeted) ? targeted : null} The attacks used here (${names}) find some adversarial ${items}, not all: every figure is an upper bound on the true robust accuracy at its ε, and a stronger attack may lower it.</p>`;
}
