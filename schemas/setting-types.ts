/** Kinds of numbers that many settings are. */
import * as z from 'zod';

export const count = z.number().int().min(1);
export const seed = z.number().int().min(0).max(0xffffffff);
export const probability = z.number().min(0).max(1);
