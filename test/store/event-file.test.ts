import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crc32c } from '../../store/crc32c.ts';
import { encodeEvents } from '../../store/event-file.ts';
import { python } from '../support/python.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const events = [
  { step: 0, wallTimeSec: 1_600_000_000.25, scalars: { 'loss/cross entropy': 2.5, 'accuracy/τεστ': 0.1 } },
  { step: 300, wallTimeSec: 1_600_000_001.5, scalars: { 'loss/cross entropy': 1e-30 } },
  {
    step: 5_000_000_000,
    wallTimeSec: 1_600_000_002,
    scalars: { 'loss/cross entropy': -3e38, 'accuracy/τεστ': 1 },
  },
];

test('the checksum gives the published values', () => {
  // RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
});

const READ_BY_TENSORBOARD = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
accumulator = EventAccumulator(sys.argv[1])
accumulator.Reload()
print(json.dumps({
    'version': accumulator.file_version,
    'curves': {tag: [[s.wall_time, s.step, s.value] for s in accumulator.Scalars(tag)]
               for tag in accumulator.Tags()['scalars']}}))`;

test('TensorBoard reads every scalar with its step and time', async () => {
  const path = join(await temporaryFolder(), 'events.out.tfevents.0.test');
  await writeFile(path, encodeEvents(events));
  const seen = JSON.parse(python(READ_BY_TENSORBOARD, [path]));
  expect(seen.version).toBe(2);
  const expected: Record<string, number[][]> = {};
  for (const { step, wallTimeSec, scalars } of events) {
    for (const [tag, value] of Object.entries(scalars)) {
      expected[tag] = [...(expected[tag] ?? []), [wallTimeSec, step, Math.fround(value)]];
    }
  }
  expect(seen.curves).toEqual(expected);
});

test('the record checksums are those of TensorBoard, which skips over wrong ones', async () => {
  const path = join(await temporaryFolder(), 'events.out.tfevents.0.test');
  const bytes = encodeEvents(events);
  await writeFile(path, bytes);
  const script = `
import struct, sys
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
raw, at, records = open(sys.argv[1], 'rb').read(), 0, 0
while at < len(raw):
    n, head = struct.unpack('<QI', raw[at:at + 12])
    data, tail = raw[at + 12:at + 12 + n], struct.unpack('<I', raw[at + 12 + n:at + 16 + n])[0]
    assert head == masked_crc32c(raw[at:at + 8]) and tail == masked_crc32c(data), at
    at, records = at + 16 + n, records + 1
print(records)`;
  expect(python(script, [path]).trim()).toBe('4');
});

test('the same events give the same bytes, and none give a legal file', async () => {
  expect(encodeEvents(events)).toEqual(encodeEvents(structuredClone(events)));
  const path = join(await temporaryFolder(), 'events.out.tfevents.0.test');
  await writeFile(path, encodeEvents([]));
  expect(JSON.parse(python(READ_BY_TENSORBOARD, [path]))).toEqual({ version: 2, curves: {} });
});

test.each([-1, 1.5, Number.NaN, 2 ** 53])('a step of %s is refused', (step) => {
  expect(() => encodeEvents([{ step, wallTimeSec: 0, scalars: {} }])).toThrow(
    new RangeError(`Expected a whole number from 0 to 2^53, got ${step}.`),
  );
});
