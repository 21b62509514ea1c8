import { describe, expect, it } from 'vitest';
import { SERIES_COLORS, STYLE } from '../../../stages/report/style.ts';

/** Relative luminance of #rrggbb, WCAG 2. */
function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Custom colours of the light, the dark and the printed page. */
const PALETTES = STYLE.split(':root')
  .slice(1)
  .map((block) =>
    Object.fromEntries(
      [...block.matchAll(/(--[a-z0-9-]+): (#[0-9a-f]{6})/g)].map(([, name, color]) => [name!, color!]),
    ),
  );

describe('the colours', () => {
  it('are given for light, dark and paper', () => {
    expect(PALETTES.length).toBe(3);
  });

  it.each([0, 1, 2])(
    'of palette %i can be read: text and every series reach 4.5 to 1 (WCAG 2 AA)',
    (palette) => {
      const colors = PALETTES[palette]!;
      const series = Array.from({ length: SERIES_COLORS }, (_, i) => `--c${i}`);
      for (const name of ['--ink', '--soft', '--link', ...series]) {
        expect(contrast(colors[name]!, colors['--page']!), name).toBeGreaterThanOrEqual(4.5);
      }
      expect(contrast(colors['--warn']!, colors['--warn-page']!)).toBeGreaterThanOrEqual(4.5);
    },
  );
});
