/** The pages in a real browser, as people see them. Skipped where no Chromium is installed. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReport } from '../../../stages/report/run.ts';
import { type Fixture, writeArtifacts } from './fixture.ts';
import { attacked, colors, digits, toy } from './worlds.ts';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const program = PROGRAMS.find((path) => existsSync(path));
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const START_LIMIT_MS = 120_000;

if (program === undefined) {
  process.stderr.write(`skipped: the report in a browser (none of ${PROGRAMS.join(', ')} is installed)\n`);
}

describe.skipIf(program === undefined)('the page in a browser', () => {
  let folder: string;
  let context: BrowserContext;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pag-browser-'));
    const profile = join(folder, 'profile');
    context = await chromium.launchPersistentContext(profile, {
      executablePath: program!,
      args: QUIET,
      headless: true,
    });
  }, START_LIMIT_MS);

  afterAll(async () => {
    await context?.close();
    await rm(folder, { recursive: true, force: true });
  }, START_LIMIT_MS);

  /** The page of a world, with everything it complained about and asked for while it loaded. */
  async function open(name: string, world: () => Fixture) {
    const written = await writeArtifacts(join(folder, name), world());
    await runReport(written);
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(join(written.directory, 'report.html')).href, { waitUntil: 'load' });
    return { page, complaints, requests };
  }

  it.each([
    ['digits', digits],
    ['toy', toy],
    ['colors', colors],
    ['attacked', attacked],
  ])(
    'of %s loads quietly, alone, with all pictures, and fits phone and desktop, light and dark',
    async (name, world) => {
      const { page, complaints, requests } = await open(name, world);
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        for (const width of [390, 1280]) {
          await page.setViewportSize({ width, height: 900 });
          expect(await widestElement(page), `${scheme}, ${width} px`).toBeLessThanOrEqual(width);
        }
        expect(await contrastOfText(page)).toBeGreaterThan(7);
      }
      expect(await picturesNotDecoded(page)).toEqual(name === 'attacked' ? ['no pictures at all'] : []);
      expect(complaints).toEqual([]);
      expect(requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:'))).toEqual([]);
      expect(requests.filter((url) => url.startsWith('file:')).length).toBe(1);
      await page.close();
    },
    START_LIMIT_MS,
  );

  it(
    'fits a printed page',
    async () => {
      const { page } = await open('print', colors);
      await page.emulateMedia({ media: 'print' });
      await page.setViewportSize({ width: 680, height: 960 });
      expect(await widestElement(page)).toBeLessThanOrEqual(680);
      await page.close();
    },
    START_LIMIT_MS,
  );

  it(
    'keeps the labels at the ends of lines inside the plot',
    async () => {
      const { page } = await open('labels', digits);
      const outside = await page.evaluate(`[...document.querySelectorAll('svg text')].filter((text) => {
      const frame = text.ownerSVGElement.viewBox.baseVal;
      const box = text.getBBox();
      return box.x < 0 || box.x + box.width > frame.width + 1;
    }).map((text) => text.textContent)`);
      expect(outside).toEqual([]);
      await page.close();
    },
    START_LIMIT_MS,
  );
});

/** Width in pixels that the document needs: more than the window's means scrolling sideways. */
function widestElement(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth');
}

function picturesNotDecoded(page: Page): Promise<string[]> {
  return page.evaluate(`(async () => {
    const bad = [];
    const sources = [...document.querySelectorAll('img')].map((image) => image.src);
    sources.push(...[...document.querySelectorAll('image')].map((image) => image.href.baseVal));
    for (const source of sources) {
      const image = new Image();
      image.src = source;
      await image.decode().catch(() => bad.push(source.slice(0, 60)));
      if (image.naturalWidth === 0) bad.push(source.slice(0, 60));
    }
    return sources.length === 0 ? ['no pictures at all'] : bad;
  })()`);
}

/** Contrast ratio of text on the page by WCAG 2: 7 is the strictest level. */
function contrastOfText(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const style = getComputedStyle(document.body);
    const luminance = (color) => {
      const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const [dark, light] = [luminance(style.color), luminance(style.backgroundColor)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  })()`);
}
