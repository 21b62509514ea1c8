/**
 * Which TensorFlow each platform gets: the one place where wheels, versions and checksums are pinned. The libraries
 * in the wheels do not depend on Python; the Python tag only names the file, so that any Python 3 can fetch it.
 */
import { SetupFailure } from './failure.mjs';

export const TENSORFLOW_VERSION = '2.21.0';

/** Node-API version that the binding is built for; every Node since 16 has it. */
export const NODE_API_VERSION = 8;

/**
 * @typedef {object} Wheel
 * @property {string} package name on the Python package index
 * @property {string} version
 * @property {string[]} tags arguments that make pip choose this file
 * @property {string} sha256
 * @property {number} bytes
 * @property {'tensorflow' | 'nvidia'} kind which files are taken out of it
 *
 * @typedef {object} Engine
 * @property {string} name e.g. `tensorflow-cpu-2.21.0-linux-x64`
 * @property {Wheel[]} wheels
 * @property {number} unpackedBytes
 */

/**
 * @param {string} name
 * @param {string} platform
 * @param {string} sha256
 * @param {number} bytes
 * @returns {Wheel}
 */
function tensorflow(name, platform, sha256, bytes) {
  const tags = [
    '--platform',
    platform,
    '--python-version',
    '3.11',
    '--implementation',
    'cp',
    '--abi',
    'cp311',
  ];
  return { package: name, version: TENSORFLOW_VERSION, tags, sha256, bytes, kind: 'tensorflow' };
}

/**
 * @param {string} name
 * @param {string} version
 * @param {string} platform
 * @param {string} sha256
 * @param {number} bytes
 * @returns {Wheel}
 */
function nvidia(name, version, platform, sha256, bytes) {
  const tags = ['--platform', platform, '--python-version', '3.11'];
  return { package: `nvidia-${name}-cu12`, version, tags, sha256, bytes, kind: 'nvidia' };
}

// CUDA 12 as TensorFlow's own `and-cuda` extra asks for, without the compiler, which only XLA uses.
const CUDA = [
  nvidia(
    'cublas',
    '12.9.3.13',
    'manylinux_2_27_x86_64',
    'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
    581217458,
  ),
  nvidia(
    'cuda-cupti',
    '12.8.90',
    'manylinux2014_x86_64',
    'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
    10248621,
  ),
  nvidia(
    'cuda-nvrtc',
    '12.9.86',
    'manylinux2010_x86_64',
    '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
    89568129,
  ),
  nvidia(
    'cuda-runtime',
    '12.9.79',
    'manylinux2014_x86_64',
    '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
    3493179,
  ),
  nvidia(
    'cudnn',
    '9.28.0.42',
    'manylinux_2_27_x86_64',
    '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
    716538495,
  ),
  nvidia(
    'cufft',
    '11.4.1.4',
    'manylinux2014_x86_64',
    'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
    200877592,
  ),
  nvidia(
    'curand',
    '10.3.10.19',
    'manylinux_2_27_x86_64',
    '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
    68295626,
  ),
  nvidia(
    'cusolver',
    '11.7.5.82',
    'manylinux_2_27_x86_64',
    '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
    338117415,
  ),
  nvidia(
    'cusparse',
    '12.5.10.65',
    'manylinux2014_x86_64',
    '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
    366465088,
  ),
  nvidia(
    'nccl',
    '2.32.3',
    'manylinux_2_27_x86_64',
    'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
    351526311,
  ),
  nvidia(
    'nvjitlink',
    '12.9.86',
    'manylinux2010_x86_64',
    'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
    39748338,
  ),
];

/** @type {Record<string, { wheels: Wheel[], unpackedBytes: number }>} flavour-platform-arch -> what is installed */
export const ENGINES = {
  'cpu-linux-x64': {
    wheels: [
      tensorflow(
        'tensorflow-cpu',
        'manylinux_2_27_x86_64',
        '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
        273829956,
      ),
    ],
    unpackedBytes: 854e6,
  },
  'cpu-linux-arm64': {
    wheels: [
      tensorflow(
        'tensorflow',
        'manylinux_2_27_aarch64',
        '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
        281828020,
      ),
    ],
    unpackedBytes: 884e6,
  },
  'cpu-darwin-arm64': {
    wheels: [
      tensorflow(
        'tensorflow',
        'macosx_12_0_arm64',
        '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
        223405849,
      ),
    ],
    unpackedBytes: 742e6,
  },
  'cuda-linux-x64': {
    wheels: [
      tensorflow(
        'tensorflow',
        'manylinux_2_27_x86_64',
        '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
        572440367,
      ),
      ...CUDA,
    ],
    unpackedBytes: 5580e6,
  },
};

/**
 * The engine that this machine gets; `PAG_ENGINE` chooses between `cpu` (the default) and `cuda`.
 *
 * @param {import('./machine.mjs').Machine} machine
 * @returns {Engine}
 */
export function chooseEngine({ env, platform, arch, libc }) {
  const flavour = env.PAG_ENGINE || 'cpu';
  if (flavour !== 'cpu' && flavour !== 'cuda') {
    throw new SetupFailure(
      `Expected the environment variable PAG_ENGINE to be \`cpu\` or \`cuda\`, found \`${flavour}\`: set it to one of these, or unset it for \`cpu\`.`,
    );
  }
  const row = ENGINES[`${flavour}-${platform}-${arch}`];
  if (row && libc !== 'musl')
    return { name: `tensorflow-${flavour}-${TENSORFLOW_VERSION}-${platform}-${arch}`, ...row };
  const available = Object.keys(ENGINES).filter((key) => key.startsWith(`${flavour}-`));
  throw new SetupFailure(
    `Expected a platform for which there is a TensorFlow ${TENSORFLOW_VERSION} wheel (${available.join(', ')}; on Linux with glibc), found ${flavour}-${platform}-${arch}${libc === 'musl' ? ' with musl' : ''}: use one of these, for example in a container with Debian.`,
  );
}
