/** Most pixels of a picture: 8192 × 4320, as in 8K video, in either direction. */
export const MAX_PICTURE_PIXELS = 8192 * 4320;

/** A year. A header that states more is wrong. */
export const MAX_DURATION_MS = 366 * 24 * 3_600_000;

/** Most streams of a file. Later ones are ignored. */
export const MAX_STREAMS = 64;

/**
 * Most bytes of compressed pictures that wait for decoding. Beyond that, pictures are decoded before it is known
 * whether they are needed.
 */
export const MAX_AHEAD_BYTES = 32 * 1024 * 1024;

/** Damaged pictures are decoded again from the start of the video if it is at most this many pictures away. */
export const MAX_FROM_START_PICTURES = 2000;

/**
 * Memory limit of a worker. Node.js takes 80 MB of it, 4K pictures with 10 bits per sample 200 MB, 8K pictures 420 MB.
 */
export const MAX_WORKER_BYTES = 512 * 1024 * 1024;

/** How much a decoder may allocate between two checks of its memory. */
export const MEMORY_MARGIN_BYTES = 24 * 1024 * 1024;

/** From here on, a worker keeps only its current video open. */
export const CROWDED_BYTES = 256 * 1024 * 1024;
