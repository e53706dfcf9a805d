/** Largest pictures that are decoded: 8192 × 4320, as of 8K video, in either direction. */
export const MAX_PICTURE_PIXELS = 8192 * 4320;

/** Streams of a file; what comes after them is not looked at. */
export const MAX_STREAMS = 64;

/** Compressed pictures that wait to be decoded; beyond, they are decoded before it is known whether they are needed. */
export const MAX_AHEAD_BYTES = 32 * 1024 * 1024;

/** Damaged pictures are decoded again from the start of the video when it is at most so many pictures away. */
export const MAX_FROM_START_PICTURES = 2000;

/** Memory of a worker, of which Node.js takes 80 MB, 4K pictures with 10 bits a sample 200 MB, 8K pictures 420 MB. */
export const MAX_WORKER_BYTES = 512 * 1024 * 1024;

/** What a decoder may take between two looks at its memory. */
export const MEMORY_MARGIN_BYTES = 24 * 1024 * 1024;

/** From here on a worker holds no more videos open than the one that it is at. */
export const CROWDED_BYTES = 256 * 1024 * 1024;
