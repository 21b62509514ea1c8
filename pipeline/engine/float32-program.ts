/** Program behind `askInFloat32`: brings up the engine in float32, and lets a module of a stage answer. */
import { answerProgram } from './ask-program.ts';
import { registerEngine } from './register.ts';

export interface Float32Question {
  /** URL of a module that exports `answer`. */
  module: string;
  question: object;
}

await answerProgram(async ({ module, question }: Float32Question) => {
  await registerEngine();
  const { answer } = (await import(module)) as { answer(question: object): Promise<object> };
  return answer(question);
});
