/** Largest pictures that are decoded: 8192 × 4320, as of 8K video, in either direction. */
export const MAX_PICTURE_PIXELS = 8192 * 4320;

/** Streams of a file; what comes after them is not looked at. */
export const MAX_STREAMS = 64;

/** Compressed pictures that wait to be decoded; beyond, they are decoded before it is known whether they are needed. */
export const MAX_AHEAD_BYTES = 32 * 1024 * 1024;

/** Damaged pictures are decoded again from the start of the video when it is at most so many pictures away. */
export const MAX_FROM_START_PICTURES = 2000;
