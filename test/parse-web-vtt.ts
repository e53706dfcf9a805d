import { WebVTTParser } from 'webvtt-parser';

/** Reads a track with the W3C's parser; fails on anything that it objects to. */
export function parseWebVtt(text: string): { startTime: number; endTime: number; text: string }[] {
  const { cues, errors } = new WebVTTParser().parse(text, 'metadata');
  expect(errors).toEqual([]);
  return cues.map((cue) => ({ startTime: cue.startTime, endTime: cue.endTime, text: cue.text }));
}
