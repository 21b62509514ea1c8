/**
 * Reads Python pickles of plain values and numpy arrays, protocols 0 to 5, without executing anything: a pickle is a
 * program for a small stack machine (https://docs.python.org/3/library/pickletools.html lists its instructions), and
 * the instructions that call things are only taken where they rebuild an array. Everything else is refused.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { damagedData } from './dataset-source.ts';
import { FileBytes, PickleInput } from './pickle-input.ts';
import { applyGlobal, buildState, type PickleGlobal, type PickleValue } from './pickle-numpy.ts';
import { unescapeString, unescapeUnicode } from './pickle-text.ts';

const MARK = Symbol('mark');
type Slot = PickleValue | typeof MARK;

interface Machine {
  path: string;
  input: PickleInput;
  stack: Slot[];
  memo: Map<number, Slot>;
}

/** The value of a pickle file. Throws `DATA_DAMAGED` where it is none, or holds more than values and numpy arrays. */
export function readPickle(path: string): PickleValue {
  const descriptor = openSync(path, 'r');
  const input = new PickleInput(path, descriptor, fstatSync(descriptor).size);
  try {
    return run({ path, input, stack: [], memo: new Map() });
  } catch (error) {
    const found = `at byte ${input.position} ${(error as Error).message}`;
    throw damagedData(path, 'a pickle of plain values and numpy arrays', found, error);
  } finally {
    closeSync(descriptor);
  }
}

function run(machine: Machine): PickleValue {
  for (;;) {
    const code = machine.input.byte();
    if (code === 0x2e) return popValue(machine);
    const instruction = INSTRUCTIONS[code];
    if (instruction === undefined) {
      throw new Error(
        `the instruction 0x${code.toString(16).padStart(2, '0')}, which is not among those of such a pickle`,
      );
    }
    instruction(machine);
  }
}

function popValue({ stack }: Machine): PickleValue {
  const value = stack.pop();
  if (value === undefined || value === MARK) throw new Error('an instruction that lacks its values');
  return value as PickleValue;
}

function top({ stack }: Machine): PickleValue {
  const value = stack.at(-1);
  if (value === undefined || value === MARK) throw new Error('an instruction that lacks its values');
  return value as PickleValue;
}

/** What was pushed since the last mark. */
function popMarked({ stack }: Machine): PickleValue[] {
  const start = stack.lastIndexOf(MARK);
  if (start < 0) throw new Error('an instruction that lacks its values');
  return stack.splice(start).slice(1) as PickleValue[];
}

function popMany(machine: Machine, count: number): PickleValue[] {
  return Array.from({ length: count }, () => popValue(machine)).reverse();
}

function setItems(target: PickleValue, items: PickleValue[]): void {
  if (!(target instanceof Map) || items.length % 2 !== 0)
    throw new Error('items for something that is no dict');
  for (let i = 0; i < items.length; i += 2) target.set(keyOf(items[i]!), items[i + 1]!);
}

/** Python 2 wrote texts as bytes. */
function keyOf(key: PickleValue): PickleValue {
  return key instanceof Uint8Array ? Buffer.from(key).toString('latin1') : key;
}

function append(target: PickleValue, items: PickleValue[]): void {
  if (!Array.isArray(target)) throw new Error('items for something that is no list');
  for (const item of items) target.push(item);
}

/** A number of any length, least byte first, in two's complement. */
function longOf(bytes: Uint8Array): number {
  const digits = [...bytes].reverse().map((byte) => byte.toString(16).padStart(2, '0'));
  const value = digits.length === 0 ? 0n : BigInt(`0x${digits.join('')}`);
  return Number(BigInt.asIntN(8 * bytes.length, value));
}

function decimalOf(text: string): number | boolean {
  if (text === '00' || text === '01') return text === '01';
  const number = Number(text.replace(/L$/, ''));
  if (text.trim() === '' || Number.isNaN(number)) throw new Error(`the number ${JSON.stringify(text)}`);
  return number;
}

function remember({ memo, stack }: Machine, key: number): void {
  const value = stack.at(-1);
  if (value === undefined) throw new Error('an instruction that lacks its values');
  memo.set(key, value);
}

function recall({ memo, stack }: Machine, key: number): void {
  const value = memo.get(key);
  if (value === undefined) throw new Error(`a reference to entry ${key}, which was not stored`);
  stack.push(value);
}

function pushGlobal({ stack }: Machine, module: PickleValue, name: PickleValue): void {
  const global: PickleGlobal = { global: `${String(module)}.${String(name)}` };
  // Refused here already, so that nothing of another kind is ever on the stack.
  stack.push(applyGlobal(global, null));
}

type Instruction = (machine: Machine) => void;
const push =
  (of: (machine: Machine) => Slot): Instruction =>
  (machine) => {
    machine.stack.push(of(machine));
  };
