declare module 'seek-bzip' {
  /** Throws where the data is not bzip2, is cut off, or does not fit its checksums. */
  function decode(packed: Uint8Array): Buffer;
  export default { decode };
}
