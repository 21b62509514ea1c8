/** The only import of TensorFlow.js: everything else says `tf`. The engine registers its backend before use. */
export * as tf from '@tensorflow/tfjs-core';