const latin1 = (bytes: Uint8Array | FileBytes) =>
  bytes instanceof FileBytes ? bytes : Buffer.from(bytes).toString('latin1');
const utf8 = (input: PickleInput, bytes: number) => Buffer.from(input.bytes(bytes)).toString('utf8');

/** By the byte that stands for each; names are those of Python's pickletools. */
const INSTRUCTIONS: Record<number, Instruction> = {
  128: ({ input }) => {
    const protocol = input.byte();
    if (protocol > 5) throw new Error(`protocol ${protocol}, of which only 0 to 5 are read`);
  }, // PROTO
  149: ({ input }) => void input.number(8), // FRAME
  40: push(() => MARK),
  48: (machine) => void machine.stack.pop(), // POP
  49: (machine) => void popMarked(machine), // POP_MARK
  50: push((machine) => top(machine)), // DUP
  78: push(() => null), // NONE
  136: push(() => true), // NEWTRUE
  137: push(() => false), // NEWFALSE
  70: push(({ input }) => decimalOf(input.line())), // FLOAT
  73: push(({ input }) => decimalOf(input.line())), // INT
  76: push(({ input }) => decimalOf(input.line())), // LONG
  71: push(({ input }) => input.bytes(8).readDoubleBE(0)), // BINFLOAT
  74: push(({ input }) => input.bytes(4).readInt32LE(0)), // BININT
  75: push(({ input }) => input.byte()), // BININT1
  77: push(({ input }) => input.number(2)), // BININT2
  138: push(({ input }) => longOf(input.bytes(input.byte()))), // LONG1
  139: push(({ input }) => longOf(input.bytes(input.number(4)))), // LONG4
  83: push(({ input }) => unescapeString(input.line())), // STRING
  84: push(({ input }) => latin1(input.payload(input.number(4)))), // BINSTRING
  85: push(({ input }) => latin1(input.payload(input.byte()))), // SHORT_BINSTRING
  66: push(({ input }) => input.payload(input.number(4))), // BINBYTES
  67: push(({ input }) => input.payload(input.byte())), // SHORT_BINBYTES
  142: push(({ input }) => input.payload(input.number(8))), // BINBYTES8
  150: push(({ input }) => input.payload(input.number(8))), // BYTEARRAY8
  86: push(({ input }) => unescapeUnicode(input.line())), // UNICODE
  88: push(({ input }) => utf8(input, input.number(4))), // BINUNICODE
  140: push(({ input }) => utf8(input, input.byte())), // SHORT_BINUNICODE
  141: push(({ input }) => utf8(input, input.number(8))), // BINUNICODE8
  93: push(() => []), // EMPTY_LIST
  41: push(() => []), // EMPTY_TUPLE
  125: push(() => new Map()), // EMPTY_DICT
  108: push(popMarked), // LIST
  116: push(popMarked), // TUPLE
  133: push((machine) => popMany(machine, 1)), // TUPLE1
  134: push((machine) => popMany(machine, 2)), // TUPLE2
  135: push((machine) => popMany(machine, 3)), // TUPLE3
  100: push((machine) => {
    const items = popMarked(machine);
    const dict = new Map<PickleValue, PickleValue>();
    setItems(dict, items);
    return dict;
  }), // DICT
  97: (machine) => {
    const item = popValue(machine);
    append(top(machine), [item]);
  }, // APPEND
  101: (machine) => {
    const items = popMarked(machine);
    append(top(machine), items);
  }, // APPENDS
  115: (machine) => {
    const items = popMany(machine, 2);
    setItems(top(machine), items);
  }, // SETITEM
  117: (machine) => {
    const items = popMarked(machine);
    setItems(top(machine), items);
  }, // SETITEMS
  112: (machine) => remember(machine, Number(machine.input.line())), // PUT
  113: (machine) => remember(machine, machine.input.byte()), // BINPUT
  114: (machine) => remember(machine, machine.input.number(4)), // LONG_BINPUT
  148: (machine) => remember(machine, machine.memo.size), // MEMOIZE
  103: (machine) => recall(machine, Number(machine.input.line())), // GET
  104: (machine) => recall(machine, machine.input.byte()), // BINGET
  106: (machine) => recall(machine, machine.input.number(4)), // LONG_BINGET
  99: (machine) => pushGlobal(machine, machine.input.line(), machine.input.line()), // GLOBAL
  147: (machine) => {
    const [module, name] = popMany(machine, 2);
    pushGlobal(machine, module!, name!);
  }, // STACK_GLOBAL
  82: (machine) => {
    const [target, values] = popMany(machine, 2);
    machine.stack.push(applyGlobal(target as PickleGlobal, values as PickleValue[]));
  }, // REDUCE
  98: (machine) => {
    const state = popValue(machine);
    buildState(top(machine), state);
  }, // BUILD
};
