/** Program: loads the engine and answers what it found. */
import { answerProgram } from './ask-program.ts';
import { registerEngine } from './register.ts';

await answerProgram(() => registerEngine());
