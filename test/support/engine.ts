/** One import for tests that need tensors: `import { tf } from '../support/engine.ts'`. */
import { registerEngine } from '../../pipeline/engine/register.ts';

export const engine = await registerEngine();
export { tf } from '../../stages/numerics/tensor/tf.ts';
