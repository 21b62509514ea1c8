/**
 * Short texts as pixels: a font of 5 × 8 for ASCII. The fonts of the system are other ones on every machine, and may be
 * missing, so that the same picture would not have the same bytes.
 */
import { emptyRaster, type Raster } from './png.ts';

const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 8;
const ADVANCE = GLYPH_WIDTH + 1;
const FIRST = ' '.charCodeAt(0);

/** From space to tilde: 8 rows of 5 pixels, each a digit of base 32 whose highest bit is on the left. */
const GLYPHS = `
  00000000 44444040 aa000000 aavavaa0 4fke5u40 op248j30 cik8lid0 44000000 24888420 84222480 04lel400 044v4400
  00000448 000e0000 00000cc0 01248g00 ehjlphe0 4c4444e0 eh1248v0 v2421he0 26aiv220 vgu11he0 68guhhe0 v1248880
  ehhehhe0 ehhf12c0 0cc0cc00 0cc0c480 248g8420 00v0v000 84212480 eh124040 ehnlngf0 ehhvhhh0 uhhuhhu0 ehggghe0
  uhhhhhu0 vgguggv0 vgguggg0 ehgnhhf0 hhhvhhh0 e44444e0 72222ic0 hikokih0 ggggggv0 hrllhhh0 hhpljhh0 ehhhhhe0
  uhhuggg0 ehhhlid0 uhhukih0 fgge11u0 v4444440 hhhhhhe0 hhhhha40 hhhllla0 hha4ahh0 hhha4440 v1248gv0 e88888e0
  0g842100 e22222e0 4ah00000 0000000v 84000000 00e1fhf0 ggmphhu0 00egghe0 11djhhf0 00ehvge0 698s8880 00fhhf1e
  ggmphhh0 40c444e0 206222ic ggikoki0 c44444e0 00qllhh0 00mphhh0 00ehhhe0 00uhhugg 00fhhf11 00mpggg0 00fge1u0
  88s88960 00hhhjd0 00hhha40 00hhlla0 00ha4ah0 00hhhf1e 00v248v0 24484420 44444440 84424480 008l2000`
  .trim()
  .split(/\s+/);

/** Pixels that a text is wide. */
export function textWidth(text: string): number {
  return Math.max(0, lettersOf(text).length * ADVANCE - 1);
}

/** Black on white, in one line. Accents are left out; what is no ASCII then is a question mark. */
export function textRaster(text: string): Raster {
  const raster = emptyRaster(textWidth(text), GLYPH_HEIGHT);
  raster.rgba.fill(255);
  for (const [i, letter] of lettersOf(text).entries()) {
    for (const [y, digit] of [...glyphOf(letter)].entries()) {
      const bits = Number.parseInt(digit, 32);
      for (let x = 0; x < GLYPH_WIDTH; x++) {
        if ((bits >> (GLYPH_WIDTH - 1 - x)) & 1)
          raster.rgba.set([0, 0, 0], (y * raster.width + i * ADVANCE + x) * 4);
      }
    }
  }
  return raster;
}

const lettersOf = (text: string) => [...text.normalize('NFKD').replace(/\p{M}/gu, '')];

function glyphOf(letter: string): string {
  return GLYPHS[letter.charCodeAt(0) - FIRST] ?? GLYPHS['?'.charCodeAt(0) - FIRST]!;
}
