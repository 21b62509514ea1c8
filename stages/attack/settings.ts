/** The attacks of a configuration: their names, what they are made of, and what decides their results. */
import { basename } from 'node:path';
import {
  type AttackConfig,
  type AttackSetting,
  attackSettings,
  type MethodName,
  stepsOf,
} from '../../schemas/attack-config.ts';
import { type Json, toJson } from '../../schemas/stage.ts';
import { autoAttack, type Part } from '../numerics/attacks/auto-attack.ts';

/** Raised whenever the same configuration would give other figures than before; unfinished work of others is refused. */
export const CODE_VERSION = 3;

/** One attack at one ε. */
export interface NamedSetting {
  setting: AttackSetting;
  /** Unlike those of the others. */
  name: string;
  /** What images go through, one after the other. */
  parts: Part[];
}

export function namedSettings(config: Pick<AttackConfig, 'attacks'>): NamedSetting[] {
  const names = new Map<string, number>();
  return attackSettings(config).map((setting) => {
    const short = settingName(setting);
    const times = (names.get(short) ?? 0) + 1;
    names.set(short, times);
    return {
      setting,
      name: times === 1 ? short : `${short} (${times})`,
      parts: setting.method === 'auto-attack' ? autoAttack(setting) : [setting],
    };
  });
}

/** Digits of an ε in a name. */
const DIGITS = 3;

/** `pgd-20 L2 1`, `targeted fgsm Linf 0.1`, `auto-attack standard Linf 0.0314`. */
export function settingName(setting: AttackSetting): string {
  const { norm, eps, targeted, version, method, from, minimal } = setting;
  const words = [
    targeted ? 'targeted' : '',
    minimal ? 'minimal' : '',
    methodName(setting),
    method === 'auto-attack' ? version : '',
    norm,
    String(Number(eps.toPrecision(DIGITS))),
    from === undefined ? '' : `from ${basename(from.model)}`,
  ];
  return words.filter((word) => word !== '').join(' ');
}

/** `pgd-20`; the steps of an AutoAttack are its parts' own. */
function methodName(setting: AttackSetting): MethodName | `${MethodName}-${number}` {
  const steps = stepsOf(setting);
  return steps === null ? setting.method : `${setting.method}-${steps}`;
}

/** What of the configuration decides the results: of models what they contain, not where they lie. */
export function decisivePart({ batchSize: _, chunkImages: __, model, attacks, ...rest }: AttackConfig): Json {
  return toJson({
    ...rest,
    ...(model && { model: model.fingerprint }),
    attacks: attacks.map(({ from, ...entry }) => ({ ...entry, ...(from && { from: from.fingerprint }) })),
  });
}
