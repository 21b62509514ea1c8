/** Kinds of numbers that many settings are. */
import * as z from 'zod';

export const count = z.number().int().min(1);
export const seed = z.number().int().min(0).max(0xffffffff);
export const probability = z.number().min(0).max(1);

/** `8/255` -> 8 / 255, as papers write distances in pixels of 256 levels. */
const fraction = z
  .string()
  .regex(/^\s*\d+(\.\d+)?\s*\/\s*0*[1-9]\d*\s*$/, 'expected a fraction such as 8/255')
  .transform((text) => {
    const [over, under] = text.split('/').map(Number) as [number, number];
    return over / under;
  });

/** ε of an attack, in the units of the data: a number, or a fraction as text. */
export const eps = z.union([z.number().min(0), fraction]);

/** A distance that cannot be 0, else as {@link eps}. */
export const distance = z.union([z.number().positive(), fraction.pipe(z.number().positive())]);

/** How convolutions and matrix products are calculated. */
export const precision = z.enum(['float32', 'bfloat16']);
export type Precision = z.infer<typeof precision>;

/** The threat models. */
export const norm = z.enum(['L2', 'Linf']);
