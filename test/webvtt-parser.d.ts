/** What the tests use of the W3C's parser; it ships no declarations. */
declare module 'webvtt-parser' {
  export class WebVTTParser {
    parse(
      text: string,
      mode: 'metadata',
    ): {
      /** Times in seconds. */
      cues: { id: string; startTime: number; endTime: number; text: string }[];
      errors: { message: string; line: number }[];
    };
  }
}
