import fc from 'fast-check';
import { isoTime } from '../../../shared/core/iso-time';

test('a time is printed as Date prints it', () => {
  const years1000To9999 = fc.integer({ min: Date.UTC(1000), max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(years1000To9999, (timeMs) => {
      expect(isoTime(timeMs)).toBe(new Date(timeMs).toISOString());
    }),
  );
});

test('what is no time is not printed', () => expect(() => isoTime(Number.NaN)).toThrow(RangeError));
