/** Sheets of pictures: for each image one row per kind of gradient or classifier, one column per class. */

import { pngDataUri, type Raster } from '../../store/pictures/png.ts';
import { gradientTile, imageTile, type Tile, tileRow } from '../../store/pictures/tiles.ts';
import { NORM_NAMES } from '../numerics/analyses/figure-text.ts';
import { figureSeed, keysOf } from './facts.ts';
import { figure, type Numbering } from './figure.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { keyOf, type Pictures, type ReportData, type Values, type VariantData } from './report-data.ts';

/** Longer class names are written upwards. */
const LEVEL_LETTERS = 3;

/** Variants that show the same images, with at least one. */
interface Group {
  variants: (VariantData & { pictures: Pictures })[];
}

/** One row of a sheet: its name and its tiles, [images, classes, h, w, c]. */
interface Row {
  kind: string;
  name: string;
  values: Values;
  draw: (tile: Tile) => Raster;
}

/** Images with target gradients and input gradients, one figure for each set of images. */
export function gradientGrids(data: ReportData, numbers: Numbering): Markup {
  return markup`${groups(data.variants).map((group) => figure(numbers, sheets(group, gradientRows(group)), gradientCaption(group)))}`;
}

/** Images with the targets of every store, one figure for each set of images that has any. */
export function targetGrids(data: ReportData, numbers: Numbering): Markup {
  return markup`${groups(data.variants).map((group) => {
    const rows = targetRows(group);
    return rows.length === 0 ? null : figure(numbers, sheets(group, rows), targetCaption(group));
  })}`;
}

/** Pictures that large targeted attacks made, one figure for each set of images. */
export function attackGrids(data: ReportData, numbers: Numbering): Markup {
  return markup`${groups(data.variants).map((group) => {
    const rows = group.variants.map((variant) => ({
      kind: 'attacked',
      name: variant.label,
      values: variant.pictures.attacked,
      draw: imageTile,
    }));
    return figure(numbers, sheets(group, rows), attackCaption(group));
  })}`;
}

function groups(variants: VariantData[]): Group[] {
  const found: Group[] = [];
  for (const variant of variants) {
    const { pictures } = variant;
    if (pictures === null) continue;
    const member = { ...variant, pictures };
    const group = found.find((candidate) => isSame(candidate.variants[0]!.pictures.images, pictures.images));
    if (group === undefined) found.push({ variants: [member] });
    else group.variants.push(member);
  }
  return found;
}

function isSame(a: Values, b: Values): boolean {
  return a.data.length === b.data.length && a.data.every((value, i) => value === b.data[i]);
}

/** Target gradients first, then every classifier's input gradients. */
function gradientRows(group: Group): Row[] {
  const gradients = group.variants.map(({ label, pictures }) => ({
    kind: 'input gradient',
    name: label,
    values: pictures.gradients,
    draw: gradientTile,
  }));
  return [...targetRows(group), ...gradients];
}

/** Target gradients, once for each store that was used. */
function targetRows({ variants }: Group): Row[] {
  const stores = new Map<string, Group['variants']>();
  for (const variant of variants) {
    const key = keyOf(variant, 'precompute');
    if (variant.pictures.targets !== null && key !== null)
      stores.set(key, [...(stores.get(key) ?? []), variant]);
  }
  const methods = [...stores.values()].map(([first]) => first!.config.precompute.method);
  return [...stores.values()].map((users, i) => {
    const isAlone = methods.filter((method) => method === methods[i]).length === 1;
    const name = `${methods[i]}${isAlone ? '' : ` (${users.map(({ label }) => label).join('; ')})`}`;
    return { kind: 'target', name, values: users[0]!.pictures.targets!, draw: gradientTile };
  });
}

