/** The codecs by name. A new one is a file in codecs/, a name in schemas/gradient-store.ts and a line here. */
import type { CodecName } from '../../schemas/gradient-store.ts';
import type { Codec } from './codecs/codec.ts';
import { float16 } from './codecs/float16.ts';
import { float32 } from './codecs/float32.ts';
import { int8 } from './codecs/int8.ts';

export const codecs: Record<CodecName, Codec> = { float32, float16, int8 };
