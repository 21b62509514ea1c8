/** Fixed parts of an Arrow IPC file. */

/** Opens and closes the file. */
export const MAGIC = Buffer.from('ARROW1');
/** In front of a message: a mark and the message's length. */
export const MESSAGE_PREFIX_BYTES = 8;
/**
 * Ours, in front of the footer: CRC-32 of all bytes before that are in no record batch's body, and CRC-32 of the
 * footer, 4 bytes each.
 */
export const CHECKSUM_BYTES = 8;
/** At the end: length of the footer, and {@link MAGIC}. */
export const TAIL_BYTES = 4 + MAGIC.length;