function sheets({ variants }: Group, rows: Row[]): Markup {
  const { images } = variants[0]!.pictures;
  const labels = variants[0]!.analysis.pictures!.labels;
  const { classNames } = variants[0]!.dataset;
  const picture = (index: number) => pngDataUri(imageTile(tileOf(images, index)));
  return markup`<div class="images">${labels.map(
    (label, image) =>
      markup`<div class="sheet"><img class="picture" src="${picture(image)}" width="${images.shape[2]!}" height="${images.shape[1]!}" alt="image ${image + 1}, class ${classNames[label]!}">
${classHeads(classNames, label)}
${rows.map((row) => sheetRow(row, image, classNames))}</div>
`,
  )}</div>`;
}

function classHeads(classNames: string[], label: number): Markup {
  const isLong = classNames.some((name) => [...name].length > LEVEL_LETTERS);
  return markup`<div class="classes${isLong ? ' long' : null}" style="grid-template-columns:repeat(${classNames.length},minmax(0,1fr))">${classNames.map(
    (name, i) => markup`<span${i === label ? markup` class="true"` : null}>${name}</span>`,
  )}</div>`;
}

function sheetRow(row: Row, image: number, classNames: string[]): Markup {
  const classes = row.values.shape[1]!;
  const tiles = classNames.map((_, target) => row.draw(tileOf(row.values, image * classes + target)));
  const strip = tileRow(tiles);
  const alt: Part = `${row.kind} ${row.name}, image ${image + 1}: one picture for each class from ${classNames[0]!} to ${classNames.at(-1)!}`;
  return markup`<div class="name">${row.kind} <b>${row.name}</b></div><img src="${pngDataUri(strip)}" width="${strip.width}" height="${strip.height}" alt="${alt}">
`;
}

/** Picture `index` of an array whose last three axes are height, width and channels. */
function tileOf(values: Values, index: number): Tile {
  const [height, width, channels] = values.shape.slice(-3) as [number, number, number];
  const size = height * width * channels;
  return { height, width, channels, data: values.data.subarray(index * size, (index + 1) * size) };
}

function gradientCaption({ variants }: Group): Markup {
  return markup`Target gradients g(x, y) and each classifier’s input gradients ∇<sub>x</sub> f(x)<sub>y</sub>, for every class y (columns; the image’s own class is underlined). ${about(variants)} ${scale(variants)} ${figureSeed(variants)} ${keysOf(variants, 'analyze')}`;
}

function targetCaption({ variants }: Group): Markup {
  return markup`Target gradients g(x, y) of training images, one row for each store, towards every class y (columns; the image’s own class is underlined). ${about(variants)} ${scale(variants)} A tile of zeros: the store has no target of that image towards the class, or it is exactly zero. ${keysOf(variants, 'precompute')}`;
}

/** What the colours mean. */
function scale(variants: Group['variants']): string {
  const channels = variants[0]!.pictures.images.shape.at(-1)!;
  const colors =
    channels === 1
      ? 'Red raises the class’s logit where the image gets brighter, blue where it gets darker, white is zero.'
      : 'Drawn as 0.5 + g / (2 max |g|), so that gray is zero.';
  return `Each tile is divided by its own largest absolute value: compare shapes, not sizes. ${colors}`;
}

function attackCaption({ variants }: Group): Markup {
  const { eps } = variants[0]!.analysis.pictures!;
  const { pictureNorm, pictureSteps } = variants[0]!.config.analyze;
  return markup`Where a large targeted attack (${NORM_NAMES[pictureNorm]}, ε = ${eps}, ${pictureSteps} steps) leads each image: one column per target class, one row per classifier. ${about(variants)} A classifier with perceptually aligned gradients turns the image towards the class; another one leaves noise. ${figureSeed(variants)} ${keysOf(variants, 'analyze')}`;
}

function about(variants: Group['variants']): string {
  const { images } = variants[0]!.pictures;
  const split = variants[0]!.analysis.pictures!.targetImages === 'train' ? 'training' : 'test';
  return `n = ${images.shape[0]} ${split} images of ${variants[0]!.dataset.name}.`;
}
